//! Tasks that wait for handles to be signalled: the system's own thread pool waits, and wakes them.
//!
//! What the system is told to wait for it calls back with a number only, under which is found whom to wake. Where a
//! wait was dropped there is nobody under its number: so a call that comes late does nothing, nobody has to wait for
//! it to be over, and dropping a wait never blocks, even where waking a task does that.
#![expect(unsafe_code, reason = "calls the system, and is called by it")]

use crate::object;
use std::{
    collections::HashMap,
    ffi::c_void,
    fmt, io,
    os::windows::io::{AsHandle, AsRawHandle},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    ptr::{null_mut, without_provenance},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};
use windows_sys::Win32::{
    Foundation::HANDLE,
    System::Threading::{
        INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEONLYONCE,
    },
};

/// Something whose handle can be waited for, as long as this exists.
pub(crate) type Signal = Arc<dyn AsHandle + Send + Sync>;

/// Ends when one of several handles is signalled.
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Signalled {
    number: usize,
    // Dropped before the signals are closed.
    _waits: Vec<Wait>,
}

impl Signalled {
    /// Waits from now on for any of `signals`, which stay signalled.
    pub(crate) fn any(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        Self::any_within(signals, INFINITE)
    }

    /// The same, for so many milliseconds at most.
    pub(crate) fn any_within(
        signals: impl IntoIterator<Item = Signal>,
        milliseconds: u32,
    ) -> io::Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        sleepers().insert(number, Sleeper::default());
        // From here on it takes itself away again.
        let mut signalled = Self { number, _waits: Vec::new() };
        let mut signals: Vec<_> = signals.into_iter().collect();
        if signals.is_empty() {
            // Nothing but the time ends it.
            signals.push(Arc::new(object::event()?));
        }
        for signal in signals {
            signalled._waits.push(Wait::new(signal, number, milliseconds)?);
        }
        Ok(signalled)
    }
}

impl Future for Signalled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut sleepers = sleepers();
        let Some(sleeper) = sleepers.get_mut(&self.number) else { return Poll::Ready(()) };
        if sleeper.is_woken {
            return Poll::Ready(());
        }
        let before = match &mut sleeper.waker {
            Some(waker) if waker.will_wake(context.waker()) => None,
            waker => waker.replace(context.waker().clone()),
        };
        drop(sleepers);
        // Whatever that does, it does it when nothing is locked.
        drop(before);
        Poll::Pending
    }
}

impl Drop for Signalled {
    fn drop(&mut self) {
        let sleeper = sleepers().remove(&self.number);
        drop(sleeper);
    }
}

impl fmt::Debug for Signalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signalled").finish_non_exhaustive()
    }
}

/// Who waits, and whether that is over.
#[derive(Default)]
struct Sleeper {
    is_woken: bool,
    waker: Option<Waker>,
}

/// All of them, by number.
fn sleepers() -> MutexGuard<'static, HashMap<usize, Sleeper>> {
    static SLEEPERS: OnceLock<Mutex<HashMap<usize, Sleeper>>> = OnceLock::new();
    SLEEPERS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the system waits for.
struct Wait {
    wait: HANDLE,
    _signal: Signal,
}

// SAFETY: what the system gave is a name of its wait, which any thread may use; and the signal is Send.
unsafe impl Send for Wait {}
// SAFETY: nothing can be done with what is shared.
unsafe impl Sync for Wait {}

impl Wait {
    fn new(signal: Signal, number: usize, milliseconds: u32) -> io::Result<Self> {
        let mut wait = null_mut();
        let handle = signal.as_handle().as_raw_handle();
        let place = &raw mut wait;
        // SAFETY: the handle is open, and isn't closed before this is dropped, which ends the wait. The context is a
        // number that is never used as a pointer. What is called may be called at any time.
        let done = unsafe {
            let context = without_provenance(number);
            RegisterWaitForSingleObject(
                place,
                handle,
                Some(wake),
                context,
                milliseconds,
                WT_EXECUTEONLYONCE,
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { wait, _signal: signal })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // SAFETY: the system has given it for this wait, which ends here, once. Without an event to be set it doesn't
        // wait for a call back that is under way, which does no harm: that has a number, which it looks up, and the
        // handle isn't waited for any more where it was signalled once.
        unsafe { UnregisterWaitEx(self.wait, null_mut()) };
    }
}

/// What the system calls when a handle is signalled, or the time is over.
unsafe extern "system" fn wake(context: *mut c_void, _: bool) {
    let mut sleepers = sleepers();
    let waker = sleepers.get_mut(&context.addr()).and_then(|sleeper| {
        sleeper.is_woken = true;
        sleeper.waker.take()
    });
    drop(sleepers);
    if let Some(waker) = waker {
        // A waker that panics has nobody here who could be told.
        drop(catch_unwind(AssertUnwindSafe(|| waker.wake())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::windows::io::OwnedHandle,
        sync::mpsc::{self, Sender},
        task::Wake,
        thread,
        time::Duration,
    };

    fn event() -> Arc<OwnedHandle> {
        Arc::new(object::event().unwrap())
    }

    fn of(event: &Arc<OwnedHandle>) -> Signalled {
        Signalled::any([Arc::clone(event) as Signal]).unwrap()
    }

    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn block_on(mut future: Signalled) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        while Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending() {
            thread::park_timeout(Duration::from_secs(60));
        }
    }

    fn look(future: &mut Signalled, waker: &Waker) -> bool {
        Pin::new(future).poll(&mut Context::from_waker(waker)).is_ready()
    }

    #[test]
    fn it_ends_when_the_handle_is_signalled_before_or_after() {
        let event = event();
        let mut early = of(&event);
        assert!(!look(&mut early, Waker::noop()));
        let late = Arc::clone(&event);
        let setter = thread::spawn(move || object::set(&late));
        block_on(early);
        setter.join().unwrap();
        block_on(of(&event));
    }

    #[test]
    fn any_of_several_ends_it() {
        for which in 0..3 {
            let events = [event(), event(), event()];
            let all = events.iter().map(|event| Arc::clone(event) as Signal);
            let waiting = Signalled::any(all).unwrap();
            object::set(&events[which]);
            block_on(waiting);
        }
    }

    #[test]
    fn it_ends_when_the_time_is_over() {
        block_on(Signalled::any_within([event() as Signal], 1).unwrap());
    }

    #[test]
    fn far_more_can_be_waited_for_than_one_thread_can() {
        let events: Vec<_> = (0..300).map(|_| event()).collect();
        let waiting: Vec<_> = events.iter().map(of).collect();
        for (event, waiting) in events.iter().zip(waiting).rev() {
            object::set(event);
            block_on(waiting);
        }
    }

    /// Drops what it wakes, as a task may be dropped by who wakes it last.
    struct DropsIt(Mutex<Option<Signalled>>, Sender<()>);

    impl Wake for DropsIt {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }

    #[test]
    fn a_wait_may_be_dropped_by_who_is_woken() {
        for _ in 0..100 {
            let (event, (done, is_done)) = (event(), mpsc::channel());
            let drops = Arc::new(DropsIt(Mutex::new(Some(of(&event))), done));
            let waker = Waker::from(Arc::clone(&drops));
            assert!(!look(drops.0.lock().unwrap().as_mut().unwrap(), &waker));
            object::set(&event);
            is_done.recv_timeout(Duration::from_secs(60)).unwrap();
            assert!(drops.0.lock().unwrap().is_none());
        }
    }

    /// Locks what whoever drops a wait has locked.
    struct Locks(Arc<Mutex<()>>, Sender<()>);

    impl Wake for Locks {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock());
            self.1.send(()).unwrap();
        }
    }

    #[test]
    fn dropping_a_wait_waits_for_nobody_who_is_being_woken() {
        let mut woken = 0;
        for _ in 0..200 {
            let (event, lock, (done, is_done)) =
                (event(), Arc::new(Mutex::new(())), mpsc::channel());
            let mut waiting = of(&event);
            let waker = Waker::from(Arc::new(Locks(Arc::clone(&lock), done)));
            assert!(!look(&mut waiting, &waker));
            drop(waker);
            let locked = lock.lock().unwrap();
            object::set(&event);
            drop(waiting);
            drop(locked);
            // It was woken, or it won't be any more, and the waker is gone.
            woken += usize::from(is_done.recv_timeout(Duration::from_secs(60)).is_ok());
        }
        assert!(woken <= 200 && sleepers().len() < 400);
    }

    #[test]
    fn a_wait_that_is_dropped_leaves_nothing_behind() {
        let waker = Waker::noop();
        for set in [false, true] {
            for _ in 0..200 {
                let event = event();
                let mut waiting = of(&event);
                look(&mut waiting, waker);
                if set {
                    object::set(&event);
                }
                drop(waiting);
                // A call back that has begun may still have the waker, and not the event.
                assert_eq!(Arc::strong_count(&event), 1);
            }
        }
    }
}
