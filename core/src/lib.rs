//! Runs every function call behind its own hypervisor wall.
//!
//! A *guest* is a small program that exposes *guest functions*. A *sandbox* is one virtual machine, without a kernel or
//! devices, that holds one guest. The host registers *host functions*; both sides call each other by name with typed
//! values.
//!
//! ```
//! use libhyperlight::{SandboxOptions, UninitializedSandbox};
//!
//! # fn main() -> libhyperlight::Result<()> {
//! // Load a guest, and make a sandbox for it that has not started yet. This one is of the crate `libhyperlight-builtin`;
//! // others come from files: `Guest::from_file`.
//! let guest = libhyperlight_builtin::demo()?;
//! let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new())?;
//!
//! // Give the guest something to call.
//! sandbox.register("HostAdd", |a: i32, b: i32| a + b)?;
//!
//! // Start it.
//! let mut sandbox = sandbox.evolve()?;
//!
//! // Call guest functions. `PrintOutput` prints through `HostPrint`, which every sandbox has.
//! let message = "Hello, World! I am executing inside of a VM :)\n";
//! let printed: i32 = sandbox.call("PrintOutput", (message,))?;
//! assert_eq!(printed as usize, message.len());
//!
//! // `Add` calls back.
//! let sum: i32 = sandbox.call("Add", (2, 3))?;
//! assert_eq!(sum, 5);
//! # Ok(())
//! # }
//! ```
//!
//! Whatever a guest does, the host goes on: a fault, a panic or a broken message is an [`Error`] with a stable
//! [`ErrorCode`]. The library prints nothing (but for the default `HostPrint`), ends nothing, installs no signal
//! handler, and reads no environment variable. Log records of guests go to the program's logger, with the target
//! [`GUEST_LOG_TARGET`].

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("libhyperlight runs on x86-64 Linux with KVM");

mod arch;
mod bounds;
mod clock;
mod entropy;
mod error;
mod fault;
mod file;
mod functions;
mod guest;
pub mod handle;
mod host;
mod image;
mod int;
mod memfd;
pub mod options;
mod pages;
pub mod placement;
mod pool;
mod process;
mod sandbox;
mod signature;
mod snapshot;
mod stop;
mod text;
mod value;
mod vm;

pub use clock::Moment;
#[doc(hidden)]
pub use error::CodeRow;
pub use error::{BoxError, Error, ErrorCode, Result, spelling};
pub use fault::{Access, Fault, FaultKind};
pub use guest::elf::ABI_ACCEPTED;
pub use guest::{Guest, MAX_GUEST_FILE, PayloadAccess};
pub use host::{HOST_PRINT, HostError, HostFunction, HostPanic, Outcome};
pub use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS, MAX_PAYLOADS};
pub use libhyperlight_abi::{Kind, Value, ValueRef};
pub use options::{CallOptions, LoadOptions, PoolOptions, SandboxOptions};
pub use pool::{Pool, PoolStatistics, PooledSandbox};
pub use sandbox::guest_log::GUEST_LOG_TARGET;
pub use sandbox::{Arguments, Sandbox, State, UninitializedSandbox};
pub use signature::Signature;
pub use snapshot::Snapshot;
pub use stop::InterruptHandle;
pub use stop::signal::set_interrupt_signal;
pub use value::{Argument, Typed};
#[doc(hidden)]
pub use vm::arch::force_system_call_traps;
#[doc(hidden)]
pub use vm::dirty_pages::force_tracking;
pub use vm::hypervisor::probe;
