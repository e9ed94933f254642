//! What POSIX has for the purpose: a mutex of pthreads that is shared between processes and robust.
#![expect(unsafe_code, reason = "std has no mutex that processes share")]

use crate::Result;
use std::{
    cell::UnsafeCell,
    io,
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};
use strait::SharedMemory;

/// A number in shared memory that a robust mutex guards.
#[derive(Debug)]
pub struct RobustMutex {
    /// In the memory. Kept here, as looking it up would be measured with each lock.
    guarded: NonNull<Guarded>,
    _memory: SharedMemory,
}

#[repr(C)]
struct Guarded {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    value: UnsafeCell<u64>,
}

impl RobustMutex {
    /// Makes one, in shared memory of this name.
    ///
    /// # Errors
    ///
    /// Those of strait's memory and of pthreads.
    pub fn create(name: &str) -> Result<Self> {
        let this = Self::of(SharedMemory::create(name, size_of::<Guarded>())?)?;
        // SAFETY: the mutex lies in memory that was just made, so that nobody uses it yet, and which
        // stays mapped as long as `this` is there.
        unsafe { initialise(this.mutex())? };
        Ok(this)
    }

    /// Opens the one in shared memory of this name, which [`create`](Self::create) has made.
    ///
    /// # Errors
    ///
    /// Those of strait's memory.
    pub fn open(name: &str) -> Result<Self> {
        Self::of(SharedMemory::open(name)?)
    }

    /// Waits until nobody holds the lock, and takes it.
    ///
    /// # Errors
    ///
    /// Those of pthreads.
    #[inline]
    pub fn lock(&self) -> io::Result<Guard<'_>> {
        // SAFETY: `create` has initialised it, here or in a peer that runs this very program, and it stays
        // mapped while `self` is borrowed.
        succeeded(unsafe { libc::pthread_mutex_lock(self.mutex()) })?;
        Ok(Guard { mutex: self, not_send: PhantomData })
    }

    fn of(memory: SharedMemory) -> Result<Self> {
        if memory.len() != size_of::<Guarded>() {
            return Err("the memory isn't as large as a mutex".into());
        }
        Ok(Self { guarded: memory.as_ptr().cast(), _memory: memory })
    }

    #[inline]
    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        self.guarded().mutex.get()
    }

    #[inline]
    fn guarded(&self) -> &Guarded {
        // SAFETY: it lies in memory that stays mapped as long as `self` is there; `of` has checked how
        // large that is, and it is aligned to 512 bytes. All of it is in cells, so others may change it.
        unsafe { self.guarded.as_ref() }
    }
}

/// The right to use the number. Dropping it unlocks.
#[must_use = "dropping it unlocks"]
#[derive(Debug)]
pub struct Guard<'a> {
    mutex: &'a RobustMutex,
    /// Who unlocks has to be the thread that locked.
    not_send: PhantomData<*const ()>,
}

impl Deref for Guard<'_> {
    type Target = u64;

    #[inline]
    fn deref(&self) -> &u64 {
        // SAFETY: whoever has a guard holds the lock, so nobody has a mutable reference.
        unsafe { &*self.mutex.guarded().value.get() }
    }
}

impl DerefMut for Guard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut u64 {
        // SAFETY: whoever has a guard holds the lock, so nobody else has a reference.
        unsafe { &mut *self.mutex.guarded().value.get() }
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `lock`; and this thread holds it, as guards can't be sent. So it can't fail.
        unsafe { libc::pthread_mutex_unlock(self.mutex.mutex()) };
    }
}

/// # Safety
///
/// There is room for a mutex at `mutex`, which nobody uses, and which never moves.
unsafe fn initialise(mutex: *mut libc::pthread_mutex_t) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: the attributes are this function's own, initialised before they are used, and destroyed
    // when they are no longer. The mutex is as the caller promises.
    unsafe {
        succeeded(libc::pthread_mutexattr_init(attributes))?;
        let shared = libc::PTHREAD_PROCESS_SHARED;
        let done = succeeded(libc::pthread_mutexattr_setpshared(attributes, shared))
            .and_then(|()| {
                let robust = libc::PTHREAD_MUTEX_ROBUST;
                succeeded(libc::pthread_mutexattr_setrobust(attributes, robust))
            })
            .and_then(|()| succeeded(libc::pthread_mutex_init(mutex, attributes)));
        libc::pthread_mutexattr_destroy(attributes);
        done
    }
}

/// Pthreads return the error.
#[inline]
fn succeeded(code: libc::c_int) -> io::Result<()> {
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
