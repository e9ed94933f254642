//! The rings under the model checker: every interleaving, every reordering that the memory model
//! allows. Run by `RUSTFLAGS="--cfg loom" cargo test -p strait-protocol --release --test loom`.
#![cfg(loom)]

use loom::{
    sync::{Arc, Condvar, Mutex, atomic::AtomicU64},
    thread,
};
use strait_core::{Deadline, Doorbell, ErrorKind, Result, Wake};
use strait_protocol::ring::{Consumer, Control, Producer, Received, Reserved, RingMemory};

/// A message is told by its length here, which travels in the record's first word: a relaxed atomic,
/// so that a missing order between the ends shows as a wrong length.
const FIRST: usize = 3;
const SECOND: usize = 1;

#[test]
fn what_is_published_is_received_whole_and_in_order() {
    loom::model(|| send_two_messages(4));
}

#[test]
fn a_sender_that_waits_for_space_is_woken() {
    // One record fills it.
    loom::model(|| send_two_messages(2));
}

fn send_two_messages(words: usize) {
    let (mut sender, mut receiver) = channel(words);
    let peer = thread::spawn(move || {
        send(&mut sender, FIRST);
        send(&mut sender, SECOND);
        sender
    });
    assert_eq!(receive(&mut receiver), Some(FIRST));
    assert_eq!(receive(&mut receiver), Some(SECOND));
    drop(peer.join().unwrap());
}

#[test]
fn a_receiver_that_only_looks_sees_a_message_or_nothing() {
    loom::model(|| {
        let (mut sender, mut receiver) = channel(4);
        let peer = thread::spawn(move || {
            send(&mut sender, FIRST);
            sender
        });
        let seen = match receiver.try_receive().unwrap() {
            Received::Message => receiver.message().len(),
            Received::Empty => FIRST,
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, FIRST);
        drop(peer.join().unwrap());
    });
}

#[test]
fn the_end_comes_after_everything_that_was_sent() {
    loom::model(|| {
        let (mut sender, mut receiver) = channel(4);
        let peer = thread::spawn(move || send(&mut sender, FIRST));
        assert_eq!(receive(&mut receiver), Some(FIRST));
        assert_eq!(receive(&mut receiver), None);
        peer.join().unwrap();
    });
}

#[test]
fn a_sender_finishes_when_everything_was_received() {
    loom::model(|| {
        let (mut sender, mut receiver) = channel(4);
        let peer = thread::spawn(move || {
            assert_eq!(receive(&mut receiver), Some(FIRST));
            assert_eq!(receive(&mut receiver), None);
        });
        send(&mut sender, FIRST);
        sender.finish(Deadline::NEVER).unwrap();
        peer.join().unwrap();
    });
}

#[test]
fn a_sender_that_finishes_learns_that_the_receiver_is_gone() {
    loom::model(|| {
        let (mut sender, receiver) = channel(4);
        send(&mut sender, FIRST);
        let peer = thread::spawn(move || drop(receiver));
        let error = sender.finish(Deadline::NEVER).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        peer.join().unwrap();
    });
}

#[test]
fn a_sender_that_waits_for_space_learns_that_the_receiver_is_gone() {
    loom::model(|| {
        let (mut sender, receiver) = channel(2);
        assert_eq!(sender.try_reserve(FIRST).unwrap(), Reserved::Yes);
        sender.publish().unwrap();
        let peer = thread::spawn(move || drop(receiver));
        let error = sender.reserve(FIRST, Deadline::NEVER).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        peer.join().unwrap();
    });
}

type Sender = Producer<Memory, Bell>;
type Receiver = Consumer<Memory, Bell>;

fn channel(words: usize) -> (Sender, Receiver) {
    // The second record wraps around the largest position.
    let position = 0_u64.wrapping_sub(16);
    let words = (0..words).map(|_| AtomicU64::new(0)).collect();
    let memory = Memory(Arc::new((Control::new(position), words)));
    let bells = [Arc::default(), Arc::default()];
    let [a, b] = &bells;
    let sender = Producer::starting_at(
        position,
        memory.clone(),
        Bell { mine: Arc::clone(a), peers: Arc::clone(b) },
    );
    let receiver =
        Consumer::starting_at(position, memory, Bell { mine: Arc::clone(b), peers: Arc::clone(a) });
    (sender, receiver)
}

fn send(sender: &mut Sender, len: usize) {
    sender.reserve(len, Deadline::NEVER).unwrap();
    sender.publish().unwrap();
}

fn receive(receiver: &mut Receiver) -> Option<usize> {
    match receiver.receive(Deadline::NEVER).unwrap() {
        Received::Message => {
            let len = receiver.message().len();
            receiver.release();
            Some(len)
        }
        Received::Finished => None,
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, Clone)]
struct Memory(Arc<(Control, Vec<AtomicU64>)>);

// SAFETY: what the `Arc` holds stays where it is. One producer and one consumer are made of it. The
// bytes of messages aren't touched by these tests.
unsafe impl RingMemory for Memory {
    fn control(&self) -> &Control {
        &self.0.0
    }

    fn words(&self) -> &[AtomicU64] {
        &self.0.1
    }
}

/// A bell that never gives up: a wake-up that is lost is a deadlock, which loom reports.
#[derive(Debug)]
struct Bell {
    mine: Arc<(Mutex<bool>, Condvar)>,
    peers: Arc<(Mutex<bool>, Condvar)>,
}

impl Doorbell for Bell {
    fn ring(&self) -> Result<()> {
        *self.peers.0.lock().unwrap() = true;
        self.peers.1.notify_one();
        Ok(())
    }

    fn wait(&self, _: Deadline<'_>) -> Result<Wake> {
        let (rung, condvar) = &*self.mine;
        let mut rung = rung.lock().unwrap();
        while !*rung {
            rung = condvar.wait(rung).unwrap();
        }
        *rung = false;
        Ok(Wake::Rung)
    }
}
