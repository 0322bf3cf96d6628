//! Stopping a guest: interrupts and time limits.
//!
//! A library inside a program may not install signal handlers, consume the program's signals, or signal a thread that
//! has left its call. [`word`] decides who may signal and when, [`signal`] sends and takes the signals, and [`timer`]
//! ends calls whose time is up. A guest that asked to be woken later sleeps as if it were in a host function
//! ([`Stopper::wait`]): a canceller changes the word on which it sleeps, and needs no signal.

#[cfg(not(loom))]
mod futex;
mod run;
pub(crate) mod signal;
mod timer;
mod word;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::{self, Moment};
#[cfg(doc)]
use crate::error::ErrorCode;
use crate::error::{Error, Message, Result, Time};
use crate::process::Epoch;
use run::{NEVER, RunState};
use signal::Aside;
use timer::Timer;
pub(crate) use word::Cause;
use word::Slept;

/// The time limits of a call. [`Duration::MAX`] means no limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TimeLimits {
    /// Limit of real time.
    pub wall: Duration,
    /// Limit of the calling thread's processor time, host functions included.
    pub cpu: Duration,
    /// Start of the limits; `None`: the start of the call.
    pub since: Option<Moment>,
}

impl TimeLimits {
    /// No limits.
    pub const NONE: Self = Self { wall: Duration::MAX, cpu: Duration::MAX, since: None };

    fn is_none(&self) -> bool {
        self.wall == Duration::MAX && self.cpu == Duration::MAX
    }
}

/// Stops a call from any thread.
///
/// Cheap to clone; may outlive its sandbox; usable while a call runs, and from a signal handler.
#[derive(Clone)]
pub struct InterruptHandle {
    run: Arc<RunState>,
}

impl InterruptHandle {
    /// Interrupts the call, or the evolve, that is running now: it ends with [`ErrorCode::Interrupted`] and leaves the
    /// sandbox poisoned. Returns true if there was one to interrupt.
    ///
    /// If at the same moment the guest faults, or a host function panics or fails fatally
    /// ([`crate::HostError::fatal`]), the call ends with that error instead.
    ///
    /// A guest that sleeps is woken. A host function is not stopped; the call ends when it returns. This never blocks
    /// and is never kept for later: between two calls it has no effect and returns false. It also returns false if the
    /// user's queue of signals is full (`RLIMIT_SIGPENDING`); it may then be retried.
    pub fn interrupt(&self) -> bool {
        self.run.cancel(Cause::Interrupt)
    }
}

impl fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterruptHandle").finish_non_exhaustive()
    }
}

/// The sandbox's side: begins and ends calls.
#[derive(Debug)]
pub(crate) struct Stopper {
    run: Arc<RunState>,
    /// True if something may stop a call: a handle was given out, or a call had a limit.
    is_armed: bool,
    is_watched: bool,
    /// The interval at which the runner is woken to call the signal hook; [`Duration::MAX`] for never.
    wakeup_interval: Duration,
    /// The call that is running.
    call: Option<Running>,
}

/// The end of a wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Waited {
    /// A signal of the program's was handled, or the hook is due. The wait is not over.
    Interrupted,
    /// The deadline has passed.
    Over,
    /// The call was stopped.
    Stopped,
}

#[derive(Debug)]
struct Running {
    signal: i32,
    caller_mask: signal::Mask,
    aside: Aside,
    /// Wake-ups that the run word has reported.
    wakeups: u32,
    /// Signals of ours that were already taken out of the queue.
    taken: u32,
    /// The time at which the hook is due while the guest sleeps: no wake-up signal comes then.
    look_at: u64,
}

impl Stopper {
    pub fn new() -> Result<Self> {
        Ok(Self {
            run: Arc::new(RunState::new()?),
            is_armed: false,
            is_watched: false,
            wakeup_interval: Duration::MAX,
            call: None,
        })
    }

    /// A second stopper of the same calls, for a call that starts after this one's last.
    pub fn twin(&self) -> Self {
        let Self { ref run, is_armed, is_watched, wakeup_interval, call: _ } = *self;
        Self { run: Arc::clone(run), is_armed, is_watched, wakeup_interval, call: None }
    }

    /// A new stopper with the same interval, for the next sandbox.
    pub fn successor(&self) -> Result<Self> {
        let mut next = Self::new()?;
        next.wakeup_interval = self.wakeup_interval;
        Ok(next)
    }

    /// Returns true if a handle was given out that still exists.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.run) > 1
    }

    /// Gives out a handle. Each later call can be interrupted, and costs two more system calls.
    pub fn handle(&mut self) -> Result<InterruptHandle> {
        signal::check(signal::current())?;
        self.is_armed = true;
        Ok(InterruptHandle { run: Arc::clone(&self.run) })
    }

    /// Sets the interval of wake-ups from the next call on. Each has the effect of a signal of the program's own.
    pub fn set_wakeup_interval(&mut self, interval: Duration) {
        self.wakeup_interval = interval;
    }

    /// Begins a call.
    pub fn begin(&mut self, limits: &TimeLimits) -> Result<()> {
        let needs_timer = !limits.is_none() || self.wakeup_interval != Duration::MAX;
        if needs_timer && !self.is_watched {
            signal::check(signal::current())?;
            Timer::get()?.watch(&self.run)?;
            (self.is_watched, self.is_armed) = (true, true);
        }
        if !self.is_armed {
            return Ok(());
        }
        let process = Epoch::current()?;
        let signal = signal::current();
        let caller_mask = signal::block(signal::only(signal));
        self.run.process.store(process.number(), Ordering::Relaxed);
        self.run.thread.store(signal::thread_id(), Ordering::Relaxed);
        self.run.signal.store(signal, Ordering::Relaxed);
        let since = limits.since.map(|moment| moment.wall);
        let deadline = after(since, limits.wall, libc::CLOCK_MONOTONIC);
        let cpu_since = limits.since.map(|moment| moment.cpu);
        let cpu_deadline = after(cpu_since, limits.cpu, libc::CLOCK_THREAD_CPUTIME_ID);
        self.run.deadline.store(deadline, Ordering::SeqCst);
        self.run.cpu_deadline.store(cpu_deadline, Ordering::SeqCst);
        let next_wakeup = after(None, self.wakeup_interval, libc::CLOCK_MONOTONIC);
        let aside = Aside::default();
        self.call = Some(Running { signal, caller_mask, aside, wakeups: 0, taken: 0, look_at: next_wakeup });
        self.run.wakeup_interval.store(nanoseconds(self.wakeup_interval), Ordering::Relaxed);
        self.run.next_wakeup.store(next_wakeup, Ordering::SeqCst);
        self.run.word.begin();
        if needs_timer {
            // Processor time cannot be used up sooner than real time; the timer measures the rest when it looks.
            let first = deadline.min(after(since, limits.cpu, libc::CLOCK_MONOTONIC)).min(next_wakeup);
            Timer::get()?.armed(first);
        }
        Ok(())
    }

    /// The mask to run the guest with, if the call can be stopped.
    pub fn run_mask(&self) -> Option<u64> {
        self.call.as_ref().map(|call| call.caller_mask & !signal::only(call.signal))
    }

    /// Ends the call and restores the caller's signal mask. Returns the cause if the call was stopped.
    pub fn end(&mut self) -> Option<Cause> {
        let Running { signal, caller_mask, mut aside, wakeups, taken, .. } = self.call.take()?;
        let ending = self.run.word.end();
        self.run.deadline.store(NEVER, Ordering::Relaxed);
        self.run.cpu_deadline.store(NEVER, Ordering::Relaxed);
        self.run.next_wakeup.store(NEVER, Ordering::Relaxed);
        let left = (ending.signals + wakeups).saturating_sub(taken);
        signal::take(signal, self.run.cookie(), left);
        aside.empty(signal);
        signal::restore(caller_mask);
        ending.cause
    }

    /// Returns true if the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.call.is_some() && self.run.word.is_cancelled()
    }

    /// Runs a function of the program's with the caller's own signal mask. `None`: the call was stopped before it. The
    /// call may also be stopped during it, see [`Self::is_cancelled`]: then the guest must not run again.
    pub fn host<R>(&mut self, function: impl FnOnce() -> R) -> Option<R> {
        let Some(call) = &mut self.call else {
            return Some(function());
        };
        if !self.run.word.enter_host() {
            return None;
        }
        // No wake-up comes from here on. An earlier one must leave the queue while the signal is still blocked.
        if self.run.word.take_wakeup() {
            call.wakeups += 1;
            if call.taken < call.wakeups {
                signal::take(call.signal, self.run.cookie(), 1);
                call.taken += 1;
            }
        }
        call.aside.empty(call.signal);
        signal::restore(call.caller_mask);
        let result = function();
        // The function may have changed the mask for good, as any function may.
        call.caller_mask = signal::block(signal::only(call.signal));
        // The timer may be late; the function's own time must count.
        let deadline = self.run.deadline.load(Ordering::Relaxed);
        if deadline != NEVER && deadline <= clock::now(libc::CLOCK_MONOTONIC) {
            self.run.cancel(Cause::Timeout);
        }
        self.run.word.leave_host();
        Some(result)
    }

    /// Lets the guest sleep until `deadline` on the monotonic clock, with the caller's own signal mask. Returns sooner
    /// if the call is stopped or the signal hook is due.
    pub fn wait(&mut self, deadline: u64) -> Waited {
        let run = Arc::clone(&self.run);
        loop {
            let now = clock::now(libc::CLOCK_MONOTONIC);
            // The deadline comes first: otherwise a hook that takes longer than its interval would keep the sleep from
            // ending.
            if deadline <= now {
                return Waited::Over;
            }
            let mut until = deadline;
            if let Some(call) = &mut self.call {
                if call.look_at <= now {
                    call.look_at = after(None, self.wakeup_interval, libc::CLOCK_MONOTONIC);
                    return Waited::Interrupted;
                }
                // At the call's own deadline `host` ends it, as after a function that took too long.
                until = until.min(call.look_at).min(run.deadline.load(Ordering::Relaxed));
            }
            run.is_asleep.store(true, Ordering::Relaxed);
            let slept = self.host(|| run.word.sleep(until));
            run.is_asleep.store(false, Ordering::Relaxed);
            let cpu_deadline = run.cpu_deadline.load(Ordering::Relaxed);
            if cpu_deadline != NEVER && cpu_deadline <= clock::now(libc::CLOCK_THREAD_CPUTIME_ID) {
                run.cancel(Cause::CpuTime);
            }
            if slept.is_none() || self.is_cancelled() {
                return Waited::Stopped;
            }
            if slept == Some(Slept::Signal) {
                return Waited::Interrupted;
            }
        }
    }

    /// Sets pending signals aside that the caller has blocked, after a signal of the program's own has interrupted the
    /// guest.
    pub fn set_aside(&mut self) {
        if let Some(call) = &mut self.call
            && call.caller_mask & signal::only(call.signal) != 0
        {
            call.taken += call.aside.fill(call.signal, self.run.cookie());
        }
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        // A panic may unwind through a call.
        let _ = self.end();
    }
}

/// The error of a call that was stopped.
pub(crate) fn stopped(cause: Cause, limits: &TimeLimits) -> Error {
    match cause {
        Cause::Interrupt => Message::Interrupted.into(),
        Cause::Timeout => Message::TimedOut { limit: Time(limits.wall) }.into(),
        Cause::CpuTime => Message::OutOfCpuTime { limit: Time(limits.cpu) }.into(),
    }
}

/// The end of a limit that counts from `since`, or else from now on. Without a limit the clock is not read.
fn after(since: Option<u64>, limit: Duration, clock: libc::clockid_t) -> u64 {
    if limit == Duration::MAX {
        return NEVER;
    }
    since.unwrap_or_else(|| clock::now(clock)).saturating_add(nanoseconds(limit))
}

fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(NEVER)
}
