//! What is found out once in a process: `/dev/kvm`, and the processor state that every virtual machine starts with.
//!
//! Asking KVM costs a system call each time, so the answers are kept. One virtual machine without memory is kept too:
//! while one exists, KVM creates and destroys others in half the time, and on it the state is tried out.

use std::sync::{Mutex, OnceLock, PoisonError};

use kvm_bindings::{
    CpuId, KVM_API_VERSION, KVM_CAP_DISABLE_QUIRKS2, KVM_MAX_CPUID_ENTRIES, KVM_SYNC_X86_REGS,
    KVM_SYNC_X86_SREGS, KVM_X86_QUIRK_FIX_HYPERCALL_INSN, KVM_X86_QUIRK_OUT_7E_INC_RIP, kvm_cpuid_entry2,
    kvm_enable_cap, kvm_sregs, kvm_xcr, kvm_xcrs,
};
use kvm_ioctls::{Cap, Kvm, VcpuFd, VmFd};

use crate::arch::cpuid::{self, EXTENDED_STATE, Register};
use crate::arch::registers;
use crate::error::{Error, ErrorCode, Result};

/// The hypervisor, ready for use.
#[derive(Debug)]
pub(crate) struct Hypervisor {
    kvm: Kvm,
    cpuid: CpuId,
    /// Control registers and everything else that does not depend on the guest.
    sregs: kvm_sregs,
    xcrs: kvm_xcrs,
    /// Which of the quirks that patch guest code can be turned off.
    quirks: u64,
    /// Ticks of the time-stamp counter in a second; 0 if KVM does not say.
    tsc_hz: u64,
    _keep_alive: (VcpuFd, VmFd),
}

/// Confirms that sandboxes can be made here, or says why not and what mends it.
///
/// Makes nothing that stays, and may be asked again after the machine was mended.
pub fn probe() -> Result<()> {
    let kvm = open()?;
    create_vm(&kvm).map(drop).map_err(cannot_create)
}

impl Hypervisor {
    /// The hypervisor of this process. A failure is not kept: the next caller tries again.
    pub fn get() -> Result<&'static Self> {
        static FOUND: OnceLock<Hypervisor> = OnceLock::new();
        static FINDING: Mutex<()> = Mutex::new(());
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let _one_at_a_time = FINDING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let fresh = Self::find()?;
        Ok(FOUND.get_or_init(|| fresh))
    }

    /// A virtual machine with one vCPU that has its CPUID and XCR0; registers come with the first run.
    pub fn create(&self) -> Result<(VmFd, VcpuFd)> {
        let vm = create_vm(&self.kvm).map_err(|error| Error::resource("KVM_CREATE_VM", error))?;
        if self.quirks != 0 {
            let cap = kvm_enable_cap {
                cap: KVM_CAP_DISABLE_QUIRKS2,
                args: [self.quirks, 0, 0, 0],
                ..kvm_enable_cap::default()
            };
            vm.enable_cap(&cap).map_err(|error| Error::resource("KVM_CAP_DISABLE_QUIRKS2", error))?;
        }
        let vcpu = vm.create_vcpu(0).map_err(|error| Error::resource("KVM_CREATE_VCPU", error))?;
        vcpu.set_cpuid2(&self.cpuid).map_err(|error| Error::resource("KVM_SET_CPUID2", error))?;
        vcpu.set_xcrs(&self.xcrs).map_err(|error| Error::resource("KVM_SET_XCRS", error))?;
        Ok((vm, vcpu))
    }

    /// The special registers that every vCPU starts with, but for the addresses of a guest's own tables.
    pub fn sregs(&self) -> kvm_sregs {
        self.sregs
    }

    /// What guests are told about the processor.
    pub fn cpuid(&self) -> &[kvm_cpuid_entry2] {
        self.cpuid.as_slice()
    }

    /// Ticks of the time-stamp counter in a second; 0 if KVM does not say.
    pub fn tsc_hz(&self) -> u64 {
        self.tsc_hz
    }

    fn find() -> Result<Self> {
        let kvm = open()?;
        let supported = kvm
            .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
            .map_err(|error| unavailable(format!("KVM_GET_SUPPORTED_CPUID failed: {error}")))?;
        let entries = cpuid::filter(&supported);
        let cpuid = CpuId::from_entries(&entries)
            .map_err(|_| unavailable("KVM reports more CPUID leaves than it accepts".to_owned()))?;

        let vm = create_vm(&kvm).map_err(cannot_create)?;
        let vcpu = vm.create_vcpu(0).map_err(cannot_create)?;
        vcpu.set_cpuid2(&cpuid).map_err(|error| unavailable(format!("KVM_SET_CPUID2 failed: {error}")))?;
        let xcrs = extended_state(&vcpu, &entries)?;
        let sregs = control_registers(&vcpu, &entries)?;
        let tsc_hz = vcpu.get_tsc_khz().map_or(0, |khz| u64::from(khz) * 1000);
        let quirks = u64::try_from(kvm.check_extension_raw(u64::from(KVM_CAP_DISABLE_QUIRKS2))).unwrap_or(0)
            & u64::from(KVM_X86_QUIRK_FIX_HYPERCALL_INSN | KVM_X86_QUIRK_OUT_7E_INC_RIP);
        Ok(Self { kvm, cpuid, sregs, xcrs, quirks, tsc_hz, _keep_alive: (vcpu, vm) })
    }
}

/// A signal of the program's may interrupt this, which takes the kernel some time; then it is tried again.
fn create_vm(kvm: &Kvm) -> Result<VmFd, kvm_ioctls::Error> {
    loop {
        match kvm.create_vm() {
            Err(error) if error.errno() == libc::EINTR => {}
            done => return done,
        }
    }
}

/// What KVM must have, and what to say where it has not. XSAVE is the processor's: KVM has `KVM_CAP_XCRS` if that has it
/// (`arch/x86/kvm/x86.c`, `kvm_vm_ioctl_check_extension`).
const NEEDED: [(Cap, &str); 4] = [
    (Cap::UserMemory, "KVM lacks KVM_CAP_USER_MEMORY: a kernel of 4.16 or later has it"),
    (Cap::ImmediateExit, "KVM lacks KVM_CAP_IMMEDIATE_EXIT: a kernel of 4.16 or later has it"),
    (Cap::VcpuEvents, "KVM lacks KVM_CAP_VCPU_EVENTS: a kernel of 4.16 or later has it"),
    (Cap::Xcrs, NO_XSAVE),
];

/// Processors have had XSAVE since 2008 (Intel) and 2011 (AMD); hypervisors and kernels can hide it.
const NO_XSAVE: &str = "the processor lacks XSAVE: if it has it, the kernel was started with noxsave, or a hypervisor below hides it \
     (QEMU: -cpu host or max)";

/// Opens `/dev/kvm` and checks that it can do what is needed.
fn open() -> Result<Kvm> {
    let kvm = Kvm::new().map_err(|error| {
        unavailable(match error.errno() {
            libc::ENOENT => "/dev/kvm does not exist: the processor's virtualisation is off in the firmware, the kvm module is \
                 not loaded (modprobe kvm_intel or kvm_amd), or this virtual machine or container was not given the device"
                .to_owned(),
            libc::EACCES | libc::EPERM => "/dev/kvm may not be opened by this user: add the user to the group that owns it (usually \
                 kvm) and log in again, or give the container the device"
                .to_owned(),
            libc::ENODEV | libc::ENXIO => "/dev/kvm exists but no hypervisor is behind it: load kvm_intel or kvm_amd, and turn \
                 virtualisation on in the firmware"
                .to_owned(),
            libc::ENOMEM | libc::EMFILE | libc::ENFILE => return Error::resource("opening /dev/kvm", error),
            _ => format!("opening /dev/kvm failed: {error}"),
        })
    })?;
    let version = kvm.get_api_version();
    if version != KVM_API_VERSION.cast_signed() {
        return Err(unavailable(format!(
            "/dev/kvm speaks API version {version}, expected {KVM_API_VERSION}: the kernel is too old"
        )));
    }
    if let Some((_, lacking)) = NEEDED.into_iter().find(|(cap, _)| !kvm.check_extension(*cap)) {
        return Err(unavailable(lacking.to_owned()));
    }
    let sync = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    if kvm.check_extension_int(Cap::SyncRegs).cast_unsigned() & sync != sync {
        return Err(unavailable("KVM lacks KVM_CAP_SYNC_REGS: a kernel of 4.17 or later has it".to_owned()));
    }
    Ok(kvm)
}

/// XCR0: all that the processor has of [`EXTENDED_STATE`], or, where KVM refuses that, what it says it supports.
fn extended_state(vcpu: &VcpuFd, entries: &[kvm_cpuid_entry2]) -> Result<kvm_xcrs> {
    let supported = entries
        .iter()
        .find(|entry| entry.function == 0x0d && entry.index == 0)
        .map_or(0, |entry| u64::from(entry.eax));
    for components in [registers::host_xcr0(), supported] {
        let value = components & u64::from(EXTENDED_STATE);
        let mut xcrs = kvm_xcrs { nr_xcrs: 1, ..kvm_xcrs::default() };
        xcrs.xcrs[0] = kvm_xcr { xcr: 0, reserved: 0, value };
        if value & 0b11 == 0b11 && vcpu.set_xcrs(&xcrs).is_ok() {
            return Ok(xcrs);
        }
    }
    Err(unavailable(NO_XSAVE.to_owned()))
}

/// CR4 with every protection there is, or, where KVM refuses that, those whose features it supports.
fn control_registers(vcpu: &VcpuFd, entries: &[kvm_cpuid_entry2]) -> Result<kvm_sregs> {
    let fresh = vcpu.get_sregs().map_err(|error| unavailable(format!("KVM_GET_SREGS failed: {error}")))?;
    let derived = [
        (7, Register::Ecx, 2, registers::CR4_UMIP),
        (7, Register::Ebx, 0, registers::CR4_FSGSBASE),
        (7, Register::Ebx, 7, registers::CR4_SMEP),
        (7, Register::Ebx, 20, registers::CR4_SMAP),
    ]
    .into_iter()
    .filter(|(leaf, register, bit, _)| cpuid::word(entries, *leaf, *register) >> bit & 1 != 0)
    .fold(0, |bits, (.., bit)| bits | bit);
    for optional in [registers::CR4_OPTIONAL, derived] {
        let sregs = registers::special_registers(&fresh, optional);
        if vcpu.set_sregs(&sregs).is_ok() {
            return Ok(sregs);
        }
    }
    Err(unavailable("KVM refuses to start a vCPU in 64-bit user mode".to_owned()))
}

fn cannot_create(error: kvm_ioctls::Error) -> Error {
    unavailable(match error.errno() {
        libc::EBUSY => {
            "KVM is busy: another hypervisor holds the processor's virtualisation; stop it".to_owned()
        }
        libc::ENOMEM | libc::EMFILE | libc::ENFILE => {
            return Error::resource("creating a virtual machine", error);
        }
        _ => format!("creating a virtual machine failed: {error}"),
    })
}

fn unavailable(reason: String) -> Error {
    Error::new(ErrorCode::HypervisorUnavailable, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_without_xsave_is_not_taken_for_an_old_kernel() {
        let (_, lacking) = NEEDED.into_iter().find(|(cap, _)| matches!(cap, Cap::Xcrs)).unwrap();
        assert!(lacking.contains("the processor lacks XSAVE") && !lacking.contains("4.16"), "{lacking}");
    }
}
