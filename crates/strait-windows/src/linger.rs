//! What remains of a socket that is dropped while handles are on their way.
//!
//! They are copies in this process until the peer has taken them, and the connection stays open until then, as it
//! tells of the peer's end. Threads in the background wait for either: none where nothing remains.

use crate::{handover::Sent, object, peer_end, pending::PendingRead, wait};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use strait_core::Deadline;
use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, ERROR_OPERATION_ABORTED};

/// What is done with what the peer still sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It is taken and thrown away, as nobody reads it: a peer that wants to be rid of it first isn't held up.
    Discarded,
    /// It stays, as another process has this end too.
    Left,
}

/// Keeps `sent`, and the connection open, until the peer has taken all, or is gone.
pub(crate) fn linger(connection: OwnedHandle, sent: Vec<Sent>, rest: Rest) {
    if sent.iter().all(Sent::is_taken) {
        return;
    }
    let remains = Remains { connection, sent, rest };
    let mut crews = crews();
    match crews.iter_mut().find(|crew| crew.count < Crew::MOST) {
        Some(crew) => crew.give(remains),
        // Where there is no more room for a thread, the handles are lost with the connection.
        None => drop(Crew::start(&mut crews, remains)),
    }
}

/// A socket that nobody here has any more.
struct Remains {
    connection: OwnedHandle,
    sent: Vec<Sent>,
    rest: Rest,
}

/// A thread, and what it is about to be given.
struct Crew {
    number: u64,
    arrived: Vec<Remains>,
    /// How much it has got, with that.
    count: usize,
    /// Wakes it.
    bell: Arc<OwnedHandle>,
}

/// All that there are.
fn crews() -> MutexGuard<'static, Vec<Crew>> {
    static CREWS: Mutex<Vec<Crew>> = Mutex::new(Vec::new());
    CREWS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crew {
    /// A thread waits for two things for each, and for its bell.
    const MOST: usize = (wait::MOST - 1) / 2;

    fn start(crews: &mut Vec<Self>, first: Remains) -> io::Result<()> {
        let number = crews.last().map_or(0, |crew| crew.number + 1);
        let bell = Arc::new(object::bell()?);
        let thread = thread::Builder::new().name("strait-linger".into());
        let rung = Arc::clone(&bell);
        thread.spawn(move || keep(number, &rung))?;
        crews.push(Self { number, arrived: vec![first], count: 1, bell });
        Ok(())
    }

    fn give(&mut self, remains: Remains) {
        self.arrived.push(remains);
        self.count += 1;
        object::set(&self.bell);
    }
}

/// Keeps what its crew has, until that is nothing.
fn keep(number: u64, bell: &OwnedHandle) {
    let mut kept: Vec<Kept> = Vec::new();
    loop {
        kept.retain_mut(Kept::is_needed);
        {
            let mut crews = crews();
            let Some(index) = crews.iter().position(|crew| crew.number == number) else { return };
            let arrived = std::mem::take(&mut crews[index].arrived);
            // What can't be watched is let go.
            kept.extend(arrived.into_iter().filter_map(|remains| Kept::new(remains).ok()));
            crews[index].count = kept.len();
            if kept.is_empty() {
                crews.remove(index);
                return;
            }
        }
        let signals = kept.iter().flat_map(Kept::signals).chain([bell.as_handle()]);
        let signals: Vec<_> = signals.collect();
        let looks = kept.iter().any(|kept| kept.is_resting);
        let deadline = if looks { Deadline::after(Kept::LOOK_EVERY) } else { Deadline::NEVER };
        if wait::any(&signals, deadline).is_err() {
            // There is nothing left to wait for that could be waited for.
            kept.clear();
        }
    }
}

/// Remains that are watched.
struct Kept {
    sent: Vec<Sent>,
    read: PendingRead<OwnedHandle>,
    rest: Rest,
    /// Whether something is there that is left to another process. Until that has read it, the end behind it can't
    /// be waited for, but looked for.
    is_resting: bool,
}

impl Kept {
    const LOOK_EVERY: Duration = Duration::from_millis(500);

    fn new(Remains { connection, sent, rest }: Remains) -> io::Result<Self> {
        let room = if rest == Rest::Discarded { 4096 } else { 0 };
        let read = PendingRead::start(connection, room)?;
        Ok(Self { sent, read, rest, is_resting: false })
    }

    /// Whether the peer is still there, and hasn't taken all.
    fn is_needed(&mut self) -> bool {
        self.sent.retain(|sent| !sent.is_taken());
        !self.sent.is_empty() && self.has_peer()
    }

    fn has_peer(&mut self) -> bool {
        if self.is_resting {
            self.is_resting = false;
            self.read.start_again();
        }
        loop {
            let Some(ended) = self.read.ended() else { return true };
            match ended.code {
                0 | ERROR_MORE_DATA if self.rest == Rest::Left => {
                    self.is_resting = true;
                    return !peer_end::is_closed(self.read.file());
                }
                0 | ERROR_MORE_DATA | ERROR_OPERATION_ABORTED => self.read.start_again(),
                _ => return false,
            }
        }
    }

    /// What is to be waited for.
    fn signals(&self) -> impl Iterator<Item = BorrowedHandle<'_>> {
        let read = Some(self.read.as_handle()).filter(|_| !self.is_resting);
        self.sent.first().map(AsHandle::as_handle).into_iter().chain(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{again::soon, handover, overlapped, test_pipe};
    use std::io::Read;

    /// A pipe that ends as soon as the copies of its other end are gone, and these.
    fn copies() -> (io::PipeReader, Vec<u8>, Sent) {
        let (reader, writer) = io::pipe().unwrap();
        let (bytes, sent) = handover::pack(&[writer]).unwrap();
        (reader, bytes, sent)
    }

    fn own() -> handover::PeerProcess {
        let user = crate::user::User::own().unwrap().number();
        handover::PeerProcess { pid: Some(std::process::id()), user: Some(user) }
    }

    fn reads_the_end(reader: &mut io::PipeReader) {
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn copies_are_kept_until_they_are_taken_and_then_the_connection_ends() {
        let (here, there) = test_pipe::pair();
        let (mut reader, bytes, sent) = copies();
        linger(here, vec![sent], Rest::Discarded);
        let writer = handover::unpack(&bytes, own()).unwrap();
        let ended = overlapped::read(&there, &mut [0; 8], soon()).unwrap().unwrap();
        assert!(ended.bytes().is_err());
        drop(writer);
        reads_the_end(&mut reader);
    }

    #[test]
    fn copies_are_let_go_when_the_peer_is_gone() {
        for rest in [Rest::Discarded, Rest::Left] {
            for writes in [false, true] {
                let (here, there) = test_pipe::pair();
                let (mut reader, _, sent) = copies();
                linger(here, vec![sent], rest);
                if writes {
                    overlapped::write(&there, b"nobody reads it", soon()).unwrap().unwrap();
                }
                drop(there);
                reads_the_end(&mut reader);
            }
        }
    }

    #[test]
    fn a_peer_that_has_much_to_say_is_not_held_up() {
        let (here, there) = test_pipe::pair();
        let (mut reader, bytes, sent) = copies();
        linger(here, vec![sent], Rest::Discarded);
        for _ in 0..100 {
            overlapped::write(&there, &[1; 4000], soon()).unwrap().unwrap().bytes().unwrap();
        }
        drop(handover::unpack(&bytes, own()).unwrap());
        reads_the_end(&mut reader);
    }

    #[test]
    fn what_another_process_is_to_read_is_left_to_it() {
        let (here, there) = test_pipe::pair();
        let (mut reader, _, sent) = copies();
        let other = here.try_clone().unwrap();
        linger(here, vec![sent], Rest::Left);
        overlapped::write(&there, b"left", soon()).unwrap().unwrap();
        let mut left = [0; 8];
        let ended = overlapped::read(&other, &mut left, soon()).unwrap().unwrap();
        assert_eq!(&left[..ended.bytes().unwrap()], b"left");
        drop((other, there));
        reads_the_end(&mut reader);
    }

    #[test]
    fn more_remain_than_one_thread_can_watch() {
        let mut all = Vec::new();
        for _ in 0..2 * Crew::MOST + 1 {
            let (here, there) = test_pipe::pair();
            let (reader, bytes, sent) = copies();
            linger(here, vec![sent], Rest::Discarded);
            all.push((reader, bytes, there));
        }
        for (index, (mut reader, bytes, there)) in all.into_iter().rev().enumerate() {
            match index % 2 {
                0 => drop(there),
                _ => drop(handover::unpack(&bytes, own()).unwrap()),
            }
            reads_the_end(&mut reader);
        }
    }
}
