//! Handles on their way over one end of a connection.
//!
//! They are copies in this process until the peer has taken them or is gone, whatever becomes of the end meanwhile:
//! it may be idle, so that nobody notices either, or dropped. So they are watched in the background. That keeps the
//! connection open as long, as it tells of the peer's end.
//!
//! They are lost with this process, and a program drops what it has just before it ends. So dropping the end waits a
//! while for the peer to take them.

use crate::{
    background::{self, Watch},
    handle::HAND_OVER,
    handover::Sent,
    peer_end,
    pending::PendingRead,
};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use strait_core::{Error, Result};
use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, ERROR_OPERATION_ABORTED};

/// What is on its way over one end of a connection. All clones of the end share one of these.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when nothing is watched any more.
    none: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sent: Vec<Sent>,
    /// Whether a thread watches them.
    is_watched: bool,
    /// Whether another process has this end too.
    is_elsewhere: bool,
    /// Whether nobody in this process has it any more.
    is_dropped: bool,
}

impl InFlight {
    /// Keeps what was sent over `connection`, an overlapped handle, until the peer has taken it or is gone.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles or threads; then it is gone.
    pub(crate) fn add(&self, connection: &impl AsHandle, sent: Sent) -> Result<()> {
        let failed = |error| Error::os(HAND_OVER, error);
        let mut state = self.0.lock();
        if !state.is_watched {
            let connection = connection.as_handle().try_clone_to_owned().map_err(failed)?;
            let end = End::new(connection, Arc::clone(&self.0)).map_err(failed)?;
            background::watch(Box::new(end)).map_err(failed)?;
            state.is_watched = true;
        }
        state.sent.push(sent);
        Ok(())
    }

    /// Waits until nothing is on its way, or the peer is gone, or so much time has passed.
    pub(crate) fn wait(&self, most: Duration) {
        let state = self.0.lock();
        drop(self.0.none.wait_timeout_while(state, most, |state| state.is_watched));
    }

    /// How many handles are on their way.
    pub(crate) fn count(&self) -> usize {
        self.0
            .lock()
            .sent
            .iter()
            .filter(|sent| !sent.is_taken())
            .map(|sent| sent.copies().len())
            .sum()
    }

    /// Says that another process has this end too, which is to read what comes.
    pub(crate) fn is_elsewhere(&self) {
        self.0.lock().is_elsewhere = true;
    }
}

/// The end is dropped. It waits a while for the peer to take what is on its way, or to be gone; then that goes on in
/// the background.
impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_dropped = true;
        if state.is_watched {
            drop(state);
            background::look_again();
            self.wait(LINGER);
        }
    }
}

/// As long a dropped end waits for the peer, which may have something else to do.
const LINGER: Duration = Duration::from_secs(1);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end that is watched.
struct End {
    connection: Arc<OwnedHandle>,
    shared: Arc<Shared>,
    read: PendingRead<Arc<OwnedHandle>>,
    /// Whether what the peer sends is thrown away, as nobody reads it any more: a peer that wants to be rid of it
    /// first isn't held up.
    discards: bool,
    /// Whether something is there that somebody else is to read. Until that has happened, the end behind it can't
    /// be waited for, but looked for.
    is_resting: bool,
    /// Signalled when the first are taken of those that are on their way.
    taken: Option<Arc<OwnedHandle>>,
}

impl Watch for End {
    /// Whether the peer is still there, and hasn't taken all.
    fn is_needed(&mut self) -> bool {
        let mut state = self.shared.lock();
        let all = std::mem::take(&mut state.sent);
        let (taken, left): (Vec<_>, _) = all.into_iter().partition(Sent::is_taken);
        state.sent = left;
        self.taken = state.sent.first().map(Sent::taken);
        state.is_watched = self.taken.is_some();
        let discards = state.is_dropped && !state.is_elsewhere;
        drop(state);
        // Closing them can take long.
        drop(taken);
        if self.taken.is_none() {
            self.shared.none.notify_all();
            return false;
        }
        let has_peer = self.discard_if(discards).is_ok() && self.has_peer();
        if !has_peer {
            self.give_up();
        }
        has_peer
    }

    fn signals(&self) -> [Option<BorrowedHandle<'_>>; 2] {
        let read = Some(self.read.as_handle()).filter(|_| !self.is_resting);
        [self.taken.as_ref().map(|taken| taken.as_handle()), read]
    }

    fn is_to_be_looked_at(&self) -> bool {
        self.is_resting
    }

    /// Nobody will take what is on its way.
    fn give_up(&mut self) {
        let mut state = self.shared.lock();
        state.is_watched = false;
        let sent = std::mem::take(&mut state.sent);
        drop(state);
        drop(sent);
        self.shared.none.notify_all();
    }
}

impl End {
    fn new(connection: OwnedHandle, shared: Arc<Shared>) -> io::Result<Self> {
        let connection = Arc::new(connection);
        let read = PendingRead::start(Arc::clone(&connection), 0)?;
        Ok(Self { connection, shared, read, discards: false, is_resting: false, taken: None })
    }

    fn discard_if(&mut self, discards: bool) -> io::Result<()> {
        if discards && !self.discards {
            self.read = PendingRead::start(Arc::clone(&self.connection), 4096)?;
            (self.discards, self.is_resting) = (true, false);
        }
        Ok(())
    }

    fn has_peer(&mut self) -> bool {
        if self.is_resting {
            self.is_resting = false;
            self.read.start_again();
        }
        loop {
            let Some(ended) = self.read.ended() else { return true };
            match ended.code {
                0 | ERROR_MORE_DATA if !self.discards => {
                    self.is_resting = true;
                    return !peer_end::is_closed(&self.connection);
                }
                0 | ERROR_MORE_DATA | ERROR_OPERATION_ABORTED => self.read.start_again(),
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        again::soon,
        handover::{self, PeerProcess},
        overlapped, test_pipe,
    };
    use std::io::Read;

    /// A pipe that ends as soon as the copies of its other end are gone, and these.
    fn copies() -> (io::PipeReader, Vec<u8>, Sent) {
        let (reader, writer) = io::pipe().unwrap();
        let (bytes, sent) = handover::pack(&[writer]).unwrap();
        (reader, bytes, sent)
    }

    fn take(bytes: &[u8]) -> Vec<crate::WindowsHandle> {
        let user = crate::user::User::own().unwrap().number();
        let peer = PeerProcess { pid: Some(std::process::id()), user: Some(user) };
        handover::unpack(bytes, peer).unwrap()
    }

    fn reads_the_end(mut reader: io::PipeReader) {
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }

    fn write(to: &OwnedHandle, bytes: &[u8]) {
        overlapped::write(to, bytes, soon()).unwrap().unwrap().bytes().unwrap();
    }

    #[test]
    fn copies_are_let_go_when_they_are_taken() {
        let (here, there) = test_pipe::pair();
        let in_flight = InFlight::default();
        for round in 0..20 {
            let (first, second) = (copies(), copies());
            in_flight.add(&here, first.2).unwrap();
            in_flight.add(&here, second.2).unwrap();
            assert_eq!(in_flight.count(), 2);
            // Something that nobody reads yet, or that is read meanwhile.
            if round % 3 == 0 {
                write(&there, b"unread");
            }
            drop(take(&second.1));
            drop(take(&first.1));
            assert_eq!(in_flight.count(), 0);
            reads_the_end(first.0);
            reads_the_end(second.0);
            if round % 2 == 0 {
                write(&there, b"read");
                overlapped::read(&here, &mut [0; 10], soon()).unwrap().unwrap().bytes().unwrap();
            }
        }
    }

    #[test]
    fn copies_are_let_go_when_the_peer_is_gone() {
        for is_dropped in [false, true] {
            for writes in [false, true] {
                let (here, there) = test_pipe::pair();
                let (reader, _, sent) = copies();
                let in_flight = InFlight::default();
                in_flight.add(&here, sent).unwrap();
                let kept = Some((here, in_flight)).filter(|_| !is_dropped);
                if writes {
                    write(&there, b"nobody reads it");
                }
                drop(there);
                reads_the_end(reader);
                drop(kept);
            }
        }
    }

    #[test]
    fn a_connection_outlives_its_end_until_the_copies_are_taken() {
        let (here, there) = test_pipe::pair();
        let (reader, bytes, sent) = copies();
        let in_flight = InFlight::default();
        in_flight.add(&here, sent).unwrap();
        write(&here, b"before");
        drop((here, in_flight));
        // However much the peer has to say that nobody hears.
        for _ in 0..100 {
            write(&there, &[1; 4000]);
        }
        let mut buffer = [0; 8];
        let read = |buffer: &mut [u8]| overlapped::read(&there, buffer, soon()).unwrap().unwrap();
        assert_eq!(read(&mut buffer).bytes().unwrap(), 6);
        let writer = take(&bytes);
        assert!(read(&mut buffer).bytes().is_err());
        drop(writer);
        reads_the_end(reader);
    }

    #[test]
    fn what_another_process_is_to_read_is_left_to_it() {
        let (here, there) = test_pipe::pair();
        let (reader, _, sent) = copies();
        let in_flight = InFlight::default();
        in_flight.add(&here, sent).unwrap();
        in_flight.is_elsewhere();
        drop(in_flight);
        for _ in 0..100 {
            write(&there, b"left");
            let mut left = [0; 8];
            let ended = overlapped::read(&here, &mut left, soon()).unwrap().unwrap();
            assert_eq!(&left[..ended.bytes().unwrap()], b"left");
        }
        drop((here, there));
        reads_the_end(reader);
    }

    #[test]
    fn more_are_watched_than_one_thread_can_watch() {
        let mut all = Vec::new();
        for _ in 0..2 * background::MOST + 1 {
            let (here, there) = test_pipe::pair();
            let (reader, bytes, sent) = copies();
            let in_flight = InFlight::default();
            in_flight.add(&here, sent).unwrap();
            all.push((reader, bytes, there, (here, in_flight)));
        }
        for (index, (reader, bytes, there, here)) in all.into_iter().rev().enumerate() {
            match index % 3 {
                0 => drop(there),
                1 => drop(take(&bytes)),
                // The peer first, for which dropping the other would wait.
                _ => drop((there, here)),
            }
            reads_the_end(reader);
        }
    }
}
