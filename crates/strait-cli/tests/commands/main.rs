//! The command `strait`, as its users run it: real processes, files, pipes and signals.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod demo;
mod doctor;
mod pipe;
mod signals;
mod socket;
mod support;
mod transfer;
mod trouble;
