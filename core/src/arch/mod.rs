//! The processor-specific part that is independent of the hypervisor: other processors provide the same names.
//! `docs/porting.md` lists their duties. Registers and exceptions are in `vm::arch`.

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;
