//! Guests that misuse their own heap, stack and frames. The host goes on after any outcome, and a restore repairs the
//! guest.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, FaultKind, Guest, Result, Sandbox};
use libhyperlight_tests::code::{fault_of, with_code};
use libhyperlight_tests::{assert_works, demo, demo_c, fails_with, sandbox};

/// A call with an unpredictable end: a success, or an error that a guest can cause. A restore repairs the guest.
fn ends_in_order(what: &str, sandbox: &mut Sandbox, call: impl Fn(&mut Sandbox, &CallOptions) -> Result<()>) {
    let mut neighbour = libhyperlight_tests::sandbox(&demo());
    let fresh = sandbox.snapshot().unwrap();
    // It may run for ever.
    let limit = CallOptions::new().cpu_time(Duration::from_millis(50));
    for _ in 0..3 {
        if let Err(error) = call(sandbox, &limit) {
            let code = error.code();
            fails_with::<()>(code, Err(error));
            let is_the_guests = matches!(
                code,
                ErrorCode::GuestFault
                    | ErrorCode::GuestAbort
                    | ErrorCode::GuestError
                    | ErrorCode::GuestOutOfMemory
                    | ErrorCode::StackOverflow
                    | ErrorCode::Protocol
                    | ErrorCode::Timeout
            );
            assert!(is_the_guests, "{what}: {}", code.name());
        }
        sandbox.restore(&fresh).unwrap();
        assert_works(sandbox);
        assert_works(&mut neighbour);
    }
}

#[test]
fn memory_that_is_freed_twice_is_the_guests_own_trouble() {
    let guest: Guest = demo_c();
    ends_in_order("a double free", &mut sandbox(&guest), |sandbox, limit| {
        sandbox.call_with::<()>(limit, "DoubleFree", ())
    });
}

#[test]
fn a_guest_that_leaves_its_frames_comes_to_an_orderly_end() {
    let codes: [(&str, &[u8]); 5] = [
        // 1: pop %rax; jmp 1b.
        ("pops all of its stack", &[0x58, 0xeb, 0xfd]),
        // mov (%rsp), %rax; push %rax; ret.
        ("returns twice to the same place", &[0x48, 0x8b, 0x04, 0x24, 0x50, 0xc3]),
        // add $0x1000, %rsp; ret.
        ("returns over the frames of its callers", &[0x48, 0x81, 0xc4, 0x00, 0x10, 0, 0, 0xc3]),
        // mov %rbp, %rsp; pop %rbp; ret.
        ("leaves a frame that it never entered", &[0x48, 0x89, 0xec, 0x5d, 0xc3]),
        // 1: call 1b + 5; jmp 1b.
        ("calls without an end", &[0xe8, 0, 0, 0, 0, 0xeb, 0xf9]),
    ];
    for (what, code) in codes {
        ends_in_order(what, &mut with_code(code), |sandbox, limit| {
            sandbox.call_with::<u64>(limit, "PayloadExecute", (0_u32,)).map(drop)
        });
    }
}

#[test]
fn a_vector_at_an_odd_address_is_a_fault_of_the_guest() {
    // movaps 1(%rsp), %xmm0; ret.
    assert_eq!(fault_of(&[0x0f, 0x28, 0x44, 0x24, 0x01, 0xc3]).kind, FaultKind::GeneralProtection);
}
