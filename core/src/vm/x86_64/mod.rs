//! KVM's side of x86-64.

mod cpuid;
mod exceptions;
mod features;
mod processor;
mod registers;
mod system_call;
mod vcpu;

pub(crate) use exceptions::FaultReport;
pub(crate) use features::Features;
pub(crate) use processor::Processor;
pub(crate) use registers::Registers;
pub use system_call::force_system_call_traps;
pub(crate) use system_call::{Stopped, set_system_call_target};
pub(crate) use vcpu::{
    Rung, Start, forget_pending, is_single_stepped, pending_registers, registers, rung, show_registers,
};
