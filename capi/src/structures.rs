//! The structures of options. Written by `cargo xtask generate`: do not edit.
//!
//! They are made of the table of options, `core/src/options`.

/// Sizes and limits of a sandbox. 0 is always the default. Start from `HL_SANDBOX_OPTIONS_INIT`.
///
/// Sizes are in bytes, rounded up to whole pages of 4 KiB; above their maximum they are
/// `HL_ERR_INVALID_ARGUMENT`. Memory that a guest never touches costs nothing.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_sandbox_options {
    /// `sizeof(hl_sandbox_options)`.
    pub size: usize,
    /// The guest's heap. In bytes: 16 MiB by default, at least 4 KiB, at most 16 GiB.
    pub heap_size: u64,
    /// The guest's stack. In bytes: 1 MiB by default, at least 16 KiB, at most 1 GiB.
    pub stack_size: u64,
    /// Room for the arguments of a call, and for the result of a host function. In bytes: 1 MiB by default,
    /// at least 4 KiB, at most 256 MiB.
    pub input_size: u64,
    /// Room for the result of a call, and for the arguments of a host function. In bytes: 1 MiB by default,
    /// at least 4 KiB, at most 256 MiB.
    pub output_size: u64,
    /// Time limit of evolve and of each call. The time of host functions counts, but they are not stopped:
    /// the call ends when they return. A guest is stopped soon after its time is up, not at once: a short
    /// call may succeed even with a limit of zero. In nanoseconds: unlimited by default, and with
    /// `UINT64_MAX`.
    pub timeout_ns: u64,
    /// Limit on the calling thread's processor time for evolve and for each call, host functions included. In
    /// nanoseconds: unlimited by default, and with `UINT64_MAX`.
    pub cpu_time_ns: u64,
    /// Host functions that one call may call. Calling more fails inside the guest. Other requests of a guest
    /// are counted apart: the signature of a host function, the time, a sleep whose time has passed, and
    /// refused host calls. A call may make as many of them as host calls and 1000 more, because a language
    /// runtime makes such requests on its own. A guest that exceeds this is stopped: `HL_ERR_TOO_LARGE`, and
    /// the sandbox is poisoned. A sleep counts only for its time. Unlimited by default.
    pub max_host_calls: u64,
    /// Bytes of log records that one call may send to the host's logger. Records beyond it are counted and
    /// dropped. One warning at the end of the call says how much was dropped. The text of a record has at
    /// most 4096 bytes: a longer one is cut behind a whole character and ends with `…`. 1 MiB by default.
    pub max_log_bytes: u64,
    /// Bytes that one call may print through `HostPrint`. Printing more fails inside the guest. 16 MiB by
    /// default.
    pub max_print_bytes: u64,
}

/// Limits of one call, or of the start. Start from `HL_CALL_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_call_options {
    /// `sizeof(hl_call_options)`.
    pub size: usize,
    /// Time limit of the call, in place of the sandbox's own limit. In nanoseconds: as in the sandbox by
    /// default, unlimited with `UINT64_MAX`.
    pub timeout_ns: u64,
    /// Limit on processor time of the call, in place of the sandbox's own limit. In nanoseconds: as in the
    /// sandbox by default, unlimited with `UINT64_MAX`.
    pub cpu_time_ns: u64,
}

/// Bounds of what a snapshot file may bring, in bytes. 0 is always the default, `UINT64_MAX` no limit. Start
/// from `HL_LOAD_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_load_options {
    /// `sizeof(hl_load_options)`.
    pub size: usize,
    /// Bound on the memory in the file, and on its guest's program and payloads, zeros included. Loading
    /// takes that much memory, and the time to check it. In bytes: 1 GiB by default.
    pub max_size: u64,
    /// Bound on the heap, on the stack and on each call buffer, even where the file holds nothing of them. A
    /// guest may touch all of them. The bounds of sandboxes apply, too. In bytes: 1 GiB by default.
    pub max_heap_size: u64,
}

/// Sizes of a pool, the longest wait for a member, and the limits of each member. 0 is always the default.
/// Start from `HL_POOL_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_pool_options {
    /// `sizeof(hl_pool_options)`.
    pub size: usize,
    /// Maximum number of members, in use and idle. Twice the processors of the machine by default.
    pub max: u64,
    /// Idle members kept in reserve, as far as the pool's size allows. They are made in the background from
    /// the first acquisition on, because host functions may be registered until then. A program that wants
    /// its first request served at once acquires a member, and gives it back, when it starts. None by
    /// default.
    pub min_idle: u64,
    /// Time that an acquisition waits while all members are in use. In nanoseconds: unlimited by default, and
    /// with `UINT64_MAX`.
    pub acquire_timeout_ns: u64,
    /// Time limit of evolve and of each call. In nanoseconds: unlimited by default, and with `UINT64_MAX`.
    pub timeout_ns: u64,
    /// Limit on the calling thread's processor time for evolve and for each call, host functions included. In
    /// nanoseconds: unlimited by default, and with `UINT64_MAX`.
    pub cpu_time_ns: u64,
    /// Host functions that one call may call. Calling more fails inside the guest. Unlimited by default.
    pub max_host_calls: u64,
    /// Bytes of log records that one call may send to the host's logger. Records beyond it are counted and
    /// dropped. 1 MiB by default.
    pub max_log_bytes: u64,
    /// Bytes that one call may print through `HostPrint`. Printing more fails inside the guest. 16 MiB by
    /// default.
    pub max_print_bytes: u64,
}

const _: () = {
    assert!(size_of::<hl_sandbox_options>() == 80);
    assert!(size_of::<hl_call_options>() == 24);
    assert!(size_of::<hl_load_options>() == 24);
    assert!(size_of::<hl_pool_options>() == 72);
};
