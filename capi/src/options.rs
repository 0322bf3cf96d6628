//! Options. They only grow: a structure states its own size, so that programs and libraries of different age agree.

use std::time::Duration;

use libhyperlight::{CallOptions, LoadOptions, SandboxOptions};

use crate::error::hl_error;

/// Sizes and limits of a sandbox. 0 is always the default. Start from `HL_SANDBOX_OPTIONS_INIT`.
///
/// Sizes are in bytes, rounded up to whole pages of 4 KiB; above their maximum they are `HL_ERR_INVALID_ARGUMENT`. Memory
/// that a guest never touches costs nothing.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_sandbox_options {
    /// `sizeof(hl_sandbox_options)`.
    pub size: usize,
    /// The guest's heap: 16 MiB by default, at most 16 GiB.
    pub heap_size: u64,
    /// The guest's stack: 1 MiB by default, at least 16 KiB, at most 1 GiB.
    pub stack_size: u64,
    /// Room for the arguments of a call, and for the result of a host function: 1 MiB by default, at most 256 MiB.
    pub input_size: u64,
    /// Room for the result of a call, and for the arguments of a host function: 1 MiB by default, at most 256 MiB.
    pub output_size: u64,
    /// How long evolve, and each call, may take, in nanoseconds. 0 and `UINT64_MAX`: for ever.
    pub timeout_ns: u64,
    /// How much processor time evolve, and each call, may take, in nanoseconds. 0 and `UINT64_MAX`: any.
    pub cpu_time_ns: u64,
    /// Host functions that one call may call: unlimited by default. Calling more fails inside the guest. Of whatever else a guest asks
    /// for (signatures, the time, sleeps that are over, calls too many) a call has as many and 1000 more; then it ends with
    /// `HL_ERR_TOO_LARGE`, and the sandbox is poisoned.
    pub max_host_calls: u64,
    /// Bytes of log records that one call may bring: 1 MiB by default. What exceeds them is counted and dropped; one record of the
    /// library's own at the end of the call says how much.
    pub max_log_bytes: u64,
    /// Bytes that one call may print: 16 MiB by default. Printing more fails inside the guest.
    pub max_print_bytes: u64,
}

/// Limits of one call. Start from `HL_CALL_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_call_options {
    /// `sizeof(hl_call_options)`.
    pub size: usize,
    /// How long the call may take, in nanoseconds. 0: as the sandbox's options say. `UINT64_MAX`: for ever.
    pub timeout_ns: u64,
    /// How much processor time the call may take, in nanoseconds. 0: as the sandbox's options say. `UINT64_MAX`: any.
    pub cpu_time_ns: u64,
}

/// What a snapshot file may bring, in bytes. 0 is always the default, `UINT64_MAX` no limit. Start from
/// `HL_LOAD_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_load_options {
    /// `sizeof(hl_load_options)`.
    pub size: usize,
    /// How much memory the file may hold, and how large its guest's program and payloads may be, zeros included: 1 GiB by
    /// default.
    pub max_size: u64,
    /// How large the heap, the stack and each call buffer may be, whether the file holds anything of them or not: 1 GiB by
    /// default.
    pub max_heap_size: u64,
}

impl hl_sandbox_options {
    /// The engine's options. NULL is the defaults.
    pub(crate) unsafe fn read(options: *const Self) -> Result<SandboxOptions, hl_error> {
        // SAFETY: passed on; the structure consists of integers.
        let given: Self = unsafe { read_sized(options, "hl_sandbox_options", "HL_SANDBOX_OPTIONS_INIT") }?;
        let options = SandboxOptions::new()
            .heap_size(given.heap_size)
            .stack_size(given.stack_size)
            .input_size(given.input_size)
            .output_size(given.output_size)
            .max_host_calls(given.max_host_calls)
            .max_log_bytes(given.max_log_bytes)
            .max_print_bytes(given.max_print_bytes);
        let options = with(options, limit(given.timeout_ns), SandboxOptions::timeout);
        Ok(with(options, limit(given.cpu_time_ns), SandboxOptions::cpu_time))
    }
}

impl hl_call_options {
    /// The engine's options. NULL is the sandbox's own.
    pub(crate) unsafe fn read(options: *const Self) -> Result<CallOptions, hl_error> {
        // SAFETY: passed on; the structure consists of integers.
        let given: Self = unsafe { read_sized(options, "hl_call_options", "HL_CALL_OPTIONS_INIT") }?;
        let options = with(CallOptions::new(), limit(given.timeout_ns), CallOptions::timeout);
        Ok(with(options, limit(given.cpu_time_ns), CallOptions::cpu_time))
    }
}

impl hl_load_options {
    /// The engine's options. NULL is the defaults.
    pub(crate) unsafe fn read(options: *const Self) -> Result<LoadOptions, hl_error> {
        // SAFETY: passed on; the structure consists of integers.
        let given: Self = unsafe { read_sized(options, "hl_load_options", "HL_LOAD_OPTIONS_INIT") }?;
        Ok(LoadOptions::new().max_size(given.max_size).max_heap_size(given.max_heap_size))
    }
}

/// A limit of time; `None` is the default.
pub(crate) fn limit(ns: u64) -> Option<Duration> {
    match ns {
        0 => None,
        u64::MAX => Some(Duration::MAX),
        ns => Some(Duration::from_nanos(ns)),
    }
}

pub(crate) fn with<T>(options: T, limit: Option<Duration>, set: impl FnOnce(T, Duration) -> T) -> T {
    match limit {
        Some(limit) => set(options, limit),
        None => options,
    }
}

/// Reads a structure that starts with its size and otherwise consists of 64-bit integers. A shorter one is an older
/// header's: what it lacks is 0. A longer one is a newer header's: what this library does not know must be 0.
pub(crate) unsafe fn read_sized<T: Default>(
    options: *const T,
    name: &str,
    init: &str,
) -> Result<T, hl_error> {
    /// More than any version will ever have: such a size is no size.
    const MAX: usize = 4096;
    const WORD: usize = size_of::<u64>();

    let mut known = T::default();
    if options.is_null() {
        return Ok(known);
    }
    // SAFETY: not NULL, so, by the header's rules, at least the first member can be read: the size.
    let size = unsafe { options.cast::<usize>().read() };
    if !(WORD..=MAX).contains(&size) || !size.is_multiple_of(WORD) {
        return Err(hl_error::invalid(format!(
            "the `size` of {name} is {size}; start from {init}, which sets it to {}",
            size_of::<T>()
        )));
    }
    let from = options.cast::<u8>();
    // SAFETY: by the header's rules the structure has `size` bytes; `known` has room for its own size, and any bytes are
    // valid in it, because it consists of integers.
    unsafe {
        (&raw mut known).cast::<u8>().copy_from_nonoverlapping(from, size.min(size_of::<T>()));
    }
    for offset in size_of::<T>()..size {
        // SAFETY: inside the `size` bytes of the structure.
        if unsafe { from.add(offset).read() } != 0 {
            return Err(hl_error::invalid(format!(
                "{name} sets an option that this library does not know, at offset {offset}; use a newer library"
            )));
        }
    }
    Ok(known)
}

const _: () = {
    assert!(size_of::<hl_sandbox_options>() == 80 && size_of::<hl_call_options>() == 24);
    assert!(size_of::<hl_load_options>() == 24);
    assert!(std::mem::offset_of!(hl_load_options, max_heap_size) == 16);
    assert!(std::mem::offset_of!(hl_sandbox_options, max_print_bytes) == 72);
    assert!(std::mem::offset_of!(hl_call_options, cpu_time_ns) == 16);
};
