//! Locking and unlocking: strait's `Mutex` beside those of std and `parking_lot`, which don't reach
//! another process, and beside a robust mutex of pthreads, which does.
//!
//! ```text
//! cargo bench -p strait-bench --bench mutex
//! ```
//!
//! Without `-p` other crates of the workspace have places built into the locks at which tests stop them,
//! and these would be measured too.
//!
//! # Targets
//!
//! Where nobody else wants the lock: at most 1.5 × std, and faster than the robust mutex.
//!
//! # What is measured
//!
//! * `uncontended`: lock and unlock, with nothing in between.
//! * `contended`: lock, add one and unlock, over and over in two processes at once; the time divided by
//!   how often *both* have done it. A lock that leaves the other waiting looks fast by that, so the share
//!   of each is printed below it.
#![allow(clippy::expect_used, reason = "a benchmark that fails can only end")]

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use std::{
    cell::LazyCell,
    hint::black_box,
    time::{Duration, Instant},
};
use strait::{Shared, sync::Mutex};
use strait_bench::{
    Result, Subject, alone,
    cpus::Cpus,
    peer::{self, Role},
    robust_mutex::RobustMutex,
};

fn main() -> Result {
    peer::act_if_asked(&[Role::of::<Strait>(), Role::of::<Robust>()])?;
    let cpus = Cpus::pin_here();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    uncontended(criterion.benchmark_group("mutex/uncontended"))?;
    contended(criterion.benchmark_group("mutex/contended"), cpus);
    criterion.final_summary();
    Ok(())
}

/// What is handed out is the address of the value only, so that nothing but the lock is measured.
fn uncontended(mut group: BenchmarkGroup<WallTime>) -> Result {
    let strait = alone::<Strait>()?.0;
    group.bench_function(Strait::NAME, |bencher| {
        bencher.iter(|| {
            black_box(&mut *strait.lock().expect("nobody dies"));
        });
    });
    let std = black_box(std::sync::Mutex::new(0_u64));
    group.bench_function("std", |bencher| {
        bencher.iter(|| {
            black_box(&mut *std.lock().expect("nobody panics"));
        });
    });
    let parking_lot = black_box(parking_lot::Mutex::new(0_u64));
    group.bench_function("parking_lot", |bencher| {
        bencher.iter(|| {
            black_box(&mut *parking_lot.lock());
        });
    });
    let robust = alone::<Robust>()?.0;
    group.bench_function(Robust::NAME, |bencher| {
        bencher.iter(|| {
            black_box(&mut *robust.lock().expect("nobody dies"));
        });
    });
    group.finish();
    Ok(())
}

fn contended(mut group: BenchmarkGroup<WallTime>, cpus: Cpus) {
    against_a_peer::<Strait>(&mut group, cpus);
    against_a_peer::<Robust>(&mut group, cpus);
    group.finish();
}

fn against_a_peer<C: Counter>(group: &mut BenchmarkGroup<WallTime>, cpus: Cpus) {
    // Not before the first call, as there is none where the benchmark is filtered out.
    let opposed = LazyCell::new(|| peer::oppose::<C>(cpus).expect("a peer"));
    let (mut ours, mut all) = (0, 0);
    group.bench_function(C::NAME, |bencher| {
        let (counter, _peer) = &*opposed;
        bencher.iter_custom(|iterations| {
            let before = counter.increment();
            let begun = Instant::now();
            for _ in 1..iterations {
                counter.increment();
            }
            let both = counter.increment() - before;
            let elapsed = begun.elapsed();
            ours += iterations;
            all += both;
            elapsed.mul_f64(iterations as f64 / both as f64)
        });
    });
    if all != 0 {
        let share = 100.0 * ours as f64 / all as f64;
        println!("{}: this process had {share:.0} % of the acquisitions\n", C::NAME);
    }
}

/// A number that two processes count up, each under the lock.
trait Counter: Subject {
    /// Adds one, and returns the sum.
    fn increment(&self) -> u64;
}

struct Strait(Shared<Mutex<u64>>);

impl Subject for Strait {
    const NAME: &'static str = "strait";

    fn create(name: &str) -> Result<Self> {
        Ok(Self(Shared::create(name, Mutex::new(0))?))
    }

    fn open(name: &str) -> Result<Self> {
        Ok(Self(Shared::open(name)?))
    }

    fn oppose(&self) -> ! {
        count_for_ever(self)
    }
}

impl Counter for Strait {
    #[inline]
    fn increment(&self) -> u64 {
        let mut value = self.0.lock().expect("nobody dies");
        *value += 1;
        *value
    }
}

struct Robust(RobustMutex);

impl Subject for Robust {
    const NAME: &'static str = "robust-pthread";

    fn create(name: &str) -> Result<Self> {
        Ok(Self(RobustMutex::create(name)?))
    }

    fn open(name: &str) -> Result<Self> {
        Ok(Self(RobustMutex::open(name)?))
    }

    fn oppose(&self) -> ! {
        count_for_ever(self)
    }
}

impl Counter for Robust {
    #[inline]
    fn increment(&self) -> u64 {
        let mut value = self.0.lock().expect("nobody dies");
        *value += 1;
        *value
    }
}

fn count_for_ever(counter: &impl Counter) -> ! {
    loop {
        counter.increment();
    }
}
