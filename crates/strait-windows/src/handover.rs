//! Handles on their way to another process, which pulls them out of this one.
//!
//! A record says where they are: the process, when it was created, and their numbers there. Whoever receives it
//! opens that process, duplicates all of them or none, and sets the event "taken", the number of which is there
//! too. Until then the sender keeps copies, which nothing else in it uses or closes.
//!
//! * A record is a claim of a peer, which may be any text. The process that it names has to run as the user whom
//!   the kernel knows the peer as, and has to be that very peer unless it is this process' own user: processes
//!   of one user may pass a socket among them, and can do to each other what they like anyway.
//! * Numbers that stand for something in whoever uses them (-1 for the process itself) are refused.
//! * Nothing that comes is inherited by children of the receiver.
#![expect(unsafe_code, reason = "duplicates handles out of other processes")]

use crate::{
    handle::{HAND_OVER, WindowsHandle},
    object::{self, owned},
    process::{self, Process},
    user::User,
    wait,
};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::{null_mut, without_provenance_mut},
    sync::Arc,
};
use strait_core::{Credentials, Deadline, Error, ErrorKind, ProcessIdentity, Result};
use windows_sys::Win32::{
    Foundation::{
        DUPLICATE_SAME_ACCESS, DuplicateHandle, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY,
        ERROR_NOT_ENOUGH_QUOTA, ERROR_TOO_MANY_OPEN_FILES,
    },
    System::Threading::{EVENT_MODIFY_STATE, GetCurrentProcess, PROCESS_DUP_HANDLE},
};

/// As many handles pass at once: as on Linux.
pub(crate) const MAX_HANDLES: usize = 253;

/// How long a record is that names `count` handles.
pub(crate) const fn packed_len(count: usize) -> usize {
    Offer::FIXED + count * size_of::<u32>()
}

/// Copies of handles that are on their way: kept as long as this is, so that who receives them finds them.
#[derive(Debug)]
pub(crate) struct Sent {
    taken: Arc<OwnedHandle>,
    copies: Vec<OwnedHandle>,
}

impl Sent {
    /// Whether the receiver has them, so that these aren't needed any more.
    pub(crate) fn is_taken(&self) -> bool {
        wait::one(&*self.taken, Deadline::now()).unwrap_or(false)
    }

    /// Signalled from the moment on when the receiver has them.
    pub(crate) fn taken(&self) -> Arc<OwnedHandle> {
        Arc::clone(&self.taken)
    }

    /// How many handles they are.
    pub(crate) fn count(&self) -> usize {
        self.copies.len()
    }
}

/// That which says that they are [taken](Self::taken).
impl AsHandle for Sent {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.taken.as_handle()
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

impl From<&Credentials> for PeerProcess {
    fn from(peer: &Credentials) -> Self {
        Self { pid: Some(peer.pid).filter(|&pid| pid != 0), user: Some(peer.user) }
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

/// Where handles are that another process may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The process that they are in.
    pub(crate) process: ProcessIdentity,
    /// The event to be set by whoever has taken them.
    pub(crate) taken: Number,
    /// They themselves: 1 to [`MAX_HANDLES`].
    pub(crate) handles: Vec<Number>,
}

impl Offer {
    /// The bytes of a record before the handles: process, number of handles, start, event.
    const FIXED: usize = 4 + 4 + 8 + 4;

    /// Offers copies of `handles`, which are this process' to keep.
    pub(crate) fn of(handles: &[impl AsHandle]) -> Result<(Self, Sent)> {
        if handles.is_empty() || handles.len() > MAX_HANDLES {
            let why = format!("{} are not between 1 and {MAX_HANDLES}", handles.len());
            return Err(Error::new(ErrorKind::TooLarge, HAND_OVER, why));
        }
        let failed = |error| Error::os(HAND_OVER, error);
        let copy = |handle: &_| AsHandle::as_handle(handle).try_clone_to_owned();
        let copies = handles.iter().map(copy).collect::<io::Result<Vec<_>>>().map_err(failed)?;
        let sent = Sent { taken: Arc::new(object::event().map_err(failed)?), copies };
        let number = |handle: &OwnedHandle| {
            let other = || Error::new(ErrorKind::Os, HAND_OVER, "its number isn't as usual");
            Number::of(handle).ok_or_else(other)
        };
        let handles = sent.copies.iter().map(number).collect::<Result<_>>()?;
        Ok((Self { process: process::current()?, taken: number(&sent.taken)?, handles }, sent))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(packed_len(self.handles.len()));
        bytes.extend(self.process.pid.to_le_bytes());
        bytes.extend((self.handles.len() as u32).to_le_bytes());
        bytes.extend(self.process.start.to_le_bytes());
        bytes.extend(self.taken.0.to_le_bytes());
        for handle in &self.handles {
            bytes.extend(handle.0.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let word = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
        let (fixed, rest) = bytes.split_at_checked(Self::FIXED)?;
        let (pid, count) = (word(&fixed[..4])?, word(&fixed[4..8])? as usize);
        let start = u64::from_le_bytes(fixed[8..16].try_into().ok()?);
        let taken = Number::new(word(&fixed[16..])?)?;
        if start == 0 || !(1..=MAX_HANDLES).contains(&count) || bytes.len() != packed_len(count) {
            return None;
        }
        let number = |bytes| word(bytes).and_then(Number::new);
        let handles = rest.chunks_exact(size_of::<u32>()).map(number).collect::<Option<_>>()?;
        Some(Self {
            process: ProcessIdentity { pid, reserved: 0, start, space: 0 },
            taken,
            handles,
        })
    }

    /// The process that they are in, as one to take handles out of.
    pub(crate) fn open(&self, operation: &'static str) -> Result<Process> {
        let pid = self.process.pid;
        match Process::open_very(&self.process, PROCESS_DUP_HANDLE, operation) {
            Ok(Some(process)) => Ok(process),
            Ok(None) => Err(has_ended(operation, pid)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(error
                    .hint("handles pass between processes of one user, both elevated or neither"))
            }
            Err(error) => Err(error),
        }
    }

    /// Duplicates all of them out of that process, or none. It is told either way, as they won't be asked for again.
    pub(crate) fn pull(
        &self,
        process: &Process,
        operation: &'static str,
    ) -> Result<Vec<WindowsHandle>> {
        let pull = |number: &Number| Ok(WindowsHandle::from(number.pull(process, None)?));
        let handles: io::Result<Vec<_>> = self.handles.iter().map(pull).collect();
        let told = self.tell(process, operation);
        let handles = handles.map_err(|error| self.failure(process, operation, error))?;
        told.map(|()| handles)
    }

    /// Tells that process that it may close them.
    fn tell(&self, process: &Process, operation: &'static str) -> Result<()> {
        let taken = self.taken.pull(process, Some(EVENT_MODIFY_STATE));
        let taken = taken.map_err(|error| self.failure(process, operation, error))?;
        object::try_set(&taken).map_err(|error| {
            let why = "it names no event to be told by";
            let error = Error::new(ErrorKind::PeerCorrupt, operation, why).with_source(error);
            error.on(format!("process {}", self.process.pid))
        })
    }

    /// Why a handle couldn't be had.
    fn failure(&self, process: &Process, operation: &'static str, error: io::Error) -> Error {
        const NO_ROOM: [u32; 4] = [
            ERROR_NO_SYSTEM_RESOURCES,
            ERROR_NOT_ENOUGH_MEMORY,
            ERROR_NOT_ENOUGH_QUOTA,
            ERROR_TOO_MANY_OPEN_FILES,
        ];
        let code = error.raw_os_error().unwrap_or_default() as u32;
        let (kind, why) = match () {
            () if NO_ROOM.contains(&code) => {
                (ErrorKind::LimitReached, "this process has no room for them")
            }
            // Its handles are closed a moment before it is said to have ended.
            () if process.is_ending() => return has_ended(operation, self.process.pid),
            () => (ErrorKind::PeerCorrupt, "the handles that it names are not there"),
        };
        let error = Error::new(kind, operation, why).with_source(error);
        error.on(format!("process {}", self.process.pid))
    }
}

fn has_ended(operation: &'static str, pid: u32) -> Error {
    let why = "the process that sent them has ended, and they with it";
    Error::new(ErrorKind::Disconnected, operation, why).on(format!("process {pid}"))
}

/// A handle's number in another process: one that an open thing can have there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(u32);

impl Number {
    /// The system's numbers are multiples of 4, and have no more bits than this even on 64-bit systems. Negative
    /// ones stand for the process or the thread itself that uses them, or are the kernel's own.
    pub(crate) fn new(number: u32) -> Option<Self> {
        let is_usual = number != 0 && number % 4 == 0 && i32::try_from(number).is_ok();
        is_usual.then_some(Self(number))
    }

    pub(crate) fn get(self) -> u32 {
        self.0
    }

    fn of(handle: &OwnedHandle) -> Option<Self> {
        u32::try_from(handle.as_raw_handle().addr()).ok().and_then(Self::new)
    }

    /// A handle here of the same thing that it is there: for the same uses, or for `access`.
    fn pull(self, from: &Process, access: Option<u32>) -> io::Result<OwnedHandle> {
        let options = if access.is_none() { DUPLICATE_SAME_ACCESS } else { 0 };
        let mut handle = null_mut();
        // SAFETY: the process' handle is open and may be used for this; the number may be that of anything there, as
        // it is looked up by the system, and isn't one that means the caller's own process or thread; the place is
        // valid for a handle, which no child inherits.
        let done = unsafe {
            let (process, here) = (from.as_handle().as_raw_handle(), GetCurrentProcess());
            let (number, access) = (without_provenance_mut(self.0 as usize), access.unwrap_or(0));
            DuplicateHandle(process, number, here, &raw mut handle, access, 0, options)
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { owned(handle) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::again::{self, Again};
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
        assert!(wait::one(&sent, again::soon()).unwrap() && sent.is_taken());
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
