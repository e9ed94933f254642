//! That who sleeps on a word of shared memory is woken by who changes it, also without the nap after which those who
//! wait for locks look anyway: counted in two processes whose threads take turns.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    env,
    process::Command,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait_core::{
    Access, Deadline, Lifetime, Liveness, Mapping, Name, NewSegment, Result, Segment, WaitAddress,
    WaitOutcome,
};
use strait_protocol::{
    Header, Kind, Shareable,
    shared::Value,
    sync::{Condvar, Mutex},
};
use strait_windows::{Windows, WindowsSegment};

/// In each of two processes.
const THREADS: u64 = 3;
const ROUNDS: u64 = 1000;
const PATIENCE: Duration = Duration::from_secs(100);

/// As long as nobody is kept from ringing after a change, however busy the machine is.
const FAR_TOO_LONG: Duration = Duration::from_secs(5);

#[test]
fn who_sleeps_is_woken_without_a_nap() {
    if let Ok(name) = env::var("STRAIT_WAKES") {
        return play(&name, 1);
    }
    let name = format!("wakes-{}", std::process::id());
    let _turn = create(&name, Mutex::<u64, Counted>::new(0));
    let _changed = create(&format!("{name}.changed"), Condvar::<Counted>::new());
    let this = env::current_exe().unwrap();
    let peer = Command::new(this)
        .args(["--exact", "who_sleeps_is_woken_without_a_nap", "--nocapture"])
        .env("STRAIT_WAKES", &name)
        .spawn();
    play(&name, 0);
    assert!(peer.unwrap().wait().unwrap().success());
}

/// One process' part: each of its threads waits for its turn, and passes it on.
fn play(name: &str, process: u64) {
    let turn: Value<Mutex<u64, Counted>, WindowsSegment> = open(name);
    let changed: Value<Condvar<Counted>, WindowsSegment> = open(&format!("{name}.changed"));
    let begin = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            // Neighbours in turn are in different processes.
            let mine = 2 * thread + process;
            let (turn, changed) = (&turn, &changed);
            scope.spawn(move || take_turns(turn, changed, mine));
        }
    });
    let counts = [&SLEEPS, &LONG, &LOST].map(|count| count.load(Ordering::Relaxed));
    let ([sleeps, long, lost], turns) = (counts, THREADS * ROUNDS);
    let took = begin.elapsed();
    println!("process {process}: {turns} turns in {took:?}, {sleeps} sleeps");
    println!("process {process}: a nap would have ended {long}, and {lost} were not woken");
    assert_eq!(lost, 0, "of {sleeps} sleeps, this many missed a change");
}

fn take_turns(turn: &Mutex<u64, Counted>, changed: &Condvar<Counted>, mine: u64) {
    let participants = 2 * THREADS;
    for _ in 0..ROUNDS {
        let others = |turn: &mut u64| *turn % participants != mine;
        let held = turn.lock_timeout(PATIENCE).map_err(|error| error.to_string()).unwrap();
        let waited = changed.wait_timeout_while(held, PATIENCE, others);
        let (mut held, result) = waited.map_err(|error| error.to_string()).unwrap();
        assert!(!result.timed_out(), "nobody passed the turn on");
        *held += 1;
        // While it is held, and after.
        if *held % 2 == 0 {
            changed.notify_all();
        }
        let odd = *held % 2 == 1;
        drop(held);
        if odd {
            changed.notify_all();
        }
    }
}

static SLEEPS: AtomicU64 = AtomicU64::new(0);
static LONG: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Sleeping on words as the backend does, but not only for a nap; counted.
struct Counted;

impl WaitAddress for Counted {
    fn wait(word: &AtomicU32, expected: u32, nap: Deadline<'_>) -> Result<WaitOutcome> {
        let outcome = Windows::wait(word, expected, Deadline::after(FAR_TOO_LONG))?;
        SLEEPS.fetch_add(1, Ordering::Relaxed);
        LONG.fetch_add(nap.has_passed().into(), Ordering::Relaxed);
        let changed = word.load(Ordering::SeqCst) != expected;
        LOST.fetch_add((outcome == WaitOutcome::TimedOut && changed).into(), Ordering::Relaxed);
        Ok(outcome)
    }

    fn wake_one(word: &AtomicU32) {
        Windows::wake_one(word);
    }

    fn wake_all(word: &AtomicU32) {
        Windows::wake_all(word);
    }
}

fn create<T: Shareable>(name: &str, mut value: T) -> WindowsSegment {
    let name = Name::new(name).unwrap();
    let len = Value::<T, WindowsSegment>::PAYLOAD_LEN;
    let header = Header {
        kind: Kind::Value,
        lifetime: Lifetime::Creator,
        payload_len: len as u64,
        fingerprint: T::FINGERPRINT,
        creator: Windows::current_process().unwrap(),
        name: Some(name.clone()),
    };
    let content =
        [&header.to_bytes()[..], &Value::<T, WindowsSegment>::bytes_of(&mut value)].concat();
    let (access, lifetime) = (Access::Private, Lifetime::Creator);
    let new = NewSegment { len: Header::LEN + len, content: &content, access, lifetime };
    WindowsSegment::create(&name, &new).unwrap()
}

fn open<T: Shareable>(name: &str) -> Value<T, WindowsSegment> {
    let segment =
        WindowsSegment::open(&Name::new(name).unwrap(), None, Mapping::ReadWrite).unwrap();
    Value::open::<Windows>(segment, "open").unwrap()
}
