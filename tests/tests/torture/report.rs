//! What was done, in numbers, and how things stand.

use crate::{exercises::EXERCISES, state::State};
use std::fmt::Debug;

/// A line for each exercise: how often it was done, how often somebody took over from a dead one, and how
/// many were killed that were at it.
pub(crate) fn table(state: &State, killed_at: &[u64]) -> String {
    let lines = EXERCISES.iter().zip(killed_at).enumerate().map(|(number, (exercise, killed))| {
        let (name, done) = (exercise.name, state.done(number));
        let recovered = match exercise.told {
            true => format!(" {:>6} recovered", state.recovered(number)),
            false => String::new(),
        };
        format!("{name:<20} {done:>10} done {killed:>6} killed{recovered}\n")
    });
    lines.collect()
}

/// All that is shared, a line for each part of it.
pub(crate) fn state(state: &State) -> String {
    let slots = state.slots.iter().map(|slot| slot as &dyn Debug);
    let parts: [&dyn Debug; 11] = [
        &state.ledger,
        &state.canary,
        &state.board,
        &state.permits,
        &state.tokens,
        &state.turns,
        &state.queue,
        &state.baton,
        &state.bells,
        &state.meeting,
        &state.latest,
    ];
    slots.chain(parts).map(|part| format!("{part:?}\n")).collect()
}
