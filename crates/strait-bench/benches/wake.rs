//! Waking another process: strait's `Event` and `Semaphore` beside the bare futex, which is the least that
//! it can cost.
//!
//! ```text
//! cargo bench -p strait-bench --bench wake
//! ```
//!
//! As for why it is `-p`, see `mutex.rs`.
//!
//! # Targets
//!
//! At most 1.2 × the bare futex.
//!
//! # What is measured
//!
//! A round trip between two processes: this one sets `PING` and waits for `PONG`, the other waits for
//! `PING` and sets `PONG`. The bare futex is there twice: going to sleep at once, and looking some hundred
//! times before, as strait's locks do. Each subject is to be compared with the one that waits as it does.
//!
//! * `one-cpu`: the two take turns on one cpu, so that each wait sleeps, and nothing is left to chance.
//! * `two-cpus`: each has its own. Those that look before they sleep flip between two modes then: as long as
//!   both processes run nobody sleeps, but once one was held up, each finds the other asleep for a while,
//!   as waking up takes longer than the look. How often that happens is chance, and mostly so on virtual
//!   machines: compare several runs.
#![allow(clippy::expect_used, reason = "a benchmark that fails can only end")]

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use std::{cell::LazyCell, sync::atomic::AtomicU32, time::Duration};
use strait::{
    Shared,
    sync::{Event, Semaphore},
};
use strait_bench::{
    Result, Subject,
    cpus::Cpus,
    futex,
    peer::{self, Role},
};

fn main() -> Result {
    peer::act_if_asked(&[
        Role::of::<SleepingFutex>(),
        Role::of::<SpinningFutex>(),
        Role::of::<Events>(),
        Role::of::<Semaphores>(),
    ])?;
    let cpus = Cpus::pin_here();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    compare(criterion.benchmark_group("wake/one-cpu"), cpus.shared());
    compare(criterion.benchmark_group("wake/two-cpus"), cpus);
    criterion.final_summary();
    Ok(())
}

fn compare(mut group: BenchmarkGroup<WallTime>, cpus: Cpus) {
    round_trip::<SleepingFutex>(&mut group, cpus);
    round_trip::<SpinningFutex>(&mut group, cpus);
    round_trip::<Events>(&mut group, cpus);
    round_trip::<Semaphores>(&mut group, cpus);
    group.finish();
}

fn round_trip<S: Signals>(group: &mut BenchmarkGroup<WallTime>, cpus: Cpus) {
    // Not before the first call, as there is none where the benchmark is filtered out.
    let opposed = LazyCell::new(|| peer::oppose::<S>(cpus).expect("a peer"));
    group.bench_function(S::NAME, |bencher| {
        let (signals, _peer) = &*opposed;
        bencher.iter(|| {
            signals.set(PING);
            signals.wait(PONG);
        });
    });
}

/// Two signals, one for each direction.
trait Signals: Subject {
    /// Sets one.
    fn set(&self, which: usize);

    /// Waits until one is set, and takes it back.
    fn wait(&self, which: usize);
}

const PING: usize = 0;
const PONG: usize = 1;

fn answer_for_ever(signals: &impl Signals) -> ! {
    loop {
        signals.wait(PING);
        signals.set(PONG);
    }
}

type SleepingFutex = Futex<0>;
type SpinningFutex = Futex<100>;

struct Futex<const SPINS: u32>(Shared<[AtomicU32; 2]>);

impl<const SPINS: u32> Subject for Futex<SPINS> {
    const NAME: &'static str = if SPINS == 0 { "futex-sleeping" } else { "futex-spinning" };

    fn create(name: &str) -> Result<Self> {
        Ok(Self(Shared::create(name, Default::default())?))
    }

    fn open(name: &str) -> Result<Self> {
        Ok(Self(Shared::open(name)?))
    }

    fn oppose(&self) -> ! {
        answer_for_ever(self)
    }
}

impl<const SPINS: u32> Signals for Futex<SPINS> {
    #[inline]
    fn set(&self, which: usize) {
        futex::set(&self.0[which]);
    }

    #[inline]
    fn wait(&self, which: usize) {
        futex::wait(&self.0[which], SPINS);
    }
}

struct Events(Shared<[Event; 2]>);

impl Subject for Events {
    const NAME: &'static str = "strait-event";

    fn create(name: &str) -> Result<Self> {
        Ok(Self(Shared::create(name, [Event::auto_reset(), Event::auto_reset()])?))
    }

    fn open(name: &str) -> Result<Self> {
        Ok(Self(Shared::open(name)?))
    }

    fn oppose(&self) -> ! {
        answer_for_ever(self)
    }
}

impl Signals for Events {
    #[inline]
    fn set(&self, which: usize) {
        self.0[which].set();
    }

    #[inline]
    fn wait(&self, which: usize) {
        self.0[which].wait().expect("the system waits");
    }
}

struct Semaphores(Shared<[Semaphore; 2]>);

impl Subject for Semaphores {
    const NAME: &'static str = "strait-semaphore";

    fn create(name: &str) -> Result<Self> {
        Ok(Self(Shared::create(name, [Semaphore::counting(0), Semaphore::counting(0)])?))
    }

    fn open(name: &str) -> Result<Self> {
        Ok(Self(Shared::open(name)?))
    }

    fn oppose(&self) -> ! {
        answer_for_ever(self)
    }
}

impl Signals for Semaphores {
    #[inline]
    fn set(&self, which: usize) {
        self.0[which].release(1).expect("there are never two");
    }

    #[inline]
    fn wait(&self, which: usize) {
        self.0[which].acquire().expect("the system waits").forget();
    }
}
