//! Opening what has a name, or creating it where nobody has.

use std::{cell::RefCell, marker::PhantomData};
use strait_core::{Backend, Deadline, Error, ErrorKind, Name, Result, Segment};

/// Opens, or creates where there is nothing; and again, where in between somebody else did.
pub(crate) fn open_or_create<T>(
    name: &Name,
    open: impl Fn() -> Result<T>,
    mut create: impl FnMut() -> Result<T>,
) -> Result<T> {
    // Each round that fails means that others created it and were gone again in between.
    const ROUNDS: usize = 1000;
    for _ in 0..ROUNDS {
        match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => return done,
        }
        match create() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            done => return done,
        }
    }
    Err(Error::new(ErrorKind::Busy, OPEN_OR_CREATE, "it appears and disappears too fast").on(name))
}

/// The same, but of all that do this at the same time one creates, and the others wait for it. Where it
/// dies, the next one creates.
pub(crate) fn open_or_create_alone<B: Backend, T>(
    name: &Name,
    deadline: Deadline<'_>,
    open: impl Fn() -> Result<T>,
    mut create: impl FnMut() -> Result<T>,
) -> Result<T> {
    open_or_create(name, &open, || {
        let _claim = Claim::<B>::take(name, deadline)?;
        match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => create(),
            done => done,
        }
    })
}

const OPEN_OR_CREATE: &str = "open or create shared memory";

thread_local! {
    /// What this thread is about to create.
    static MINE: RefCell<Vec<Name>> = const { RefCell::new(Vec::new()) };
}

/// The right to create what has a name.
struct Claim<B: Backend> {
    _claim: <B::Segment as Segment>::Claim,
    backend: PhantomData<B>,
}

impl<B: Backend> Claim<B> {
    fn take(name: &Name, deadline: Deadline<'_>) -> Result<Self> {
        // What creates it may ask for it itself, and would wait for itself.
        // (A thread that is ending has forgotten what it creates.)
        if MINE.try_with(|mine| mine.borrow().contains(name)).unwrap_or(false) {
            let why = "this thread is just creating it";
            return Err(Error::new(ErrorKind::Deadlock, OPEN_OR_CREATE, why).on(name));
        }
        let claim = B::Segment::claim(name, deadline)?;
        let _ = MINE.try_with(|mine| mine.borrow_mut().push(name.clone()));
        Ok(Self { _claim: claim, backend: PhantomData })
    }
}

impl<B: Backend> Drop for Claim<B> {
    fn drop(&mut self) {
        // They end in the order in which they began, reversed.
        let _ = MINE.try_with(|mine| mine.borrow_mut().pop());
    }
}
