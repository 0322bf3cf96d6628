//! KVM's side of x86-64.

mod cpuid;
mod exceptions;
mod features;
mod processor;
mod registers;
mod vcpu;

pub(crate) use exceptions::FaultReport;
pub(crate) use features::Features;
pub(crate) use processor::Processor;
pub(crate) use registers::Registers;
pub(crate) use vcpu::{
    Rung, Start, forget_pending, is_single_stepped, pending_registers, registers, rung, show_registers,
};
