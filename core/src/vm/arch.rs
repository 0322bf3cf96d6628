//! The processor's part of a virtual machine: registers, exceptions, and the description that guests get. Other
//! processors provide the same names; see `docs/porting.md`.

#[cfg(target_arch = "x86_64")]
pub use super::x86_64::force_system_call_traps;
#[cfg(target_arch = "x86_64")]
pub(crate) use super::x86_64::*;
