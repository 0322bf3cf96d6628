//! What of a virtual machine is the processor's: registers, exceptions, and what guests are told of it. Another processor has
//! the same names; see `docs/porting.md`.

#[cfg(target_arch = "x86_64")]
pub(crate) use super::x86_64::*;
