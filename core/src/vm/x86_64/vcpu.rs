//! The processor's part of a vCPU: its registers before and after a run, and the state that a stop can leave pending.

use kvm_bindings::{kvm_regs, kvm_sregs};
use kvm_ioctls::{SyncReg, VcpuExit, VcpuFd};
use libhyperlight_abi::boot::{DOORBELL_PORT, FAULT_PORT};

use super::processor::Processor;
use super::registers::{self, Registers};
use super::system_call::Stopped;
use crate::arch::sanitize_extended_state;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::image::layout::Layout;

/// All registers of a vCPU before it runs a guest.
#[derive(Debug)]
pub(crate) struct Start {
    general: kvm_regs,
    special: kvm_sregs,
}

impl Start {
    /// At the guest's first instruction.
    pub fn fresh(processor: &Processor, image: &Image) -> Self {
        Self {
            general: registers::entry_registers(image),
            special: registers::special_registers_for(processor.sregs, image, None),
        }
    }

    /// The registers of a sandbox that continues from a snapshot.
    pub fn resumed(processor: &Processor, image: &Image, registers: &Registers) -> Self {
        Self {
            general: registers::resume_registers(image, registers),
            special: registers::special_registers_for(processor.sregs, image, Some(registers)),
        }
    }

    /// Those of a guest that goes on at its image's handler: the registers of the moment, but for those that the engine
    /// sets.
    pub fn at_handler(
        processor: &Processor,
        image: &Image,
        handler: u64,
        vcpu: &VcpuFd,
        stopped: &Stopped,
    ) -> Self {
        let registers = pending_registers(vcpu);
        Self {
            general: registers::handler_registers(handler, &registers, stopped),
            special: registers::special_registers_for(processor.sregs, image, Some(&registers)),
        }
    }

    /// Sets them in the vCPU: both sets travel with the next run.
    pub fn load(self, vcpu: &mut VcpuFd) {
        let registers = vcpu.sync_regs_mut();
        registers.regs = self.general;
        registers.sregs = self.special;
        vcpu.set_sync_dirty_reg(SyncReg::Register);
        vcpu.set_sync_dirty_reg(SyncReg::SystemRegister);
    }
}

/// Makes KVM provide the general registers at every exit, without a system call; the special ones, too, for guests that
/// serve system calls.
pub(crate) fn show_registers(vcpu: &mut VcpuFd, layout: &Layout) {
    vcpu.set_sync_valid_reg(SyncReg::Register);
    if layout.system_call.is_some() {
        vcpu.set_sync_valid_reg(SyncReg::SystemRegister);
    }
}

/// The port that an exit wrote to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rung {
    Doorbell,
    Fault,
}

/// The engine's port that an exit wrote to, if it is one of the two.
pub(crate) fn rung(exit: &VcpuExit<'_>) -> Option<Rung> {
    match exit {
        VcpuExit::IoOut(DOORBELL_PORT, [_]) => Some(Rung::Doorbell),
        VcpuExit::IoOut(FAULT_PORT, [_]) => Some(Rung::Fault),
        _ => None,
    }
}

/// The registers of a parked guest, and its extended state as a page that the trampoline can load.
pub(crate) fn registers(vcpu: &VcpuFd) -> Result<(Registers, Vec<u8>)> {
    let failed = |what: &'static str| move |error: kvm_ioctls::Error| Error::resource(what, error);
    let sregs = vcpu.get_sregs().map_err(failed("KVM_GET_SREGS"))?;
    let registers = Registers {
        general: vcpu.get_regs().map_err(failed("KVM_GET_REGS"))?,
        fs_base: sregs.fs.base,
        gs_base: sregs.gs.base,
    };
    let xsave = vcpu.get_xsave().map_err(failed("KVM_GET_XSAVE"))?;
    let page = xsave.region.iter().flat_map(|word| word.to_le_bytes()).collect();
    Ok((registers, sanitize_extended_state(page)))
}

/// The registers that travel with the next run, or that came with the last exit ([`show_registers`]).
pub(crate) fn pending_registers(vcpu: &VcpuFd) -> Registers {
    let pending = vcpu.sync_regs();
    Registers { general: pending.regs, fs_base: pending.sregs.fs.base, gs_base: pending.sregs.gs.base }
}

/// Returns true if the guest stopped while it single-stepped itself, which no well-behaved guest does.
///
/// Directly behind a load of the stack segment the processor holds the step's exception back. If the guest stops there,
/// VT-x keeps it in a field of its own (Intel SDM vol. 3C, 25.4.2, *Pending debug exceptions*) that KVM does not
/// expose, and delivers it to the next guest in the machine, or refuses to enter (27.3.1.5). So such a machine runs no
/// other guest.
pub(crate) fn is_single_stepped(vcpu: &VcpuFd) -> bool {
    const TRAP_FLAG: u64 = 1 << 8;
    vcpu.sync_regs().regs.rflags & TRAP_FLAG != 0
}

/// Removes exceptions that were pending for the guest when it was stopped. False if one cannot be removed: a single
/// step that the processor itself holds back behind a load of the stack segment.
pub(crate) fn forget_pending(vcpu: &VcpuFd) -> Result<bool> {
    let failed = |error: kvm_ioctls::Error| Error::resource("KVM_SET_VCPU_EVENTS", error);
    let mut events = vcpu.get_vcpu_events().map_err(failed)?;
    if events.interrupt.shadow != 0 || is_single_stepped(vcpu) {
        return Ok(false);
    }
    events.exception = Default::default();
    events.interrupt = Default::default();
    events.nmi = Default::default();
    vcpu.set_vcpu_events(&events).map_err(failed)?;
    Ok(true)
}
