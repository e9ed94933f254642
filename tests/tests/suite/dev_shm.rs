//! What others can do to named shared memory where it is a file in `/dev/shm`.

#![expect(clippy::extra_unused_type_parameters, reason = "the table names a backend for each")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use strait::{ByteReceiver, ByteSender, ErrorKind, Lifetime, Shared, SharedMemory};
use strait_conformance::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, is_root, nobody,
    unavailable, unique,
};

behaviours! {
    dev_shm;
    a_full_tmpfs_is_an_error_at_creation needs [NamedSegments, Reservation],
    what_is_beyond_the_limit_of_file_sizes_is_an_error needs [NamedSegments, Reservation],
    a_listener_whose_advert_was_taken_away_spares_its_successor needs [Rendezvous],
    a_peer_that_truncates_named_memory_can_not_crash_us needs [NamedSegments, TruncationGuard],
    truncation_to_nothing_before_opening_is_an_error needs [NamedSegments],
    a_header_that_a_peer_overwrote_is_an_error needs [NamedSegments],
    what_another_program_put_there_is_neither_opened_nor_destroyed needs [NamedSegments],
    a_link_or_a_pipe_that_squats_a_name_is_not_followed needs [NamedSegments],
    what_another_user_squats_is_not_opened needs [NamedSegments],
    nothing_is_left_of_a_creator_that_is_killed_while_creating needs [NamedSegments],
}

pub(super) fn actors() -> Vec<Actor> {
    actors![
        create_in_a_small_tmpfs,
        create_within_a_limit,
        truncate,
        squat_when_told,
        create_without_end
    ]
}

fn a_full_tmpfs_is_an_error_at_creation<B: Backend>() -> Verdict {
    if !is_linux() || !is_root() {
        return unavailable("needs root on Linux, to mount a tmpfs of 1 MiB");
    }
    let mount = "mount -t tmpfs -o size=1m tmpfs /dev/shm && exec \"$0\" \"$@\"";
    let wrapper = ["unshare", "--mount", "--propagation=private", "sh", "-c", mount];
    let mut peer = Peer::under(wrapper, create_in_a_small_tmpfs, [unique("full")])?;
    peer.expect("refused")?;
    peer.expect("works")?;
    Ok(peer.finish()?)
}

fn create_in_a_small_tmpfs(stage: &mut Stage) -> Verdict {
    let error = SharedMemory::create(stage.arg(0), 2 << 20).err().ok_or("it was created")?;
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("--shm-size"), "no hint: {error}");
    assert_eq!(fs::read_dir(DIRECTORY)?.count(), 0, "something was left");
    stage.say("refused");
    // What fits is written to the last byte.
    let memory = SharedMemory::create(stage.arg(0), 800 << 10)?;
    memory.write(0, &vec![1; 800 << 10])?;
    stage.say("works");
    Ok(())
}

fn what_is_beyond_the_limit_of_file_sizes_is_an_error<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("no command here limits the size of files");
    }
    // The kernel ends a process for what it wouldn't permit.
    let wrapper = ["sh", "-c", "ulimit -f 100; exec \"$0\" \"$@\""];
    let mut peer = Peer::under(wrapper, create_within_a_limit, [unique("limit")])?;
    peer.expect("refused")?;
    Ok(peer.finish()?)
}

fn create_within_a_limit(stage: &mut Stage) -> Verdict {
    let file = std::env::temp_dir().join(stage.arg(0).replace('/', "-"));
    for result in [
        SharedMemory::create(stage.arg(0), 1 << 20),
        SharedMemory::anonymous(1 << 20),
        SharedMemory::options().len(1 << 20).map_file(&file),
    ] {
        let error = result.err().ok_or("it was created")?;
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
    }
    assert!(!file.exists(), "a file was made and left");
    SharedMemory::create(stage.arg(0), 4096)?;
    stage.say("refused");
    Ok(())
}

fn a_listener_whose_advert_was_taken_away_spares_its_successor<B: Backend>() -> Verdict {
    let found = strait::examine();
    let sockets = found.iter().find(|finding| finding.topic == "local sockets");
    let directory = sockets.and_then(|finding| finding.found.strip_prefix("in "));
    let Some(directory) = directory else { return unavailable("sockets aren't files here") };
    let name = unique("taken-away");
    let first = ByteReceiver::bind(&name)?;
    // As one that cleans up a directory of temporary files does.
    fs::remove_file(Path::new(directory).join(format!("{}.advert", name.replace('/', "+"))))?;
    let mut second = ByteReceiver::bind(&name)?;
    drop(first);
    let mut sender = ByteSender::connect(&name)?;
    sender.send(b"found")?;
    assert_eq!(&*second.recv_ref()?, b"found");
    Ok(())
}

fn a_peer_that_truncates_named_memory_can_not_crash_us<B: Backend>() -> Verdict {
    let name = unique("truncated");
    let memory = SharedMemory::create(&name, 1 << 20)?;
    memory.write(0, &vec![7; 1 << 20])?;
    for len in [5000, 100, 0] {
        let mut peer =
            Peer::with_args(truncate, [file(&name)?.display().to_string(), len.to_string()])?;
        peer.expect("truncated")?;
        peer.finish()?;
        let mut bytes = vec![1; 1 << 20];
        let error = memory.read(0, &mut bytes).err().ok_or("it was read")?;
        assert_eq!(error.kind(), ErrorKind::PeerCorrupt);
        assert!(bytes[8192..].iter().all(|&byte| byte == 0));
        let error = memory.write(0, &bytes).err().ok_or("it was written")?;
        assert_eq!(error.kind(), ErrorKind::PeerCorrupt);
    }
    drop(memory);
    assert!(!file(&name)?.exists(), "its creator left the name");
    Ok(())
}

fn truncate(stage: &mut Stage) -> Verdict {
    let file = fs::OpenOptions::new().write(true).open(stage.arg(0))?;
    file.set_len(stage.arg(1).parse()?)?;
    stage.say("truncated");
    Ok(())
}

fn truncation_to_nothing_before_opening_is_an_error<B: Backend>() -> Verdict {
    let name = unique("cut");
    let _value = Shared::<[u64; 1000]>::create(&name, [7; 1000])?;
    let path = file(&name)?;
    for len in [4096, 512, 511, 1, 0] {
        fs::OpenOptions::new().write(true).open(&path)?.set_len(len)?;
        let kinds = [ErrorKind::PeerCorrupt, ErrorKind::Foreign, ErrorKind::TypeMismatch];
        for error in [
            Shared::<[u64; 1000]>::open(&name).err().ok_or("the value was opened")?,
            SharedMemory::open(&name).err().ok_or("the memory was opened")?,
        ] {
            assert!(kinds.contains(&error.kind()), "{len}: {error}");
        }
    }
    Ok(())
}

fn a_header_that_a_peer_overwrote_is_an_error<B: Backend>() -> Verdict {
    let name = unique("overwritten");
    let _memory = SharedMemory::create(&name, 64)?;
    let path = file(&name)?;
    let whole = fs::read(&path)?;
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0x41;
        overwrite(&path, &broken)?;
        // Opened or refused, but nothing else; and never removed as if it were stale.
        let _ = SharedMemory::open(&name);
        assert!(path.exists(), "byte {at}");
    }
    overwrite(&path, &whole)?;
    SharedMemory::open(&name)?;
    Ok(())
}

/// Writes in place, as the file that replaced it would be another.
fn overwrite(path: &Path, bytes: &[u8]) -> Verdict {
    use std::io::Write;
    Ok(fs::OpenOptions::new().write(true).open(path)?.write_all(bytes)?)
}

fn what_another_program_put_there_is_neither_opened_nor_destroyed<B: Backend>() -> Verdict {
    let name = unique("foreign");
    let path = file(&name)?;
    for content in [&b""[..], b"not from strait", &[0xff; 10_000]] {
        fs::write(&path, content)?;
        let opened = SharedMemory::open(&name).err().ok_or("it was opened")?;
        assert_eq!(opened.kind(), ErrorKind::Foreign, "{opened}");
        let created = SharedMemory::create(&name, 64).err().ok_or("it was created")?;
        assert_eq!(created.kind(), ErrorKind::AlreadyExists, "{created}");
        let either = SharedMemory::open_or_create(&name, 64).err().ok_or("it was opened")?;
        assert_eq!(either.kind(), ErrorKind::Foreign, "{either}");
        assert_eq!(fs::read(&path)?, content);
        // Who asks for it by name may remove it.
        SharedMemory::remove(&name)?;
        SharedMemory::create(&name, 64)?;
    }
    Ok(())
}

fn a_link_or_a_pipe_that_squats_a_name_is_not_followed<B: Backend>() -> Verdict {
    let target = unique("target");
    let _target = SharedMemory::create(&target, 64)?;
    let target = file(&target)?.display().to_string();
    let squatters: [&[&str]; 3] = [&["ln", "-s", &target], &["mkfifo"], &["mkdir"]];
    for command in squatters {
        let name = unique("squatted");
        let path = file(&name)?;
        let status = Command::new(command[0]).args(&command[1..]).arg(&path).status()?;
        assert!(status.success());
        let opened = SharedMemory::open(&name).err().ok_or("it was opened")?;
        let created = SharedMemory::create(&name, 64).err().ok_or("it was created")?;
        Command::new("rm").arg("-r").arg(&path).status()?;
        assert_eq!(opened.kind(), ErrorKind::Foreign, "{opened}");
        assert_eq!(created.kind(), ErrorKind::AlreadyExists, "{created}");
    }
    Ok(())
}

fn what_another_user_squats_is_not_opened<B: Backend>() -> Verdict {
    let name = unique("other-user");
    let path = file(&name)?;
    let mut peer = nobody(squat_when_told, [path.display()])?;
    peer.expect("squatting")?;
    let opened = SharedMemory::open(&name).err().ok_or("it was opened")?;
    assert_eq!(opened.kind(), ErrorKind::Foreign, "{opened}");
    let created = SharedMemory::create(&name, 64).err().ok_or("it was created")?;
    assert_eq!(created.kind(), ErrorKind::AlreadyExists, "{created}");
    peer.finish()?;
    Ok(fs::remove_file(path)?)
}

/// Puts what looks like this user's memory there, and lets everybody use it.
fn squat_when_told(stage: &mut Stage) -> Verdict {
    stage.say("started");
    let own = unique("own");
    let options = SharedMemory::options().len(64).lifetime(Lifetime::Persistent);
    let _own = options.create(&own)?;
    fs::copy(file_of(&own, 65534), stage.arg(0))?;
    Command::new("chmod").arg("666").arg(stage.arg(0)).status()?;
    SharedMemory::remove(&own)?;
    stage.say("squatting");
    stage.wait_for_end_of_input();
    Ok(())
}

fn nothing_is_left_of_a_creator_that_is_killed_while_creating<B: Backend>() -> Verdict {
    let name = unique("killed");
    for round in 0..40 {
        let mut peer = Peer::with_args(create_without_end, [name.clone(), round.to_string()])?;
        peer.expect("creating")?;
        peer.kill()?;
        // At most the name itself is there, and whoever uses it next reclaims it.
        let begin = file(&name)?;
        let begin = begin.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let left = fs::read_dir(DIRECTORY)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|file| file.contains(begin))
            .collect::<Vec<_>>();
        assert!(left.len() <= 1 && left.iter().all(|file| file == begin), "{left:?}");
        drop(SharedMemory::create(&name, 64)?);
        assert!(!file(&name)?.exists());
    }
    Ok(())
}

fn create_without_end(stage: &mut Stage) -> Verdict {
    let rounds: u32 = stage.arg(1).parse()?;
    for round in 0.. {
        let memory = SharedMemory::create(stage.arg(0), 1 << 20)?;
        if round == rounds {
            stage.say("creating");
        }
        drop(memory);
    }
    Ok(())
}

const DIRECTORY: &str = "/dev/shm";

/// The file that has the memory of this user called `name`.
fn file(name: &str) -> Result<PathBuf, Failure> {
    if !is_linux() {
        return unavailable("named shared memory isn't a file here");
    }
    let user = Command::new("id").arg("-u").output()?.stdout;
    Ok(file_of(name, String::from_utf8(user)?.trim().parse()?))
}

fn file_of(name: &str, user: u32) -> PathBuf {
    Path::new(DIRECTORY).join(format!("strait.{user}.{}", name.replace('/', "+")))
}
