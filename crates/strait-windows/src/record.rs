//! What is sent over a message pipe: records, each of which is one message of the pipe.
//!
//! | first byte | record |
//! |---|---|
//! | `d` | data: a zero, the length of what names handles as 16 bits, little-endian, that, and the bytes |
//! | `e` | the end: nothing comes after it, while the pipe stays open for what goes the other way |
//! | `s` | stop: who sends this doesn't receive any more |
//! | `!` | a ring of the bell |
//!
//! None is empty: the system doesn't tell a message without bytes from nothing.

use crate::handover;

/// As many bytes of data are in a record at most.
pub(crate) const MAX_DATA: usize = 64 << 10;

/// What names the handles that go along has as many bytes at most.
pub(crate) const MAX_HANDLES_LEN: usize = handover::packed_len(handover::MAX_HANDLES);

/// No record is longer.
pub(crate) const MAX_LEN: usize = DATA_HEADER + MAX_HANDLES_LEN + MAX_DATA;

const DATA_HEADER: usize = 4;
const DATA: u8 = b'd';

/// Nothing comes after it.
pub(crate) const END: &[u8] = b"e";
/// Nothing is received any more.
pub(crate) const STOP: &[u8] = b"s";
/// The bell.
pub(crate) const RING: &[u8] = b"!";

/// A record that came, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// Bytes, and what names the handles that came along, or nothing.
    Data { handles: &'a [u8], bytes: &'a [u8] },
    /// The peer sends nothing any more.
    End,
    /// The peer receives nothing any more.
    Stop,
    /// The peer rang.
    Ring,
}

/// A record of data. Both parts are no longer than they may be.
pub(crate) fn data(handles: &[u8], bytes: &[u8]) -> Vec<u8> {
    debug_assert!(handles.len() <= MAX_HANDLES_LEN && bytes.len() <= MAX_DATA);
    let [low, high] = (handles.len() as u16).to_le_bytes();
    [&[DATA, 0, low, high], handles, bytes].concat()
}

/// The record in what a peer sent; `None` where no correct peer sends that.
pub(crate) fn parse(message: &[u8]) -> Option<Record<'_>> {
    match message {
        END => Some(Record::End),
        STOP => Some(Record::Stop),
        RING => Some(Record::Ring),
        [DATA, 0, low, high, rest @ ..] => {
            let len = usize::from(u16::from_le_bytes([*low, *high]));
            let (handles, bytes) = rest.split_at_checked(len)?;
            let fits = handles.len() <= MAX_HANDLES_LEN && bytes.len() <= MAX_DATA;
            fits.then_some(Record::Data { handles, bytes })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_comes() {
        for handles in [&b""[..], b"handles", &[7; MAX_HANDLES_LEN]] {
            for bytes in [&b""[..], b"d", &vec![1; MAX_DATA]] {
                let record = data(handles, bytes);
                assert!(record.len() <= MAX_LEN);
                assert_eq!(parse(&record), Some(Record::Data { handles, bytes }));
            }
        }
        let signs = [(END, Record::End), (STOP, Record::Stop), (RING, Record::Ring)];
        assert!(signs.iter().all(|(sign, record)| parse(sign) == Some(*record)));
    }

    #[test]
    fn what_no_correct_peer_sends_is_no_record() {
        let hostile: [&[u8]; 12] = [
            b"",
            b"d",
            b"d\0",
            b"d\0\0",
            // More handles than there are bytes.
            b"d\0\x01\0",
            b"d\0\xff\xffxyz",
            // Something where nothing is.
            b"d\x01\0\0bytes",
            b"ee",
            b"s\0",
            b"!!",
            b"x",
            b"\0\0\0\0",
        ];
        for message in hostile {
            assert_eq!(parse(message), None, "{message:?}");
        }
    }

    #[test]
    fn parts_that_are_too_long_are_refused() {
        assert_eq!(parse(&[b"d\0\0\0", &vec![0; MAX_DATA + 1][..]].concat()), None);
        let len = (MAX_HANDLES_LEN as u16 + 1).to_le_bytes();
        let handles = vec![0; MAX_HANDLES_LEN + 1];
        assert_eq!(parse(&[b"d\0", &len[..], &handles].concat()), None);
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for len in 0..2000 {
            let mut message: Vec<u8> = (0..len % 40).map(|_| next()).collect();
            if let (Some(first), true) = (message.first_mut(), len % 2 == 0) {
                *first = DATA;
            }
            if let Some(Record::Data { handles, bytes }) = parse(&message) {
                assert_eq!(handles.len() + bytes.len() + DATA_HEADER, message.len());
            }
        }
    }
}
