//! The processor as guests see it.
//!
//! The processor's own features that KVM supports, filtered by an allow-list: computation is allowed; features that
//! need an operating system, count, trace, virtualise or identify the machine are not. Where KVM runs without hardware
//! virtualisation (PVM) the instruction reads the real processor all the same; nothing may rely on hidden features.

use kvm_bindings::{CpuId, kvm_cpuid_entry2};

use crate::arch::x86::EXTENDED_STATE;

/// CPUID leaf 1, ECX: clears DTES64 MONITOR DS-CPL VMX SMX EIST TM2 (2–8), SDBG xTPR PDCM PCID DCA x2APIC TSC-deadline
/// (11, 14, 15, 17, 18, 21, 24), OSXSAVE (27: the processor sets it), hypervisor (31).
const LEAF1_ECX_HIDDEN: u32 =
    0x1fc | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 17 | 1 << 18 | 1 << 21 | 1 << 24 | 1 << 27 | 1 << 31;
/// CPUID leaf 1, EDX: clears APIC (9), DS ACPI (21, 22), SS HTT TM (27–29), PBE (31).
const LEAF1_EDX_HIDDEN: u32 = 1 << 9 | 0b11 << 21 | 0b111 << 27 | 1 << 31;
/// CPUID leaf 7.0, EBX: clears TSC_ADJUST SGX HLE INVPCID RTM PQM MPX PQE PT (1, 2, 4, 10–12, 14, 15, 25).
const LEAF7_EBX_HIDDEN: u32 = 1 << 1 | 1 << 2 | 1 << 4 | 0b111 << 10 | 0b11 << 14 | 1 << 25;
/// CPUID leaf 7.0, ECX: keeps AVX-512 VBMI, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ (1, 6, 8–12, 14),
/// UMIP (2), RDPID (22), and the direct stores (27, 28).
const LEAF7_ECX_SHOWN: u32 = 1 << 1 | 1 << 2 | 1 << 6 | 0b1_1111 << 8 | 1 << 14 | 1 << 22 | 0b11 << 27;
/// CPUID leaf 7.0, EDX: keeps the AVX-512 additions, FSRM, SERIALIZE, AVX-512 FP16 (2, 3, 4, 8, 14, 23). Not UINTR,
/// CET, AMX, RTM, nor the speculation controls, which are MSRs.
const LEAF7_EDX_SHOWN: u32 = 0b111 << 2 | 1 << 8 | 1 << 14 | 1 << 23;
/// CPUID leaf 7.1, EAX: keeps AVX-VNNI, AVX-512 BF16 and the fast string operations (4, 5, 10–12), AVX-IFMA (23).
const LEAF7_1_EAX_SHOWN: u32 = 0b11 << 4 | 0b111 << 10 | 1 << 23;
/// CPUID leaf 8000_0001, ECX: keeps LAHF, LZCNT, SSE4A, misaligned SSE, prefetch, XOP, FMA4, TBM (0, 5–8, 11, 16, 21).
const LEAF8_1_ECX_SHOWN: u32 = 1 << 0 | 0b1111 << 5 | 1 << 11 | 1 << 16 | 1 << 21;

/// The supported processor, cut down.
pub(crate) fn filter(supported: &CpuId) -> Vec<kvm_cpuid_entry2> {
    filter_entries(supported.as_slice())
}

fn filter_entries(supported: &[kvm_cpuid_entry2]) -> Vec<kvm_cpuid_entry2> {
    let mut entries: Vec<_> = supported.iter().filter_map(|entry| filtered(*entry)).collect();
    let size = extended_state_size(&entries);
    if let Some(leaf) = entries.iter_mut().find(|entry| (entry.function, entry.index) == (0x0d, 0)) {
        leaf.ecx = size;
    }
    entries
}

/// Bytes of an XSAVE area that holds every visible component (Intel SDM vol. 1, 13.2: leaf 0xd, ECX). The processor's
/// own figure includes the hidden ones.
fn extended_state_size(shown: &[kvm_cpuid_entry2]) -> u32 {
    /// The x87 and SSE state, and the header.
    const LEGACY: u32 = 576;
    shown
        .iter()
        .filter(|entry| entry.function == 0x0d && entry.index >= 2)
        .map(|component| component.eax.saturating_add(component.ebx))
        .fold(LEGACY, u32::max)
}

/// The filtered processor's answer in that register; 0 without that leaf.
pub(crate) fn word(entries: &[kvm_cpuid_entry2], function: u32, register: Register) -> u32 {
    let leaf = entries.iter().find(|entry| entry.function == function && entry.index == 0);
    leaf.map_or(0, |entry| match register {
        Register::Ebx => entry.ebx,
        Register::Ecx => entry.ecx,
        Register::Edx => entry.edx,
    })
}

/// A register that CPUID answers in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Register {
    Ebx,
    Ecx,
    Edx,
}

fn filtered(mut entry: kvm_cpuid_entry2) -> Option<kvm_cpuid_entry2> {
    match (entry.function, entry.index) {
        (0x8000_0000 | 0x8000_0002..=0x8000_0006, _) | (2 | 4, _) => {}
        // Leaf 0x1f is topology; leaves beyond 0x19 have nothing that a guest computes with.
        (0, _) => entry.eax = entry.eax.min(0x0d),
        (1, _) => {
            // Initial APIC id and logical processor count.
            entry.ebx &= 0xffff;
            entry.ecx &= !LEAF1_ECX_HIDDEN;
            entry.edx &= !LEAF1_EDX_HIDDEN;
        }
        (7, 0) => {
            entry.ebx &= !LEAF7_EBX_HIDDEN;
            entry.ecx &= LEAF7_ECX_SHOWN;
            entry.edx &= LEAF7_EDX_SHOWN;
        }
        (7, 1) => {
            entry.eax &= LEAF7_1_EAX_SHOWN;
            (entry.ebx, entry.ecx, entry.edx) = (0, 0, 0);
        }
        (0x0d, 0) => {
            entry.eax &= EXTENDED_STATE;
            entry.edx = 0;
        }
        (0x0d, 1) => {
            // XSAVEOPT, XSAVEC, XGETBV with ECX 1; no supervisor state.
            entry.eax &= 0b0111;
            (entry.ecx, entry.edx) = (0, 0);
        }
        (0x0d, component) if component < 8 && EXTENDED_STATE >> component & 1 != 0 => {}
        (0x8000_0001, _) => {
            entry.ecx &= LEAF8_1_ECX_SHOWN;
            // No SYSCALL: EFER.SCE is off.
            entry.edx &= !(1 << 11);
        }
        // Address widths; no core counts.
        (0x8000_0008, _) => (entry.ebx, entry.ecx, entry.edx) = (0, 0, 0),
        _ => return None,
    }
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_extended_state_counts_what_is_shown() {
        let leaf = |index, eax, ebx, ecx| kvm_cpuid_entry2 {
            function: 0x0d,
            index,
            eax,
            ebx,
            ecx,
            ..kvm_cpuid_entry2::default()
        };
        // A processor with AVX at 576, PKRU at 2688 and AMX behind it; EAX of 0xd.0 lists the supported ones.
        let processor = [leaf(0, 0x6_0207, 2752, 11008), leaf(1, 0xf, 2752, 0), leaf(2, 256, 576, 0)];
        let hidden = [leaf(9, 8, 2688, 0), leaf(17, 64, 2752, 0), leaf(18, 8192, 2816, 0)];
        let found = filter_entries(&[&processor[..], &hidden].concat());
        assert_eq!((found[0].eax, found[0].ecx), (0b111, 832));
        assert_eq!(found.len(), 3, "a leaf of a hidden component is not shown");
        // Without AVX the legacy area and the header are all.
        assert_eq!(filter_entries(&[leaf(0, 0b11, 576, 576)])[0].ecx, 576);
    }
}
