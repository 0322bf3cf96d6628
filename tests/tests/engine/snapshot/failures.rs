//! System calls that fail in the middle of a snapshot, a restore or the start of a clone: the result is an error and
//! nothing half-done is usable. Once they work again, all is well.
//!
//! A filter makes them fail in a thread of its own, which is gone afterwards.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::thread;

use libhyperlight::{ErrorCode, Result, Sandbox, Snapshot, State, force_tracking};
use libhyperlight_tests::clones::{self, add, assert_pristine, clone, count, fresh};
use libhyperlight_tests::harm;
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{assert_works, demo, fails_with, sandbox, seccomp};

/// The operation that fails.
#[derive(Clone, Copy, Debug)]
enum Failing {
    Call(i64),
    /// A request of KVM's.
    Ioctl(u32),
}
use Failing::{Call, Ioctl};

const KVM_CREATE_VM: u32 = 0xae01;
const KVM_CREATE_VCPU: u32 = 0xae41;
const KVM_SET_USER_MEMORY_REGION: u32 = 0x4020_ae46;
const KVM_GET_REGS: u32 = 0x8090_ae81;
const KVM_GET_SREGS: u32 = 0x8138_ae83;
const KVM_SET_CPUID2: u32 = 0x4008_ae90;
const KVM_GET_VCPU_EVENTS: u32 = 0x8040_ae9f;
const KVM_SET_VCPU_EVENTS: u32 = 0x4040_aea0;
const KVM_GET_XSAVE: u32 = 0x9000_aea4;
const KVM_SET_XCRS: u32 = 0x4188_aea7;

/// Does something where that fails.
fn without<T: Send>(what: Failing, body: impl FnOnce() -> T + Send) -> T {
    let forbidden = move || {
        match what {
            Call(number) => seccomp::forbid(number, libc::ENOMEM),
            Ioctl(request) => seccomp::forbid_ioctl(request, libc::ENOMEM),
        }
        body()
    };
    thread::scope(|scope| scope.spawn(forbidden).join().unwrap())
}

/// Dirties the sandbox, makes a restore fail, and finds nothing usable until one succeeds.
#[track_caller]
fn restore_fails(
    what: Failing,
    sandbox: &mut Sandbox,
    snapshot: &Snapshot,
    soil: impl Fn(&mut Sandbox),
    expected: i32,
) {
    for _ in 0..2 {
        soil(sandbox);
        fails_with(ErrorCode::Resource, without(what, || sandbox.restore(snapshot)));
        assert_eq!(sandbox.state(), State::Poisoned, "{what:?}");
        fails_with(ErrorCode::Poisoned, sandbox.call::<i32>("GetStatic", ()));
        fails_with(ErrorCode::Poisoned, sandbox.snapshot());
        fails_with(ErrorCode::Resource, without(what, || sandbox.restore(snapshot)));
        sandbox.restore(snapshot).unwrap();
        assert_pristine(sandbox, snapshot);
        assert_eq!(count(sandbox), expected, "{what:?}");
        assert_works(sandbox);
    }
}

#[test]
fn a_restore_that_fails_leaves_a_poisoned_sandbox() {
    in_own_process(|| {
        let (mut sandbox, zero) = fresh(&demo());
        add(&mut sandbox, 1);
        let fault = |sandbox: &mut Sandbox| {
            sandbox.call::<()>("TriggerException", ()).unwrap_err();
        };
        for request in [KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS] {
            restore_fails(Ioctl(request), &mut sandbox, &zero, fault, 0);
        }
        force_tracking(3);
        let little = |sandbox: &mut Sandbox| assert_eq!(add(sandbox, 1), 1);
        sandbox.restore(&zero).unwrap();
        restore_fails(Call(libc::SYS_madvise), &mut sandbox, &zero, little, 0);
        force_tracking(0);
        let dirty = |sandbox: &mut Sandbox| {
            sandbox.call::<u32>("DirtyPages", (4090_u32,)).unwrap();
            sandbox.call::<u32>("SetStatic", ()).unwrap();
        };
        restore_fails(Call(libc::SYS_madvise), &mut sandbox, &zero, dirty, 0);
    });
}

#[test]
fn a_restore_to_another_image_that_fails_does_so_too() {
    in_own_process(|| {
        let (mut sandbox, _) = fresh(&demo());
        let mut other = clone(&fresh(&demo()).1);
        add(&mut other, 7);
        let seven = other.snapshot().unwrap();
        // Stopped half-way, it belongs to neither image.
        for number in [libc::SYS_mmap, libc::SYS_madvise] {
            let (mut sandbox, zero) = fresh(&demo());
            add(&mut sandbox, 100);
            let failed = without(Call(number), || sandbox.restore(&seven));
            fails_with(ErrorCode::Resource, failed);
            sandbox.restore(&zero).unwrap();
            assert_pristine(&sandbox, &zero);
            assert_eq!(count(&mut sandbox), 0);
        }
        // Each time from an image of its own to that one.
        let move_away = |sandbox: &mut Sandbox| {
            let (_, elsewhere) = fresh(&demo());
            sandbox.restore(&elsewhere).unwrap();
            add(sandbox, 100);
        };
        for number in [libc::SYS_mmap, libc::SYS_madvise] {
            restore_fails(Call(number), &mut sandbox, &seven, move_away, 7);
        }
    });
}

#[test]
fn a_snapshot_that_fails_leaves_the_sandbox_as_it_was() {
    in_own_process(|| {
        let mut sandbox = sandbox(&demo());
        add(&mut sandbox, 3);
        drop(sandbox.snapshot().unwrap());
        let files = harm::files();
        for what in [
            Call(libc::SYS_memfd_create),
            Call(libc::SYS_ftruncate),
            Call(libc::SYS_lseek),
            Call(libc::SYS_pread64),
            Call(libc::SYS_pwrite64),
            Call(libc::SYS_fcntl),
            Call(libc::SYS_mmap),
            Call(libc::SYS_madvise),
            Ioctl(KVM_GET_REGS),
            Ioctl(KVM_GET_SREGS),
            Ioctl(KVM_GET_XSAVE),
        ] {
            let failed = without(what, || sandbox.snapshot());
            assert!(failed.is_err(), "{what:?}");
            fails_with(ErrorCode::Resource, failed);
            assert_eq!(sandbox.state(), State::Ready, "{what:?}");
            assert_eq!(count(&mut sandbox), 3);
            assert_eq!(harm::files(), files, "{what:?}");
        }
        let snapshot = sandbox.snapshot().unwrap();
        add(&mut sandbox, 1);
        sandbox.restore(&snapshot).unwrap();
        assert_eq!(count(&mut sandbox), 3);
        assert_works(&mut clone(&snapshot));
    });
}

#[test]
fn a_clone_that_does_not_start_can_be_tried_again() {
    in_own_process(|| {
        let mut sandbox = sandbox(&demo());
        add(&mut sandbox, 3);
        let snapshot = sandbox.snapshot().unwrap();
        let mut template = clones::of(&snapshot);
        let mut try_clone = || -> Result<Sandbox> { template.try_evolve() };
        drop(try_clone().unwrap());
        harm::wait_until(|| harm::count_files("kvm-vm") == 2);
        let files = harm::files();
        for what in [
            Call(libc::SYS_mmap),
            Call(libc::SYS_madvise),
            Ioctl(KVM_CREATE_VM),
            Ioctl(KVM_CREATE_VCPU),
            Ioctl(KVM_SET_USER_MEMORY_REGION),
            Ioctl(KVM_SET_CPUID2),
            Ioctl(KVM_SET_XCRS),
        ] {
            let failed = without(what, &mut try_clone);
            assert!(failed.is_err(), "{what:?}");
            fails_with(ErrorCode::Resource, failed);
            assert_eq!(harm::files(), files, "{what:?}");
            assert_eq!(count(&mut try_clone().unwrap()), 3);
            harm::wait_until(|| harm::count_files("kvm-vm") == 2);
        }
    });
}
