//! How large a sandbox is, and how much its guest may say.

use std::time::Duration;

use libhyperlight_abi::limits::BUFFER_OVERHEAD;

use crate::error::{Error, ErrorCode, Result};
use crate::image::page_table::PAGE;
use crate::stop::{Moment, TimeLimits};

/// What a call may ask for besides as many things as it may call host functions.
const ALLOWANCE: u64 = 1000;

/// Sizes and limits of a sandbox, in bytes unless said otherwise.
///
/// 0 always means the default. Memory that a guest never touches costs nothing, so the defaults are generous.
/// Sizes are rounded up to whole pages of 4 KiB, and up to their minimum; above their maximum they are an
/// [`crate::ErrorCode::InvalidArgument`] when the sandbox is made.
///
/// | option | default | minimum | maximum |
/// |---|---|---|---|
/// | `heap_size` | 16 MiB | 4 KiB | 16 GiB |
/// | `stack_size` | 1 MiB | 16 KiB | 1 GiB |
/// | `input_size`, `output_size` | 1 MiB | 4 KiB | 256 MiB |
/// | `max_log_bytes`, `max_print_bytes` (per call) | 1 MiB, 16 MiB | | |
/// | `max_host_calls` (per call) | unlimited | | |
/// | `timeout`, `cpu_time` (per call, and for evolve) | unlimited | | |
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    heap_size: u64,
    stack_size: u64,
    input_size: u64,
    output_size: u64,
    max_log_bytes: u64,
    max_print_bytes: u64,
    max_host_calls: u64,
    timeout: Option<Duration>,
    cpu_time: Option<Duration>,
}

impl SandboxOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The guest's heap.
    pub fn heap_size(mut self, bytes: u64) -> Self {
        self.heap_size = bytes;
        self
    }

    /// The guest's stack.
    pub fn stack_size(mut self, bytes: u64) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Room for the arguments of a call to the guest, and for the result of a host function.
    pub fn input_size(mut self, bytes: u64) -> Self {
        self.input_size = bytes;
        self
    }

    /// Room for the result of a guest function, and for the arguments of a call to the host.
    pub fn output_size(mut self, bytes: u64) -> Self {
        self.output_size = bytes;
        self
    }

    /// Bytes of log records that one call may bring to the host's logger; what exceeds them is counted and
    /// dropped, and one warning at the end of the call says how much. The text of a record has at most 4096 bytes: what is longer is
    /// cut behind a whole character and ends with `…`.
    pub fn max_log_bytes(mut self, bytes: u64) -> Self {
        self.max_log_bytes = bytes;
        self
    }

    /// Bytes that one call may print through `HostPrint`; printing more fails inside the guest.
    pub fn max_print_bytes(mut self, bytes: u64) -> Self {
        self.max_print_bytes = bytes;
        self
    }

    /// Host functions that one call may call; calling more fails inside the guest.
    ///
    /// Whatever else a guest asks of the host counts apart: the signature of a host function, the time, a sleep whose time has
    /// passed, and every call that was refused because there were too many. A call has as many of those and 1000 more, because a
    /// language runtime asks such things for programs that know nothing of it. Who goes on asking after that is stopped:
    /// [`crate::ErrorCode::TooLarge`], and the sandbox is poisoned. Sleeping counts for nothing but its time.
    pub fn max_host_calls(mut self, calls: u64) -> Self {
        self.max_host_calls = calls;
        self
    }

    /// How long evolve and each call may take. The time of host functions counts, but they are not stopped: the call ends
    /// when they return. A guest is stopped soon after its time is up, not at once: a short call may end well even if its
    /// time was zero. [`Duration::MAX`] is no limit, like the default.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// How much processor time of the calling thread evolve and each call may use, host functions included.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.cpu_time = Some(time);
        self
    }

    pub(crate) fn limits(&self) -> TimeLimits {
        TimeLimits {
            wall: self.timeout.unwrap_or(Duration::MAX),
            cpu: self.cpu_time.unwrap_or(Duration::MAX),
            since: None,
        }
    }

    /// The sizes that decide the layout of the memory.
    pub(crate) fn sizes(&self) -> Result<Sizes> {
        const MIB: u64 = 1 << 20;
        let buffer = |name, bytes| size(name, bytes, MIB, PAGE, 256 * MIB);
        Ok(Sizes {
            heap: size("heap_size", self.heap_size, 16 * MIB, PAGE, 16 << 30)?,
            stack: size("stack_size", self.stack_size, MIB, 16 << 10, 1 << 30)?,
            input: buffer("input_size", self.input_size)? + BUFFER_OVERHEAD,
            output: buffer("output_size", self.output_size)? + BUFFER_OVERHEAD,
        })
    }

    /// Confirms that no size was asked for that is not the one of these.
    pub(crate) fn check_against(&self, sizes: &Sizes) -> Result<()> {
        let asked = self.sizes()?;
        let given = [self.heap_size, self.stack_size, self.input_size, self.output_size];
        for (given, (name, asked, has)) in given.into_iter().zip(asked.beside(sizes)) {
            if given != 0 && asked != has {
                return Err(Error::invalid_argument(format!(
                    "{name} is {asked}, but what goes on from this snapshot has {has}, like the sandbox that it was taken of; \
                     ask for {has}, or take a snapshot of a sandbox with {asked}"
                )));
            }
        }
        Ok(())
    }

    /// What one call may do.
    pub(crate) fn quota(&self) -> Quota {
        let or = |value, default| if value == 0 { default } else { value };
        Quota {
            log_bytes: or(self.max_log_bytes, 1 << 20),
            print_bytes: or(self.max_print_bytes, 16 << 20),
            host_calls: or(self.max_host_calls, u64::MAX),
            requests: or(self.max_host_calls, u64::MAX).saturating_add(ALLOWANCE),
        }
    }
}

/// What one call, or one evolve, does differently from its sandbox's [`SandboxOptions`].
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    timeout: Option<Duration>,
    cpu_time: Option<Duration>,
    since: Option<Moment>,
}

impl CallOptions {
    /// Nothing differs.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the call may take, see [`SandboxOptions::timeout`]; [`Duration::MAX`] lifts the sandbox's limit.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// How much processor time the call may use, see [`SandboxOptions::cpu_time`]; [`Duration::MAX`] lifts the sandbox's
    /// limit.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.cpu_time = Some(time);
        self
    }

    /// Counts both limits, those of the sandbox too, from that moment on and not from the beginning of the call: so an
    /// evolve and the calls after it share one limit. Processor time is that of the thread that took the moment, which must
    /// be the one that calls.
    pub fn since(mut self, moment: Moment) -> Self {
        self.since = Some(moment);
        self
    }

    pub(crate) fn limits(&self, sandbox: &TimeLimits) -> TimeLimits {
        TimeLimits {
            wall: self.timeout.unwrap_or(sandbox.wall),
            cpu: self.cpu_time.unwrap_or(sandbox.cpu),
            since: self.since,
        }
    }
}

/// What a snapshot file may bring, in bytes. 0 always means the default.
///
/// A file chooses how large the sandboxes are that go on from it, as far as this allows.
///
/// | option | default | bounds |
/// |---|---|---|
/// | `max_size` | 1 GiB | the memory that is in the file; and the guest's program with its payloads |
/// | `max_heap_size` | 1 GiB | the heap, the stack, and each call buffer, see [`SandboxOptions`] |
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    max_size: u64,
    max_heap_size: u64,
}

impl LoadOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much memory the file may hold, and how large its guest's program and payloads may be, zeros included. Loading takes
    /// so much memory, and the time to check it. [`u64::MAX`] is no limit.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes;
        self
    }

    /// How large the heap may be, and the stack and each call buffer, whether the file holds anything of them or not: a guest may
    /// touch all of them. [`u64::MAX`] is no limit but that of [`SandboxOptions`].
    pub fn max_heap_size(mut self, bytes: u64) -> Self {
        self.max_heap_size = bytes;
        self
    }

    pub(crate) fn bounds(&self) -> FileBounds {
        let or_default = |bytes| if bytes == 0 { 1 << 30 } else { bytes };
        FileBounds { size: or_default(self.max_size), each: or_default(self.max_heap_size) }
    }
}

/// [`LoadOptions`], with the defaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileBounds {
    /// `max_size`.
    pub size: u64,
    /// `max_heap_size`.
    pub each: u64,
}

/// Sizes in whole pages; two sandboxes of one guest with equal sizes share their image.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Sizes {
    pub heap: u64,
    pub stack: u64,
    /// With [`BUFFER_OVERHEAD`].
    pub input: u64,
    /// With [`BUFFER_OVERHEAD`].
    pub output: u64,
}

impl Sizes {
    /// By the options' names, as the options give them.
    pub fn named(&self) -> [(&'static str, u64); 4] {
        let buffer = |size: u64| size.saturating_sub(BUFFER_OVERHEAD);
        [
            ("heap_size", self.heap),
            ("stack_size", self.stack),
            ("input_size", buffer(self.input)),
            ("output_size", buffer(self.output)),
        ]
    }

    /// The same, each with that of another sandbox.
    pub fn beside(&self, other: &Self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let pairs = self.named().into_iter().zip(other.named());
        pairs.map(|((name, ours), (_, theirs))| (name, ours, theirs))
    }
}

/// What a call may still do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub log_bytes: u64,
    pub print_bytes: u64,
    pub host_calls: u64,
    /// Other things that it may ask for.
    pub requests: u64,
}

impl Quota {
    /// Counts something that a guest asks for and that is no call of a host function; the error ends the call.
    pub fn request(&mut self) -> Result<()> {
        let left = self.requests.checked_sub(1);
        self.requests = left.ok_or_else(|| {
            Error::new(
                ErrorCode::TooLarge,
                format!(
                    "the call has asked the host for more than max_host_calls and {ALLOWANCE} other things"
                ),
            )
        })?;
        Ok(())
    }
}

fn size(name: &str, bytes: u64, default: u64, min: u64, max: u64) -> Result<u64> {
    let bytes = if bytes == 0 { default } else { bytes };
    if bytes > max {
        return Err(Error::invalid_argument(format!("{name} is at most {max} bytes, found {bytes}")));
    }
    Ok(bytes.max(min).next_multiple_of(PAGE))
}
