//! The processor that every guest gets: the features of this one that KVM supports, determined once and tested on a
//! vCPU.

use kvm_bindings::{
    CpuId, KVM_CAP_DISABLE_QUIRKS2, KVM_MAX_CPUID_ENTRIES, KVM_SYNC_X86_REGS, KVM_SYNC_X86_SREGS,
    KVM_X86_QUIRK_FIX_HYPERCALL_INSN, KVM_X86_QUIRK_OUT_7E_INC_RIP, kvm_cpuid_entry2, kvm_enable_cap,
    kvm_sregs, kvm_xcr, kvm_xcrs,
};
use kvm_ioctls::{Cap, Kvm, VcpuFd, VmFd};

use super::cpuid::{self, Register};
use super::registers;
use crate::arch::x86::{EXTENDED_STATE, host_xcr0};
use crate::error::{Error, Result};

/// The processor, ready for use.
#[derive(Debug)]
pub(crate) struct Processor {
    cpuid: CpuId,
    /// Control registers and everything else that does not depend on the guest.
    pub(super) sregs: kvm_sregs,
    xcrs: kvm_xcrs,
    /// The quirks that patch guest code, as far as they can be turned off.
    quirks: u64,
    /// Ticks of the time-stamp counter in a second; 0 if KVM does not say.
    tsc_hz: u64,
}

impl Processor {
    /// The capabilities that KVM must have for this processor, each with the advice if it is missing. XSAVE is the
    /// processor's: KVM has `KVM_CAP_XCRS` if the processor has XSAVE (`arch/x86/kvm/x86.c`,
    /// `kvm_vm_ioctl_check_extension`).
    pub const NEEDED: [(Cap, &str); 1] = [(Cap::Xcrs, NO_XSAVE)];
    /// The register sets that KVM must be able to transfer without a system call.
    pub const SYNC: u32 = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;

    /// Determines the processor on an unused vCPU. An error says why guests cannot run here, and what mends it.
    pub fn find(kvm: &Kvm, vcpu: &VcpuFd) -> Result<Self, String> {
        let supported = kvm
            .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
            .map_err(|error| format!("KVM_GET_SUPPORTED_CPUID failed: {error}"))?;
        let entries = cpuid::filter(&supported);
        let cpuid = CpuId::from_entries(&entries)
            .map_err(|_| "KVM reports more CPUID leaves than it accepts".to_owned())?;
        vcpu.set_cpuid2(&cpuid).map_err(|error| format!("KVM_SET_CPUID2 failed: {error}"))?;
        let xcrs = components(vcpu, &entries)?;
        let sregs = control_registers(vcpu, &entries)?;
        let tsc_hz = vcpu.get_tsc_khz().map_or(0, |khz| u64::from(khz) * 1000);
        let quirks = u64::try_from(kvm.check_extension_raw(u64::from(KVM_CAP_DISABLE_QUIRKS2))).unwrap_or(0)
            & u64::from(KVM_X86_QUIRK_FIX_HYPERCALL_INSN | KVM_X86_QUIRK_OUT_7E_INC_RIP);
        Ok(Self { cpuid, sregs, xcrs, quirks, tsc_hz })
    }

    /// Configures a new virtual machine not to change guest code.
    pub fn prepare_machine(&self, vm: &VmFd) -> Result<()> {
        if self.quirks == 0 {
            return Ok(());
        }
        let cap = kvm_enable_cap {
            cap: KVM_CAP_DISABLE_QUIRKS2,
            args: [self.quirks, 0, 0, 0],
            ..kvm_enable_cap::default()
        };
        vm.enable_cap(&cap).map_err(|error| Error::resource("KVM_CAP_DISABLE_QUIRKS2", error))
    }

    /// Gives a new vCPU this processor.
    pub fn prepare_vcpu(&self, vcpu: &VcpuFd) -> Result<()> {
        vcpu.set_cpuid2(&self.cpuid).map_err(|error| Error::resource("KVM_SET_CPUID2", error))?;
        vcpu.set_xcrs(&self.xcrs).map_err(|error| Error::resource("KVM_SET_XCRS", error))
    }

    /// The processor as guests see it.
    pub(super) fn cpuid(&self) -> &[kvm_cpuid_entry2] {
        self.cpuid.as_slice()
    }

    /// Frequency of the time-stamp counter in Hz, by which guests tell the time; 0 if KVM does not say.
    pub fn counter_hz(&self) -> u64 {
        self.tsc_hz
    }
}

/// Processors have had XSAVE since 2008 (Intel) and 2011 (AMD); hypervisors and kernels can hide it.
const NO_XSAVE: &str = "the processor lacks XSAVE: if it has it, the kernel was started with noxsave, or a hypervisor below hides it \
     (QEMU: -cpu host or max)";

/// XCR0: the processor's components of [`EXTENDED_STATE`]. If KVM refuses those, the components that it claims to
/// support.
fn components(vcpu: &VcpuFd, entries: &[kvm_cpuid_entry2]) -> Result<kvm_xcrs, String> {
    let supported = entries
        .iter()
        .find(|entry| entry.function == 0x0d && entry.index == 0)
        .map_or(0, |entry| u64::from(entry.eax));
    for components in [host_xcr0(), supported] {
        let value = components & u64::from(EXTENDED_STATE);
        let mut xcrs = kvm_xcrs { nr_xcrs: 1, ..kvm_xcrs::default() };
        xcrs.xcrs[0] = kvm_xcr { xcr: 0, reserved: 0, value };
        if value & 0b11 == 0b11 && vcpu.set_xcrs(&xcrs).is_ok() {
            return Ok(xcrs);
        }
    }
    Err(NO_XSAVE.to_owned())
}

/// CR4 with every protection. If KVM refuses that, the protections whose features it supports.
fn control_registers(vcpu: &VcpuFd, entries: &[kvm_cpuid_entry2]) -> Result<kvm_sregs, String> {
    let fresh = vcpu.get_sregs().map_err(|error| format!("KVM_GET_SREGS failed: {error}"))?;
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
    Err("KVM refuses to start a vCPU in 64-bit user mode".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_without_xsave_is_not_taken_for_an_old_kernel() {
        let (_, lacking) = Processor::NEEDED.into_iter().find(|(cap, _)| matches!(cap, Cap::Xcrs)).unwrap();
        assert!(lacking.contains("the processor lacks XSAVE") && !lacking.contains("4.16"), "{lacking}");
    }
}
