//! The delay between a call's deadline and its end, for every way in which a guest can be busy.
//!
//! For an idle machine: on a busy one this measures the scheduler. The tests allow seconds.

use std::time::{Duration, Instant};

use libhyperlight::{ErrorCode, Guest, Result, SandboxOptions, Value};

use crate::demo;
use crate::logger;
use crate::pace;
use crate::stop::{Stoppable, with_code};

/// The limit on an idle machine.
pub fn promise() -> Duration {
    pace::millis(20)
}

fn limit() -> Duration {
    pace::millis(10)
}

/// Writes a page of fresh memory after the other, and the same again: mov %rdi, %rbx; 1: mov %rbx, %rdi; mov
/// $0x3000000, %ecx; mov $0x41, %al; rep stosb; jmp 1b.
const FILL: &[u8] =
    &[0x48, 0x89, 0xfb, 0x48, 0x89, 0xdf, 0xb9, 0, 0, 0, 3, 0xb0, 0x41, 0xf3, 0xaa, 0xeb, 0xf2];
/// 1: xor %eax, %eax; cpuid; jmp 1b.
const CPUID: &[u8] = &[0x31, 0xc0, 0x0f, 0xa2, 0xeb, 0xfa];

/// The delays of calls of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Lateness {
    /// The guest's activity.
    pub what: &'static str,
    /// Half of them ended no later than this.
    pub median: Duration,
    /// Of a hundred, 99.
    pub p99: Duration,
    /// All of them.
    pub max: Duration,
}

/// Lets guests of every kind run into their deadlines, so many times each.
pub fn measure(rounds: usize) -> Result<Vec<Lateness>> {
    logger::install(log::LevelFilter::Info);
    let text = |text: &str| Value::String(text.to_owned());
    let forever = Value::U32(u32::MAX);
    let storms: [(&'static str, &[u8], &str, Vec<Value>); 5] = [
        ("a loop", &[], "Spin", vec![]),
        ("exits to the hypervisor", CPUID, "PayloadExecute", vec![Value::U32(0)]),
        ("page faults", FILL, "PayloadExecuteWith", vec![Value::U32(0)]),
        ("host calls", &[], "HostCallLoop", vec![text("Inside"), forever.clone()]),
        ("log records", &[], "LogNumbered", vec![text("flood"), forever]),
    ];
    storms
        .into_iter()
        .map(|(what, code, function, arguments)| {
            let guest = if code.is_empty() { demo() } else { with_code(&demo(), code) };
            storm(rounds, what, &guest, function, arguments)
        })
        .collect()
}

fn storm(
    rounds: usize,
    what: &'static str,
    guest: &Guest,
    function: &str,
    mut arguments: Vec<Value>,
) -> Result<Lateness> {
    let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(limit()).heap_size(64 << 20));
    if function == "PayloadExecuteWith" {
        arguments.push(Value::U64(victim.sandbox.call::<u64>("AddressOf", ("heap",))? + (8 << 20)));
        victim.sandbox.restore(&victim.fresh)?;
    }
    let mut late = Vec::new();
    while late.len() < rounds {
        let start = Instant::now();
        let result = victim.sandbox.call_values(function, &arguments);
        let took = start.elapsed();
        match result {
            Err(error) if error.code() == ErrorCode::Timeout => late.push(took.saturating_sub(limit())),
            Err(error) => return Err(error),
            Ok(value) => panic!("{what} ended by itself, with {value:?}"),
        }
        victim.sandbox.restore(&victim.fresh)?;
        logger::take();
    }
    late.sort_unstable();
    let at = |part: usize| late[(rounds * part / 100).min(rounds - 1)];
    Ok(Lateness { what, median: at(50), p99: at(99), max: late[rounds - 1] })
}
