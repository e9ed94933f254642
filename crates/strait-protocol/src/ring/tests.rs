//! The ring against a model, a queue of messages, and against a peer that breaks the rules.
#![cfg(not(loom))]
#![expect(unsafe_code, reason = "a ring outside of a segment")]

use super::{Consumer, Control, Producer, Received, Reserved, RingMemory};
use proptest::prelude::*;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use strait_core::{Deadline, Doorbell, ErrorKind, Result, Wake};

const CAPACITY: usize = 256;

#[derive(Debug, Clone)]
enum Step {
    Send(usize),
    SendPrefix(usize, usize),
    Abandon(usize),
    Receive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..=CAPACITY / 2).prop_map(Step::Send),
        2 => (0..=CAPACITY / 2, 0..=CAPACITY / 2).prop_map(|(a, b)| Step::SendPrefix(a, b)),
        1 => (0..=CAPACITY / 2).prop_map(Step::Abandon),
        4 => Just(Step::Receive),
    ];
    prop::collection::vec(step, 1..400)
}

fn start() -> impl Strategy<Value = u64> {
    let near = |limit: u64| (0..64_u64).prop_map(move |i| limit.wrapping_sub(8 * i));
    prop_oneof![Just(0), near(1 << 32), near(0)]
}

proptest! {
    #[test]
    fn it_is_a_queue_of_messages(steps in steps(), start in start()) {
        let (mut sender, mut receiver) = ring(start);
        let mut queue = VecDeque::new();
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::Send(len) => {
                    let reserved = sender.try_reserve(len).unwrap();
                    prop_assert!(reserved == Reserved::Yes || !queue.is_empty(), "no room");
                    if reserved == Reserved::Yes {
                        let message: Vec<u8> = (0..len).map(|at| (at * 7 + i) as u8).collect();
                        sender.message().copy_from_slice(&message);
                        sender.publish().unwrap();
                        queue.push_back(message);
                    }
                }
                Step::SendPrefix(len, prefix) => {
                    if sender.try_reserve(len).unwrap() == Reserved::Yes {
                        sender.message().fill(i as u8);
                        sender.shorten(prefix);
                        sender.publish().unwrap();
                        queue.push_back(vec![i as u8; len.min(prefix)]);
                    }
                }
                Step::Abandon(len) => {
                    if sender.try_reserve(len).unwrap() == Reserved::Yes {
                        sender.message().fill(0xee);
                        sender.cancel();
                    }
                }
                Step::Receive => {
                    let received = receiver.try_receive().unwrap();
                    match queue.pop_front() {
                        Some(message) => {
                            prop_assert_eq!(received, Received::Message);
                            prop_assert_eq!(receiver.message(), &message[..]);
                            receiver.release();
                        }
                        None => prop_assert_eq!(received, Received::Empty),
                    }
                }
            }
        }
        drop(sender);
        for message in queue {
            prop_assert_eq!(receiver.try_receive().unwrap(), Received::Message);
            prop_assert_eq!(receiver.message(), &message[..]);
            receiver.release();
        }
        prop_assert_eq!(receiver.try_receive().unwrap(), Received::Finished);
    }

    #[test]
    fn whatever_a_sender_writes_is_an_error_or_bytes(
        words in prop::collection::vec(word(), CAPACITY / 8),
        start in start(),
        scribbles in prop::collection::vec((word(), 0..CAPACITY / 8, word()), 1..50),
    ) {
        let memory = Memory::new(start, words);
        let mut receiver = Consumer::starting_at(start, memory.clone(), Silent);
        for (published, index, value) in scribbles {
            let control = memory.control();
            control.published.store(start.wrapping_add(published), Relaxed);
            memory.words()[index].store(value, Relaxed);
            match receiver.try_receive() {
                Ok(Received::Message) => {
                    prop_assert!(receiver.message().iter().count() <= CAPACITY / 2);
                }
                Ok(received) => prop_assert_eq!(received, Received::Empty),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::PeerCorrupt),
            }
            receiver.release();
        }
    }

    #[test]
    fn whatever_a_receiver_writes_is_an_error_or_space(
        start in start(),
        scribbles in prop::collection::vec((word(), 0..=CAPACITY / 2), 1..50),
    ) {
        let memory = Memory::new(start, vec![0; CAPACITY / 8]);
        let mut sender = Producer::starting_at(start, memory.clone(), Silent);
        for (freed, len) in scribbles {
            memory.control().freed.store(start.wrapping_add(freed), Relaxed);
            match sender.try_reserve(len) {
                Ok(_) => sender.message().fill(1),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::PeerCorrupt),
            }
            sender.publish().unwrap();
        }
    }
}

/// Values near those that a correct peer writes, and any others.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![0..2 * CAPACITY as u64, (0..64_u64).prop_map(|i| 8 * i), any::<u64>()]
}

#[test]
fn a_message_longer_than_half_of_the_ring_is_refused_with_the_limit() {
    let (mut sender, _receiver) = ring(0);
    let error = sender.try_reserve(CAPACITY / 2 + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("128 at a time"), "{error}");
}

fn ring(start: u64) -> (Producer<Memory, Silent>, Consumer<Memory, Silent>) {
    let memory = Memory::new(start, vec![0; CAPACITY / 8]);
    let sender = Producer::starting_at(start, memory.clone(), Silent);
    (sender, Consumer::starting_at(start, memory, Silent))
}

#[derive(Debug, Clone)]
struct Memory(Arc<(Control, Vec<AtomicU64>)>);

impl Memory {
    fn new(start: u64, words: Vec<u64>) -> Self {
        Self(Arc::new((Control::new(start), words.into_iter().map(AtomicU64::new).collect())))
    }
}

// SAFETY: what the `Arc` holds stays where it is, and can be written, being atomics. One producer
// and one consumer are made of it, and one after the other in one thread.
unsafe impl RingMemory for Memory {
    fn control(&self) -> &Control {
        &self.0.0
    }

    fn words(&self) -> &[AtomicU64] {
        &self.0.1
    }
}

/// A bell for those who never sleep.
#[derive(Debug)]
struct Silent;

impl Doorbell for Silent {
    fn ring(&self) -> Result<()> {
        Ok(())
    }

    fn wait(&self, _: Deadline<'_>) -> Result<Wake> {
        Ok(Wake::TimedOut)
    }
}
