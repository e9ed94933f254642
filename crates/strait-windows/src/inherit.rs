//! A handle that one child takes out of its parent.
//!
//! No handle of strait is inherited: the system would have any child inherit it that another thread starts at the
//! same time. An environment variable tells the child where it is: the parent, when that was created, and the numbers
//! that the event and the handle have there (`offer.rs`). The parent keeps a copy until the child has taken it, or has
//! ended.
//!
//! A child of the child may have the variable too. It isn't meant, which it sees by who its parent is. When the handle
//! is taken, the variable goes.
#![expect(unsafe_code, reason = "removes an environment variable")]

use crate::{
    Windows, WindowsHandle,
    background::{self, Watch},
    handover::Sent,
    offer::{Number, Offer},
    process,
};
use std::{
    env,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use strait_core::{Deadline, Error, ErrorKind, Inherit, ProcessIdentity, Result};

impl Inherit for Windows {
    type Bequest = Bequest;

    fn bequeath(command: &mut Command, handle: WindowsHandle) -> Result<Bequest> {
        let (offer, sent) = Offer::of(&[handle])?;
        command.env(VARIABLE, to_text(&offer));
        Ok(Bequest(sent))
    }

    fn settle(bequest: Bequest, child: &Child) {
        // Where it can't be watched the child finds nothing, as where this process had ended.
        if let Ok(child) = child.as_handle().try_clone_to_owned() {
            let taken = bequest.0.taken();
            let _ = background::watch(Box::new(Settled { bequest, taken, child }));
        }
    }

    fn disinherit(command: &mut Command) {
        command.env_remove(VARIABLE);
    }

    fn inherit() -> Result<Option<WindowsHandle>> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let offer = env::var(VARIABLE).ok().and_then(|text| from_text(&text));
        let Some(offer) = offer else { return Ok(None) };
        check_heir(&offer.process)?;
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        // SAFETY: on Windows this is safe, whatever other threads do.
        unsafe { env::remove_var(VARIABLE) };
        let parent = offer.open(TAKE)?;
        Ok(offer.pull(&parent, TAKE)?.pop())
    }
}

const VARIABLE: &str = "STRAIT_INHERITED";
const TAKE: &str = "take over what the parent passed";

/// What a parent keeps for a child.
#[derive(Debug)]
pub struct Bequest(Sent);

/// That, when the child has started.
struct Settled {
    bequest: Bequest,
    taken: Arc<OwnedHandle>,
    child: OwnedHandle,
}

impl Watch for Settled {
    fn is_needed(&mut self) -> bool {
        let has_ended = crate::wait::one(&self.child, Deadline::now()).unwrap_or(true);
        !has_ended && !self.bequest.0.is_taken()
    }

    fn signals(&self) -> [Option<BorrowedHandle<'_>>; 2] {
        [Some(self.taken.as_handle()), Some(self.child.as_handle())]
    }
}

/// Refuses what isn't of this process' parent, and so was meant for another one.
fn check_heir(giver: &ProcessIdentity) -> Result<()> {
    let parent = process::parent_number().map_err(|error| Error::os(TAKE, error))?;
    // Who has the number of a parent that has ended began later than this process.
    if giver.pid == parent && giver.start <= process::current()?.start {
        return Ok(());
    }
    let why = format!("process {} passed it to its child, and this one is {parent}'s", giver.pid);
    let error = Error::new(ErrorKind::NotFound, TAKE, why);
    Err(error.hint("the program that is passed something has to be started by who passes it"))
}

fn to_text(offer: &Offer) -> String {
    let Offer { process, taken, handles } = offer;
    let handles = handles.iter().map(|handle| format!(":{}", handle.get()));
    format!("{}:{}:{}{}", process.pid, process.start, taken.get(), handles.collect::<String>())
}

fn from_text(text: &str) -> Option<Offer> {
    let mut parts = text.split(':');
    let (pid, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let mut number = || Number::new(parts.next()?.parse().ok()?);
    let (taken, handles) = (number()?, vec![number()?]);
    let process = ProcessIdentity { pid, reserved: 0, start, space: 0 };
    (start != 0 && parts.next().is_none()).then_some(Offer { process, taken, handles })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::again::{self, Again, soon};
    use std::{
        fs::File,
        io::{PipeReader, Read, Write, pipe},
        process::{Stdio, exit},
    };

    fn again(test: &str) -> Command {
        again::command(&format!("inherit::tests::{test}"))
    }

    /// What is passed to the child that a command is for: one end of a pipe, the other of which this is.
    fn bequeath(command: &mut Command) -> (PipeReader, Bequest) {
        let (reader, writer) = pipe().unwrap();
        let writer = WindowsHandle::from(OwnedHandle::from(writer));
        (reader, Windows::bequeath(command, writer).unwrap())
    }

    fn start(test: &str) -> (PipeReader, Again) {
        let mut command = again(test);
        let (reader, bequest) = bequeath(&mut command);
        let child = Again::of(command);
        Windows::settle(bequest, child.child());
        (reader, child)
    }

    fn all_of(mut reader: PipeReader) -> String {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    fn taken() -> File {
        OwnedHandle::from(Windows::inherit().unwrap().unwrap()).into()
    }

    #[test]
    fn a_child_that_takes_it() {
        if again::parent().is_none() {
            return;
        }
        let mut file = taken();
        assert!(Windows::inherit().unwrap().is_none() && env::var_os(VARIABLE).is_none());
        file.write_all(b"from the child").unwrap();
    }

    #[test]
    fn a_child_takes_it_once_and_then_nobody_else_has_it() {
        let (reader, child) = start("a_child_that_takes_it");
        assert_eq!(all_of(reader), "from the child");
        child.ends_well();
    }

    #[test]
    fn a_child_that_takes_nothing() {
        let Some(mut parent) = again::parent() else { return };
        parent.say("I am there");
        parent.wait();
    }

    #[test]
    fn what_a_child_never_takes_ends_with_it() {
        let (reader, mut child) = start("a_child_that_takes_nothing");
        child.hear();
        child.kill();
        assert_eq!(all_of(reader), "");
    }

    #[test]
    fn what_no_child_was_started_for_is_gone_with_what_was_kept() {
        let mut command = again("a_child_that_takes_nothing");
        let (reader, bequest) = bequeath(&mut command);
        drop(bequest);
        assert_eq!(all_of(reader), "");
    }

    #[test]
    fn a_child_that_is_not_meant_with_a_child_of_its_own() {
        let Some(mut parent) = again::parent() else { return };
        let mut command = again("a_child_of_a_child");
        let mut grandchild = Again::of(command);
        let said = grandchild.hear();
        taken().write_all(said.as_bytes()).unwrap();
        command = again("a_child_of_a_child");
        // When it is taken there is nothing to be told to others.
        parent.say(&Again::of(command).hear());
        grandchild.kill();
    }

    #[test]
    fn a_child_of_a_child() {
        let Some(mut parent) = again::parent() else { return };
        match Windows::inherit() {
            Ok(found) => parent.say(&format!("{:?}", found.is_some())),
            Err(error) => parent.say(&format!("{:?} for this", error.kind())),
        }
        parent.wait();
    }

    #[test]
    fn a_child_of_the_child_is_not_meant() {
        let (reader, mut child) = start("a_child_that_is_not_meant_with_a_child_of_its_own");
        assert_eq!(child.hear(), "false");
        assert_eq!(all_of(reader), "NotFound for this");
        child.ends_well();
    }

    #[test]
    fn a_parent_that_ends_at_once() {
        if again::parent().is_none() {
            return;
        }
        let mut command = again("an_orphan");
        let (_reader, bequest) = bequeath(&mut command);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        Windows::settle(bequest, &child);
        exit(0);
    }

    #[test]
    fn an_orphan() {
        let Some(mut grandparent) = again::parent() else { return };
        if let Ok(parent) = process::parent() {
            assert!(process::wait_for_end(&parent, soon()).unwrap());
        }
        grandparent.say(&format!("{:?}", Windows::inherit().unwrap_err().kind()));
    }

    #[test]
    fn what_a_parent_passed_that_has_ended_is_gone() {
        let mut parent = Again::of(again("a_parent_that_ends_at_once"));
        assert_eq!(parent.hear(), "Disconnected");
        parent.ends_well();
    }

    #[test]
    fn a_child_that_others_are_not_to_be_taken_for() {
        let Some(mut parent) = again::parent() else { return };
        parent.say(&format!("{:?}", Windows::inherit().unwrap().is_some()));
    }

    #[test]
    fn who_is_to_inherit_nothing_inherits_nothing() {
        let mut command = again("a_child_that_others_are_not_to_be_taken_for");
        let (_reader, _bequest) = bequeath(&mut command);
        Windows::disinherit(&mut command);
        assert_eq!(Again::of(command).hear(), "false");
    }

    #[test]
    fn children_come_and_go_without_leaving_threads_behind() {
        let children: Vec<_> = (0..40).map(|_| start("a_child_that_takes_nothing")).collect();
        for (reader, child) in children {
            drop(child);
            assert_eq!(all_of(reader), "");
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let (offer, _sent) = Offer::of(&[crate::object::event().unwrap()]).unwrap();
        assert_eq!(from_text(&to_text(&offer)), Some(offer));
        assert!(from_text("8:1:12:16").is_some());
        for wrong in [
            "",
            "8",
            "8:1",
            "8:1:12",
            "8:1:12:16:20",
            "8:0:12:16",
            "8:1:12:17",
            "8:1:0:16",
            "8:1:12:-4",
            "8:1:12:4294967292",
            "8:1:12:18446744073709551612",
            "x:1:12:16",
            "-8:1:12:16",
            "8:1:12:16 ",
            "4294967296:1:12:16",
            "8:99999999999999999999:12:16",
            "8:1:2147483648:16",
            ":::",
        ] {
            assert_eq!(from_text(wrong), None, "{wrong}");
        }
    }
}
