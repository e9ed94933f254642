//! Who sleeps on the words of a section, in whichever process: a table in a section of its own, whose name follows
//! from that of the first.
//!
//! # The rules
//!
//! 1. Each who sleeps has a slot, and each slot an event with a name. Who is about to sleep writes into the slot who
//!    and where it is, and then the number of this sleep, which no other had lately and which is odd; only then it looks
//!    at the word, and sleeps as long as that is as expected and the number stays.
//! 2. Who wakes has changed the word before it looks at the table. So either it finds the sleeper there, or that one
//!    sees the change. It picks the oldest sleep on that word, takes it by changing the number, and rings the event.
//! 3. The number says whether one was woken, and the event only that it is to look: what is left of an earlier sleep
//!    wakes nobody.
//! 4. One that was picked, but hasn't slept as the word was another already, has another picked in its place.
//! 5. Before one is picked it is asked whether its process lives; the slots of the dead are freed. One that dies just
//!    then is woken in vain, and one that dies between picking and ringing leaves the other asleep: both for no longer
//!    than who waits for locks naps.
//!
//! What a hostile peer writes here ends sleeps or prolongs them.

use crate::{
    named, object,
    process::{self, Process},
    security::Security,
    view::{PAGE, View},
    wait,
};
use std::{
    collections::HashMap,
    io,
    os::windows::io::OwnedHandle,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering::SeqCst, fence},
    },
    time::Duration,
};
use strait_core::{Access, Deadline, Mapping, ProcessIdentity, WaitOutcome};

/// The table of a section.
#[derive(Debug)]
pub(crate) struct Sleepers {
    id: u128,
    access: Access,
    view: View,
    #[expect(dead_code, reason = "keeps the name")]
    section: OwnedHandle,
    /// Those that this process has used, by slot.
    events: Mutex<HashMap<usize, Arc<OwnedHandle>>>,
}

impl Sleepers {
    /// The table, which is made where it isn't there.
    pub(crate) fn make(id: u128, access: Access) -> io::Result<Self> {
        let security = Security::of(access).map_err(io::Error::other)?;
        let made = named::section(
            Some(&object::name(0, "sleepers", &format!("{id:032x}"))),
            &security,
            LEN,
        )?;
        Self::of(id, access, made.handle)
    }

    /// The table, where somebody has it.
    pub(crate) fn find(id: u128, access: Access) -> io::Result<Option<Self>> {
        let section = named::open_writable(&object::name(0, "sleepers", &format!("{id:032x}")))?;
        section.map(|section| Self::of(id, access, section)).transpose()
    }

    fn of(id: u128, access: Access, section: OwnedHandle) -> io::Result<Self> {
        let view = View::new(&section, LEN, Mapping::ReadWrite)?;
        Ok(Self { id, access, view, section, events: Mutex::default() })
    }

    /// Sleeps on a word, which is at an offset, while it is as expected.
    pub(crate) fn sleep(
        &self,
        offset: usize,
        word: &AtomicU32,
        expected: u32,
        deadline: Deadline<'_>,
    ) -> io::Result<WaitOutcome> {
        let Some(sleep) = self.lie_down(offset, this_process()?) else {
            // There are too many to be woken: look again soon.
            let soon = Duration::from_millis(2);
            wait::one(&*self.event(0)?, deadline.within(soon))?;
            return Ok(if deadline.has_passed() {
                WaitOutcome::TimedOut
            } else {
                WaitOutcome::Woken
            });
        };
        let event = self.event(sleep.slot)?;
        fence(SeqCst);
        if word.load(SeqCst) != expected {
            if sleep.end() {
                self.wake_one(offset);
            }
            return Ok(WaitOutcome::Woken);
        }
        while sleep.goes_on() {
            if !wait::one(&*event, deadline)? {
                let woken = sleep.end();
                return Ok(if woken { WaitOutcome::Woken } else { WaitOutcome::TimedOut });
            }
        }
        Ok(WaitOutcome::Woken)
    }

    /// Wakes the one that has slept for longest on the word at an offset.
    pub(crate) fn wake_one(&self, offset: usize) {
        // A bound, for peers that write here without end.
        for _ in 0..2 * SLOTS {
            let Some((slot, number)) = self.oldest(offset) else { return };
            if self.is_dead(slot) {
                self.free(slot, number);
            } else if self.pick(slot, number) {
                return;
            }
        }
    }

    /// Wakes all that sleep on the word at an offset.
    pub(crate) fn wake_all(&self, offset: usize) {
        for slot in self.used() {
            if let Some(number) = self.asleep_at(slot, offset) {
                self.pick(slot, number);
            }
        }
    }

    fn lie_down(&self, offset: usize, this: &ProcessIdentity) -> Option<Sleep<'_>> {
        let free = |slot: &usize| {
            let owner = self.at(*slot, Field::Owner);
            owner.is_some_and(|owner| owner.compare_exchange(0, this.pid, SeqCst, SeqCst).is_ok())
        };
        let slot = (1..=SLOTS).find(free).or_else(|| {
            self.free_dead();
            (1..=SLOTS).find(free)
        })?;
        let (start, offset) = (this.start, offset as u64);
        for (field, value) in [
            (Field::StartLow, start as u32),
            (Field::StartHigh, (start >> 32) as u32),
            (Field::OffsetLow, offset as u32),
            (Field::OffsetHigh, (offset >> 32) as u32),
        ] {
            self.at(slot, field)?.store(value, SeqCst);
        }
        self.view.word(MOST)?.fetch_max(slot as u32, SeqCst);
        let number = self.view.word(NUMBERS)?.fetch_add(2, SeqCst) | 1;
        self.at(slot, Field::Sleep)?.store(number, SeqCst);
        Some(Sleep { sleepers: self, slot, number })
    }

    /// The oldest sleep on the word at an offset.
    fn oldest(&self, offset: usize) -> Option<(usize, u32)> {
        let next = self.view.word(NUMBERS)?.load(SeqCst);
        let asleep = |slot| Some((slot, self.asleep_at(slot, offset)?));
        self.used().filter_map(asleep).max_by_key(|(_, number)| next.wrapping_sub(*number))
    }

    /// The number of the sleep in a slot, if it is one on the word at this offset.
    fn asleep_at(&self, slot: usize, offset: usize) -> Option<u32> {
        let number = self.at(slot, Field::Sleep)?.load(SeqCst);
        let at = self.pair(slot, Field::OffsetLow, Field::OffsetHigh)?;
        (number % 2 == 1 && at == offset as u64).then_some(number)
    }

    /// Wakes who sleeps so, if nobody else has.
    fn pick(&self, slot: usize, number: u32) -> bool {
        let picked = self.end(slot, number);
        if picked {
            // Where the event can't be had, the other looks again without it.
            if let Ok(event) = self.event(slot) {
                object::set(&*event);
            }
        }
        picked
    }

    /// Ends a sleep, if nobody else has.
    fn end(&self, slot: usize, number: u32) -> bool {
        let sleep = self.at(slot, Field::Sleep);
        sleep.is_some_and(|sleep| sleep.compare_exchange(number, 0, SeqCst, SeqCst).is_ok())
    }

    fn is_dead(&self, slot: usize) -> bool {
        let owner = self.at(slot, Field::Owner).map(|owner| owner.load(SeqCst));
        let start = self.pair(slot, Field::StartLow, Field::StartHigh);
        owner.zip(start).is_some_and(|(pid, start)| is_dead(pid, start))
    }

    /// Frees the slot of one that died asleep.
    fn free(&self, slot: usize, number: u32) {
        // What was read of it before belongs to this sleep, if this is still it.
        let Some(owner) = self.at(slot, Field::Owner) else { return };
        let pid = owner.load(SeqCst);
        if self.end(slot, number) {
            let _ = owner.compare_exchange(pid, 0, SeqCst, SeqCst);
        }
    }

    /// Frees the slots of all whose process has ended.
    fn free_dead(&self) {
        for owner in (1..=SLOTS).filter_map(|slot| self.at(slot, Field::Owner)) {
            let pid = owner.load(SeqCst);
            // Which process of that number it was may not be there yet.
            if pid != 0
                && !process::is_alive(&ProcessIdentity { pid, reserved: 0, start: 0, space: 0 })
            {
                let _ = owner.compare_exchange(pid, 0, SeqCst, SeqCst);
            }
        }
    }

    /// The slots that were ever used.
    fn used(&self) -> impl Iterator<Item = usize> {
        let most = self.view.word(MOST).map_or(0, |most| most.load(SeqCst) as usize);
        1..=most.min(SLOTS)
    }

    fn at(&self, slot: usize, field: Field) -> Option<&AtomicU32> {
        self.view.word(SLOT * slot + 4 * field as usize)
    }

    fn pair(&self, slot: usize, low: Field, high: Field) -> Option<u64> {
        let (low, high) = (self.at(slot, low)?.load(SeqCst), self.at(slot, high)?.load(SeqCst));
        Some(u64::from(high) << 32 | u64::from(low))
    }

    /// The event of a slot; that of slot 0 is never rung.
    fn event(&self, slot: usize) -> io::Result<Arc<OwnedHandle>> {
        if let Some(event) = self.events().get(&slot) {
            return Ok(Arc::clone(event));
        }
        let security = Security::of(self.access).map_err(io::Error::other)?;
        let name = object::name(0, "sleeper", &format!("{:032x}.{slot}", self.id));
        let event = Arc::new(named::event(&name, &security)?.handle);
        Ok(Arc::clone(self.events().entry(slot).or_insert(event)))
    }

    fn events(&self) -> MutexGuard<'_, HashMap<usize, Arc<OwnedHandle>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that sleeps, or is about to. Dropping it frees the slot.
struct Sleep<'a> {
    sleepers: &'a Sleepers,
    slot: usize,
    number: u32,
}

impl Sleep<'_> {
    fn goes_on(&self) -> bool {
        let number = self.sleepers.at(self.slot, Field::Sleep).map(|sleep| sleep.load(SeqCst));
        number == Some(self.number)
    }

    /// Ends it, and says whether another has already.
    fn end(&self) -> bool {
        !self.sleepers.end(self.slot, self.number)
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.end();
        if let Some(owner) = self.sleepers.at(self.slot, Field::Owner) {
            owner.store(0, SeqCst);
        }
    }
}

/// What a slot says, word by word.
#[derive(Debug, Clone, Copy)]
enum Field {
    /// The number of the process; 0 where it is free.
    Owner = 0,
    StartLow = 1,
    StartHigh = 2,
    OffsetLow = 3,
    OffsetHigh = 4,
    /// The number of the sleep, odd; 0 where there is none.
    Sleep = 5,
}

/// The bytes of a slot. The first one is the head of the table.
const SLOT: usize = 32;

/// How many can sleep on the words of one section and be woken. Others look now and then.
const SLOTS: usize = 1023;

const LEN: usize = SLOT * (SLOTS + 1);
const _: () = assert!(LEN % PAGE == 0, "the whole table is mapped");

/// Where the number of the next sleep is, and that of the last slot that was ever used.
const NUMBERS: usize = 0;
const MOST: usize = 4;

/// This process, which is always the same.
fn this_process() -> io::Result<&'static ProcessIdentity> {
    static THIS: OnceLock<ProcessIdentity> = OnceLock::new();
    match THIS.get() {
        Some(this) => Ok(this),
        None => {
            let this = process::current().map_err(io::Error::other)?;
            Ok(THIS.get_or_init(|| this))
        }
    }
}

/// Whether that very process has ended, for sure.
fn is_dead(pid: u32, start: u64) -> bool {
    /// By number and start; `None` where this user may not ask.
    type Known = HashMap<(u32, u64), Option<Process>>;
    /// Those that were asked lately, which stay open.
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    const MANY: usize = 256;
    if pid == std::process::id() {
        return false;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(process) = known.get(&(pid, start)) {
        return process.as_ref().is_some_and(Process::has_ended);
    }
    let identity = ProcessIdentity { pid, reserved: 0, start, space: 0 };
    match Process::open_very(&identity, 0, "look for a process") {
        Ok(None) => true,
        found => {
            if known.len() >= MANY {
                known.clear();
            }
            known.insert((pid, start), found.ok().flatten());
            false
        }
    }
}
