//! State that lives as long as the sandbox, and is undone by a restore.

use core::sync::atomic::{AtomicI32, Ordering};

use libhyperlight_guest::{Result, bail, guest_function, guest_main};

use crate::errors::UNEXPECTED;

static COUNTER: AtomicI32 = AtomicI32::new(0);

static MAIN_RUNS: AtomicI32 = AtomicI32::new(0);

/// 4 MiB, as in the reference implementation.
static BIG_ARRAY: [AtomicI32; 1024 * 1024] = [const { AtomicI32::new(0) }; 1024 * 1024];

#[guest_main]
fn main() {
    MAIN_RUNS.fetch_add(1, Ordering::Relaxed);
}

/// How often the main hook has run, as this guest remembers it: once, unless a restore is broken.
#[guest_function("MainRuns")]
fn main_runs() -> i32 {
    MAIN_RUNS.load(Ordering::Relaxed)
}

#[guest_function("AddToStatic")]
fn add_to_static(number: i32) -> i32 {
    COUNTER.fetch_add(number, Ordering::Relaxed).wrapping_add(number)
}

#[guest_function("GetStatic")]
fn get_static() -> i32 {
    COUNTER.load(Ordering::Relaxed)
}

#[guest_function("AddToStaticAndFail")]
fn add_to_static_and_fail() -> Result<i32> {
    COUNTER.fetch_add(10, Ordering::Relaxed);
    bail!(UNEXPECTED, "Crash on purpose");
}

/// Writes all of a large static, and returns how many numbers it holds.
#[guest_function("SetStatic")]
fn set_static() -> u32 {
    BIG_ARRAY.iter().map(|number| number.swap(1, Ordering::Relaxed)).fold(0, |count, _| count + 1)
}

/// The sum of that static: 0, or its length after `SetStatic`.
#[guest_function("SumStatic")]
fn sum_static() -> i64 {
    BIG_ARRAY.iter().map(|number| i64::from(number.load(Ordering::Relaxed))).sum()
}
