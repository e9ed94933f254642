//! What can lie in shared memory.
#![expect(unsafe_code, reason = "promises that these types can be shared")]

use crate::{
    shared,
    sync::{self, Members},
};
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
use strait_core::Fingerprint;

/// A type that several processes can share: it means the same in all of them, and can't be broken by
/// any of them.
///
/// Implemented for integers, floats and atomics of fixed size, arrays of these, locks of [`sync`], and
/// structs with `#[derive(Shareable)]`. Atomics, and what locks guard, can change while it is shared.
///
/// [`sync`]: crate::sync
///
/// # Safety
///
/// * Every pattern of bits is a valid value, so that nothing a peer writes is undefined behaviour:
///   no `bool`, no `char`, no `enum`, no reference.
/// * It holds nothing that means something in one process only: no pointer, no handle.
/// * Its layout is the same in every process: `repr(C)` or `repr(transparent)`, and no `usize`.
/// * It needs no `Drop`, and has no padding, unless [`copy_to`](Self::copy_to) leaves that out.
/// * [`SEATED`](Self::SEATED) is true if it is of anything in it.
/// * The fingerprint differs from that of every type with another layout or meaning.
// Every implementation is marked `do_not_recommend`: these notes say better what can be shared than
// the compiler's list of the first few types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be shared between processes",
    label = "can't be shared",
    note = "integers, floats and atomics of fixed size can be, arrays of them, and structs of them \
            with `#[derive(Shareable)]` and `#[repr(C)]`",
    note = "pointers, references, `Box`, `Vec`, `String` can't: they lead into one process' memory",
    note = "`usize` and `isize` can't: their size differs between 32- and 64-bit processes",
    note = "`bool`, `char` and enums can't: a peer could write what is none of their values"
)]
pub unsafe trait Shareable: Send + Sync + Sized + 'static {
    /// What two processes compare before they share a value of the type.
    const FINGERPRINT: Fingerprint;

    /// Whether there are locks in it that know their owner, for which the memory needs seats.
    const SEATED: bool;

    /// Copies the bytes that stand for it in shared memory to `bytes`, which are zeros and as many as
    /// it is large. Padding stays zeros, and so do the words of a lock, which begins unlocked.
    #[doc(hidden)]
    fn copy_to(&mut self, bytes: &mut [u8]) {
        shared::bytes_of(self, bytes);
    }
}

macro_rules! shareable {
    ($($type:ty),*) => {$(
        // SAFETY: a number or an atomic number of a fixed size: every pattern of bits is valid, it
        // means the same everywhere, has no padding and needs no `Drop`.
        #[diagnostic::do_not_recommend]
        unsafe impl Shareable for $type {
            const FINGERPRINT: Fingerprint =
                Fingerprint::of_type(stringify!($type), size_of::<$type>());
            const SEATED: bool = false;
        }
    )*};
}

shareable!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);
shareable!(AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicI8, AtomicI16, AtomicI32, AtomicI64);

// SAFETY: an array is its elements one after another.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {
    const FINGERPRINT: Fingerprint =
        Fingerprint::of_type("array", size_of::<Self>()).containing(T::FINGERPRINT);
    const SEATED: bool = T::SEATED;

    fn copy_to(&mut self, bytes: &mut [u8]) {
        for (element, bytes) in self.iter_mut().zip(bytes.chunks_exact_mut(size_of::<T>().max(1))) {
            element.copy_to(bytes);
        }
    }
}

/// Synchronisation that is atomic words and nothing else.
macro_rules! words {
    ($($type:ident: $seated:literal),*) => {$(
        // SAFETY: atomic words without padding, of which every pattern of bits is handled; the marker
        // has no size and no alignment.
        #[diagnostic::do_not_recommend]
        unsafe impl<B: Members> Shareable for sync::$type<B> {
            // The same for every backend, as its layout and rules are.
            const FINGERPRINT: Fingerprint =
                Fingerprint::of_type(concat!("strait::sync::", stringify!($type)), size_of::<Self>());
            const SEATED: bool = $seated;
        }
    )*};
}

words!(Event: false, Condvar: false, Semaphore: true, Barrier: true, Once: true);

/// Synchronisation that is atomic words, and a value which they guard.
macro_rules! guarding {
    ($($type:ident: $value:path),*) => {$(
        // SAFETY: atomic words, of which every pattern of bits is handled, and a value to which that
        // applies; padding after it is left out of what is copied.
        #[diagnostic::do_not_recommend]
        unsafe impl<T: $value, B: Members> Shareable for sync::$type<T, B> {
            const FINGERPRINT: Fingerprint =
                Fingerprint::of_type(concat!("strait::sync::", stringify!($type)), size_of::<Self>())
                    .containing(T::FINGERPRINT);
            const SEATED: bool = true;

            fn copy_to(&mut self, bytes: &mut [u8]) {
                self.get_mut().copy_to(&mut bytes[Self::VALUE..][..size_of::<T>()]);
            }
        }
    )*};
}

guarding!(Mutex: Shareable, RwLock: Shareable, SeqLock: Plain);

// SAFETY: as above; whether it is written yet is copied too.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable, B: Members> Shareable for sync::OnceLock<T, B> {
    const FINGERPRINT: Fingerprint =
        Fingerprint::of_type("strait::sync::OnceLock", size_of::<Self>())
            .containing(T::FINGERPRINT);
    const SEATED: bool = true;

    fn copy_to(&mut self, bytes: &mut [u8]) {
        let (once, value) = self.parts();
        once.copy_to(&mut bytes[..size_of::<sync::Once<B>>()]);
        value.copy_to(&mut bytes[Self::VALUE..][..size_of::<T>()]);
    }
}

/// What can be copied while it is being shared.
#[doc(hidden)]
pub trait Plain: Shareable + Copy {}

impl<T: Shareable + Copy> Plain for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_differ_have_different_fingerprints() {
        let all = [
            u32::FINGERPRINT,
            i32::FINGERPRINT,
            AtomicU32::FINGERPRINT,
            <[u32; 2]>::FINGERPRINT,
            <[u32; 3]>::FINGERPRINT,
            <[[u32; 1]; 3]>::FINGERPRINT,
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}
