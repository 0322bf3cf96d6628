//! One sandbox's call as other threads see it: its runner, its deadlines, and the means to cancel it.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use super::signal;
use super::word::{Cause, Claim, RunWord, Seen};
use crate::clock;
use crate::error::Result;
use crate::process::Epoch;

/// No deadline.
pub(super) const NEVER: u64 = u64::MAX;

/// The shortest time until the timer looks again at a call that could not be signalled, is being claimed, or has just
/// entered or left a host function; or at one whose processor time is nearly used up.
const AGAIN_NS: u64 = 1_000_000;

/// The same for a call that sleeps: it uses no processor time, and checks its own limits when it wakes. So a guest that
/// sleeps with almost no time left does not keep the timer busy, which looks at all sandboxes each time.
const ASLEEP_NS: u64 = 50_000_000;

/// The state that runner, cancellers and timer share about one sandbox.
#[derive(Debug)]
pub(super) struct RunState {
    pub word: RunWord,
    /// The process of the sandbox, by its [`Epoch`]; valid while a call runs. A sandbox that has not started may be
    /// started in a forked child.
    pub process: AtomicU64,
    /// The runner, valid while a call runs.
    pub thread: AtomicI32,
    /// The signal that the running call has blocked.
    pub signal: AtomicI32,
    /// The end of the running call's time, on the monotonic clock.
    pub deadline: AtomicU64,
    /// The end of its processor time, on the runner's own clock.
    pub cpu_deadline: AtomicU64,
    /// The time of the runner's next wake-up signal, on the monotonic clock.
    pub next_wakeup: AtomicU64,
    /// Nanoseconds from one wake-up to the next.
    pub wakeup_interval: AtomicU64,
    /// True while the guest has asked to be woken later and the runner sleeps for it.
    pub is_asleep: AtomicBool,
}

impl RunState {
    pub fn new() -> Result<Self> {
        Ok(Self {
            word: RunWord::new(),
            process: AtomicU64::new(Epoch::current()?.number()),
            thread: AtomicI32::new(0),
            signal: AtomicI32::new(0),
            deadline: AtomicU64::new(NEVER),
            cpu_deadline: AtomicU64::new(NEVER),
            next_wakeup: AtomicU64::new(NEVER),
            wakeup_interval: AtomicU64::new(NEVER),
            is_asleep: AtomicBool::new(false),
        })
    }

    /// Ends the running call. Async-signal-safe.
    pub fn cancel(&self, cause: Cause) -> bool {
        let mut patience = 200;
        loop {
            let seen = self.word.see();
            let process = Epoch::from_number(self.process.load(Ordering::Relaxed));
            if !seen.is_running() || !process.is_current() {
                return false;
            }
            if seen.is_cancelled() {
                return true;
            }
            if seen.is_claimed() {
                // Another canceller will know in a moment if its signal was sent. The wait is bounded: that canceller
                // may be this very thread, under a signal handler.
                if patience == 0 {
                    return true;
                }
                patience -= 1;
                std::thread::yield_now();
                continue;
            }
            if let Some(done) = self.cancel_seen(seen, cause) {
                return done;
            }
        }
    }

    /// Ends the observed call. `Some(false)` if it could not be signalled; `None` if its state has changed since.
    fn cancel_seen(&self, seen: Seen, cause: Cause) -> Option<bool> {
        match self.word.claim(seen, cause)? {
            Claim::Signal(duty) => {
                let (thread, signal) =
                    (self.thread.load(Ordering::Relaxed), self.signal.load(Ordering::Relaxed));
                let sent = signal::send(thread, signal, self.cookie());
                self.word.signalled(duty, sent);
                Some(sent)
            }
            Claim::Noted => Some(true),
        }
    }

    /// Ends the observed call for the timer. Returns the time of the next look.
    fn expire(&self, seen: Seen, cause: Cause, now: u64) -> u64 {
        if self.cancel_seen(seen, cause) == Some(true) { NEVER } else { now + AGAIN_NS }
    }

    /// Signals the observed call without ending it. Returns the time of the next signal.
    fn wake_up(&self, seen: Seen, now: u64) -> u64 {
        if let Some(duty) = self.word.claim_wakeup(seen) {
            let (thread, signal) = (self.thread.load(Ordering::Relaxed), self.signal.load(Ordering::Relaxed));
            self.word.signalled(duty, signal::send(thread, signal, self.cookie()));
        }
        let next = now.saturating_add(self.wakeup_interval.load(Ordering::Relaxed));
        self.next_wakeup.store(next, Ordering::Relaxed);
        next
    }

    /// Cancels a call whose time is up, for the timer. Returns the time of the next look.
    pub fn look(&self, now: u64) -> u64 {
        let seen = self.word.see();
        let deadline = self.deadline.load(Ordering::SeqCst);
        let cpu_deadline = self.cpu_deadline.load(Ordering::SeqCst);
        if !seen.is_running() || seen.is_cancelled() {
            // A deadline that is being armed for the next call requests a look of its own.
            return NEVER;
        }
        if deadline <= now {
            return self.expire(seen, Cause::Timeout, now);
        }
        let mut next = deadline;
        let next_wakeup = self.next_wakeup.load(Ordering::SeqCst);
        if next_wakeup != NEVER {
            next = next.min(if next_wakeup <= now { self.wake_up(seen, now) } else { next_wakeup });
        }
        if cpu_deadline == NEVER {
            return next;
        }
        let used = clock::now(thread_clock(self.thread.load(Ordering::Relaxed)));
        if cpu_deadline <= used {
            return self.expire(seen, Cause::CpuTime, now);
        }
        // It cannot be used up sooner than that. A call with almost none left may take an hour to use it: the timer
        // does not look all the time.
        let soonest = if self.is_asleep.load(Ordering::Relaxed) { ASLEEP_NS } else { AGAIN_NS };
        next.min(now.saturating_add((cpu_deadline - used).max(soonest)))
    }

    /// Marks this sandbox's signals.
    pub fn cookie(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

/// The processor-time clock of another thread of this process (the kernel's encoding; `clock_getcpuclockid(3)` builds
/// the same for a process).
fn thread_clock(thread: i32) -> libc::clockid_t {
    const PER_THREAD: i32 = 4;
    const SCHEDULED: i32 = 2;
    !thread << 3 | PER_THREAD | SCHEDULED
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_timer_looks_at_a_limit_that_is_nearly_used_up_only_now_and_then() {
        let run = RunState::new().unwrap();
        run.thread.store(signal::thread_id(), Ordering::Relaxed);
        run.word.begin();
        // Much less than a look takes. It is not used up, however, while the runner sleeps.
        let (wall, used) = (clock::now(libc::CLOCK_MONOTONIC), clock::now(libc::CLOCK_THREAD_CPUTIME_ID));
        run.cpu_deadline.store(used + 500_000, Ordering::SeqCst);
        let next = run.look(wall);
        assert!(next >= wall + AGAIN_NS, "{} ns", next - wall);
        run.is_asleep.store(true, Ordering::Relaxed);
        let next = run.look(wall);
        assert!(next >= wall + ASLEEP_NS, "{} ns", next - wall);
    }
}
