//! Stopping a guest: interrupts and time limits.
//!
//! A library inside somebody's program may not install signal handlers, eat the program's signals, or signal a thread that
//! has left its call. How it manages without is in [`word`] (who may signal, and when) and [`signal`] (how); [`timer`] ends
//! calls whose time is up. A guest that asked to be woken later sleeps like a host function that runs ([`Stopper::wait`]):
//! whoever ends its call changes the word on which it sleeps, and needs no signal.

#[cfg(not(loom))]
mod futex;
pub(crate) mod signal;
mod timer;
mod word;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock;
use crate::error::{Error, ErrorCode, Message, Result, Time};
use crate::process::Epoch;
use signal::Aside;
use timer::{NEVER, Timer};
pub(crate) use word::Cause;
use word::{Claim, RunWord, Seen, Slept};

/// A moment by the clock on the wall, and in the processor time of the thread that took it: where the limits of several calls
/// can begin together, see [`crate::CallOptions::since`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    wall: u64,
    cpu: u64,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self { wall: clock::now(libc::CLOCK_MONOTONIC), cpu: clock::now(libc::CLOCK_THREAD_CPUTIME_ID) }
    }
}

/// How long a call may take. [`Duration::MAX`] means no limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TimeLimits {
    /// By the clock on the wall.
    pub wall: Duration,
    /// In processor time of the calling thread, host functions included.
    pub cpu: Duration,
    /// From when on; `None`: from the beginning of the call.
    pub since: Option<Moment>,
}

impl TimeLimits {
    /// None at all.
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
    /// Stops the call, or the evolve, that is running now: it ends with [`ErrorCode::Interrupted`] and leaves the sandbox
    /// poisoned. Whether there was one to stop.
    ///
    /// If at the same moment the guest faults, or a host function panics or fails for good ([`crate::HostError::fatal`]),
    /// the call ends with that: no interrupt hides it.
    ///
    /// A guest that sleeps is woken. A host function is not stopped; the call ends when it returns. Never blocks, and is never kept for later: fired
    /// between two calls it does nothing, and says so. `false`, too, in the one case that the user's queue of
    /// signals is full (`RLIMIT_SIGPENDING`); it may then be tried again.
    pub fn interrupt(&self) -> bool {
        self.run.kick(Cause::Interrupt)
    }
}

impl fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterruptHandle").finish_non_exhaustive()
    }
}

/// What runner, kickers and timer share about one sandbox.
#[derive(Debug)]
pub(crate) struct RunState {
    word: RunWord,
    /// The process that the sandbox is in, by its [`Epoch`]; valid while a call runs. What has not started yet may go on in
    /// a forked child.
    process: AtomicU64,
    /// The runner, valid while a call runs.
    thread: AtomicI32,
    /// The signal that the running call has blocked.
    signal: AtomicI32,
    /// When the running call's time is up, on the monotonic clock.
    deadline: AtomicU64,
    /// When its processor time is up, on the runner's own clock.
    cpu_deadline: AtomicU64,
    /// When the runner is to be nudged, on the monotonic clock.
    next_nudge: AtomicU64,
    /// Nanoseconds from one nudge to the next.
    nudge_interval: AtomicU64,
    /// Whether the guest asked to be woken later, and the runner sleeps for it.
    is_asleep: AtomicBool,
}

impl RunState {
    fn new() -> Result<Self> {
        Ok(Self {
            word: RunWord::new(),
            process: AtomicU64::new(Epoch::current()?.number()),
            thread: AtomicI32::new(0),
            signal: AtomicI32::new(0),
            deadline: AtomicU64::new(NEVER),
            cpu_deadline: AtomicU64::new(NEVER),
            next_nudge: AtomicU64::new(NEVER),
            nudge_interval: AtomicU64::new(NEVER),
            is_asleep: AtomicBool::new(false),
        })
    }

    /// Ends the running call. Async-signal-safe.
    fn kick(&self, cause: Cause) -> bool {
        let mut patience = 200;
        loop {
            let seen = self.word.see();
            let process = Epoch::from_number(self.process.load(Ordering::Relaxed));
            if !seen.is_running() || !process.is_current() {
                return false;
            }
            if seen.is_kicked() {
                return true;
            }
            if seen.is_claimed() {
                // Another kicker will know in a moment whether its signal was sent. Not waited for without end: it may be
                // this very thread, under a signal handler.
                if patience == 0 {
                    return true;
                }
                patience -= 1;
                std::thread::yield_now();
                continue;
            }
            if let Some(done) = self.kick_seen(seen, cause) {
                return done;
            }
        }
    }

    /// Ends the call that was seen. `Some(false)` if it could not be signalled; `None` if it has moved on since.
    fn kick_seen(&self, seen: Seen, cause: Cause) -> Option<bool> {
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

    /// The timer ends the call that was seen; the result is when to look again.
    fn expire(&self, seen: Seen, cause: Cause, now: u64) -> u64 {
        if self.kick_seen(seen, cause) == Some(true) { NEVER } else { now + AGAIN_NS }
    }

    /// Signals the call that was seen, without ending it; the result is when to do so again.
    fn nudge(&self, seen: Seen, now: u64) -> u64 {
        if let Some(duty) = self.word.claim_nudge(seen) {
            let (thread, signal) = (self.thread.load(Ordering::Relaxed), self.signal.load(Ordering::Relaxed));
            self.word.signalled(duty, signal::send(thread, signal, self.cookie()));
        }
        let next = now.saturating_add(self.nudge_interval.load(Ordering::Relaxed));
        self.next_nudge.store(next, Ordering::Relaxed);
        next
    }

    /// The timer looks: kicks a call whose time is up, and says when to look again.
    fn look(&self, now: u64) -> u64 {
        let seen = self.word.see();
        let deadline = self.deadline.load(Ordering::SeqCst);
        let cpu_deadline = self.cpu_deadline.load(Ordering::SeqCst);
        if !seen.is_running() || seen.is_kicked() {
            // A deadline that is being armed for the next call asks for a look of its own.
            return NEVER;
        }
        if deadline <= now {
            return self.expire(seen, Cause::Timeout, now);
        }
        let mut next = deadline;
        let next_nudge = self.next_nudge.load(Ordering::SeqCst);
        if next_nudge != NEVER {
            next = next.min(if next_nudge <= now { self.nudge(seen, now) } else { next_nudge });
        }
        if cpu_deadline == NEVER {
            return next;
        }
        let used = clock::now(thread_clock(self.thread.load(Ordering::Relaxed)));
        if cpu_deadline <= used {
            return self.expire(seen, Cause::CpuTime, now);
        }
        // It cannot be used up sooner than that. Who has next to nothing left may use it up in an hour: not looked at all the time.
        let soonest = if self.is_asleep.load(Ordering::Relaxed) { ASLEEP_NS } else { AGAIN_NS };
        next.min(now.saturating_add((cpu_deadline - used).max(soonest)))
    }

    /// Marks this sandbox's signals.
    fn cookie(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

/// A sandbox's end of it: begins and ends calls.
#[derive(Debug)]
pub(crate) struct Stopper {
    run: Arc<RunState>,
    /// Whether anybody may want to stop a call: a handle was given out, or a call had a limit.
    is_armed: bool,
    is_watched: bool,
    /// How often the runner is to look about; [`Duration::MAX`] for never.
    nudge_interval: Duration,
    /// The call that is running.
    call: Option<Running>,
}

/// After how long the timer looks again, at the soonest: at a call that could not be signalled, is being claimed, or has just
/// entered or left a host function; and at one whose processor time is nearly used up.
const AGAIN_NS: u64 = 1_000_000;

/// The same for one that sleeps: it uses no processor time, and looks itself when it wakes. So a guest that sleeps with next to nothing
/// left does not keep the timer busy, which looks at all sandboxes each time.
const ASLEEP_NS: u64 = 50_000_000;

/// How a wait went on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Waited {
    /// A signal of the program's has been handled, or it is time to look about. The wait is not over.
    Interrupted,
    /// It is time.
    Over,
    /// The call was stopped.
    Stopped,
}

#[derive(Debug)]
struct Running {
    signal: i32,
    caller_mask: signal::Mask,
    aside: Aside,
    /// Nudges that the run word has told of.
    nudges: u32,
    /// Signals of ours that were taken out of the queue already.
    taken: u32,
    /// When a guest that sleeps is to be asked about: nobody nudges it.
    look_at: u64,
}

impl Stopper {
    pub fn new() -> Result<Self> {
        Ok(Self {
            run: Arc::new(RunState::new()?),
            is_armed: false,
            is_watched: false,
            nudge_interval: Duration::MAX,
            call: None,
        })
    }

    /// Another end of the same, for a call that starts after this one's last.
    pub fn twin(&self) -> Self {
        let Self { ref run, is_armed, is_watched, nudge_interval, call: _ } = *self;
        Self { run: Arc::clone(run), is_armed, is_watched, nudge_interval, call: None }
    }

    /// A new one with the same interval, for the sandbox after this one's.
    pub fn successor(&self) -> Result<Self> {
        let mut next = Self::new()?;
        next.nudge_interval = self.nudge_interval;
        Ok(next)
    }

    /// Whether a handle was given out that somebody may still have.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.run) > 1
    }

    /// A handle. From now on calls can be interrupted, which costs them two system calls each.
    pub fn handle(&mut self) -> Result<InterruptHandle> {
        signal::check(signal::current())?;
        self.is_armed = true;
        Ok(InterruptHandle { run: Arc::clone(&self.run) })
    }

    /// From the next call on, the guest is left as often as that, as if a signal of the program's had come.
    pub fn set_nudge_interval(&mut self, interval: Duration) {
        self.nudge_interval = interval;
    }

    /// Begins a call.
    pub fn begin(&mut self, limits: &TimeLimits) -> Result<()> {
        let needs_timer = !limits.is_none() || self.nudge_interval != Duration::MAX;
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
        let next_nudge = after(None, self.nudge_interval, libc::CLOCK_MONOTONIC);
        let aside = Aside::default();
        self.call = Some(Running { signal, caller_mask, aside, nudges: 0, taken: 0, look_at: next_nudge });
        self.run.nudge_interval.store(nanoseconds(self.nudge_interval), Ordering::Relaxed);
        self.run.next_nudge.store(next_nudge, Ordering::SeqCst);
        self.run.word.begin();
        if needs_timer {
            // Processor time cannot be used up sooner than real time; the timer asks for what is left when it looks.
            let first = deadline.min(after(since, limits.cpu, libc::CLOCK_MONOTONIC)).min(next_nudge);
            Timer::get()?.armed(first);
        }
        Ok(())
    }

    /// The mask to run the guest with, if the call can be stopped.
    pub fn run_mask(&self) -> Option<u64> {
        self.call.as_ref().map(|call| call.caller_mask & !signal::only(call.signal))
    }

    /// Ends the call; the caller's signal mask is as before. If it was stopped: why.
    pub fn end(&mut self) -> Option<Cause> {
        let Running { signal, caller_mask, mut aside, nudges, taken, .. } = self.call.take()?;
        let ending = self.run.word.end();
        self.run.deadline.store(NEVER, Ordering::Relaxed);
        self.run.cpu_deadline.store(NEVER, Ordering::Relaxed);
        self.run.next_nudge.store(NEVER, Ordering::Relaxed);
        let left = (ending.signals + nudges).saturating_sub(taken);
        signal::take(signal, self.run.cookie(), left);
        aside.empty(signal);
        signal::restore(caller_mask);
        ending.cause
    }

    /// Whether the call was stopped.
    pub fn is_kicked(&self) -> bool {
        self.call.is_some() && self.run.word.is_kicked()
    }

    /// Runs a function of the program's with the caller's own signal mask. `None`: the call was stopped before it. It may also
    /// be stopped meanwhile, see [`Self::is_kicked`]: then the guest must not run again.
    pub fn host<R>(&mut self, function: impl FnOnce() -> R) -> Option<R> {
        let Some(call) = &mut self.call else {
            return Some(function());
        };
        if !self.run.word.enter_host() {
            return None;
        }
        // From here on nobody nudges. A nudge that came before must leave the queue while the signal is still blocked.
        if self.run.word.take_nudge() {
            call.nudges += 1;
            if call.taken < call.nudges {
                signal::take(call.signal, self.run.cookie(), 1);
                call.taken += 1;
            }
        }
        call.aside.empty(call.signal);
        signal::restore(call.caller_mask);
        let result = function();
        // It may have changed the mask for good, as any function may.
        call.caller_mask = signal::block(signal::only(call.signal));
        // The timer may be late; the function's own time must not count for nothing.
        let deadline = self.run.deadline.load(Ordering::Relaxed);
        if deadline != NEVER && deadline <= clock::now(libc::CLOCK_MONOTONIC) {
            self.run.kick(Cause::Timeout);
        }
        self.run.word.leave_host();
        Some(result)
    }

    /// Lets the guest sleep until `deadline`, on the monotonic clock, with the caller's own signal mask. Returns when that is
    /// reached, and sooner when the call is stopped or the program wants to be asked.
    pub fn wait(&mut self, deadline: u64) -> Waited {
        let run = Arc::clone(&self.run);
        loop {
            let now = clock::now(libc::CLOCK_MONOTONIC);
            // First, lest a hook that takes longer than from one time to be asked to the next never lets it be over.
            if deadline <= now {
                return Waited::Over;
            }
            let mut until = deadline;
            if let Some(call) = &mut self.call {
                if call.look_at <= now {
                    call.look_at = after(None, self.nudge_interval, libc::CLOCK_MONOTONIC);
                    return Waited::Interrupted;
                }
                // At the call's own deadline `host` ends it, as it does after a function that took too long.
                until = until.min(call.look_at).min(run.deadline.load(Ordering::Relaxed));
            }
            run.is_asleep.store(true, Ordering::Relaxed);
            let slept = self.host(|| run.word.sleep(until));
            run.is_asleep.store(false, Ordering::Relaxed);
            let cpu_deadline = run.cpu_deadline.load(Ordering::Relaxed);
            if cpu_deadline != NEVER && cpu_deadline <= clock::now(libc::CLOCK_THREAD_CPUTIME_ID) {
                run.kick(Cause::CpuTime);
            }
            if slept.is_none() || self.is_kicked() {
                return Waited::Stopped;
            }
            if slept == Some(Slept::Signal) {
                return Waited::Interrupted;
            }
        }
    }

    /// After a signal of the program's own has interrupted the guest: whatever waits that the caller has blocked, waits
    /// elsewhere from now on.
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
        Cause::Interrupt => Error::new(ErrorCode::Interrupted, "the call was interrupted"),
        Cause::Timeout => Message::TimedOut { limit: Time(limits.wall) }.into(),
        Cause::CpuTime => Message::OutOfCpuTime { limit: Time(limits.cpu) }.into(),
    }
}

/// When a limit that counts from `since`, or else from now on, is used up. A limit that is none costs no look at the clock.
fn after(since: Option<u64>, limit: Duration, clock: libc::clockid_t) -> u64 {
    if limit == Duration::MAX {
        return NEVER;
    }
    since.unwrap_or_else(|| clock::now(clock)).saturating_add(nanoseconds(limit))
}

fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(NEVER)
}

/// The processor-time clock of another thread of this process (the kernel's encoding; `clock_getcpuclockid(3)` builds the
/// same for a process).
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
        // Much less than a look takes; not used up, all the same, when the runner sleeps.
        let (wall, used) = (clock::now(libc::CLOCK_MONOTONIC), clock::now(libc::CLOCK_THREAD_CPUTIME_ID));
        run.cpu_deadline.store(used + 500_000, Ordering::SeqCst);
        let next = run.look(wall);
        assert!(next >= wall + AGAIN_NS, "{} ns", next - wall);
        run.is_asleep.store(true, Ordering::Relaxed);
        let next = run.look(wall);
        assert!(next >= wall + ASLEEP_NS, "{} ns", next - wall);
    }
}
