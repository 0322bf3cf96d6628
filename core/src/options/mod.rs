//! The options of sandboxes, calls, pools, snapshot files and the WebAssembly compiler: one table for every language.
//!
//! A row of the table is all that an option needs to be there: the function that sets it is made of it here, and its name,
//! check and description in C, Python and JavaScript, too. What the option does is up to who asks for it. After a change,
//! `cargo xtask generate` writes the other languages' files.
//!
//! Nothing here makes an error, because errors speak of options: what does not fit is told by a [`face::Refusal`], or by
//! `bounds.rs`, which makes of the options what the engine goes by.

pub mod face;
pub mod table;

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Moment;
use table::{Info, Options, Setting, argument, note, options};

options! {
    /// Sizes and limits of a sandbox.
    ///
    /// 0 is the default of sizes and counts. Memory that a guest never touches costs nothing, so the defaults are generous.
    /// Sizes are rounded up to whole pages of 4 KiB, and up to their minimum; above their maximum they are an
    /// [`crate::ErrorCode::InvalidArgument`] when the sandbox is made. Limits are for each call, and those of time for evolve,
    /// too.
    pub struct SandboxOptions in sandbox (all) {
        /// The guest's heap.
        heap_size: memory [16 MiB] from [4 KiB] to [16 GiB];
        /// The guest's stack.
        stack_size: memory [1 MiB] from [16 KiB] to [1 GiB];
        /// Room for the arguments of a call, and for the result of a host function.
        input_size: memory [1 MiB] from [4 KiB] to [256 MiB];
        /// Room for the result of a call, and for the arguments of a host function.
        output_size: memory [1 MiB] from [4 KiB] to [256 MiB];
        /// How long evolve and each call may take.
        ///
        /// The time of host functions counts, but they are not stopped: the call ends when they return. A guest is stopped soon
        /// after its time is up, not at once: a short call may end well even if its time was zero.
        timeout: limit time [unlimited];
        /// How much processor time of the calling thread evolve and each call may use, host functions included.
        cpu_time: limit time [unlimited];
        /// Host functions that one call may call. Calling more fails inside the guest.
        ///
        /// Whatever else a guest asks of the host counts apart: the signature of a host function, the time, a sleep whose time has
        /// passed, and every call that was refused because there were too many. A call has as many of those and 1000 more, because a
        /// language runtime asks such things for programs that know nothing of it. Who goes on asking after that is stopped:
        /// [`crate::ErrorCode::TooLarge`], and the sandbox is poisoned. Sleeping counts for nothing but its time.
        max_host_calls: limit count [unlimited];
        /// Bytes of log records that one call may bring to the host's logger. What exceeds them is counted and dropped.
        ///
        /// One warning at the end of the call says how much. The text of a record has at most 4096 bytes: what is longer is
        /// cut behind a whole character and ends with `…`.
        max_log_bytes: limit bytes [1 MiB];
        /// Bytes that one call may print through `HostPrint`. Printing more fails inside the guest.
        max_print_bytes: limit bytes [16 MiB];
    }

    /// What one call, or one evolve, does differently from its sandbox's [`SandboxOptions`].
    pub struct CallOptions in call (all) {
        /// How long the call may take, in place of the sandbox's own limit.
        timeout: time [as in the sandbox];
        /// How much processor time the call may use, in place of the sandbox's own limit.
        cpu_time: time [as in the sandbox];
    }
    and { since: Option<Moment>, }

    /// How many members a pool has, and how long one waits for them.
    pub struct PoolOptions in pool {
        /// Members at most, in use and idle.
        max (size): members [twice the processors of the machine];
        /// Idle members that are kept in reserve as long as the pool's size allows it.
        ///
        /// They are made in the background from the first acquisition on, because host functions may be registered until then: a
        /// program that wants its first request served at once acquires a member, and gives it back, when it starts.
        min_idle: members [none];
        /// How long an acquisition waits while all members are in use.
        acquire_timeout: wait [unlimited];
    }
    and { stale_after: Option<Duration>, sandbox: SandboxOptions, }

    /// What a snapshot file may bring, in bytes. 0 always means the default; [`u64::MAX`] is no limit.
    ///
    /// A file chooses how large the sandboxes are that go on from it, as far as this allows.
    pub struct LoadOptions in load (all) {
        /// How much memory the file may hold, and how large its guest's program and payloads may be, zeros included.
        ///
        /// Loading takes so much memory, and the time to check it.
        max_size: bytes [1 GiB];
        /// How large the heap, the stack and each call buffer may be, whether the file holds anything of them or not.
        ///
        /// A guest may touch all of them. The bounds of sandboxes hold besides.
        max_heap_size: bytes [1 GiB];
    }

    /// What a WebAssembly program may ask of its compiler, as Python and JavaScript have it.
    pub struct CompileOptions in compile (all) {
        /// Bytes of the program at most.
        max_program_size: bytes [64 MiB] from [1];
        /// How long compiling may take, waiting for a turn included. It may take some seconds longer.
        compile_timeout: time [1 minute] from [1 ns];
        /// Processors that compile at most, of this program and of all that are compiled at the same time.
        compile_threads: count [all that are available to the process] from [1];
    }
}

/// The rows of all.
static ALL: [&[&Info]; 5] = [sandbox::ALL, call::ALL, pool::ALL, load::ALL, compile::ALL];

impl CallOptions {
    /// Counts both limits, those of the sandbox too, from that moment on and not from the beginning of the call: so an
    /// evolve and the calls after it share one limit. Processor time is that of the thread that took the moment, which must
    /// be the one that calls.
    pub fn since(mut self, moment: Moment) -> Self {
        self.since = Some(moment);
        self
    }
}

impl PoolOptions {
    /// After what time without use members beyond the reserve are let go, in place of half a minute; for tests.
    #[doc(hidden)]
    pub fn stale_after(mut self, time: Duration) -> Self {
        self.stale_after = Some(time);
        self
    }

    /// Limits of every member. Sizes are the snapshot's.
    pub fn sandbox(mut self, options: SandboxOptions) -> Self {
        self.sandbox = options;
        self
    }
}

/// The pool's own, and the limits of its members.
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
