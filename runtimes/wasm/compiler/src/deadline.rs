//! Ends a compilation that takes too long.
//!
//! The compiler cannot be told to stop. But it announces each of its passes over a function to a profiler of the thread's: that
//! is where the clock is looked at, and where, when time is up, the stack is unwound to where the compilation began. No lock is
//! held there, and what was half done is dropped. How long one pass can take is bounded by [`crate::inspect`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use cranelift_codegen::timing::{Pass, Profiler, set_thread_profiler};

use crate::compile::Error;

/// When a compilation has to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

/// What the stack is unwound with. No panic: nothing is reported.
struct Expired;

impl Deadline {
    /// From now on. What lies too far ahead never comes.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    fn has_passed(self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }

    /// Nothing more is to be done when time is up.
    pub fn check(self) -> Result<(), Error> {
        if self.has_passed() { Err(Error::Timeout) } else { Ok(()) }
    }

    /// How long there is still time; nothing for ever.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Lets a thread do some work of the compiler's, and unwinds its stack when time is up.
    pub fn watch<T>(self, work: impl FnOnce() -> T) -> T {
        let _watched = Watched::by(self);
        work()
    }

    /// Does some work of the compiler's; nothing if time is up before it is done, here or on a thread that the work waits for.
    pub fn bound<T>(self, work: impl FnOnce() -> T) -> Option<T> {
        // What the work would leave behind half done is the compiler's, and dropped.
        match catch_unwind(AssertUnwindSafe(|| self.watch(work))) {
            Ok(done) => Some(done),
            Err(payload) if payload.is::<Expired>() => None,
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// The thread's profiler, for as long as a compilation takes.
struct Watched {
    before: Option<Box<dyn Profiler>>,
}

impl Watched {
    fn by(deadline: Deadline) -> Self {
        Self { before: Some(set_thread_profiler(Box::new(Watch(deadline)))) }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            set_thread_profiler(before);
        }
    }
}

struct Watch(Deadline);

impl Profiler for Watch {
    fn start_pass(&self, _: Pass) -> Box<dyn Any> {
        // Where unwinding is off, it would end the process.
        if cfg!(panic = "unwind") && self.0.has_passed() {
            resume_unwind(Box::new(Expired));
        }
        Box::new(())
    }
}

#[cfg(test)]
mod tests {
    use cranelift_codegen::timing;

    use super::*;

    #[test]
    fn work_ends_at_the_first_pass_behind_the_deadline() {
        assert_eq!(Deadline::after(Duration::MAX).bound(|| drop(timing::compile())), Some(()));
        let mut is_behind = false;
        let late = Deadline::after(Duration::ZERO).bound(|| {
            drop(timing::compile());
            is_behind = true;
        });
        assert_eq!((late, is_behind), (None, false));
        // The thread is as before: nobody looks at the clock.
        drop(timing::compile());
    }

    #[test]
    fn a_panic_of_the_compiler_s_stays_one() {
        let panic = || Deadline::after(Duration::MAX).bound(|| resume_unwind(Box::new("a bug")));
        assert!(catch_unwind(AssertUnwindSafe(panic)).is_err_and(|payload| payload.is::<&str>()));
    }
}
