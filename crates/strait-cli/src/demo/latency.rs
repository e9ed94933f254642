//! How long a small message takes.

use super::{link::Lifeline, mechanism::Ends};
use crate::failure::{Failure, Result};
use std::time::{Duration, Instant};

/// The times that small messages took one way: half of what they took there and back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latency {
    /// Half of them were faster.
    pub(super) p50: Duration,
    /// One in a hundred was slower.
    pub(super) p99: Duration,
}

impl Latency {
    /// Sends small messages there and back, to a child that echoes them.
    pub(super) fn measure(ends: &mut Ends, lifeline: &Lifeline) -> Result<Self> {
        // Caches and branch predictors learn first.
        rounds(ends, lifeline, WARM_UP, LIMIT / 10)?;
        let times = rounds(ends, lifeline, ROUNDS, LIMIT)?;
        ends.outlet.send(&[])?;
        Ok(Self::of(times))
    }

    fn of(mut round_trips: Vec<Duration>) -> Self {
        round_trips.sort_unstable();
        let at = |percent: usize| {
            let index = (round_trips.len() * percent / 100).min(round_trips.len().max(1) - 1);
            round_trips.get(index).copied().unwrap_or_default() / 2
        };
        Self { p50: at(50), p99: at(99) }
    }
}

const WARM_UP: usize = 1000;
const ROUNDS: usize = 20_000;

/// A slow mechanism makes fewer rounds.
const LIMIT: Duration = Duration::from_millis(500);

fn rounds(
    ends: &mut Ends,
    lifeline: &Lifeline,
    count: usize,
    limit: Duration,
) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    let first = Instant::now();
    let mut begin = first;
    for number in 1..=count as u64 {
        let message = number.to_ne_bytes();
        let mut same = false;
        ends.outlet.send(&message)?;
        ends.inlet.receive(&mut |echo| same = echo == message)?;
        if !same {
            return Err(Failure::Other("a message came back changed".to_owned()));
        }
        // One look at the clock is both an end and a beginning.
        let end = Instant::now();
        times.push(end - begin);
        begin = end;
        if end - first > limit {
            break;
        }
        lifeline.check()?;
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_halves_of_round_trips() {
        let latency = Latency::of((0..1000).rev().map(Duration::from_nanos).collect());
        assert_eq!(latency.p50, Duration::from_nanos(250));
        assert_eq!(latency.p99, Duration::from_nanos(495));
    }

    #[test]
    fn few_rounds_have_percentiles_too() {
        assert_eq!(Latency::of(Vec::new()).p99, Duration::ZERO);
        assert_eq!(Latency::of(vec![Duration::from_nanos(4)]).p99, Duration::from_nanos(2));
    }
}
