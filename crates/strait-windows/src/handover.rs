//! Handles on their way to another process, which pulls them out of this one.
//!
//! A record says where they are: the process, when it was created, and their numbers there. Whoever receives it
//! opens that process, duplicates all of them or none, and sets the event "taken", the number of which is there
//! too. Until then the sender keeps copies (`in_flight.rs`), which nothing else in it uses or closes.
//!
//! * A record is a claim of a peer, which may be any text. The process that it names has to run as the user whom
//!   the kernel knows the peer as, and has to be that very peer unless it is this process' own user: processes
//!   of one user may pass a socket among them, and can do to each other what they like anyway.
//! * Numbers that stand for something in whoever uses them (-1 for the process itself) are refused.
//! * Nothing that comes is inherited by children of the receiver.

use crate::{handle::WindowsHandle, offer::Offer, process::Process, user::User, wait};
use std::{
    os::windows::io::{AsHandle, OwnedHandle},
    sync::Arc,
};
use strait_core::{Credentials, Deadline, Error, ErrorKind, ProcessIdentity, Result};

pub(crate) use crate::offer::{MAX_HANDLES, packed_len};

/// Copies of handles that are on their way: kept as long as this is, so that who receives them finds them.
#[derive(Debug)]
pub(crate) struct Sent {
    taken: Arc<OwnedHandle>,
    copies: Vec<OwnedHandle>,
}

impl Sent {
    pub(crate) fn new(taken: OwnedHandle, copies: Vec<OwnedHandle>) -> Self {
        Self { taken: Arc::new(taken), copies }
    }

    /// They themselves.
    pub(crate) fn copies(&self) -> &[OwnedHandle] {
        &self.copies
    }

    /// Whether the receiver has them, so that these aren't needed any more.
    pub(crate) fn is_taken(&self) -> bool {
        wait::one(&*self.taken, Deadline::now()).unwrap_or(false)
    }

    /// Signalled from the moment on when the receiver has them.
    pub(crate) fn taken(&self) -> Arc<OwnedHandle> {
        Arc::clone(&self.taken)
    }
}

/// A record that names `handles`, and what to keep until they are taken.
///
/// # Errors
///
/// `TooLarge` for more than [`MAX_HANDLES`]; `Os` where there are no more handles.
pub(crate) fn pack(handles: &[impl AsHandle]) -> Result<(Vec<u8>, Sent)> {
    let (offer, sent) = Offer::of(handles)?;
    Ok((offer.to_bytes(), sent))
}

/// Who sent a record, as far as the kernel knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerProcess {
    /// The process that made the connection; `None` where that isn't known.
    pub(crate) pid: Option<u32>,
    /// The number of the user that it ran as then; `None` where that isn't known.
    pub(crate) user: Option<u32>,
}

impl PeerProcess {
    /// The one with these credentials, where the system has told some.
    pub(crate) fn of(peer: Option<&Credentials>) -> Self {
        let pid = peer.map(|peer| peer.pid).filter(|&pid| pid != 0);
        Self { pid, user: peer.map(|peer| peer.user) }
    }
}

/// Pulls the handles that a record names out of the process that it names, and tells that process so: all of them,
/// or none.
///
/// # Errors
///
/// `PeerCorrupt` for what is no record, and what isn't there; `PermissionDenied` where the process isn't the
/// peer's, or this user may not take handles out of it; `Disconnected` where it has ended, and they with it;
/// `LimitReached` where this process has no room for them.
pub(crate) fn unpack(bytes: &[u8], peer: PeerProcess) -> Result<Vec<WindowsHandle>> {
    let (offer, sender) = open(bytes, peer)?;
    offer.pull(&sender, RECEIVE)
}

/// Tells the process that a record names that nobody wants the handles, so that it doesn't keep them.
///
/// # Errors
///
/// Those of [`unpack`].
pub(crate) fn decline(bytes: &[u8], peer: PeerProcess) -> Result<()> {
    let (offer, sender) = open(bytes, peer)?;
    offer.tell(&sender, RECEIVE)
}

/// What a record says, and the process that it names, which is the peer's.
fn open(bytes: &[u8], peer: PeerProcess) -> Result<(Offer, Process)> {
    let offer = Offer::from_bytes(bytes)
        .ok_or_else(|| Error::new(ErrorKind::PeerCorrupt, RECEIVE, "what came names no handles"))?;
    let sender = offer.open(RECEIVE)?;
    check_sender(&sender, &offer.process, peer)?;
    Ok((offer, sender))
}

const RECEIVE: &str = "receive handles";

/// Refuses handles out of a process that isn't the peer's.
fn check_sender(sender: &Process, named: &ProcessIdentity, peer: PeerProcess) -> Result<()> {
    let refused = |why: &str| {
        Err(Error::new(ErrorKind::PermissionDenied, RECEIVE, why)
            .on(format!("process {}", named.pid)))
    };
    let is_the_peer = peer.pid == Some(named.pid);
    let user = User::of_process(sender).map_err(|error| Error::os(RECEIVE, error).on(named.pid))?;
    match peer.user {
        Some(known) if known != user.number() => refused("it runs as another user than the peer"),
        Some(_) if user.sid == User::own()?.sid || is_the_peer => Ok(()),
        None if is_the_peer => Ok(()),
        _ => refused("it isn't the peer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        again::{self, Again},
        object,
        offer::Number,
    };
    use std::io::{Read, Write};

    /// As the tests' own peer.
    fn this_process() -> PeerProcess {
        let user = User::own().unwrap().number();
        PeerProcess { pid: Some(std::process::id()), user: Some(user) }
    }

    fn kind(bytes: &[u8], peer: PeerProcess) -> ErrorKind {
        unpack(bytes, peer).unwrap_err().kind()
    }

    #[test]
    fn the_sender_of_an_event() {
        let Some(mut parent) = again::parent() else { return };
        let event = object::event().unwrap();
        let (bytes, sent) = pack(&[&event]).unwrap();
        parent.say(&format!("{bytes:?}"));
        assert!(wait::one(&*sent.taken(), again::soon()).unwrap() && sent.is_taken());
        drop(sent);
        assert!(wait::one(&event, again::soon()).unwrap());
        parent.say("it is set");
    }

    fn bytes_of(said: &str) -> Vec<u8> {
        let numbers = said.trim_matches(['[', ']']).split(", ");
        numbers.map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn a_handle_is_pulled_out_of_another_process_which_is_told() {
        let mut sender = Again::start("handover::tests::the_sender_of_an_event");
        let bytes = bytes_of(&sender.hear());
        let peer = PeerProcess { pid: Some(sender.id()), ..this_process() };
        let event = unpack(&bytes, peer).unwrap().remove(0);
        object::set(&event);
        assert_eq!(sender.hear(), "it is set");
        sender.ends_well();
    }

    #[test]
    fn what_a_process_sent_that_has_ended_is_gone_with_it() {
        let mut sender = Again::start("handover::tests::the_sender_of_an_event");
        let bytes = bytes_of(&sender.hear());
        let peer = PeerProcess { pid: Some(sender.id()), ..this_process() };
        sender.kill();
        assert_eq!(kind(&bytes, peer), ErrorKind::Disconnected);
    }

    #[test]
    fn handles_of_a_later_process_with_the_number_are_not_taken() {
        let (mut offer, sent) = Offer::of(&[object::event().unwrap()]).unwrap();
        offer.process.start -= 1;
        assert_eq!(kind(&offer.to_bytes(), this_process()), ErrorKind::Disconnected);
        assert!(!sent.is_taken());
    }

    #[test]
    fn handles_of_a_process_that_is_not_the_peer_are_not_taken() {
        let (bytes, sent) = pack(&[object::event().unwrap()]).unwrap();
        let user = this_process().user;
        let another = user.map(|user| user ^ 1);
        let pid = Some(std::process::id());
        for peer in [
            PeerProcess { pid, user: another },
            PeerProcess { pid: Some(4), user: None },
            PeerProcess { pid: None, user: None },
            PeerProcess { pid: None, user: another },
        ] {
            assert_eq!(kind(&bytes, peer), ErrorKind::PermissionDenied, "{peer:?}");
        }
        assert!(!sent.is_taken());
        unpack(&bytes, PeerProcess { pid: Some(4), user }).unwrap();
        assert!(sent.is_taken());
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let (bytes, _sent) = pack(&[object::event().unwrap(), object::event().unwrap()]).unwrap();
        assert_eq!(bytes.len(), packed_len(2));
        for len in 0..bytes.len() {
            assert_eq!(kind(&bytes[..len], this_process()), ErrorKind::PeerCorrupt, "{len}");
        }
        assert_eq!(kind(&[&bytes[..], &[0; 4]].concat(), this_process()), ErrorKind::PeerCorrupt);
        for count in [0, 1, 3, MAX_HANDLES as u32 + 1, u32::MAX] {
            let wrong = [&bytes[..4], &count.to_le_bytes(), &bytes[8..]].concat();
            assert_eq!(kind(&wrong, this_process()), ErrorKind::PeerCorrupt, "{count}");
        }
    }

    #[test]
    fn numbers_that_no_open_thing_has_are_refused() {
        let (bytes, _sent) = pack(&[object::event().unwrap()]).unwrap();
        for number in [0, 1, 7, -1i32 as u32, -4i32 as u32, -6i32 as u32, 1 << 31] {
            for place in [16, 20] {
                let after = &bytes[place + 4..];
                let wrong = [&bytes[..place], &number.to_le_bytes(), after].concat();
                assert_eq!(kind(&wrong, this_process()), ErrorKind::PeerCorrupt, "{number:#x}");
            }
        }
    }

    #[test]
    fn where_one_is_missing_none_is_had_and_none_is_leaked() {
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"the end").unwrap();
        let (mut offer, sent) = Offer::of(&[&writer]).unwrap();
        offer.handles.push(Number::new(0x7fff_fff0).unwrap());
        assert_eq!(kind(&offer.to_bytes(), this_process()), ErrorKind::PeerCorrupt);
        // They are lost, so the sender needn't keep them.
        assert!(sent.is_taken());
        offer.handles.pop();
        offer.taken = offer.handles[0];
        assert_eq!(kind(&offer.to_bytes(), this_process()), ErrorKind::PeerCorrupt);
        drop((writer, sent));
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "the end");
    }

    #[test]
    fn what_nobody_wants_need_not_be_kept() {
        let (bytes, sent) = pack(&[object::event().unwrap()]).unwrap();
        decline(&bytes, this_process()).unwrap();
        assert!(sent.is_taken());
    }

    #[test]
    fn as_many_pass_as_is_said_and_no_more() {
        let event = object::event().unwrap();
        let (bytes, sent) = pack(&vec![&event; MAX_HANDLES]).unwrap();
        assert_eq!(unpack(&bytes, this_process()).unwrap().len(), MAX_HANDLES);
        assert!(sent.is_taken());
        for count in [0, MAX_HANDLES + 1] {
            assert_eq!(pack(&vec![&event; count]).unwrap_err().kind(), ErrorKind::TooLarge);
        }
    }
}
