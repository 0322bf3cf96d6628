//! Options, as JavaScript has checked them: sizes are safe integers, durations are milliseconds or infinite.

use std::time::Duration;

use libhyperlight::{CallOptions, PoolOptions, SandboxOptions};
use napi_derive::napi;

/// See `SandboxOptions` in `index.d.ts`.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct JsSandboxOptions {
    /// Bytes.
    pub heap_size: Option<f64>,
    /// Bytes.
    pub stack_size: Option<f64>,
    /// Bytes.
    pub input_size: Option<f64>,
    /// Bytes.
    pub output_size: Option<f64>,
    /// Milliseconds.
    pub timeout_ms: Option<f64>,
    /// Milliseconds.
    pub cpu_time_ms: Option<f64>,
    /// For each call.
    pub max_host_calls: Option<f64>,
    /// For each call.
    pub max_log_bytes: Option<f64>,
    /// For each call.
    pub max_print_bytes: Option<f64>,
}

impl JsSandboxOptions {
    /// The engine's.
    pub(crate) fn to_engine(&self) -> SandboxOptions {
        let mut options = SandboxOptions::new()
            .heap_size(integer(self.heap_size))
            .stack_size(integer(self.stack_size))
            .input_size(integer(self.input_size))
            .output_size(integer(self.output_size))
            .max_host_calls(integer(self.max_host_calls))
            .max_log_bytes(integer(self.max_log_bytes))
            .max_print_bytes(integer(self.max_print_bytes));
        if let Some(time) = duration(self.timeout_ms) {
            options = options.timeout(time);
        }
        if let Some(time) = duration(self.cpu_time_ms) {
            options = options.cpu_time(time);
        }
        options
    }

    /// How long a call may take unless it says otherwise.
    pub(crate) fn timeout(&self) -> Duration {
        duration(self.timeout_ms).unwrap_or(Duration::MAX)
    }
}

/// See `PoolOptions` in `index.d.ts`.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct JsPoolOptions {
    /// Members at most.
    pub size: f64,
    /// Members kept in reserve.
    pub min_idle: Option<f64>,
}

impl JsPoolOptions {
    /// The engine's.
    pub(crate) fn to_engine(&self, sandbox: SandboxOptions) -> PoolOptions {
        let members = |number| usize::try_from(integer(number)).unwrap_or(usize::MAX);
        PoolOptions::new().max(members(Some(self.size))).min_idle(members(self.min_idle)).sandbox(sandbox)
    }
}

/// One call in a member of a pool. All in milliseconds.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct JsPoolCallOptions {
    /// How long to wait for a member.
    pub wait_ms: Option<f64>,
    /// How long the call may take.
    pub timeout_ms: Option<f64>,
    /// How much processor time.
    pub cpu_time_ms: Option<f64>,
    /// Whether it may be aborted.
    pub has_signal: bool,
}

/// The limits of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub timeout: Option<Duration>,
    pub cpu_time: Option<Duration>,
}

impl Limits {
    pub fn new(timeout_ms: Option<f64>, cpu_time_ms: Option<f64>) -> Self {
        Self { timeout: duration(timeout_ms), cpu_time: duration(cpu_time_ms) }
    }

    pub fn to_engine(self) -> CallOptions {
        let mut options = CallOptions::new();
        if let Some(time) = self.timeout {
            options = options.timeout(time);
        }
        if let Some(time) = self.cpu_time {
            options = options.cpu_time(time);
        }
        options
    }
}

/// 0 means the default, as without.
fn duration(ms: Option<f64>) -> Option<Duration> {
    ms.filter(|ms| *ms > 0.0).map(milliseconds)
}

/// What is too long for a duration is the longest.
pub(crate) fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript has checked that it is a safe integer; `as` saturates in any case"
)]
pub(crate) fn integer(number: Option<f64>) -> u64 {
    number.unwrap_or(0.0) as u64
}
