//! Reading and writing memory that other processes map: the one place where that is done.
//!
//! All of it is bounds-checked, and references are formed only to atomics and to values that are
//! [`Shareable`]. Bytes are copied with relaxed atomic operations, so that a peer which writes at the same time makes
//! this process read a mixture of old and new bytes and does nothing worse.
#![expect(unsafe_code, reason = "this is where shared memory is touched")]

use crate::{
    Header, Kind, Shareable,
    registry::Registration,
    seats::{self, SeatsOf},
};
use std::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::Deref,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};
use strait_core::{Error, ErrorKind, Liveness, Mapping, Result, Segment};

/// Copies `buffer.len()` bytes at `offset` out of `segment`.
///
/// # Errors
///
/// `InvalidInput` where they don't lie inside.
pub fn read<S: Segment>(segment: &S, offset: usize, buffer: &mut [u8]) -> Result<()> {
    let place = locate(segment, offset, buffer.len(), 1)?;
    // SAFETY: `locate` has checked that the bytes lie inside the mapping; the buffer is borrowed
    // exclusively.
    unsafe { load(place, buffer.as_mut_ptr(), buffer.len()) };
    Ok(())
}

/// Replaces what is in `buffer` by a copy of `len` bytes, which no peer can change any more.
///
/// # Safety
///
/// `from` is valid for reading `len` bytes.
pub(crate) unsafe fn copy_out(from: NonNull<u8>, len: usize, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.reserve(len);
    // SAFETY: there is room for `len` bytes now, all of which `load` writes.
    unsafe {
        load(from, buffer.as_mut_ptr(), len);
        buffer.set_len(len);
    }
}

/// Copies `bytes` into `segment` at `offset`.
///
/// # Errors
///
/// `InvalidInput` where they don't fit inside; `PermissionDenied` where the mapping is read-only.
pub fn write<S: Segment>(segment: &S, offset: usize, bytes: &[u8]) -> Result<()> {
    let place = locate(segment, offset, bytes.len(), 1)?;
    writable(segment)?;
    // SAFETY: `locate` has checked that the bytes lie inside the mapping, and that it is writable
    // was checked above.
    unsafe { store(place, bytes) };
    Ok(())
}

/// The 32-bit word at `offset`.
///
/// # Errors
///
/// `InvalidInput` where it doesn't lie inside or isn't aligned; `PermissionDenied` where the mapping
/// is read-only.
pub fn atomic_u32<S: Segment>(segment: &S, offset: usize) -> Result<&AtomicU32> {
    writable(segment)?;
    reference(segment, offset)
}

/// The 64-bit word at `offset`.
///
/// # Errors
///
/// Those of [`atomic_u32`].
pub fn atomic_u64<S: Segment>(segment: &S, offset: usize) -> Result<&AtomicU64> {
    writable(segment)?;
    reference(segment, offset)
}

/// A value that lies in a segment, after its header; and after it the seats, where it has locks.
#[derive(Debug)]
pub struct Value<T, S> {
    segment: Arc<S>,
    // Dropped with it, before the memory is unmapped.
    _registration: Option<Registration>,
    value: PhantomData<T>,
}

impl<T: Shareable, S: Segment> Value<T, S> {
    const FITS: () = {
        assert!(size_of::<T>() > 0, "a type without size has nothing to share");
        assert!(align_of::<T>() <= Header::LEN, "the type's alignment is too large to share it");
        assert!(!std::mem::needs_drop::<T>(), "a type that needs `Drop` can't be shared");
    };

    /// Where the seats lie.
    const SEATS: usize = (Header::LEN + size_of::<T>()).next_multiple_of(seats::ALIGN);

    /// How many bytes it takes after the header.
    pub const PAYLOAD_LEN: usize = match T::SEATED {
        true => Self::SEATS + seats::LEN - Header::LEN,
        false => size_of::<T>(),
    };

    /// The value in `segment`. Where it has locks this process takes a seat.
    ///
    /// # Errors
    ///
    /// `TypeMismatch` where it holds something else; `LimitReached` where there is no seat left; and the
    /// errors of [`read_header`].
    pub fn open<L: Liveness + 'static>(segment: S, operation: &'static str) -> Result<Self> {
        const { Self::FITS };
        let header = read_header(&segment, operation)?;
        header.expect(Kind::Value, T::FINGERPRINT, Self::PAYLOAD_LEN as u64, operation)?;
        writable(&segment)?;
        // It can't fail later: a segment never moves or shrinks.
        reference::<T, S>(&segment, Header::LEN)?;
        let segment = Arc::new(segment);
        let registration =
            T::SEATED.then(|| register::<S, L>(&segment, Self::SEATS)).transpose()?;
        Ok(Self { segment, _registration: registration, value: PhantomData })
    }

    /// The bytes that stand for `value` in shared memory.
    pub fn bytes_of(value: &mut T) -> Vec<u8> {
        const { Self::FITS };
        let mut bytes = vec![0; size_of::<T>()];
        value.copy_to(&mut bytes);
        bytes
    }

    /// The segment that it lies in.
    pub fn segment(&self) -> &S {
        &self.segment
    }
}

fn register<S: Segment, L: Liveness + 'static>(
    segment: &Arc<S>,
    offset: usize,
) -> Result<Registration> {
    let start = segment.start().as_ptr().addr();
    let seats = Arc::new(SeatsOf::<S, L>::new(Arc::clone(segment), offset));
    Registration::new::<S>(start..start + segment.len(), seats)
}

impl<T: Shareable, S: Segment> Deref for Value<T, S> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `open` has checked that it lies inside and is aligned, and the segment that is
        // borrowed stays mapped. Every pattern of bits is a valid `T`, and what others can change
        // is atomic, or guarded by a lock in it, as `Shareable` promises.
        unsafe { self.segment.start().add(Header::LEN).cast::<T>().as_ref() }
    }
}

/// The bytes of a value that has no padding.
pub(crate) fn bytes_of<T: Shareable>(value: &mut T, bytes: &mut [u8]) {
    let from = std::ptr::from_mut(value).cast::<u8>();
    // SAFETY: all its bytes are initialised, as the caller says it has no padding by promising so in
    // `Shareable`; it is borrowed exclusively, so that atomics in it can be read plainly.
    bytes.copy_from_slice(unsafe { std::slice::from_raw_parts(from, size_of::<T>()) });
}

/// The value that all zeros stand for.
pub(crate) fn zeroed<T: Shareable>() -> T {
    // SAFETY: every pattern of bits is a valid `T`.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// A copy of a value that others may be writing: then a mixture of old and new.
///
/// # Safety
///
/// `from` is valid for reading a `T`, and writes to it are done with [`store_value`] only.
pub(crate) unsafe fn load_value<T: Shareable + Copy>(from: *const T) -> T {
    let mut value = zeroed::<T>();
    if let Some(place) = NonNull::new(from.cast_mut()) {
        let to = std::ptr::from_mut(&mut value).cast();
        // SAFETY: valid as the caller promises, and `value` is this function's own, of which every
        // pattern of bits is valid.
        unsafe { load(place.cast(), to, size_of::<T>()) };
    }
    value
}

/// Writes a value that others may be reading.
///
/// # Safety
///
/// `to` is valid for writing a `T`, and nobody else writes to it.
pub(crate) unsafe fn store_value<T: Shareable + Copy>(to: *mut T, value: T) {
    let from = std::ptr::from_ref(&value).cast::<u8>();
    // SAFETY: what can be copied has no locks in it, and so no padding: all its bytes are initialised.
    let bytes = unsafe { std::slice::from_raw_parts(from, size_of::<T>()) };
    if let Some(place) = NonNull::new(to) {
        // SAFETY: valid as the caller promises.
        unsafe { store(place.cast(), bytes) };
    }
}

/// The header of `segment`, checked.
///
/// # Errors
///
/// `Foreign`, `VersionMismatch` or `PeerCorrupt` where it isn't strait's own.
pub fn read_header<S: Segment>(segment: &S, operation: &'static str) -> Result<Header> {
    let mut bytes = [0; Header::LEN];
    if segment.len() < Header::LEN {
        return Header::from_bytes(&bytes, operation);
    }
    read(segment, 0, &mut bytes)?;
    let header = Header::from_bytes(&bytes, operation)?;
    if header.payload_len != (segment.len() - Header::LEN) as u64 {
        let why = format!(
            "its header speaks of {} bytes and it has {}",
            header.payload_len,
            segment.len() - Header::LEN
        );
        return Err(Error::new(ErrorKind::PeerCorrupt, operation, why));
    }
    Ok(header)
}

/// A reference to something that is nothing but values for which `Shareable` holds.
pub(crate) fn reference<T, S: Segment>(segment: &S, offset: usize) -> Result<&T> {
    let place = locate(segment, offset, size_of::<T>(), align_of::<T>())?;
    // SAFETY: inside the mapping and aligned, as `locate` has checked, for as long as the segment
    // is borrowed. That all patterns are valid and that others may write is `Shareable`'s promise,
    // and that of the ring's control words, which are atomics.
    Ok(unsafe { place.cast::<T>().as_ref() })
}

/// The `count` words at `offset`.
pub(crate) fn words<S: Segment>(segment: &S, offset: usize, count: usize) -> Result<&[AtomicU64]> {
    let place = locate(segment, offset, count.saturating_mul(8), align_of::<AtomicU64>())?;
    // SAFETY: as in `reference`.
    Ok(unsafe { std::slice::from_raw_parts(place.cast().as_ptr(), count) })
}

const ACCESS: &str = "access shared memory";

/// Where `len` bytes at `offset` are, if they lie inside and are aligned.
fn locate<S: Segment>(segment: &S, offset: usize, len: usize, align: usize) -> Result<NonNull<u8>> {
    let inside = offset.checked_add(len).is_some_and(|end| end <= segment.len());
    if !inside {
        let why = format!("{len} bytes at {offset} are outside of its {}", segment.len());
        return Err(Error::new(ErrorKind::InvalidInput, ACCESS, why));
    }
    // SAFETY: the offset is at most the length of the mapping.
    let place = unsafe { segment.start().add(offset) };
    if place.as_ptr().addr() % align != 0 {
        let why = format!("the offset {offset} is no multiple of {align}");
        return Err(Error::new(ErrorKind::InvalidInput, ACCESS, why));
    }
    Ok(place)
}

fn writable<S: Segment>(segment: &S) -> Result<()> {
    match segment.mapping() {
        Mapping::ReadWrite => Ok(()),
        Mapping::ReadOnly => {
            let why = "it is mapped for reading only";
            Err(Error::new(ErrorKind::PermissionDenied, ACCESS, why))
        }
    }
}

/// The size of the words that are copied at once. They are as large as a pointer, because larger
/// atomics may need a write to be read, which a read-only mapping forbids.
const WORD: usize = size_of::<usize>();

/// Copies out of shared memory: whole words where they are aligned, bytes at both ends.
///
/// # Safety
///
/// `from` is valid for reading `len` bytes and `to` for writing them, and they don't overlap.
unsafe fn load(from: NonNull<u8>, to: *mut u8, len: usize) {
    let (head, words) = split(from, len);
    let from = from.as_ptr();
    let tail = head + WORD * words;
    // SAFETY: all offsets are less than the length; the words of `from` are aligned by `split`, those
    // of `to` needn't be. Atomics of the same size as the integers may be read by reference while
    // other processes write.
    unsafe {
        for i in (0..head).chain(tail..len) {
            to.add(i).write(AtomicU8::from_ptr(from.add(i)).load(Relaxed));
        }
        for i in (head..tail).step_by(WORD) {
            let word = AtomicUsize::from_ptr(from.add(i).cast()).load(Relaxed);
            to.add(i).cast::<usize>().write_unaligned(word);
        }
    }
}

/// Copies into shared memory, as [`load`] copies out of it.
///
/// # Safety
///
/// `to` is valid for writing `from.len()` bytes.
unsafe fn store(to: NonNull<u8>, from: &[u8]) {
    let (head, words) = split(to, from.len());
    let to = to.as_ptr();
    let tail = head + WORD * words;
    // SAFETY: as in `load`, the other way round.
    unsafe {
        for i in (0..head).chain(tail..from.len()) {
            AtomicU8::from_ptr(to.add(i)).store(from[i], Relaxed);
        }
        for i in (head..tail).step_by(WORD) {
            let word = from.as_ptr().add(i).cast::<usize>().read_unaligned();
            AtomicUsize::from_ptr(to.add(i).cast()).store(word, Relaxed);
        }
    }
}

/// How many bytes lie before the first aligned word, and how many words follow.
fn split(place: NonNull<u8>, len: usize) -> (usize, usize) {
    let head = place.as_ptr().align_offset(WORD).min(len);
    (head, (len - head) / WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_and_length_is_copied_whole() {
        let source: Vec<u8> = (0..64).collect();
        let mut shared = [0_u64; 8];
        let base = NonNull::from(&mut shared).cast::<u8>();
        for offset in 0..16 {
            for len in 0..40 {
                let mut back = vec![0; len];
                // SAFETY: offset and length together are less than the 64 bytes.
                unsafe {
                    store(base.add(offset), &source[..len]);
                    load(base.add(offset), back.as_mut_ptr(), len);
                }
                assert_eq!(back, source[..len], "{len} bytes at {offset}");
            }
        }
    }
}
