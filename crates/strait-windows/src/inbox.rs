//! What has been taken out of a pipe, and nobody has received yet.

use crate::{
    WindowsHandle,
    handover::{self, PeerProcess},
    record::{self, Record},
};
use std::collections::VecDeque;
use strait_core::{Error, ErrorKind, Result, Style};

/// What has come, in order.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    chunks: VecDeque<Chunk>,
    /// Nothing comes any more.
    pub(crate) has_ended: bool,
    /// The peer receives nothing any more.
    pub(crate) is_deaf: bool,
    /// Something came that no correct peer sends. Nothing is taken after it.
    pub(crate) is_corrupt: bool,
}

/// What came in one record.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// What names the handles that came with the first of the bytes and haven't been asked for, or nothing.
    names: Vec<u8>,
    /// How asking for them went, where that was done before somebody wanted them.
    pulled: Option<Result<Vec<WindowsHandle>>>,
    bytes: Vec<u8>,
    /// So many of the bytes have been received.
    at: usize,
}

impl Chunk {
    /// What hasn't been received of it.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// Whether handles came with it that nobody has received.
    pub(crate) fn has_handles(&self) -> bool {
        !self.names.is_empty() || self.pulled.is_some()
    }

    /// Has the handles that came with it in this process, before they are received.
    pub(crate) fn pull(&mut self, peer: PeerProcess) {
        if !self.names.is_empty() {
            let names = std::mem::take(&mut self.names);
            self.pulled = Some(handover::unpack(&names, peer));
        }
    }

    /// Receives the handles that came with it, if any did, which is done once.
    ///
    /// # Errors
    ///
    /// Those of [`handover::unpack`].
    pub(crate) fn take_handles(&mut self, peer: PeerProcess) -> Result<Vec<WindowsHandle>> {
        self.pull(peer);
        self.pulled.take().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Has nobody receive the handles that came with it.
    pub(crate) fn decline_handles(&mut self, peer: PeerProcess) {
        let names = std::mem::take(&mut self.names);
        if !names.is_empty() {
            // Whoever doesn't want them isn't told what is wrong with them.
            let _ = handover::decline(&names, peer);
        }
        self.pulled = None;
    }
}

impl Inbox {
    /// Adds what a record of a socket says.
    pub(crate) fn add(&mut self, message: &[u8], style: Style) {
        match record::parse(message) {
            // Of a stream that is nothing, and not its end.
            Some(Record::Data { handles: [], bytes: [] }) if style == Style::Stream => {}
            Some(Record::Data { handles, bytes }) => self.push(handles, bytes),
            Some(Record::End) => self.has_ended = true,
            Some(Record::Stop) => self.is_deaf = true,
            Some(Record::Ring) | None => self.is_corrupt = true,
        }
    }

    /// Adds what a record of a rendezvous says. As on other systems, where all are bytes, a ring is a message too.
    pub(crate) fn add_at_rendezvous(&mut self, message: &[u8]) {
        match record::parse(message) {
            Some(Record::Data { handles, bytes }) => self.push(handles, bytes),
            Some(Record::Ring) => self.push(b"", record::RING),
            Some(Record::End | Record::Stop) | None => self.is_corrupt = true,
        }
    }

    fn push(&mut self, names: &[u8], bytes: &[u8]) {
        let (names, bytes) = (names.to_vec(), bytes.to_vec());
        self.chunks.push_back(Chunk { names, bytes, ..Chunk::default() });
    }

    /// Whether nothing will come any more.
    pub(crate) fn is_over(&self) -> bool {
        self.has_ended || self.is_corrupt
    }

    /// Whether nothing will come any more, where that is the peer's right.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt` where it isn't.
    pub(crate) fn check(&self) -> Result<bool> {
        if self.is_corrupt {
            let why = "what came is nothing that strait sends";
            return Err(Error::new(ErrorKind::PeerCorrupt, "receive from a connection", why));
        }
        Ok(self.has_ended)
    }

    /// Whether everything that was taken out of the pipe has been received.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// What comes next.
    pub(crate) fn front(&mut self) -> Option<&mut Chunk> {
        self.chunks.front_mut()
    }

    /// Receives what comes next, which is as long as the buffer.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> usize {
        self.chunks.pop_front().map_or(0, |chunk| {
            buffer.copy_from_slice(chunk.rest());
            buffer.len()
        })
    }

    /// Takes away what comes next.
    pub(crate) fn pop(&mut self) {
        self.chunks.pop_front();
    }

    /// So many bytes are there.
    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rest().len()).sum()
    }

    /// Receives bytes without boundaries, but none beyond handles that are still to come.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut len = 0;
        while let (Some(chunk), true) = (self.chunks.front_mut(), len < buffer.len()) {
            if len > 0 && chunk.has_handles() {
                break;
            }
            let rest = chunk.rest();
            let count = rest.len().min(buffer.len() - len);
            buffer[len..len + count].copy_from_slice(&rest[..count]);
            len += count;
            chunk.at += count;
            if chunk.rest().is_empty() {
                self.chunks.pop_front();
            }
        }
        len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_up_to_handles_that_are_to_come() {
        let mut inbox = Inbox::default();
        for (handles, bytes) in [("", "ab"), ("", "cd"), ("h", "ef"), ("", "gh")] {
            inbox.add(&record::data(handles.as_bytes(), bytes.as_bytes()), Style::Stream);
        }
        let mut buffer = [0; 7];
        assert_eq!((inbox.len(), inbox.read(&mut buffer[..3])), (8, 3));
        assert_eq!(inbox.read(&mut buffer[3..]), 1);
        assert!(inbox.front().unwrap().has_handles());
        assert_eq!(inbox.read(&mut buffer[4..]), 3);
        assert_eq!((&buffer, inbox.len()), (b"abcdefg", 1));
    }

    #[test]
    fn nothing_is_taken_for_the_end_but_the_end() {
        let mut inbox = Inbox::default();
        inbox.add(&record::data(b"", b""), Style::Stream);
        assert!(inbox.is_empty() && !inbox.is_over());
        inbox.add(&record::data(b"", b""), Style::Datagram);
        inbox.add(record::STOP, Style::Datagram);
        assert!(!inbox.is_empty() && !inbox.is_over() && inbox.is_deaf);
        inbox.add(record::END, Style::Datagram);
        assert!(inbox.is_over() && !inbox.is_corrupt);
    }

    #[test]
    fn what_is_no_record_of_a_socket_is_corrupt() {
        for message in [&b""[..], record::RING, b"d\0\xff\xff", b"what is this"] {
            let mut inbox = Inbox::default();
            inbox.add(message, Style::Stream);
            assert!(inbox.is_corrupt && inbox.is_empty(), "{message:?}");
        }
    }
}
