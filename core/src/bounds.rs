//! Engine values of options: sizes in whole pages, quotas of a call, bounds on a file.

use std::time::Duration;

use libhyperlight_abi::limits::{BUFFER_OVERHEAD, MAX_SYSTEM_CALLS};

use crate::error::{Count, Error, ErrorCode, Message, Opt, Result, Size};
use crate::options::table::{Info, Setting, Unit};
use crate::options::{CallOptions, LoadOptions, SandboxOptions, sandbox};
use crate::pages::PAGE;
use crate::stop::TimeLimits;

/// The number of other requests that a call may make, beyond its number of host calls.
const ALLOWANCE: u64 = 1000;

impl SandboxOptions {
    pub(crate) fn limits(&self) -> TimeLimits {
        TimeLimits {
            wall: self.timeout.time().unwrap_or(Duration::MAX),
            cpu: self.cpu_time.time().unwrap_or(Duration::MAX),
            since: None,
        }
    }

    /// The sizes that decide the layout of the memory.
    pub(crate) fn sizes(&self) -> Result<Sizes> {
        Ok(Sizes {
            heap: checked(&self.heap_size)?,
            stack: checked(&self.stack_size)?,
            input: checked(&self.input_size)? + BUFFER_OVERHEAD,
            output: checked(&self.output_size)? + BUFFER_OVERHEAD,
        })
    }

    /// Fails if a requested size differs from these.
    pub(crate) fn check_against(&self, sizes: &Sizes) -> Result<()> {
        let asked = self.sizes()?;
        let settings = [self.heap_size, self.stack_size, self.input_size, self.output_size];
        for (setting, (option, asked, has)) in settings.into_iter().zip(asked.beside(sizes)) {
            if setting.given().is_some() && asked != has {
                let (option, asked, has) = (Opt(option), Size(asked), Size(has));
                return Err(Message::OtherSize { option, asked, has }.into());
            }
        }
        Ok(())
    }

    /// The quota of one call.
    pub(crate) fn quota(&self) -> Quota {
        let host_calls = self.max_host_calls.or_default();
        Quota {
            log_bytes: self.max_log_bytes.or_default(),
            print_bytes: self.max_print_bytes.or_default(),
            host_calls,
            requests: host_calls.saturating_add(ALLOWANCE),
            system_calls: 0,
        }
    }
}

impl CallOptions {
    pub(crate) fn limits(&self, sandbox: &TimeLimits) -> TimeLimits {
        TimeLimits {
            wall: self.timeout.time().unwrap_or(sandbox.wall),
            cpu: self.cpu_time.time().unwrap_or(sandbox.cpu),
            since: self.since,
        }
    }
}

impl LoadOptions {
    pub(crate) fn bounds(&self) -> FileBounds {
        FileBounds { size: self.max_size.or_default(), each: self.max_heap_size.or_default() }
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
    /// By options, as they give them.
    pub fn by_option(&self) -> [(&'static Info, u64); 4] {
        let buffer = |size: u64| size.saturating_sub(BUFFER_OVERHEAD);
        [
            (&sandbox::heap_size, self.heap),
            (&sandbox::stack_size, self.stack),
            (&sandbox::input_size, buffer(self.input)),
            (&sandbox::output_size, buffer(self.output)),
        ]
    }

    /// The same, each with that of another sandbox.
    pub fn beside(&self, other: &Self) -> impl Iterator<Item = (&'static Info, u64, u64)> {
        let pairs = self.by_option().into_iter().zip(other.by_option());
        pairs.map(|((option, ours), (_, theirs))| (option, ours, theirs))
    }
}

/// The quota that is left to a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub log_bytes: u64,
    pub print_bytes: u64,
    pub host_calls: u64,
    /// Requests other than host calls.
    pub requests: u64,
    /// System calls passed on so far.
    pub system_calls: u64,
}

impl Quota {
    /// Counts a request that is no call of a host function. The error ends the call.
    pub fn request(&mut self) -> Result<()> {
        let left = self.requests.checked_sub(1);
        self.requests = left.ok_or(Message::ManyRequests { others: Count(ALLOWANCE) })?;
        Ok(())
    }

    /// Counts a system call that is passed on, and returns the number of them. The error ends the call.
    pub fn system_call(&mut self) -> Result<u64> {
        if self.system_calls == MAX_SYSTEM_CALLS {
            return Err(Error::new(
                ErrorCode::TooLarge,
                format!(
                    "the call has made {MAX_SYSTEM_CALLS} system calls that the host passed on, and makes another"
                ),
            ));
        }
        self.system_calls += 1;
        Ok(self.system_calls)
    }
}

/// The number that was given, or the default, if it is in the range; sizes of memory in whole pages.
fn checked(setting: &Setting) -> Result<u64> {
    let (info, number) = (setting.info(), setting.or_default());
    if number > info.most {
        let option = Opt(info);
        return Err(match info.unit {
            Unit::Count => Message::TooMany { option, max: Count(info.most), found: Count(number) },
            _ => Message::AboveMaximum { option, max: Size(info.most), found: Size(number) },
        }
        .into());
    }
    Ok(if info.unit == Unit::Memory { number.max(info.least).next_multiple_of(PAGE) } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_calls_of_a_call_are_counted_and_end_it() {
        let mut quota = SandboxOptions::new().quota();
        assert_eq!((quota.system_call().unwrap(), quota.system_call().unwrap()), (1, 2));
        quota.system_calls = MAX_SYSTEM_CALLS - 1;
        assert_eq!(quota.system_call().unwrap(), MAX_SYSTEM_CALLS);
        assert_eq!(quota.system_call().unwrap_err().code(), ErrorCode::TooLarge);
    }
}
