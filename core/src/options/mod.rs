//! The options of sandboxes, calls, pools, snapshot files and the WebAssembly compiler: one table for every language.
//!
//! A row of the table is all that an option needs to be there: the function that sets it is made of it here, and its
//! name, check and description in C, Python and JavaScript, too. What the option does is up to who asks for it. After a
//! change, `cargo xtask generate` writes the other languages' files.
//!
//! Nothing here makes an error, because errors speak of options: what does not fit is told by a [`face::Refusal`], or
//! by `bounds.rs`, which makes of the options what the engine goes by.

pub mod face;
pub mod table;

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Moment;
use table::{Info, Options, Setting, argument, note, options};

options! {
    /// Sizes and limits of a sandbox.
    ///
    /// 0 is the default of sizes and counts. Memory that a guest never touches costs nothing, so the defaults are
    /// generous. Sizes are rounded up to whole pages of 4 KiB, and up to their minimum. A size above its maximum is an
    /// [`crate::ErrorCode::InvalidArgument`] when the sandbox is made. Limits apply to each call; limits of time apply
    /// to evolve, too.
    pub struct SandboxOptions in sandbox (all) {
        /// The guest's heap.
        heap_size: memory [16 MiB] from [4 KiB] to [16 GiB];
        /// The guest's stack.
        stack_size: memory [1 MiB] from [16 KiB] to [1 GiB];
        /// Room for the arguments of a call, and for the result of a host function.
        input_size: memory [1 MiB] from [4 KiB] to [256 MiB];
        /// Room for the result of a call, and for the arguments of a host function.
        output_size: memory [1 MiB] from [4 KiB] to [256 MiB];
        /// Time limit of evolve and of each call.
        ///
        /// The time of host functions counts, but they are not stopped: the call ends when they return. A guest is
        /// stopped soon after its time is up, not at once: a short call may succeed even with a limit of zero.
        timeout: limit time [unlimited];
        /// Limit on the calling thread's processor time for evolve and for each call, host functions included.
        cpu_time: limit time [unlimited];
        /// Host functions that one call may call. Calling more fails inside the guest.
        ///
        /// Other requests of a guest are counted apart: the signature of a host function, the time, a sleep whose time
        /// has passed, and refused host calls. A call may make as many of them as host calls and 1000 more, because a
        /// language runtime makes such requests on its own. A guest that exceeds this is stopped:
        /// [`crate::ErrorCode::TooLarge`], and the sandbox is poisoned. A sleep counts only for its time.
        max_host_calls: limit count [unlimited];
        /// Bytes of log records that one call may send to the host's logger. Records beyond it are counted and dropped.
        ///
        /// One warning at the end of the call says how much was dropped. The text of a record has at most 4096 bytes: a
        /// longer one is cut behind a whole character and ends with `…`.
        max_log_bytes: limit bytes [1 MiB];
        /// Bytes that one call may print through `HostPrint`. Printing more fails inside the guest.
        max_print_bytes: limit bytes [16 MiB];
    }

    /// Limits of one call, or of one evolve, in place of those of its sandbox's [`SandboxOptions`].
    pub struct CallOptions in call (all) {
        /// Time limit of the call, in place of the sandbox's own limit.
        timeout: time [as in the sandbox];
        /// Limit on processor time of the call, in place of the sandbox's own limit.
        cpu_time: time [as in the sandbox];
    }
    and { since: Option<Moment>, }

    /// Size of a pool, and the time to wait for a member.
    pub struct PoolOptions in pool {
        /// Maximum number of members, in use and idle.
        max (size): members [twice the processors of the machine];
        /// Idle members kept in reserve, as far as the pool's size allows.
        ///
        /// They are made in the background from the first acquisition on, because host functions may be registered
        /// until then. A program that wants its first request served at once acquires a member, and gives it back, when
        /// it starts.
        min_idle: members [none];
        /// Time that an acquisition waits while all members are in use.
        acquire_timeout: wait [unlimited];
    }
    and { stale_after: Option<Duration>, sandbox: SandboxOptions, }

    /// Bounds on a snapshot file, in bytes. 0 is the default; [`u64::MAX`] is no limit.
    ///
    /// A file states the sizes of the sandboxes that continue from it; these bounds limit them.
    pub struct LoadOptions in load (all) {
        /// Bound on the memory in the file, and on its guest's program and payloads, zeros included.
        ///
        /// Loading takes that much memory, and the time to check it.
        max_size: bytes [1 GiB];
        /// Bound on the heap, on the stack and on each call buffer, even where the file holds nothing of them.
        ///
        /// A guest may touch all of them. The bounds of sandboxes apply, too.
        max_heap_size: bytes [1 GiB];
    }

    /// Bounds on the compilation of a WebAssembly program, as Python and JavaScript have them.
    pub struct CompileOptions in compile (all) {
        /// Maximum size of the program, in bytes.
        max_program_size: bytes [64 MiB] from [1];
        /// Time limit of compiling, waiting for a turn included. Compiling may take some seconds longer.
        compile_timeout: time [1 minute] from [1 ns];
        /// Maximum number of processors that compile, shared by all programs that are compiled at the same time.
        compile_threads: count [all that are available to the process] from [1];
    }
}

/// The rows of all tables.
static ALL: [&[&Info]; 5] = [sandbox::ALL, call::ALL, pool::ALL, load::ALL, compile::ALL];

impl CallOptions {
    /// Counts both limits, the sandbox's included, from that moment on instead of from the start of the call. So an
    /// evolve and the calls after it share one limit. Processor time is that of the thread that took the moment; the
    /// same thread must call.
    pub fn since(mut self, moment: Moment) -> Self {
        self.since = Some(moment);
        self
    }
}

impl PoolOptions {
    /// Time after which idle members beyond the reserve are destroyed, instead of half a minute; for tests.
    #[doc(hidden)]
    pub fn stale_after(mut self, time: Duration) -> Self {
        self.stale_after = Some(time);
        self
    }

    /// Sets the limits of every member. Sizes are the snapshot's.
    pub fn sandbox(mut self, options: SandboxOptions) -> Self {
        self.sandbox = options;
        self
    }
}

/// The pool's own options, and the limits of its members.
impl Options for PoolOptions {
    fn rows() -> Cow<'static, [&'static Info]> {
        let limits = sandbox::ALL.iter().filter(|row| row.is_limit);
        let mut rows: Vec<_> = pool::ALL.iter().chain(limits).copied().collect();
        rows.sort_by_key(|row| row.since);
        rows.into()
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        let limit = || self.sandbox.setting(name).filter(|setting| setting.info().is_limit);
        self.own_setting(name).or_else(limit)
    }

    fn setting_mut(&mut self, name: &str) -> Option<&mut Setting> {
        if self.own_setting(name).is_some() {
            return self.own_setting_mut(name);
        }
        self.sandbox.setting_mut(name).filter(|setting| setting.info().is_limit)
    }
}
