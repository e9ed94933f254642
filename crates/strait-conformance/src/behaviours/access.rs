//! What other users may do.

use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours, nobody, unavailable, unique,
};
use strait::{
    Access,
    generic::{ByteReceiver, ByteSender, SharedMemory},
};

behaviours! {
    access;
    another_user_cannot_open needs [NamedSegments],
    another_user_cannot_open_whatever_the_umask_is needs [NamedSegments],
    another_user_can_open_what_is_for_everyone needs [NamedSegments, SharedAccess],
    another_user_cannot_connect needs [Rendezvous],
    two_users_have_names_of_their_own needs [NamedSegments],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![open_of_root::<B>, create_own::<B>, connect::<B>, create_and_hold::<B>]
}

fn another_user_cannot_open<B: Backend>() -> Verdict {
    let name = unique("private");
    let _memory = SharedMemory::<B>::create(&name, 64)?;
    let mut other = nobody(open_of_root::<B>, [&name])?;
    other.expect("PermissionDenied")?;
    Ok(other.finish()?)
}

fn another_user_cannot_open_whatever_the_umask_is<B: Backend>() -> Verdict {
    let name = unique("umask");
    needs_root()?;
    let shell = ["sh", "-c", "umask 0; exec \"$0\" \"$@\""];
    let mut creator = Peer::under(shell, create_and_hold::<B>, [&name])?;
    creator.expect("created")?;
    let mut other = nobody(open_of_root::<B>, [&name])?;
    other.expect("PermissionDenied")?;
    other.finish()?;
    Ok(creator.finish()?)
}

fn another_user_can_open_what_is_for_everyone<B: Backend>() -> Verdict {
    let name = unique("everyone");
    let memory = SharedMemory::<B>::options().len(64).access(Access::Everyone).create(&name)?;
    memory.write(0, b"open")?;
    let mut other = nobody(open_of_root::<B>, [&name])?;
    other.expect("open")?;
    Ok(other.finish()?)
}

fn another_user_cannot_connect<B: Backend>() -> Verdict {
    let name = unique("connect");
    let _receiver = ByteReceiver::<B>::bind(&name)?;
    let mut other = nobody(connect::<B>, [&name])?;
    // It looks among its own names, where there is none.
    other.expect("NotFound")?;
    Ok(other.finish()?)
}

fn two_users_have_names_of_their_own<B: Backend>() -> Verdict {
    let name = unique("own");
    let _memory = SharedMemory::<B>::create(&name, 64)?;
    let mut other = nobody(create_own::<B>, [&name])?;
    other.expect("created")?;
    Ok(other.finish()?)
}

fn open_of_root<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    match SharedMemory::<B>::options().owner(0).open(stage.arg(0)) {
        Ok(memory) => {
            let mut bytes = [0; 4];
            memory.read(0, &mut bytes)?;
            stage.say(String::from_utf8_lossy(&bytes));
        }
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    Ok(())
}

fn create_own<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    let _own = SharedMemory::<B>::create(stage.arg(0), 64)?;
    stage.say("created");
    Ok(())
}

fn connect<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    match ByteSender::<B>::connect(stage.arg(0)) {
        Ok(_) => stage.say("connected"),
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    Ok(())
}

fn create_and_hold<B: Backend>(stage: &mut Stage) -> Verdict {
    let _memory = SharedMemory::<B>::create(stage.arg(0), 64)?;
    stage.say("created");
    stage.wait_for_end_of_input();
    Ok(())
}

fn needs_root() -> Verdict {
    if crate::is_root() { Ok(()) } else { unavailable("needs root, to act as another user") }
}
