//! Ends a compilation that takes too long.
//!
//! The compiler has no way to cancel it. But it announces each of its passes over a function to the thread's profiler.
//! The clock is checked there. When time is up, the stack is unwound from there to where the compilation began. No lock
//! is held there, and the unfinished parts are dropped. [`crate::inspect`] bounds the time of one pass.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use cranelift_codegen::timing::{Pass, Profiler, set_thread_profiler};

use crate::compile::Error;

/// The time by which a compilation must be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

/// The payload of the unwinding. It is no panic: nothing is reported.
struct Expired;

impl Deadline {
    /// A deadline that starts now. A time too far ahead never comes.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    fn has_passed(self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }

    /// Fails if time is up.
    pub fn check(self) -> Result<(), Error> {
        if self.has_passed() { Err(Error::Timeout) } else { Ok(()) }
    }

    /// The time that is left; `None` for unlimited.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Runs work of the compiler's on a thread, and unwinds its stack when time is up.
    pub fn watch<T>(self, work: impl FnOnce() -> T) -> T {
        let _watched = Watched::by(self);
        work()
    }

    /// Runs work of the compiler's. `None` if time is up before it is done, here or on a thread that the work waits
    /// for.
    pub fn bound<T>(self, work: impl FnOnce() -> T) -> Option<T> {
        // The unfinished parts are the compiler's, and dropped.
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
        // Without unwinding, it would end the process.
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
        // The thread is as before: nothing checks the clock.
        drop(timing::compile());
    }

    #[test]
    fn a_panic_of_the_compiler_s_stays_one() {
        let panic = || Deadline::after(Duration::MAX).bound(|| resume_unwind(Box::new("a bug")));
        assert!(catch_unwind(AssertUnwindSafe(panic)).is_err_and(|payload| payload.is::<&str>()));
    }
}
