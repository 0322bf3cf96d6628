//! `make check-hw`: tests the isolation on this machine, and prints the machine's properties.
//!
//! For platforms that the project has not been measured on. Ends with `N passed, N failed`. Where a check would never
//! end, because the machine is emulated and its emulator has a fault: `--skip NAME`, the check's words joined by
//! hyphens.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program: it prints what it finds, and stops at what it did not expect"
)]

use std::fs;
use std::time::Instant;

use libhyperlight::{ErrorCode, FaultKind, Guest, PayloadAccess, Value};
use libhyperlight_tests::instructions::INSTRUCTIONS;
use libhyperlight_tests::lateness::{self, Lateness};
use libhyperlight_tests::prober::{self, End, Registers, at};
use libhyperlight_tests::{ENGINE, demo, pace, sandbox};

/// The finding, or the fault.
type Check = fn() -> Result<String, String>;

fn main() -> std::process::ExitCode {
    platform();
    if let Err(error) = libhyperlight::probe() {
        println!("no hypervisor: {error}");
        return std::process::ExitCode::FAILURE;
    }
    let checks: &[(&str, Check)] = &[
        ("instructions that are not for guests", instructions),
        ("memory that is not for guests", memory),
        ("extended state after a restore", extended_state),
        ("extended state of a fresh sandbox", fresh_state),
        ("segment bases after a restore", segment_bases),
        ("the next tenant's first call, however the last one ended", next_tenant),
        ("whatever a guest does, it is stopped in time", in_time),
        ("cost of an exit", exit_cost),
    ];
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_skipped = |name: &str| {
        let name = name.replace(' ', "-");
        arguments.chunks(2).any(|pair| pair == ["--skip", &name])
    };
    let checks: Vec<_> = checks.iter().filter(|(name, _)| !is_skipped(name)).collect();
    let mut failed = 0;
    for (name, check) in &checks {
        match check() {
            Ok(found) => println!("ok      {name}: {found}"),
            Err(wrong) => {
                failed += 1;
                println!("FAILED  {name}: {wrong}");
            }
        }
    }
    println!("{} passed, {failed} failed", checks.len() - failed);
    if failed == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

/// Kernel, processor, and which kind of KVM it is.
fn platform() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = processor.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_owned()
    };
    let flags = field("flags");
    let has = |flag: &str| flags.split(' ').any(|found| found == flag);
    let virtualisation = match (has("vmx"), has("svm")) {
        (true, _) => "VT-x",
        (_, true) => "SVM",
        _ => "none in the processor (PVM)",
    };
    println!("kernel {}", read("/proc/sys/kernel/osrelease").trim());
    println!("processor {}; virtualisation: {virtualisation}", field("model name"));
    let modules: Vec<_> = read("/proc/modules")
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| name.starts_with("kvm"))
        .map(str::to_owned)
        .collect();
    println!("modules: {}; a hypervisor below: {}", modules.join(" "), has("hypervisor"));
    if has("split_lock_detect") {
        println!(
            "split locks are detected: with split_lock_detect=fatal the kernel kills a process whose guest makes one"
        );
    }
}

fn instructions() -> Result<String, String> {
    let wrong: Vec<_> = INSTRUCTIONS.iter().filter_map(|instruction| instruction.try_out().err()).collect();
    if wrong.is_empty() { Ok(format!("{} as expected", INSTRUCTIONS.len())) } else { Err(wrong.join("; ")) }
}

fn memory() -> Result<String, String> {
    let heap = sandbox(&demo()).call("AddressOf", ("heap",)).map_err(|error| error.to_string())?;
    let cases: &[(&str, u64, FaultKind)] = &[
        ("ReadAddress", 0, FaultKind::NullAccess),
        ("ReadAddress", ENGINE, FaultKind::EngineAccess),
        ("WriteAddress", ENGINE, FaultKind::EngineAccess),
        ("ExecuteAddress", ENGINE, FaultKind::EngineAccess),
        ("ReadAddress", 0x7fff_ffff_f000, FaultKind::UnmappedAccess),
        ("ReadAddress", 0xffff_8880_0000_0000, FaultKind::UnmappedAccess),
        ("ReadAddress", 0x8000_0000_0000, FaultKind::GeneralProtection),
        ("ExecuteAddress", heap, FaultKind::ExecuteOfData),
        ("WriteAddress", 0x40_0000, FaultKind::WriteToReadOnly),
    ];
    for (function, address, expected) in cases {
        let mut arguments = vec![Value::U64(*address)];
        arguments.extend((*function == "WriteAddress").then_some(Value::U64(1)));
        let result = sandbox(&demo()).call_values(function, &arguments);
        let kind = result.as_ref().err().and_then(|error| error.fault()).map(|fault| fault.kind);
        if kind != Some(*expected) {
            return Err(format!("{function}({address:#x}) gave {result:?}, expected {expected:?}"));
        }
    }
    Ok(format!("{} accesses refused", cases.len()))
}

/// vpcmpeqd %ymm15, %ymm15, %ymm15; xor %eax, %eax; ret: sets every bit of a vector register.
const SET_VECTOR: &[u8] = &[0xc4, 0x41, 0x05, 0x76, 0xff, 0x31, 0xc0, 0xc3];
/// vextracti128 $1, %ymm15, %xmm15; vptest %xmm15, %xmm15; setnz %al; movzbl %al, %eax; ret: whether one is set in its
/// upper half, which the guest's own code does not use.
const IS_VECTOR_SET: &[u8] = &[
    0xc4, 0x43, 0x7d, 0x39, 0xff, 0x01, 0xc4, 0x42, 0x79, 0x17, 0xff, 0x0f, 0x95, 0xc0, 0x0f, 0xb6, 0xc0,
    0xc3,
];
/// mov $0x1234000, %eax; wrgsbase %rax; ret
const SET_BASE: &[u8] = &[0xb8, 0x00, 0x40, 0x23, 0x01, 0xf3, 0x48, 0x0f, 0xae, 0xd8, 0xc3];
/// rdgsbase %rax; ret
const BASE: &[u8] = &[0xf3, 0x48, 0x0f, 0xae, 0xc8, 0xc3];

fn extended_state() -> Result<String, String> {
    left_behind(SET_VECTOR, IS_VECTOR_SET, true)
}

fn fresh_state() -> Result<String, String> {
    left_behind(SET_VECTOR, IS_VECTOR_SET, false)
}

fn segment_bases() -> Result<String, String> {
    left_behind(SET_BASE, BASE, true)
}

/// Fails if a later call finds the state that one call sets: after a restore, or in another sandbox.
fn left_behind(set: &[u8], look: &[u8], restored: bool) -> Result<String, String> {
    let text = |error: libhyperlight::Error| error.to_string();
    let with = |guest: &Guest, code| guest.with_payload(code, PayloadAccess::ReadExecute).map_err(text);
    let guest = with(&with(&demo(), set)?, look)?;
    let mut first = sandbox(&guest);
    let snapshot = first.snapshot().map_err(text)?;
    match first.call::<u64>("PayloadExecute", (0_u32,)) {
        Err(error) if error.code() == ErrorCode::GuestFault => {
            return Ok("this processor lacks the instruction".to_owned());
        }
        result => result.map_err(text)?,
    };
    let mut second = if restored { first } else { sandbox(&guest) };
    if restored {
        second.restore(&snapshot).map_err(text)?;
    }
    match second.call::<u64>("PayloadExecute", (1_u32,)).map_err(text)? {
        0 => Ok("clear".to_owned()),
        found => Err(format!("{found:#x} was left behind")),
    }
}

/// A call ends with its marks in every register, in any way, also in single steps and behind a load of the stack
/// segment. After a restore the next call must work, and find none of these flags, registers and bases.
fn next_tenant() -> Result<String, String> {
    /// All registers that a guest can set.
    const FLAGS: u64 = 0x24_4dd5;
    let text = |error: libhyperlight::Error| error.to_string();
    let mut sandbox = prober::uninitialized().evolve().map_err(text)?;
    let snapshot = sandbox.snapshot().map_err(text)?;
    for end in End::ALL {
        // Any end will do: the tests check the ends.
        let _ = prober::try_plant(&mut sandbox, end);
        sandbox.restore(&snapshot).map_err(text)?;
        let woken = Registers::try_of(&mut sandbox).map_err(|error| format!("after {end:?}: {error}"))?;
        let flags = woken.word(at::FLAGS) & FLAGS;
        if flags != 0 || !woken.traces().is_empty() {
            return Err(format!("after {end:?}: flags {flags:#x}, traces at {:?}", woken.traces()));
        }
    }
    Ok(format!("{} ends, no trace", End::ALL.len()))
}

/// Each kind of guest, a hundred times, or for as long where the machine is slow: none of them later than promised, if
/// it has nothing else to do.
fn in_time() -> Result<String, String> {
    let mut found = Vec::new();
    for Lateness { what, median, p99, max } in
        lateness::measure((100 / pace::factor() as usize).max(1)).map_err(|error| error.to_string())?
    {
        let figures = format!("{what} {median:.0?} late (p99 {p99:.0?}, worst {max:.0?})");
        if max > lateness::promise() {
            return Err(format!("{figures}; is the machine idle?"));
        }
        found.push(figures);
    }
    Ok(found.join(", "))
}

fn exit_cost() -> Result<String, String> {
    let mut sandbox = sandbox(&demo());
    let mut times: Vec<_> = (0..2000)
        .map(|_| {
            let start = Instant::now();
            sandbox.call::<()>("NoOp", ()).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    Ok(format!("a call takes {:?} (p99 {:?})", times[times.len() / 2], times[times.len() * 99 / 100]))
}
