//! The errors without a usable hypervisor: the reason and the remedy; and that they are not permanent.

use std::thread;

use libhyperlight::{ErrorCode, Result, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{assert_works, demo, fails_with, sandbox, seccomp};

/// `_IO(KVMIO, number)`.
const fn kvm(number: u32) -> u32 {
    0xae00 | number
}

/// The answer of the three queries under a filter, on a thread of their own. All of them must be equal.
fn under(filter: impl FnOnce() + Send) -> String {
    thread::scope(|scope| {
        let asked = scope.spawn(|| {
            filter();
            let probed = fails_with(ErrorCode::HypervisorUnavailable, libhyperlight::probe());
            let sandbox = || -> Result<_> {
                UninitializedSandbox::new(&libhyperlight_builtin::demo()?, SandboxOptions::new())?.evolve()
            };
            let started = fails_with(ErrorCode::HypervisorUnavailable, sandbox());
            assert_eq!(probed.message(), started.message());
            probed.message().to_owned()
        });
        asked.join().expect("it answers")
    })
}

#[test]
fn each_reason_is_told_with_its_mend_and_none_is_kept() {
    in_own_process(|| {
        for (errno, words) in [
            (libc::ENOENT, ["/dev/kvm does not exist", "modprobe"]),
            (libc::EACCES, ["may not be opened by this user", "group"]),
            (libc::EPERM, ["may not be opened by this user", "container"]),
            (libc::ENODEV, ["no hypervisor is behind it", "firmware"]),
            (libc::EIO, ["opening /dev/kvm failed", "error 5"]),
        ] {
            let said = under(|| seccomp::forbid(libc::SYS_openat, errno));
            assert!(words.iter().all(|word| said.contains(word)), "{errno}: {said}");
        }
        // A device that is none of KVM's, one of another version, one that lacks what is needed, one that makes no
        // machines.
        for (number, words) in
            [(0x00, "API version"), (0x03, "KVM lacks KVM_CAP_"), (0x01, "creating a virtual machine failed")]
        {
            let said = under(|| seccomp::forbid_ioctl(kvm(number), libc::ENOTTY));
            assert!(said.contains(words), "without ioctl {number:#x}: {said}");
        }
        let busy = under(|| seccomp::forbid_ioctl(kvm(0x01), libc::EBUSY));
        assert!(busy.contains("another hypervisor") && busy.contains("stop it"), "{busy}");
        libhyperlight::probe().expect("nothing of that is kept");
        assert_works(&mut sandbox(&demo()));
    });
}
