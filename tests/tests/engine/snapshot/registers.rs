//! The registers at the first instruction that a guest executes after a restore, or in a clone.

use std::arch::asm;

use libhyperlight_tests::prober::{self, End, Registers, SECRET, at, plant};

const RAX: usize = at::GENERAL;
const RDX: usize = at::GENERAL + 16;
const RSP: usize = at::GENERAL + 32;

/// The carry, parity, adjust, zero, sign, trap, direction, overflow, nested-task, alignment and identification flags.
const FLAGS: u64 = 0x24_4dd5;

#[test]
fn a_guest_wakes_up_as_if_it_had_never_been_stopped() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    plant(&mut sandbox, End::Return);
    let snapshot = sandbox.snapshot().unwrap();
    let undisturbed = Registers::of(&mut sandbox);
    let mut clone = prober::clone(&snapshot);
    for (what, woken) in [
        ("clone", Registers::of(&mut clone)),
        ("restored clone", {
            clone.restore(&snapshot).unwrap();
            Registers::of(&mut clone)
        }),
        ("restored sandbox", {
            sandbox.restore(&snapshot).unwrap();
            Registers::of(&mut sandbox)
        }),
    ] {
        // By the doorbell's contract these two may change; the trampoline needs them.
        let scratch = |at: &usize| (RAX..RAX + 8).contains(at) || (RDX..RDX + 8).contains(at);
        let mut different = woken.differences(&undisturbed);
        different.retain(|at| !scratch(at));
        // Some processors keep the x87 unit's pointers (opcode, instruction, data) only while an exception is pending.
        different.retain(|at| !(at::EXTENDED + 6..at::EXTENDED + 24).contains(at));
        assert_eq!(different, [0; 0], "{what}");
        assert!(!SECRET.contains(&woken.word(RAX)) && !SECRET.contains(&woken.word(RDX)), "{what}");
        assert_eq!(woken.word(at::FS_BASE), SECRET[1]);
        assert_eq!(woken.word(at::GS_BASE), SECRET[2]);
        assert_eq!(woken.word(at::EXTENDED) & 0xffff, 0x0340, "control word of the x87 unit");
        assert_eq!(woken.word(at::MXCSR) & 0xffff, 0xe03f);
    }
}

#[test]
fn a_guest_that_had_touched_no_register_wakes_up_in_the_processors_initial_state() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    for end in End::ALL {
        plant(&mut sandbox, end);
        sandbox.restore(&snapshot).unwrap();
        let woken = Registers::of(&mut sandbox);
        assert_eq!(woken.word(at::EXTENDED) & 0xffff_ffff, 0x037f, "x87 after {end:?}");
        assert_eq!(woken.word(at::MXCSR) & 0xffff, 0x1f80, "after {end:?}");
        // All but SSE, which a processor may count as used by its control word alone.
        assert_eq!(woken.word(at::PRESENT) & !2, 0, "after {end:?}");
        assert_eq!(woken.word(at::IN_USE) & !2, 0, "after {end:?}");
        assert_eq!(woken.word(at::GS_BASE), 0, "after {end:?}");
        assert!(woken.is_zero(at::EXTENDED + 8..at::MXCSR), "x87 pointers after {end:?}");
        assert!(woken.is_zero(at::EXTENDED + 32..at::EXTENDED + 464), "x87 and SSE after {end:?}");
        assert!(woken.is_zero(at::EXTENDED + 576..at::END), "AVX after {end:?}");
    }
}

#[test]
fn no_flag_outlives_a_call_nor_a_restore() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    plant(&mut sandbox, End::Return);
    assert_eq!(Registers::of(&mut sandbox).word(at::FLAGS) & FLAGS, 0, "after a call");
    for end in End::ALL {
        plant(&mut sandbox, end);
        sandbox.restore(&snapshot).unwrap();
        assert_eq!(Registers::of(&mut sandbox).word(at::FLAGS) & FLAGS, 0, "after {end:?} and a restore");
    }
}

#[test]
fn the_stack_pointer_is_the_snapshots() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    let expected = Registers::of(&mut sandbox).word(RSP);
    for end in End::ALL {
        // Several of these leave a word of the secret there.
        sandbox.restore(&snapshot).unwrap();
        plant(&mut sandbox, end);
        sandbox.restore(&snapshot).unwrap();
        assert_eq!(Registers::of(&mut sandbox).word(RSP), expected, "after {end:?}");
    }
}

#[test]
fn code_and_stack_selectors_are_always_the_same() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    for end in End::ALL {
        plant(&mut sandbox, end);
        sandbox.restore(&snapshot).unwrap();
        let woken = Registers::of(&mut sandbox);
        assert_eq!([woken.word(at::SELECTORS), woken.word(at::SELECTORS + 8)], [0x33, 0x2b], "after {end:?}");
    }
}

#[test]
fn data_selectors_come_back_where_the_hypervisor_keeps_them_apart() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    for end in [End::Return, End::InvalidOpcode, End::Spin, End::HostCall] {
        plant(&mut sandbox, end);
        sandbox.restore(&snapshot).unwrap();
        let (found, own) = (Registers::of(&mut sandbox).data_selectors(), data_selectors());
        // PVM lets guest and host thread share these four: of a secret they tell which of a few selectors was loaded.
        assert!(found == [0x2b; 4] || found == own, "after {end:?} {found:x?}, this thread has {own:x?}");
    }
}

/// This thread's own `ds es fs gs`.
fn data_selectors() -> [u64; 4] {
    let (ds, es, fs, gs): (u64, u64, u64, u64);
    // SAFETY: the instructions write the four variables only.
    unsafe {
        asm!("mov {}, ds", "mov {}, es", "mov {}, fs", "mov {}, gs",
            out(reg) ds, out(reg) es, out(reg) fs, out(reg) gs, options(nomem, nostack, preserves_flags));
    }
    [ds, es, fs, gs]
}
