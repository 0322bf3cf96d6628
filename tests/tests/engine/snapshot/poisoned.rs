//! A poisoned sandbox is ready again after a restore, whatever poisoned it, and remembers nothing of it.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, Guest, HostError, Kind, PayloadAccess, Sandbox, SandboxOptions, Signature,
    Snapshot, State, Value,
};
use libhyperlight_tests::clones::{add, assert_pristine, clone, count, of};
use libhyperlight_tests::prober::first_difference;
use libhyperlight_tests::random::Random;
use libhyperlight_tests::stop::Stoppable;
use libhyperlight_tests::{ENGINE, assert_works, demo, on_each_guest, pace, poisons, sandbox, uninitialized};

/// A function, its arguments, and the outcome of the call.
type Harm = (&'static str, Vec<Value>, ErrorCode);

fn text(text: &str) -> Value {
    Value::String(text.into())
}

/// Everything that poisons this sandbox, as far as its guest can do it, but for what [`an_exception_of_sse_is_mended`]
/// shows.
fn harms(subject: &Sandbox) -> Vec<Harm> {
    let heap = sandbox(&demo()).call("AddressOf", ("heap",)).unwrap();
    let all = [
        ("TriggerException", vec![], ErrorCode::GuestFault),
        ("TriggerInt3", vec![], ErrorCode::GuestFault),
        ("DivideByZero", vec![], ErrorCode::GuestFault),
        ("ReadAddress", vec![Value::U64(0)], ErrorCode::GuestFault),
        ("WriteAddress", vec![Value::U64(ENGINE), Value::U64(1)], ErrorCode::GuestFault),
        ("ExecuteAddress", vec![Value::U64(heap)], ErrorCode::GuestFault),
        ("ExecuteOnHeap", vec![], ErrorCode::GuestFault),
        ("ExecuteOnStack", vec![], ErrorCode::GuestFault),
        ("FillHeapAndCauseException", vec![], ErrorCode::GuestFault),
        ("OutbWithPort", vec![Value::U32(0x1234), Value::U32(1)], ErrorCode::GuestFault),
        ("OutbWithPort", vec![Value::U32(0x69), Value::U32(1)], ErrorCode::GuestFault),
        ("GuestAbortWithCode", vec![Value::I32(13)], ErrorCode::GuestAbort),
        ("GuestAbortWithMessage", vec![Value::I32(13), text("no")], ErrorCode::GuestAbort),
        ("Panic", vec![text("no")], ErrorCode::GuestAbort),
        ("ExhaustHeap", vec![], ErrorCode::GuestOutOfMemory),
        ("InfiniteRecursion", vec![], ErrorCode::StackOverflow),
        ("CorruptOutputMagic", vec![], ErrorCode::Protocol),
        ("CorruptSequence", vec![Value::U64(99)], ErrorCode::Protocol),
        ("RingWithoutFrame", vec![], ErrorCode::Protocol),
        ("CorruptLogHead", vec![Value::U64(u64::MAX)], ErrorCode::Protocol),
        ("HostCallLoop", vec![text("Panics"), Value::U32(1)], ErrorCode::Internal),
        ("HostCallLoop", vec![text("IsFatal"), Value::U32(1)], ErrorCode::HostFunction),
        ("Spin", vec![], ErrorCode::Timeout),
        ("CallHostThenSpin", vec![text("HostNoOp")], ErrorCode::Timeout),
        ("HostCallLoop", vec![text("HostNoOp"), Value::U32(u32::MAX)], ErrorCode::Timeout),
        ("HostCallLoop", vec![text("IsSlow"), Value::U32(1)], ErrorCode::Timeout),
    ];
    let can = |name: &str| subject.functions().any(|(function, _)| function == name);
    all.into_iter().filter(|(function, ..)| can(function)).collect()
}

/// A sandbox with the host functions of [`harms`].
fn breakable(guest: &Guest) -> Sandbox {
    let mut host = uninitialized(guest);
    host.register("HostNoOp", || ()).unwrap();
    host.register("IsSlow", || std::thread::sleep(pace::millis(200))).unwrap();
    host.register("Panics", || {
        if true {
            std::panic::resume_unwind(Box::new("no"))
        }
    })
    .unwrap();
    let fatal = Signature::new(&[], Kind::Void).unwrap();
    host.register_dynamic("IsFatal", fatal, |_| Err(HostError::new("no").fatal())).unwrap();
    host.evolve().unwrap()
}

#[track_caller]
fn poison(sandbox: &mut Sandbox, (function, arguments, code): &Harm) {
    poisons(sandbox, *code, |sandbox| {
        let borrowed: Vec<_> = arguments.iter().map(Value::borrow).collect();
        let limit = if *code == ErrorCode::Timeout { pace::millis(15) } else { Duration::MAX };
        let options = CallOptions::new().timeout(limit);
        sandbox.call_ref_with(&options, function, &borrowed).map(|_| ())
    });
}

/// Poisons the sandbox in this way, and finds the snapshot's state after a restore.
#[track_caller]
fn poison_and_restore(sandbox: &mut Sandbox, snapshot: &Snapshot, harm: &Harm, expected: i32) {
    add(sandbox, 100);
    poison(sandbox, harm);
    sandbox.restore(snapshot).unwrap();
    assert_eq!(sandbox.state(), State::Ready, "after {}", harm.0);
    assert_eq!(count(sandbox), expected, "after {}", harm.0);
    assert_works(sandbox);
}

#[test]
fn a_restore_mends_whatever_poisoned() {
    on_each_guest(|guest| {
        let mut sandbox = breakable(guest);
        add(&mut sandbox, 5);
        let snapshot = sandbox.snapshot().unwrap();
        for harm in harms(&sandbox) {
            poison_and_restore(&mut sandbox, &snapshot, &harm, 5);
            poison_and_restore(&mut sandbox, &snapshot, &harm, 5);
        }
    });
}

#[test]
fn a_restore_to_another_image_mends_too() {
    on_each_guest(|guest| {
        let mut sandbox = breakable(guest);
        add(&mut sandbox, 5);
        let five = sandbox.snapshot().unwrap();
        add(&mut sandbox, 1);
        sandbox.call::<u32>("DirtyPages", (30_u32,)).unwrap();
        let mut other = breakable(guest);
        add(&mut other, 7);
        let seven = other.snapshot().unwrap();
        // Neither is based on what the other has mapped, so that each restore maps anew.
        sandbox.restore(&seven).unwrap();
        for harm in harms(&sandbox) {
            poison_and_restore(&mut sandbox, &five, &harm, 5);
            poison_and_restore(&mut sandbox, &seven, &harm, 7);
        }
    });
}

#[test]
fn the_memory_is_the_snapshots_after_each_harm() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let snapshot = sandbox.snapshot().unwrap();
        let alone = |function: &str| !matches!(function, "HostCallLoop" | "CallHostThenSpin");
        for harm in harms(&sandbox).into_iter().filter(|(function, ..)| alone(function)) {
            poison(&mut sandbox, &harm);
            sandbox.restore(&snapshot).unwrap();
            assert_pristine(&sandbox, &snapshot);
        }
    });
}

#[test]
fn any_order_of_harms_is_mended() {
    on_each_guest(|guest| {
        let mut sandbox = breakable(guest);
        let snapshot = sandbox.snapshot().unwrap();
        // Waiting for time to pass shows nothing more here.
        let harms: Vec<Harm> =
            harms(&sandbox).into_iter().filter(|harm| harm.2 != ErrorCode::Timeout).collect();
        let mut random = Random::new(3);
        for _ in 0..100 {
            poison_and_restore(&mut sandbox, &snapshot, &harms[random.below(harms.len())], 0);
        }
    });
}

#[test]
fn an_exception_of_sse_is_mended() {
    let mut sandbox = sandbox(&demo());
    let snapshot = sandbox.snapshot().unwrap();
    let harm = ("UnmaskedFloatException", vec![], ErrorCode::GuestFault);
    for _ in 0..2 {
        poison_and_restore(&mut sandbox, &snapshot, &harm, 0);
    }
    poison(&mut sandbox, &harm);
    sandbox.restore(&snapshot).unwrap();
    assert_pristine(&sandbox, &snapshot);
}

#[test]
fn an_interrupt_is_mended_and_does_not_stay() {
    on_each_guest(|guest| {
        let mut stoppable = Stoppable::new(guest);
        let mut clone = of(&stoppable.fresh);
        stoppable.inside.register(&mut clone);
        let expected = clone.evolve().unwrap().dump_memory().unwrap();
        for _ in 0..20 {
            add(&mut stoppable.sandbox, 1);
            assert!(stoppable.interrupted().0);
            stoppable.restored();
            assert_eq!(count(&mut stoppable.sandbox), 0);
            // Poisoned once more, and looked at before any guest code has run.
            assert!(stoppable.interrupted().0);
            stoppable.sandbox.restore(&stoppable.fresh).unwrap();
            let found = stoppable.sandbox.dump_memory().unwrap();
            assert_eq!(first_difference(&found, &expected), None);
        }
    });
}

#[test]
fn processor_time_that_was_used_up_is_mended() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let snapshot = sandbox.snapshot().unwrap();
        let options = CallOptions::new().cpu_time(pace::millis(10));
        for _ in 0..3 {
            poisons(&mut sandbox, ErrorCode::Timeout, |sandbox| {
                sandbox.call_with::<()>(&options, "Spin", ())
            });
            sandbox.restore(&snapshot).unwrap();
            assert_works(&mut sandbox);
        }
    });
}

#[test]
fn a_guest_that_dies_at_every_call_dies_in_its_clones_alone() {
    on_each_guest(|guest| {
        let mut first = sandbox(guest);
        add(&mut first, 1);
        let snapshot = first.snapshot().unwrap();
        for _ in 0..20 {
            let mut clone = clone(&snapshot);
            poisons(&mut clone, ErrorCode::GuestFault, |clone| clone.call::<()>("TriggerException", ()));
        }
        assert_eq!(count(&mut first), 1);
        assert_works(&mut clone(&snapshot));
    });
}

#[test]
fn a_string_instruction_that_was_stopped_half_way_is_not_completed_later() {
    // mov %rdi, %rbx; 1: mov %rbx, %rdi; mov $0x100000, %ecx; mov $0x41, %al; rep stosb; jmp 1b
    const FILL: &[u8] =
        &[0x48, 0x89, 0xfb, 0x48, 0x89, 0xdf, 0xb9, 0, 0, 0x10, 0, 0xb0, 0x41, 0xf3, 0xaa, 0xeb, 0xf2];
    let guest = demo().with_payload(FILL, PayloadAccess::ReadExecute).unwrap();
    let mut sandbox = libhyperlight_tests::sandbox_with(&guest, SandboxOptions::new().heap_size(4 << 20));
    let heap: u64 = sandbox.call("AddressOf", ("heap",)).unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    let before: Vec<u8> = sandbox.call("ReadMemory", (heap + (1 << 20), 1_u32 << 19)).unwrap();
    sandbox.restore(&snapshot).unwrap();
    for round in 0..30_u64 {
        let options = CallOptions::new().timeout(Duration::from_micros(500 + 37 * round));
        poisons(&mut sandbox, ErrorCode::Timeout, |sandbox| {
            sandbox.call_with::<u64>(&options, "PayloadExecuteWith", (0_u32, heap + (1 << 20)))
        });
        sandbox.restore(&snapshot).unwrap();
        assert_pristine(&sandbox, &snapshot);
        assert_works(&mut sandbox);
        sandbox.restore(&snapshot).unwrap();
        let after: Vec<u8> = sandbox.call("ReadMemory", (heap + (1 << 20), 1_u32 << 19)).unwrap();
        assert!(after == before, "round {round}");
    }
}
