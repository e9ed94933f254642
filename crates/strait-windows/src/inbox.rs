//! What has been taken out of a pipe, and nobody has received yet.

use crate::record::{self, Record};
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
    /// What names the handles that came with the first of the bytes, or nothing.
    pub(crate) handles: Vec<u8>,
    bytes: Vec<u8>,
    /// So many of the bytes have been received.
    at: usize,
}

impl Chunk {
    /// What hasn't been received of it.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
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

    /// Adds bytes that came.
    pub(crate) fn push(&mut self, handles: &[u8], bytes: &[u8]) {
        self.chunks.push_back(Chunk { handles: handles.to_vec(), bytes: bytes.to_vec(), at: 0 });
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
            if len > 0 && !chunk.handles.is_empty() {
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
        assert_eq!(inbox.front().unwrap().handles, b"h");
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
