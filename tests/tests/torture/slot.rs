//! What a worker says about itself, where its parent reads it although the worker may be dead by then.

use crate::exercises::EXERCISES;
use std::{
    fmt,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    time::Duration,
};
use strait::Shareable;

/// How often somebody was woken after a while, and how often somebody slept as long as a nap.
pub(crate) type Counts = [u64; 2];

/// One of the workers, which is one process after another.
#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Slot {
    /// Which life this is, in which the worker surely is: a number that no other worker has or had. 0 from
    /// before it is killed until the next one has been started.
    life: AtomicU64,
    /// The number of the exercise that it is at, plus one.
    doing: AtomicU64,
    /// How many operations have ended, whatever became of them.
    finished: AtomicU64,
    done: [AtomicU64; EXERCISES.len()],
    recovered: [AtomicU64; EXERCISES.len()],
    /// How often something took a while where nobody was being killed, but less than a nap.
    woken: [AtomicU64; EXERCISES.len()],
    /// How often it took as long as a nap.
    napped: [AtomicU64; EXERCISES.len()],
    complaint: Text,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            life: AtomicU64::new(0),
            doing: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            done: Default::default(),
            recovered: Default::default(),
            woken: Default::default(),
            napped: Default::default(),
            complaint: Text::default(),
        }
    }

    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::SeqCst)
    }

    pub(crate) fn set_life(&self, life: u64) {
        self.life.store(life, Ordering::SeqCst);
    }

    /// Begins an exercise. Returns what was being done before.
    pub(crate) fn begin(&self, exercise: usize) -> u64 {
        self.doing.swap(exercise as u64 + 1, Ordering::SeqCst)
    }

    /// Of one that is dead: at which exercise it was. The next one is at none yet.
    pub(crate) fn bury(&self) -> Option<usize> {
        let doing = self.doing();
        self.doing.store(0, Ordering::SeqCst);
        doing
    }

    pub(crate) fn end(&self, before: u64) {
        self.finished.fetch_add(1, Ordering::SeqCst);
        self.doing.store(before, Ordering::SeqCst);
    }

    /// Says that it has stopped, as it was told to.
    pub(crate) fn stop(&self) {
        self.doing.store(STOPPED, Ordering::SeqCst);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.doing.load(Ordering::SeqCst) == STOPPED
    }

    pub(crate) fn finished(&self) -> u64 {
        self.finished.load(Ordering::SeqCst)
    }

    /// Which exercise it is at, if it is at any.
    pub(crate) fn doing(&self) -> Option<usize> {
        let exercise = self.doing.load(Ordering::SeqCst).checked_sub(1)? as usize;
        (exercise < EXERCISES.len()).then_some(exercise)
    }

    /// The name of what it is at.
    pub(crate) fn doing_what(&self) -> &'static str {
        self.doing().map_or("nothing", |exercise| EXERCISES[exercise].name)
    }

    pub(crate) fn count_done(&self, exercise: usize) {
        self.done[exercise].fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn done(&self, exercise: usize) -> u64 {
        self.done[exercise].load(Ordering::SeqCst)
    }

    pub(crate) fn count_recovered(&self, exercise: usize) {
        self.recovered[exercise].fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn recovered(&self, exercise: usize) -> u64 {
        self.recovered[exercise].load(Ordering::SeqCst)
    }

    /// Counts how long something took where nobody was being killed, if it was worth mentioning.
    pub(crate) fn count_wait(&self, exercise: usize, took: Duration) {
        if took >= A_NAP {
            self.napped[exercise].fetch_add(1, Ordering::SeqCst);
        } else if took >= A_WHILE {
            self.woken[exercise].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// How often an exercise took a while, and how often as long as a nap, since this was last asked.
    pub(crate) fn take_waits(&self, exercise: usize) -> Counts {
        [&self.woken, &self.napped].map(|counts| counts[exercise].swap(0, Ordering::SeqCst))
    }

    pub(crate) fn complain(&self, what: &str) {
        self.complaint.write(what);
    }

    pub(crate) fn complaint(&self) -> Option<String> {
        Some(self.complaint.read()).filter(|text| !text.is_empty())
    }
}

/// After a little more those who sleep look by themselves, although nobody wakes them.
const A_NAP: Duration = Duration::from_millis(38);

/// After as long one has surely slept, or not had the processor.
const A_WHILE: Duration = Duration::from_micros(500);

/// Stands for an exercise.
const STOPPED: u64 = u64::MAX;

/// A text that is there as a whole or not at all.
#[derive(Shareable)]
#[repr(C)]
struct Text {
    len: AtomicU64,
    bytes: [AtomicU8; 512],
}

impl Text {
    fn write(&self, text: &str) {
        for (to, from) in self.bytes.iter().zip(text.bytes()) {
            to.store(from, Ordering::SeqCst);
        }
        self.len.store(text.len().min(self.bytes.len()) as u64, Ordering::SeqCst);
    }

    fn read(&self) -> String {
        let len = self.len.load(Ordering::SeqCst) as usize;
        let bytes = self.bytes.iter().take(len).map(|byte| byte.load(Ordering::SeqCst));
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self { len: AtomicU64::new(0), bytes: [const { AtomicU8::new(0) }; 512] }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
