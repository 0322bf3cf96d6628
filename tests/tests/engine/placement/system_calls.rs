//! System calls of programs that a guest serves. Each test runs twice: with the processor's own way to the handler, where
//! it has one (KVM without hardware virtualisation), and with the host's, which is everybody else's.

use std::time::Duration;

use libhyperlight::placement::{Placement, Region, RegionAccess, Source};
use libhyperlight::{CallOptions, ErrorCode, FaultKind, Guest, Result, Sandbox, force_system_call_traps};
use libhyperlight_tests::clones::{assert_pristine, clone, fresh};
use libhyperlight_tests::placement::{PAGE, PLACED, fixed, own, poke, server, told, with};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{assert_works, demo, poisons, sandbox};

const EXECUTE: RegionAccess = RegionAccess::ReadExecute;

/// System call 100 with 2, 3, 4, 5 and 6 behind the argument of the function.
const SUM: &[u8] = &[
    0xb8, 100, 0, 0, 0, // mov $100, %eax
    0xbe, 2, 0, 0, 0, // mov $2, %esi
    0xba, 3, 0, 0, 0, // mov $3, %edx
    0x41, 0xba, 4, 0, 0, 0, // mov $4, %r10d
    0x41, 0xb8, 5, 0, 0, 0, // mov $5, %r8d
    0x41, 0xb9, 6, 0, 0, 0, // mov $6, %r9d
    0x0f, 0x05, // syscall
    0xc3, // ret
];

/// `mov %edi, %eax; syscall; ret`: the system call of that number.
const NUMBER: &[u8] = &[0x89, 0xf8, 0x0f, 0x05, 0xc3];

/// Runs a test both ways. It needs a process of its own.
fn each_way(test: impl Fn(bool)) {
    test(false);
    force_system_call_traps();
    test(true);
}

/// A guest with code of a program at [`PLACED`].
fn program(code: &[u8]) -> Guest {
    with(&fixed(b""), [own(PLACED, code, EXECUTE)]).unwrap()
}

fn run(sandbox: &mut Sandbox, argument: u64) -> Result<u64> {
    sandbox.call("CallAddress", (PLACED, argument))
}

/// The registers that the handler found: `rax rbx rcx rdx rsi rdi rsp rbp r8 … r15`, RFLAGS, CS, SS; and the number of
/// system calls.
fn found(sandbox: &mut Sandbox) -> [u64; 20] {
    let bytes: Vec<u8> = sandbox.call("Found", ()).unwrap();
    let mut words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    std::array::from_fn(|_| words.next().unwrap())
}

#[test]
fn a_system_call_continues_at_the_handler_and_returns_behind_the_instruction() {
    in_own_process(|| {
        each_way(|_| {
            let (mut sandbox, snapshot) = fresh(&program(SUM));
            for round in 1..4 {
                for number in 1..20 {
                    assert_eq!(run(&mut sandbox, number * 1000).unwrap(), number * 1000 + 20);
                    let found = found(&mut sandbox);
                    assert_eq!((found[0], found[19]), (100, number), "round {round}");
                }
                sandbox.restore(&snapshot).unwrap();
                assert_pristine(&sandbox, &snapshot);
            }
            assert_works(&mut sandbox);
        })
    });
}

#[test]
fn every_register_is_as_the_program_had_it() {
    // push %rbx, %rbp, %r12 … %r15; then each register gets its number in every byte; rcx and r11 are the processor's.
    let mut code = vec![0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57];
    // movq %rdi, %xmm5; vpbroadcast is not everywhere: pshufd $0x44, %xmm5, %xmm15; fld1
    code.extend([0x66, 0x48, 0x0f, 0x6e, 0xef, 0x66, 0x44, 0x0f, 0x70, 0xfd, 0x44, 0xd9, 0xe8]);
    // mov %rdi, -8(%rsp): into the red zone.
    code.extend([0x48, 0x89, 0x7c, 0x24, 0xf8]);
    // mov %rdi, %rsi as a value: the same in rbx, rdx, rbp, r8–r10, r12–r15, one more each: lea n(%rdi), %reg.
    let leas: [(u8, u8, u8); 12] = [
        (0x48, 3, 1),
        (0x48, 2, 2),
        (0x48, 6, 3),
        (0x48, 5, 4),
        (0x4c, 0, 5),
        (0x4c, 1, 6),
        (0x4c, 2, 7),
        (0x4c, 4, 8),
        (0x4c, 5, 9),
        (0x4c, 6, 10),
        (0x4c, 7, 11),
        (0x48, 0, 100),
    ];
    for (rex, register, number) in leas {
        code.extend([rex, 0x8d, 0x47 | register << 3, number]);
    }
    // stc; std — DF is not the handler's; syscall; cld
    code.extend([0xf9, 0xfd, 0x0f, 0x05, 0xfc]);
    let behind = PLACED + code.len() as u64 - 1;
    // movq %xmm15, %rax; sub -8(%rsp), %rax (0 if both are as they were); fstp %st
    code.extend([0x66, 0x4c, 0x0f, 0x7e, 0xf8, 0x48, 0x2b, 0x44, 0x24, 0xf8, 0xdd, 0xd8]);
    code.extend([0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3]);
    in_own_process(|| {
        each_way(|forced| {
            let mut sandbox = sandbox(&program(&code));
            let base = 0x1234_5678_0000;
            assert_eq!(run(&mut sandbox, base).unwrap(), 0);
            let found = found(&mut sandbox);
            let numbered =
                [1, 3, 4, 7, 8, 9, 10, 12, 13, 14, 15, 0].map(|register| found[register].wrapping_sub(base));
            assert_eq!(numbered, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100]);
            assert_eq!((found[5], found[2]), (base, behind), "rdi, rcx");
            let (carry, direction) = (1 << 0, 1 << 10);
            assert_eq!(
                found[11] & (carry | direction),
                carry | direction,
                "r11 is {:#x}, forced: {forced}",
                found[11]
            );
            assert_eq!(
                found[16] & (1 << 8 | direction | 1 << 14 | 1 << 16 | 1 << 18),
                0,
                "RFLAGS are {:#x}",
                found[16]
            );
            assert_eq!(found[17..19], [0x33, 0x2b], "CS and SS");
            if forced {
                let [.., report, size] = told(&mut sandbox);
                assert_eq!(size, PAGE);
                let words: [u64; 5] = std::array::from_fn(|word| {
                    libhyperlight_tests::placement::peek(&mut sandbox, report + 8 * word as u64)
                });
                assert_eq!(words[..4], [1, 1, behind - 2, found[6]]);
            }
        })
    });
}

#[test]
fn the_two_bytes_are_found_at_the_end_of_a_page_and_across_two() {
    in_own_process(|| {
        each_way(|_| {
            for before_end in [1, 2, 3] {
                // mov %edi, %eax lies before; a ret behind, in the next page.
                let mut code = vec![0x90; 4096 * 2];
                let at = 4096 - before_end;
                code[at - 2..at + 3].copy_from_slice(NUMBER);
                let part = fixed(&code);
                let regions = [
                    Region {
                        address: PLACED,
                        size: PAGE,
                        source: Source::Fixed { offset: 0 },
                        access: EXECUTE,
                    },
                    own(PLACED + PAGE, &code[4096..], EXECUTE),
                ];
                let mut sandbox = sandbox(&with(&part, regions).unwrap());
                run(&mut sandbox, 9).unwrap();
                let found = found(&mut sandbox);
                assert_eq!((found[0], found[2]), (9, PLACED + at as u64 + 2));
            }
        })
    });
}

#[test]
fn half_an_instruction_is_no_system_call() {
    in_own_process(|| {
        each_way(|_| {
            let mut code = vec![0x90; 4095];
            code.push(0x0f);
            let data = own(PLACED + PAGE, &[0x05, 0xc3], RegionAccess::Read);
            for (next, kind) in [(None, FaultKind::UnmappedAccess), (Some(data), FaultKind::ExecuteOfData)] {
                let regions = [own(PLACED, &code, EXECUTE)].into_iter().chain(next);
                let mut sandbox = sandbox(&with(&fixed(b""), regions).unwrap());
                let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| run(sandbox, 0));
                assert_eq!(error.fault().unwrap().kind, kind, "{error}");
            }
            // ud2, and an instruction that reads like one half.
            for code in [&[0x0f, 0x0b][..], &[0x0f, 0xff, 0x05]] {
                let error =
                    poisons(&mut sandbox(&program(code)), ErrorCode::GuestFault, |sandbox| run(sandbox, 0));
                assert_eq!(error.fault().unwrap().kind, FaultKind::IllegalInstruction, "{error}");
            }
        })
    });
}

#[test]
fn a_fault_in_the_handler_poisons() {
    in_own_process(|| {
        each_way(|_| {
            let mut sandbox = sandbox(&program(NUMBER));
            let snapshot = sandbox.snapshot().unwrap();
            let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| run(sandbox, 1));
            assert_eq!(error.fault().unwrap().kind, FaultKind::IllegalInstruction, "{error}");
            sandbox.restore(&snapshot).unwrap();
            assert_works(&mut sandbox);
        })
    });
}

#[test]
fn a_system_call_of_the_handler_itself_is_passed_on_to_nobody() {
    in_own_process(|| {
        each_way(|forced| {
            let mut sandbox = sandbox(&program(NUMBER));
            let snapshot = sandbox.snapshot().unwrap();
            let options = CallOptions::new().timeout(Duration::from_millis(200));
            // Where the processor takes it to the handler, it calls itself until its time is over.
            let code = if forced { ErrorCode::GuestFault } else { ErrorCode::Timeout };
            let error = sandbox.call_with::<u64>(&options, "CallAddress", (PLACED, 2_u64)).unwrap_err();
            assert!(error.code() == code || error.code() == ErrorCode::GuestFault, "{error}");
            sandbox.restore(&snapshot).unwrap();
            assert_works(&mut sandbox);
        })
    });
}

#[test]
fn a_storm_of_system_calls_ends_in_time_and_by_an_interrupt() {
    // xor %eax, %eax; syscall; jmp to the start.
    let guest = program(&[0x31, 0xc0, 0x0f, 0x05, 0xeb, 0xfa]);
    in_own_process(|| {
        each_way(|_| {
            let (mut sandbox, snapshot) = fresh(&guest);
            for _ in 0..3 {
                let options = CallOptions::new().timeout(Duration::from_millis(100));
                let error = poisons(&mut sandbox, ErrorCode::Timeout, |sandbox| {
                    sandbox.call_with::<u64>(&options, "CallAddress", (PLACED, 0_u64))
                });
                assert!(error.message().contains("100ms"), "{error}");
                sandbox.restore(&snapshot).unwrap();
                assert_pristine(&sandbox, &snapshot);
                let mut twin = libhyperlight_tests::clones::of(&snapshot);
                let handle = twin.interrupt_handle().unwrap();
                let mut twin = twin.evolve().unwrap();
                let interrupter = std::thread::spawn(move || {
                    while !handle.interrupt() {
                        std::thread::yield_now();
                    }
                });
                poisons(&mut twin, ErrorCode::Interrupted, |twin| run(twin, 0));
                interrupter.join().unwrap();
                twin.restore(&snapshot).unwrap();
                assert_works(&mut twin);
            }
        })
    });
}

#[test]
fn a_snapshot_between_system_calls_goes_on_with_them() {
    in_own_process(|| {
        each_way(|_| {
            let (mut sandbox, first) = fresh(&program(SUM));
            assert_eq!(run(&mut sandbox, 1).unwrap(), 21);
            let second = sandbox.snapshot().unwrap();
            let mut clone = clone(&second);
            assert_eq!((run(&mut clone, 2).unwrap(), found(&mut clone)[19]), (22, 2));
            clone.restore(&first).unwrap();
            assert_eq!((run(&mut clone, 3).unwrap(), found(&mut clone)[19]), (23, 1));
            sandbox.restore(&second).unwrap();
            assert_pristine(&sandbox, &second);
            assert_eq!((run(&mut sandbox, 4).unwrap(), found(&mut sandbox)[19]), (24, 2));
        })
    });
}

#[test]
fn a_program_that_steps_itself_leaves_nothing_for_the_next() {
    // mov %ss, %ecx; pushfq; orl $0x100, (%rsp); popfq
    let step = [0x8c, 0xd1, 0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d];
    let load = [0x8e, 0xd1];
    // mov $9, %eax, before the flags.
    let begin = [0xb8, 9, 0, 0, 0];
    let cases: [&[&[u8]]; 4] = [
        // TF, mov %ss and the call.
        &[&begin, &step, &load, &[0x0f, 0x05, 0xc3]],
        // Without the load.
        &[&begin, &step, &[0x0f, 0x05, 0xc3]],
        // The load alone.
        &[&begin, &[0x8c, 0xd1], &load, &[0x0f, 0x05, 0xc3]],
        // The state without a call, to the end of the page.
        &[&begin, &step, &load, &load, &load, &[0x0f, 0x0b]],
    ];
    in_own_process(|| {
        each_way(|_| {
            for (number, case) in cases.iter().enumerate() {
                let code = case.concat();
                let (mut sandbox, snapshot) = fresh(&program(&code));
                for _ in 0..3 {
                    match run(&mut sandbox, 0) {
                        // The handler's flags were without TF.
                        Ok(_) => assert_eq!(found(&mut sandbox)[16] & 1 << 8, 0, "case {number}"),
                        Err(error) => {
                            assert_eq!(error.code(), ErrorCode::GuestFault, "case {number}: {error}")
                        }
                    }
                    sandbox.restore(&snapshot).unwrap();
                    assert_works(&mut sandbox);
                    sandbox.restore(&snapshot).unwrap();
                    assert_pristine(&sandbox, &snapshot);
                }
            }
        })
    });
}

#[test]
fn a_call_through_a_null_pointer_is_no_system_call() {
    // lea behind(%rip), %rcx; xor %eax, %eax; jmp *%rax; syscall; behind: ret
    let code = [0x48, 0x8d, 0x0d, 6, 0, 0, 0, 0x31, 0xc0, 0xff, 0xe0, 0x0f, 0x05, 0xc3];
    in_own_process(|| {
        each_way(|_| {
            let mut sandbox = sandbox(&program(&code));
            let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| run(sandbox, 0));
            assert_eq!(error.fault().unwrap().kind, FaultKind::NullAccess, "{error}");
        })
    });
}

#[test]
fn a_jump_to_the_engines_page_is_a_system_call_only_behind_the_instruction() {
    // mov $0x…, %rcx; jmp *%rdi
    let jump = |rcx: u64| {
        let mut code = vec![0x48, 0xb9];
        code.extend(rcx.to_le_bytes());
        code.extend([0xff, 0xe7]);
        code.resize(64, 0x90);
        code.extend([0x0f, 0x05, 0xc3]);
        code
    };
    in_own_process(|| {
        each_way(|_| {
            for rcx in [0, 1, PLACED, PLACED + 2, PLACED + 65, PLACED + 67, u64::MAX, 1 << 63] {
                let mut sandbox = sandbox(&program(&jump(rcx)));
                let [.., report, size] = told(&mut sandbox);
                // The engine's page lies behind the report, and a guard.
                let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
                    run(sandbox, report + size + PAGE)
                });
                assert_eq!(error.fault().unwrap().kind, FaultKind::EngineAccess, "{rcx:#x}: {error}");
            }
        })
    });
}

#[test]
fn code_that_a_guest_writes_may_make_system_calls_where_it_may_run() {
    in_own_process(|| {
        each_way(|_| {
            let mut placement = Placement::new(&fixed(b""));
            placement.arena(PAGE).jit(true);
            let mut sandbox = sandbox(&server().with_placement(placement).unwrap());
            let [arena, ..] = told(&mut sandbox);
            let mut code = [0; 8];
            code[..5].copy_from_slice(NUMBER);
            poke(&mut sandbox, arena, u64::from_le_bytes(code));
            sandbox.call::<u64>("CallAddress", (arena, 77_u64)).unwrap();
            assert_eq!(found(&mut sandbox)[0], 77);
        })
    });
}

#[test]
fn guests_that_serve_none_fault_at_a_system_call() {
    in_own_process(|| {
        each_way(|_| {
            let mut placement = Placement::new(&fixed(b""));
            placement.region(own(PLACED, NUMBER, EXECUTE));
            let guest = demo().with_placement(placement).unwrap();
            assert_eq!(guest.system_call_handler(), None);
            let mut sandbox = sandbox(&guest);
            let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
                sandbox.call::<()>("ExecuteAddress", (PLACED,))
            });
            assert!(error.fault().is_some(), "{error}");
        })
    });
}
