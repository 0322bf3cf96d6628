//! Guests that exhaust their heap or their stack.

use libhyperlight::{ErrorCode, FaultKind, SandboxOptions};
use libhyperlight_tests::{assert_works, demo, on_each_guest, poisons, sandbox, sandbox_with};

#[test]
fn the_heap_gives_what_it_has() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for size in [0_u64, 1, 2000, 1 << 20, 15 << 20] {
            assert_eq!(sandbox.call::<u64>("CallMalloc", (size,)).unwrap(), size);
            assert_eq!(sandbox.call::<u64>("MallocAndFree", (size,)).unwrap(), size);
        }
        assert_ne!(sandbox.call::<u64>("TestMalloc", (2000_u64,)).unwrap(), 0);
    });
}

#[test]
fn freed_memory_is_used_again() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox_with(guest, SandboxOptions::new().heap_size(1 << 20));
        for _ in 0..200 {
            assert_eq!(sandbox.call::<u64>("MallocAndFree", (700_000_u64,)).unwrap(), 700_000);
        }
    });
}

#[test]
fn an_allocation_that_may_fail_is_the_guests_to_handle() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for size in [17_u64 << 20, 1 << 40, 1 << 63, u64::MAX] {
            assert_eq!(sandbox.call::<u64>("TestMalloc", (size,)).unwrap(), 0);
        }
        assert_works(&mut sandbox);
    });
}

#[test]
fn a_guest_that_is_out_of_memory_says_so() {
    on_each_guest(|guest| {
        for size in [17_u64 << 20, 1 << 40] {
            let error = poisons(&mut sandbox(guest), ErrorCode::GuestOutOfMemory, |sandbox| {
                sandbox.call::<u64>("CallMalloc", (size,))
            });
            assert!(error.message().contains("heap_size"), "{error}");
            assert!(error.message().contains(&size.to_string()), "{error}");
        }
        let error = poisons(&mut sandbox(guest), ErrorCode::GuestOutOfMemory, |sandbox| {
            sandbox.call::<()>("ExhaustHeap", ())
        });
        assert!(error.message().contains("heap_size"), "{error}");
    });
}

#[test]
fn a_larger_heap_mends_it() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox_with(guest, SandboxOptions::new().heap_size(64 << 20));
        assert_eq!(sandbox.call::<u64>("CallMalloc", (40_u64 << 20,)).unwrap(), 40 << 20);
        assert_eq!(sandbox.call::<u32>("DirtyPages", (10_000_u32,)).unwrap(), 10_000);
    });
}

#[test]
fn a_panic_under_a_full_heap_is_still_reported() {
    let error = poisons(&mut sandbox(&demo()), ErrorCode::GuestAbort, |sandbox| {
        sandbox.call::<()>("FillHeapAndPanic", ("no room left",))
    });
    assert!(error.message().contains("no room left"), "{error}");
}

#[test]
fn recursion_without_an_end_is_a_stack_overflow() {
    on_each_guest(|guest| {
        for options in [
            SandboxOptions::new(),
            SandboxOptions::new().stack_size(1),
            SandboxOptions::new().stack_size(64 << 20),
        ] {
            let mut sandbox = sandbox_with(guest, options);
            let error = poisons(&mut sandbox, ErrorCode::StackOverflow, |sandbox| {
                sandbox.call::<()>("InfiniteRecursion", ())
            });
            assert_eq!(error.fault().unwrap().kind, FaultKind::StackOverflow);
            assert!(error.message().contains("stack_size"), "{error}");
        }
    });
}

#[test]
fn recursion_goes_as_deep_as_the_stack() {
    on_each_guest(|guest| {
        // Each level takes 8 KiB, and what the compiler adds.
        assert_eq!(sandbox(guest).call::<i32>("StackOverflow", (40,)).unwrap(), 40);
        poisons(&mut sandbox(guest), ErrorCode::StackOverflow, |sandbox| {
            sandbox.call::<i32>("StackOverflow", (200,))
        });
        let mut large = sandbox_with(guest, SandboxOptions::new().stack_size(8 << 20));
        assert_eq!(large.call::<i32>("StackOverflow", (200,)).unwrap(), 200);
    });
}

#[test]
fn one_frame_larger_than_the_stack_cannot_skip_its_guard() {
    on_each_guest(|guest| {
        assert_eq!(sandbox(guest).call::<i32>("SmallVar", ()).unwrap(), 1024);
        poisons(&mut sandbox(guest), ErrorCode::StackOverflow, |sandbox| sandbox.call::<i32>("LargeVar", ()));
        let mut large = sandbox_with(guest, SandboxOptions::new().stack_size(80 << 20));
        assert_eq!(large.call::<i32>("LargeVar", ()).unwrap(), 64 << 20);
    });
}

#[test]
fn memory_below_the_stack_is_a_stack_overflow_for_a_whole_gibibyte() {
    let stack: u64 = sandbox(&demo()).call("AddressOf", ("stack",)).unwrap();
    on_each_guest(|guest| {
        for below in [8, 4096, 1 << 20, 1 << 30] {
            let mut sandbox = sandbox(guest);
            let error = poisons(&mut sandbox, ErrorCode::StackOverflow, |sandbox| {
                sandbox.call::<()>("WriteAddress", (stack - below, 0_u64))
            });
            assert_eq!(error.fault().unwrap().address, stack - below);
        }
    });
}

#[test]
fn a_bounded_copy_does_not_overrun() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for (text, left) in [("", 17), ("Short", 12), ("exactly 17 bytes!", 0), ("more than 17 bytes", -1)] {
            assert_eq!(sandbox.call::<i32>("BufferOverrun", (text,)).unwrap(), left);
        }
    });
}
