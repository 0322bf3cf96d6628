//! Calls that are to be stopped: guests that never end, and ways to detect that they run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libhyperlight::{
    Error, ErrorCode, Guest, InterruptHandle, PayloadAccess, Result, Sandbox, SandboxOptions, Snapshot,
    State, UninitializedSandbox,
};

use crate::elf::segment;
use crate::script::{Step, file, perform};
use crate::{assert_works_without_limits, fails_with, uninitialized, uninitialized_with};

/// Far more time than a call may last after it was stopped, on a busy machine.
pub const PROMPT: Duration = Duration::from_secs(5);

/// Counts the times that a guest was inside the host function `Inside`, by which the host knows that it runs.
#[derive(Clone, Debug, Default)]
pub struct Inside(Arc<AtomicU64>);

impl Inside {
    /// Registers `Inside`.
    pub fn register(&self, sandbox: &mut UninitializedSandbox) {
        let count = Arc::clone(&self.0);
        let function = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        sandbox.register("Inside", function).unwrap();
    }

    /// The number of times.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until it was there once more than `before`.
    #[track_caller]
    pub fn wait(&self, before: u64) {
        crate::signals::wait_until("a guest that calls Inside", || self.count() > before);
    }
}

/// A sandbox whose guest can be stopped, seen to run, and put back.
#[derive(Debug)]
pub struct Stoppable {
    /// The sandbox itself.
    pub sandbox: Sandbox,
    /// Stops it.
    pub handle: InterruptHandle,
    /// Sees that it runs.
    pub inside: Inside,
    /// The snapshot that it is restored to.
    pub fresh: Snapshot,
}

impl Stoppable {
    /// One with the default options.
    pub fn new(guest: &Guest) -> Self {
        Self::from(uninitialized(guest))
    }

    /// One with options.
    pub fn with(guest: &Guest, options: SandboxOptions) -> Self {
        Self::with_functions(guest, options, |_| ())
    }

    /// One with options and host functions. The limits are for the calls alone: the start of a guest may take longer
    /// than the shortest of them when the machine is busy.
    pub fn with_functions(
        guest: &Guest,
        options: SandboxOptions,
        register: impl Fn(&mut UninitializedSandbox),
    ) -> Self {
        let unlimited = options.clone().timeout(Duration::MAX).cpu_time(Duration::MAX);
        let inside = Inside::default();
        let mut host = uninitialized_with(guest, unlimited);
        inside.register(&mut host);
        register(&mut host);
        let fresh = host.evolve().unwrap().snapshot().unwrap();
        // No guest code runs to get there.
        let mut host = UninitializedSandbox::from_snapshot(&fresh, options).unwrap();
        host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
        inside.register(&mut host);
        register(&mut host);
        let mut sandbox = host.evolve().unwrap();
        let handle = sandbox.interrupt_handle().unwrap();
        Self { sandbox, handle, inside, fresh }
    }

    /// The one that this becomes.
    pub fn from(mut host: UninitializedSandbox) -> Self {
        let inside = Inside::default();
        inside.register(&mut host);
        let mut sandbox = host.evolve().unwrap();
        let handle = sandbox.interrupt_handle().unwrap();
        let fresh = sandbox.snapshot().unwrap();
        Self { sandbox, handle, inside, fresh }
    }

    /// Calls a function that calls `Inside` and then never ends, and interrupts it from another thread; both answers.
    pub fn interrupted(&mut self) -> (bool, Error) {
        let before = self.inside.count();
        let Self { sandbox, handle, inside, .. } = self;
        thread::scope(|scope| {
            let canceller = scope.spawn(|| {
                inside.wait(before);
                handle.interrupt()
            });
            let result = sandbox.call::<()>("CallHostThenSpin", ("Inside",));
            let was_running = canceller.join().unwrap();
            (was_running, fails_with(ErrorCode::Interrupted, result))
        })
    }

    /// Restores it after its guest was stopped, and checks that it works.
    #[track_caller]
    pub fn restored(&mut self) {
        assert_eq!(self.sandbox.state(), State::Poisoned);
        fails_with(ErrorCode::Poisoned, self.sandbox.call::<()>("NoOp", ()));
        self.sandbox.restore(&self.fresh).unwrap();
        assert_eq!(self.sandbox.state(), State::Ready);
        assert_works_without_limits(&mut self.sandbox);
    }
}

/// Ends threads that go on until it is set: also if the test fails, because they would be waited for otherwise.
#[derive(Debug)]
pub struct Done<'a>(pub &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Processor time that the calling thread has used, its guests included. Unlike real time it stands still while others
/// have the processor.
pub fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

/// The result of a call, and the time that it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = call();
    (result, start.elapsed())
}

/// Confirms that a call ended by its timeout, not before it and soon after it.
#[track_caller]
pub fn times_out<T: std::fmt::Debug>(limit: Duration, call: impl FnOnce() -> Result<T>) -> Error {
    let (result, took) = timed(call);
    let error = fails_with(ErrorCode::Timeout, result);
    assert!(took >= limit, "{error}, but it took {took:?}");
    assert!(took < limit + PROMPT, "{error}, and it took {took:?}");
    error
}

/// Runs `body` in a forked child, and waits for its success. The child has one thread, the calling one.
pub fn in_child(body: impl FnOnce()) {
    // SAFETY: the child ends without returning from here. That the C library's locks are free in it, fork(3) sees to.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let result = catch_unwind(AssertUnwindSafe(body));
        // SAFETY: ends the child at once, without the parent's handlers.
        unsafe { libc::_exit(i32::from(result.is_err())) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and the status a local variable.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child failed");
}

/// A demo guest with machine code to run as `PayloadExecute(0)`.
pub fn with_code(guest: &Guest, code: &[u8]) -> Guest {
    guest.with_payload(code, PayloadAccess::ReadExecute).unwrap()
}

/// A guest that plays these steps, and then spins for ever. Without steps it never gets ready.
pub fn spins_after(steps: &[Step]) -> Guest {
    const UD2: [u8; 2] = [0x0f, 0x0b];
    const JUMP_TO_ITSELF: [u8; 2] = [0xeb, 0xfe];
    let file = file();
    let code = file.load_segment_with(5);
    let (start, len) = (file.u64(code + segment::OFFSET), file.u64(code + segment::FILESZ));
    let range = usize::try_from(start).unwrap()..usize::try_from(start + len).unwrap();
    let places: Vec<usize> = range.filter(|at| file.bytes()[*at..].starts_with(&UD2)).collect();
    assert_eq!(places.len(), 1, "the scripted guest ends at one place");
    perform(&file.with(places[0], &JUMP_TO_ITSELF).load().unwrap(), steps)
}
