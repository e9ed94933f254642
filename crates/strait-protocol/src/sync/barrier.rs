//! Waiting until all parties have come, any of whom may die.
//!
//! # The rules
//!
//! 1. `state` holds the round and how many have come in it. Who comes enters itself, and then counts up by
//!    one compare-and-exchange; the last one makes it the next round in the same step. So a round is
//!    complete or it isn't.
//! 2. An entry names a party that waits, or has joined. Where one of them is gone, whoever notices makes
//!    the state `BROKEN`; who completes a round looks before. Nobody takes the place of one that is gone,
//!    which would hide that it died.
//! 3. Repairing counts `repairs` up, so that those who waited while it was broken learn that although a
//!    new round has begun.

use super::{
    Members, Owner,
    bell::{Bell, Look},
    entries::Entries,
    holder::Holder,
};
use crate::{
    kill_point::kill_point,
    primitive::{AtomicU32, AtomicU64, Ordering},
};
use std::{fmt, marker::PhantomData, ptr, time::Duration};
use strait_core::{Deadline, Error, ErrorKind, Result};

/// Where a certain number of parties wait for each other, again and again.
///
/// ```
/// use strait::{Shared, sync::Barrier};
///
/// let name = format!("doc/barrier-{}", std::process::id());
/// let parties = 1; // As many as there are processes.
/// let start = Shared::<Barrier>::open_or_create(&name, || Barrier::new(parties))?;
///
/// // In each of them:
/// if start.wait()?.is_leader() {
///     println!("all are here");
/// }
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Death
///
/// Where a party dies while it waits, the barrier is broken: all who wait get an error, of kind
/// [`Disconnected`](ErrorKind::Disconnected), within 100 ms, and so does everybody who comes later, until
/// somebody says [`repair`](Self::repair).
///
/// Of one that dies before it comes nobody knows that it was to come, unless it has said so by
/// [`join`](Self::join).
#[repr(C)]
pub struct Barrier<B> {
    state: AtomicU64,
    bell: Bell,
    parties: AtomicU32,
    reserved: AtomicU32,
    waiting: Entries<PLACES>,
    joined: Entries<MOST>,
    backend: PhantomData<fn() -> B>,
}

/// The most parties.
const MOST: usize = 64;

/// Twice as many, so that those who are slow to leave don't keep others from coming.
const PLACES: usize = 2 * MOST;

/// How a wait at a [`Barrier`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this was the last to come: exactly one of each round is.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl<B> Barrier<B> {
    /// The most parties that there can be.
    pub const MAX_PARTIES: u32 = MOST as u32;

    /// A barrier for as many parties; one, where that is 0. With more than
    /// [`MAX_PARTIES`](Self::MAX_PARTIES) waiting fails.
    pub fn new(parties: u32) -> Self {
        Self {
            state: AtomicU64::new(0),
            bell: Bell::new(),
            parties: AtomicU32::new(parties),
            reserved: AtomicU32::new(0),
            waiting: Entries::new(),
            joined: Entries::new(),
            backend: PhantomData,
        }
    }

    /// Whether a party has died, and nobody has said [`repair`](Self::repair) since.
    pub fn is_broken(&self) -> bool {
        self.state().broken
    }

    fn state(&self) -> State {
        State::of(self.state.load(Ordering::SeqCst))
    }

    fn exchange(&self, from: State, to: State) -> bool {
        let (from, to) = (from.word(), to.word());
        self.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }
}

impl<B: Members> Barrier<B> {
    /// Waits until all parties have come.
    ///
    /// # Errors
    ///
    /// `Disconnected` where a party has died; `InvalidInput` where there are too many parties; `Os`, where
    /// the system fails.
    pub fn wait(&self) -> Result<BarrierWaitResult> {
        self.wait_deadline(Deadline::NEVER)
    }

    /// Waits until all parties have come; or until `timeout` is over, and then it hasn't come.
    ///
    /// # Errors
    ///
    /// `TimedOut`, and those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult> {
        self.wait_deadline(timeout)
    }

    /// Waits until all parties have come; or until the deadline, and then it hasn't come.
    ///
    /// # Errors
    ///
    /// `TimedOut`, and those of [`wait`](Self::wait).
    pub fn wait_deadline<'d>(
        &self,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<BarrierWaitResult> {
        let deadline = deadline.into().check(WAIT)?;
        let parties = self.checked_parties()?;
        let me = B::me(ptr::from_ref(self).addr())?;
        let mut entry = self.enter(me, deadline)?;
        let came_in = loop {
            let state = self.whole()?;
            kill_point!("barrier: entered, not counted");
            if state.count + 1 < parties {
                if self.exchange(state, State { count: state.count + 1, ..state }) {
                    break state;
                }
            } else if self.has_gone() {
                self.break_round(state);
            } else {
                // Who completes a round waits for nobody, and if it dies from here on breaks nothing.
                drop(entry);
                if !self.exchange(state, state.next_round()) {
                    entry = self.enter(me, deadline)?;
                    continue;
                }
                kill_point!("barrier: complete, not rung");
                self.bell.ring_all::<B>();
                return Ok(BarrierWaitResult(true));
            }
        };
        kill_point!("barrier: counted");
        match self.bell.wait::<B, _, Error>(deadline, |look| self.is_over(came_in, look)) {
            Ok(Some(())) => Ok(BarrierWaitResult(false)),
            Ok(None) => self.withdraw(came_in, deadline),
            Err(error) => self.withdraw(came_in, deadline).and(Err(error)),
        }
    }

    /// Says that this process is a party, so that its death is noticed also while it isn't waiting, as
    /// long as what is returned lives.
    ///
    /// # Errors
    ///
    /// `LimitReached`, where there are too many already; `Os`, where the system fails.
    pub fn join(&self) -> Result<Party<'_, B>> {
        let me = B::me(ptr::from_ref(self).addr())?;
        match self.joined.enter::<B>(me, MOST, Look::Quick) {
            Some(place) => Ok(Party(Entry::new(&self.joined, place, me))),
            None => {
                let why = format!("{MOST} have joined, and there is room for no more");
                Err(Error::new(ErrorKind::LimitReached, "join a barrier", why)
                    .hint("where some of them have died, say `repair`"))
            }
        }
    }

    /// Makes a barrier usable again that is broken, or would be as soon as somebody noticed who has died.
    /// Who waits there gets an error.
    pub fn repair(&self) {
        while self.state().broken || self.has_gone() {
            let state = self.state();
            let repaired = State { repairs: state.repairs.wrapping_add(1), ..state.next_round() };
            if self.exchange(state, repaired) {
                // Not before, as only they show who has died.
                self.waiting.remove_gone::<B>();
                self.joined.remove_gone::<B>();
                self.bell.ring_all::<B>();
            }
        }
    }

    fn enter(&self, me: Owner, deadline: Deadline<'_>) -> Result<Entry<'_, B, PLACES>> {
        let attempt = |look| match self.waiting.enter::<B>(me, PLACES, Look::Quick) {
            None if look == Look::Thorough && self.has_gone() => {
                self.break_round(self.state());
                Err(broken())
            }
            place => Ok(place),
        };
        let place = match attempt(Look::Quick)? {
            Some(place) => Some(place),
            None => self.bell.wait::<B, _, Error>(deadline, attempt)?,
        };
        let entry = |place| Entry::new(&self.waiting, place, me);
        place.map(entry).ok_or_else(|| deadline.error(WAIT))
    }

    /// Whether a party that waits, or has joined, is gone.
    fn has_gone(&self) -> bool {
        self.waiting.have_gone::<B>() || self.joined.have_gone::<B>()
    }

    /// The state, unless it is broken.
    fn whole(&self) -> Result<State> {
        let state = self.state();
        if state.broken { Err(broken()) } else { Ok(state) }
    }

    /// Whether the round in which the caller came is complete; an error where it never will be.
    fn is_over(&self, came_in: State, look: Look) -> Result<Option<()>> {
        let state = self.state();
        if state.repairs == came_in.repairs && state.round != came_in.round {
            return Ok(Some(()));
        }
        if state.broken || state.repairs != came_in.repairs {
            return Err(broken());
        }
        if look == Look::Thorough && self.has_gone() {
            self.break_round(came_in);
        }
        Ok(None)
    }

    /// Breaks the barrier, unless that round is over.
    fn break_round(&self, came_in: State) {
        loop {
            let state = self.state();
            let over = (state.round, state.repairs) != (came_in.round, came_in.repairs);
            if over || state.broken || self.exchange(state, State { broken: true, ..state }) {
                break;
            }
        }
        self.bell.ring_all::<B>();
    }

    /// At the deadline: goes as if the caller hadn't come, if the round isn't over.
    fn withdraw(&self, came_in: State, deadline: Deadline<'_>) -> Result<BarrierWaitResult> {
        loop {
            if self.is_over(came_in, Look::Quick)?.is_some() {
                return Ok(BarrierWaitResult(false));
            }
            let state = self.state();
            let fewer = State { count: state.count.saturating_sub(1), ..state };
            let same = (state.round, state.repairs) == (came_in.round, came_in.repairs);
            if same && !state.broken && self.exchange(state, fewer) {
                return Err(deadline.error(WAIT));
            }
        }
    }

    fn checked_parties(&self) -> Result<u32> {
        let parties = self.parties.load(Ordering::Relaxed);
        if parties <= Self::MAX_PARTIES {
            return Ok(parties.max(1));
        }
        let why = format!("it is for {parties}, and there can be {}", Self::MAX_PARTIES);
        Err(Error::new(ErrorKind::InvalidInput, WAIT, why))
    }
}

impl<B> fmt::Debug for Barrier<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// That this process is a party to a [`Barrier`]. Dropping it says that it isn't any more.
#[derive(Debug)]
#[must_use = "dropping it ends the membership"]
pub struct Party<'a, B: Members>(
    #[expect(dead_code, reason = "held for its drop")] Entry<'a, B, MOST>,
);

/// A place in which the caller has entered itself. Dropping it leaves.
#[derive(Debug)]
struct Entry<'a, B: Members, const N: usize> {
    entries: &'a Entries<N>,
    place: usize,
    holder: Holder,
    backend: PhantomData<fn() -> B>,
}

impl<'a, B: Members, const N: usize> Entry<'a, B, N> {
    fn new(entries: &'a Entries<N>, place: usize, me: Owner) -> Self {
        Self { entries, place, holder: Holder::new::<B>(me), backend: PhantomData }
    }
}

impl<B: Members, const N: usize> Drop for Entry<'_, B, N> {
    fn drop(&mut self) {
        // In a forked child it is a copy of its parent's.
        if self.holder.is_this_process::<B>() {
            self.entries.leave(self.place, self.holder.me);
        }
    }
}

/// What `state` says: from the lowest bit on 15 of `count`, `broken`, 16 of `repairs`, 32 of `round`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    round: u32,
    repairs: u16,
    broken: bool,
    /// How many have come in this round.
    count: u32,
}

impl State {
    const COUNT: u64 = 0x7fff;

    fn of(word: u64) -> Self {
        Self {
            round: (word >> 32) as u32,
            repairs: (word >> 16) as u16,
            broken: word & 0x8000 != 0,
            count: (word & Self::COUNT) as u32,
        }
    }

    fn word(self) -> u64 {
        let count = u64::from(self.count) & Self::COUNT;
        u64::from(self.round) << 32
            | u64::from(self.repairs) << 16
            | u64::from(self.broken) << 15
            | count
    }

    fn next_round(self) -> Self {
        Self { round: self.round.wrapping_add(1), broken: false, count: 0, ..self }
    }
}

const WAIT: &str = "wait at a barrier";

fn broken() -> Error {
    Error::new(ErrorKind::Disconnected, WAIT, "a party has died")
        .hint("say `repair` when it has been replaced")
}
