//! The run word: the permission to signal a running call.
//!
//! One atomic word for each sandbox. The *runner* (the thread that makes a call) and any number of *cancellers*
//! (interrupt handles, the timer) agree through it on one thing: a signal is sent only to a thread that is inside
//! this call and cannot leave it before the signal is sent.
//!
//! ```text
//!          begin                 claim              claimed canceller has signalled
//!   IDLE ─────────▶ GUEST ─────────────▶ CANCELLING ─────────────▶ CANCELLED
//!     ▲              ▲ │ enter_host                                  │
//!     │       leave_ │ ▼         claim (no signal is needed)         │
//!     │         host HOST ─────────────────────────────────────────▶ │
//!     └──────────────────────── end ─────────────────────────────────┘
//! ```
//!
//! A canceller that cannot signal goes back from CANCELLING to GUEST: it has done nothing. The runner never passes a
//! claim before that is decided. A *wake-up* takes the same path and goes back to GUEST, too, but has signalled: the
//! runner calls the signal hook, takes the signal out of its queue ([`RunWord::take_wakeup`]), and goes on.
//!
//! In HOST the runner may also *sleep* on the word itself, until a deadline or until a canceller has changed it
//! ([`RunWord::sleep`]). The kernel compares the word and puts the thread to sleep in one step (futex(2)), and every
//! claim in HOST wakes it after the change. So no wake-up is lost, and none needs a signal.
//!
//! The word also counts the calls, so that a timer's decision about one call cannot affect the next. Memory orderings
//! and all interleavings of the protocol are checked by the model in this file's tests (`--cfg loom`).

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// The cause of a cancellation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// An interrupt handle was used.
    Interrupt,
    /// The call's time was used up.
    Timeout,
    /// The call's processor time was used up.
    CpuTime,
}

/// A value that was read from the word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Seen(u64);

/// A canceller's claim succeeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Claim {
    /// The runner is in the guest: signal it, then call [`RunWord::signalled`].
    Signal(Signalling),
    /// The runner is in a host function and will see the claim when that returns; if it slept, it was woken.
    Noted,
}

/// The reason why a sleep ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Slept {
    /// A signal's handler has run.
    Signal,
    /// The deadline has passed, the word has changed, or the wake-up was spurious.
    Woken,
}

/// The duty to report the outcome of the signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) struct Signalling {
    sent: u64,
    not_sent: u64,
}

/// The outcome of a call for cancellers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ending {
    /// The cause of its cancellation, if it was cancelled.
    pub cause: Option<Cause>,
    /// Signals that were sent and that no [`RunWord::take_wakeup`] has reported: the runner must take them out of its
    /// queue.
    pub signals: u32,
}

const STATE: u64 = 0b111;
const IDLE: u64 = 0;
const GUEST: u64 = 1;
const HOST: u64 = 2;
const CANCELLING: u64 = 3;
const CANCELLED: u64 = 4;
/// With [`CANCELLED`]: cancelled by a signal.
const SIGNALLED: u64 = 1 << 3;
const CAUSE: u64 = 0b11 << 4;
/// A wake-up was sent and not yet taken, in any state of a call.
const WOKEN_UP: u64 = 1 << 6;
const CALL: u64 = 1 << 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct RunWord(AtomicU64, WaitQueue);

impl RunWord {
    pub fn new() -> Self {
        Self(AtomicU64::new(IDLE), WaitQueue::new())
    }

    /// Begins a call, for the runner. Its earlier stores are visible to every thread that sees the call.
    pub fn begin(&self) {
        let idle = self.0.load(Ordering::Relaxed);
        debug_assert_eq!(idle & STATE, IDLE, "a sandbox makes one call at a time");
        self.0.store((idle & !(CALL - 1)).wrapping_add(CALL) | GUEST, Ordering::Release);
    }

    /// Returns true if a canceller has ended the call, for the runner.
    pub fn is_cancelled(&self) -> bool {
        self.decided() & STATE == CANCELLED
    }

    /// Enters a host function, for the runner, with its own signal mask. Returns false if the call was ended.
    pub fn enter_host(&self) -> bool {
        self.step(GUEST, HOST)
    }

    /// Leaves the host function. Returns false if the call was ended.
    pub fn leave_host(&self) -> bool {
        self.step(HOST, GUEST)
    }

    /// Sleeps until `deadline` on the monotonic clock, for the runner, in HOST or while no call can be stopped.
    pub fn sleep(&self, deadline: u64) -> Slept {
        let word = self.0.load(Ordering::Acquire);
        if word & STATE == CANCELLED {
            return Slept::Woken;
        }
        // The kernel sees every change by now, which can only be a claim.
        self.1.sleep(&self.0, word, deadline)
    }

    /// Ends the call, for the runner.
    pub fn end(&self) -> Ending {
        loop {
            let word = self.decided();
            let idle = word & !(CALL - 1) | IDLE;
            if self.0.compare_exchange(word, idle, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                let cause = (word & STATE == CANCELLED).then_some(match (word & CAUSE) >> 4 {
                    0 => Cause::Interrupt,
                    1 => Cause::Timeout,
                    _ => Cause::CpuTime,
                });
                let signals = u32::from(word & SIGNALLED != 0) + u32::from(word & WOKEN_UP != 0);
                return Ending { cause, signals };
            }
        }
    }

    /// Returns true if there was a wake-up since the runner's last query. Its signal is in the queue.
    pub fn take_wakeup(&self) -> bool {
        loop {
            let word = self.decided();
            if word & WOKEN_UP == 0 {
                return false;
            }
            if self.0.compare_exchange(word, word & !WOKEN_UP, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }

    /// Reads the word for a canceller. All stores of the runner before the call's begin are visible to it then.
    pub fn see(&self) -> Seen {
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Claims the observed call, for a canceller. `None`: the call is over, or its state has changed.
    pub fn claim(&self, seen: Seen, cause: Cause) -> Option<Claim> {
        let word = seen.0;
        let cause = match cause {
            Cause::Interrupt => 0,
            Cause::Timeout => 1 << 4,
            Cause::CpuTime => 2 << 4,
        };
        let kept = word & !(CALL - 1) | word & WOKEN_UP;
        let (next, claim) = match word & STATE {
            GUEST => {
                let duty = Signalling { sent: kept | cause | SIGNALLED | CANCELLED, not_sent: word };
                (kept | cause | CANCELLING, Claim::Signal(duty))
            }
            HOST => (kept | cause | CANCELLED, Claim::Noted),
            _ => return None,
        };
        self.0.compare_exchange(word, next, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        if claim == Claim::Noted {
            self.1.wake(&self.0);
        }
        Some(claim)
    }

    /// Claims the observed guest for a moment, to signal it without ending its call. `None`: it is not running any
    /// more, another canceller has claimed it, or it has not answered the last wake-up.
    pub fn claim_wakeup(&self, seen: Seen) -> Option<Signalling> {
        let word = seen.0;
        if word & STATE != GUEST || word & WOKEN_UP != 0 {
            return None;
        }
        let duty = Signalling { sent: word | WOKEN_UP, not_sent: word };
        self.0
            .compare_exchange(word, word & !STATE | CANCELLING, Ordering::AcqRel, Ordering::Relaxed)
            .ok()?;
        Some(duty)
    }

    /// Completes a claim: the runner was signalled; or it could not be, and the claim is released.
    pub fn signalled(&self, claim: Signalling, sent: bool) {
        self.0.store(if sent { claim.sent } else { claim.not_sent }, Ordering::Release);
    }

    fn step(&self, from: u64, to: u64) -> bool {
        loop {
            let word = self.decided();
            if word & STATE != from {
                return false;
            }
            let next = word & !STATE | to;
            if self.0.compare_exchange(word, next, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }

    /// The word without a pending claim. Waits for a canceller that has claimed the call; such a one is between two
    /// system calls.
    fn decided(&self) -> u64 {
        loop {
            let word = self.0.load(Ordering::Acquire);
            if word & STATE != CANCELLING {
                return word;
            }
            pause();
        }
    }
}

impl Seen {
    /// Returns true if a call is going on.
    pub fn is_running(self) -> bool {
        self.0 & STATE != IDLE
    }

    /// Returns true if the call was cancelled already.
    pub fn is_cancelled(self) -> bool {
        self.0 & STATE == CANCELLED
    }

    /// Returns true if a canceller has claimed the call.
    pub fn is_claimed(self) -> bool {
        self.0 & STATE == CANCELLING
    }
}

/// The kernel's queue of threads that wait for the word to change.
#[cfg(not(loom))]
#[derive(Debug)]
struct WaitQueue;

#[cfg(not(loom))]
impl WaitQueue {
    const fn new() -> Self {
        Self
    }

    fn sleep(&self, word: &AtomicU64, expected: u64, deadline: u64) -> Slept {
        if super::futex::wait(word, expected, deadline) { Slept::Signal } else { Slept::Woken }
    }

    fn wake(&self, word: &AtomicU64) {
        super::futex::wake(word);
    }
}

/// The model of the queue: to compare and to fall asleep is one step for threads that wake.
#[cfg(loom)]
#[derive(Debug)]
struct WaitQueue(loom::sync::Mutex<()>, loom::sync::Condvar);

#[cfg(loom)]
impl WaitQueue {
    fn new() -> Self {
        Self(loom::sync::Mutex::new(()), loom::sync::Condvar::new())
    }

    fn sleep(&self, word: &AtomicU64, expected: u64, _deadline: u64) -> Slept {
        let lock = self.0.lock().unwrap();
        if word.load(Ordering::Acquire) == expected {
            drop(self.1.wait(lock).unwrap());
        }
        Slept::Woken
    }

    fn wake(&self, _word: &AtomicU64) {
        let _lock = self.0.lock().unwrap();
        self.1.notify_one();
    }
}

#[cfg(not(loom))]
fn pause() {
    // The scheduler may have preempted the canceller; it needs a processor to finish.
    std::thread::yield_now();
}

#[cfg(loom)]
fn pause() {
    loom::thread::yield_now();
}

#[cfg(all(test, loom))]
mod model {
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    use super::*;

    /// Cancels like an interrupt handle; true as soon as a claim holds. The signal may or may not be sent.
    fn cancel(word: &RunWord, inside: &AtomicUsize, pending: &AtomicUsize, can_send: bool) -> bool {
        loop {
            let seen = word.see();
            if !seen.is_running() {
                return false;
            }
            if seen.is_cancelled() || seen.is_claimed() {
                return true;
            }
            match word.claim(seen, Cause::Interrupt) {
                Some(Claim::Signal(duty)) => {
                    // The protocol's promise: a signal goes only to a thread that is inside a call.
                    assert_eq!(inside.load(Ordering::Relaxed), 1, "a signal to a stranger");
                    pending.fetch_add(usize::from(can_send), Ordering::Relaxed);
                    word.signalled(duty, can_send);
                    return can_send;
                }
                Some(Claim::Noted) => return true,
                None => {}
            }
        }
    }

    /// A timer that wakes the runner up once.
    fn wake_up(word: &RunWord, inside: &AtomicUsize, pending: &AtomicUsize) {
        if let Some(duty) = word.claim_wakeup(word.see()) {
            assert_eq!(inside.load(Ordering::Relaxed), 1, "a signal to a stranger");
            pending.fetch_add(1, Ordering::Relaxed);
            word.signalled(duty, true);
        }
    }

    fn call(word: &RunWord, inside: &AtomicUsize, pending: &AtomicUsize, with_host: bool) -> Option<Cause> {
        inside.store(1, Ordering::Relaxed);
        word.begin();
        let is_stopped = with_host && !(word.enter_host() && word.leave_host()) || word.is_cancelled();
        if word.take_wakeup() {
            // Each is one signal, already in the queue when the word reports it.
            assert_ne!(pending.fetch_sub(1, Ordering::Relaxed), 0, "a wake-up without a signal");
        }
        let ending = word.end();
        assert!(!is_stopped || ending.cause.is_some(), "the call was stopped, and nobody did it");
        inside.store(0, Ordering::Relaxed);
        // Exactly the announced signals are in the queue, and the runner takes them.
        assert_eq!(pending.swap(0, Ordering::Relaxed), ending.signals as usize);
        ending.cause
    }

    /// Cancellers against calls, in every order that three preemptions can make.
    fn explore(cancellers: usize, calls: usize) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            let shared = Arc::new((RunWord::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
            let cancellers: Vec<_> = (0..cancellers)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || cancel(&shared.0, &shared.1, &shared.2, true))
                })
                .collect();
            let (word, inside, pending) = &*shared;
            let ended = (0..calls).filter(|n| call(word, inside, pending, *n == 0).is_some()).count();
            let fired =
                cancellers.into_iter().map(|canceller| canceller.join().unwrap()).filter(|hit| *hit).count();
            // A successful cancel has ended a call; no call ends without a cancel.
            assert!(fired >= ended && (fired == 0) == (ended == 0));
        });
    }

    #[test]
    fn no_signal_reaches_a_thread_outside_a_call_and_none_is_left_behind() {
        explore(1, 2);
    }

    #[test]
    fn of_two_cancellers_one_signals() {
        explore(2, 1);
    }

    #[test]
    fn a_wake_up_ends_nothing_and_leaves_no_signal_behind() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared = Arc::new((RunWord::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
            let waker = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || wake_up(&shared.0, &shared.1, &shared.2))
            };
            let canceller = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || cancel(&shared.0, &shared.1, &shared.2, true))
            };
            let (word, inside, pending) = &*shared;
            let ended = call(word, inside, pending, true).is_some();
            waker.join().unwrap();
            assert!(canceller.join().unwrap() || !ended, "the wake-up has ended the call");
        });
    }

    #[test]
    fn who_sleeps_in_a_call_is_woken_by_whoever_ends_it() {
        loom::model(|| {
            let shared = Arc::new((RunWord::new(), AtomicUsize::new(1), AtomicUsize::new(0)));
            let (word, inside, pending) = &*shared;
            word.begin();
            let canceller = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || cancel(&shared.0, &shared.1, &shared.2, true))
            };
            // Without a deadline: if the wake-up were lost, this would never end.
            while word.enter_host() {
                word.sleep(u64::MAX);
                if !word.leave_host() {
                    break;
                }
            }
            let ending = word.end();
            inside.store(0, Ordering::Relaxed);
            assert_eq!(ending.cause, Some(Cause::Interrupt));
            assert_eq!(pending.load(Ordering::Relaxed), ending.signals as usize);
            assert!(canceller.join().unwrap());
        });
    }

    #[test]
    fn a_canceller_that_cannot_signal_stops_nothing_but_a_host_function() {
        loom::model(|| {
            let shared = Arc::new((RunWord::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
            let canceller = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || cancel(&shared.0, &shared.1, &shared.2, false))
            };
            let (word, inside, pending) = &*shared;
            let ended = call(word, inside, pending, true).is_some();
            assert_eq!(canceller.join().unwrap(), ended);
        });
    }

    #[test]
    fn a_decision_about_one_call_never_strikes_the_next() {
        loom::model(|| {
            let word = Arc::new(RunWord::new());
            word.begin();
            let seen = word.see();
            let other = {
                let word = Arc::clone(&word);
                thread::spawn(move || {
                    if let Some(Claim::Signal(duty)) = word.claim(seen, Cause::Timeout) {
                        word.signalled(duty, true);
                    }
                })
            };
            let _first = word.end();
            word.begin();
            assert_eq!(word.end(), Ending { cause: None, signals: 0 });
            other.join().unwrap();
        });
    }
}
