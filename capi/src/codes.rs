//! The error codes in C. Written by `cargo xtask generate` from core/src/error/code.rs; not edited by hand.

/// Success.
pub const HL_OK: i32 = 0;
/// An argument that no sandbox could accept. The sandbox is unchanged. NULL, an unknown kind and text that is not UTF-8
/// are such.
pub const HL_ERR_INVALID_ARGUMENT: i32 = -1;
/// There is no usable hypervisor; the message says why and what mends it.
pub const HL_ERR_HYPERVISOR_UNAVAILABLE: i32 = -2;
/// The guest program cannot be loaded.
pub const HL_ERR_GUEST_BINARY: i32 = -3;
/// The host lacks memory, file descriptors or virtual machines. The sandbox is unchanged, or poisoned if this struck
/// inside a call.
pub const HL_ERR_RESOURCE: i32 = -4;
/// There is no function of that name.
pub const HL_ERR_FUNCTION_NOT_FOUND: i32 = -5;
/// The arguments do not fit the function's signature.
pub const HL_ERR_SIGNATURE: i32 = -6;
/// A payload does not fit its buffer; the message names the option to raise.
pub const HL_ERR_TOO_LARGE: i32 = -7;
/// The guest function returned an error. The sandbox is ready. Its number is `hl_error_guest_code`.
pub const HL_ERR_GUEST_ERROR: i32 = -8;
/// A host function failed, and the guest passed its error on. A positive status is `hl_error_guest_code`.
pub const HL_ERR_HOST_FUNCTION: i32 = -9;
/// The guest panicked or gave up. The sandbox is poisoned.
pub const HL_ERR_GUEST_ABORT: i32 = -10;
/// The guest did something that the processor or the hypervisor forbids. The sandbox is poisoned. `hl_error_fault` says
/// where.
pub const HL_ERR_GUEST_FAULT: i32 = -11;
/// The guest used up its stack. The sandbox is poisoned. `hl_error_fault` says where.
pub const HL_ERR_STACK_OVERFLOW: i32 = -12;
/// The guest used up its heap. The sandbox is poisoned.
pub const HL_ERR_GUEST_OUT_OF_MEMORY: i32 = -13;
/// The call took longer than it may. The sandbox is poisoned.
pub const HL_ERR_TIMEOUT: i32 = -14;
/// The call was interrupted. The sandbox is poisoned.
pub const HL_ERR_INTERRUPTED: i32 = -15;
/// An earlier call was stopped in the middle. Only a restore mends the sandbox.
pub const HL_ERR_POISONED: i32 = -16;
/// The sandbox is in use: by another thread, or by the call that this came from. The sandbox is unchanged.
pub const HL_ERR_BUSY: i32 = -17;
/// The sandbox is in the wrong state for this, such as one that has not started. The sandbox is unchanged.
pub const HL_ERR_STATE: i32 = -18;
/// A snapshot does not belong to this guest, or needs other host functions.
pub const HL_ERR_SNAPSHOT_MISMATCH: i32 = -19;
/// A snapshot file is damaged, or of another version or processor.
pub const HL_ERR_SNAPSHOT_FILE: i32 = -20;
/// Reading or writing a file failed.
pub const HL_ERR_IO: i32 = -21;
/// The guest broke the wire contract. The sandbox is poisoned.
pub const HL_ERR_PROTOCOL: i32 = -22;
/// The sandbox, or the pool, was closed. Freeing closes.
pub const HL_ERR_CLOSED: i32 = -23;
/// No member of the pool came free in time.
pub const HL_ERR_POOL_TIMEOUT: i32 = -24;
/// A bug of this library, or a panic in a host function, contained. The sandbox is poisoned.
pub const HL_ERR_INTERNAL: i32 = -99;
