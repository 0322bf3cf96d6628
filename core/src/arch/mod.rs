//! The processor, whatever hypervisor it is seen through: what another one would do in another way, by names that it would
//! have too. `docs/porting.md` says what each of them has to do. Its registers and exceptions are `vm::arch`'s.

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;
