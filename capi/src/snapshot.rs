//! Snapshots: a sandbox as it was between two calls.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

use libhyperlight::handle::Operation;
use libhyperlight::{Snapshot, UninitializedSandbox};

use crate::error::{hl_error, hl_status};
use crate::guard;
use crate::options::{Structure, hl_load_options, hl_sandbox_options};
use crate::sandbox::{Inside, hl_sandbox};

/// The state of a sandbox, memory and registers. It is immutable, and any number of sandboxes and threads may share it.
/// It may be freed before the sandboxes made from it.
#[derive(Debug)]
pub struct hl_snapshot {
    pub(crate) snapshot: Snapshot,
}

/// Makes a sandbox that continues where the snapshot was taken. Register the same host functions as the original
/// sandbox's, then evolve. Evolve runs no guest code; it lists missing or different host functions
/// (`HL_ERR_SNAPSHOT_MISMATCH`). Sizes are the snapshot's: a different one in `options`, which may be NULL, is
/// `HL_ERR_INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_from_snapshot(
    snapshot: *const hl_snapshot,
    options: *const hl_sandbox_options,
    out: *mut *mut hl_sandbox,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let snapshot = unsafe { guard::deref(snapshot, "snapshot") }?;
        // SAFETY: passed on.
        let options = unsafe { hl_sandbox_options::read(options) }?;
        Ok(hl_sandbox::new(UninitializedSandbox::from_snapshot(&snapshot.snapshot, options)?))
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Takes a snapshot of a sandbox that is ready. The sandbox is unchanged.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_snapshot(
    sandbox: *mut hl_sandbox,
    out: *mut *mut hl_snapshot,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Snapshot) }?;
        Ok(hl_snapshot { snapshot: inside.inside().sandbox()?.snapshot()? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Restores a sandbox to the snapshot: memory and registers, not the host's own state. A poisoned sandbox is ready
/// again. Accepts any snapshot of the same guest and sizes whose host functions the sandbox has. Any other is
/// `HL_ERR_SNAPSHOT_MISMATCH`, and nothing has changed. After any other failure the sandbox is poisoned.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_restore(
    sandbox: *mut hl_sandbox,
    snapshot: *const hl_snapshot,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let snapshot = unsafe { guard::deref(snapshot, "snapshot") }?;
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Restore) }?;
        Ok(inside.inside().sandbox()?.restore(&snapshot.snapshot)?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Writes a snapshot to a file, atomically. Only the owner can read the file, because it holds all of the guest's
/// memory. Only a regular file is replaced; anything else, such as a symbolic link, is `HL_ERR_IO`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_snapshot_save(
    snapshot: *const hl_snapshot,
    path: *const c_char,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let snapshot = unsafe { guard::deref(snapshot, "snapshot") }?;
        // SAFETY: passed on.
        let path = unsafe { guard::c_str(path, "path") }?;
        Ok(snapshot.snapshot.save(OsStr::from_bytes(path.to_bytes()))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Reads a snapshot from a file, which is not needed afterwards. `HL_ERR_IO` if it cannot be read.
/// `HL_ERR_SNAPSHOT_FILE` if it is damaged, of another version, larger than the defaults of `hl_load_options` allow, or
/// needs a processor with other features. Its checksum finds damage, not forgery.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_snapshot_load(
    path: *const c_char,
    out: *mut *mut hl_snapshot,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let path = unsafe { guard::c_str(path, "path") }?;
        Ok(hl_snapshot { snapshot: Snapshot::load(OsStr::from_bytes(path.to_bytes()))? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Reads a snapshot from a file as `hl_snapshot_load` does, with other size limits. `options` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_snapshot_load_with(
    path: *const c_char,
    options: *const hl_load_options,
    out: *mut *mut hl_snapshot,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let path = unsafe { guard::c_str(path, "path") }?;
        // SAFETY: passed on.
        let options = unsafe { hl_load_options::read(options) }?;
        Ok(hl_snapshot { snapshot: Snapshot::load_with(OsStr::from_bytes(path.to_bytes()), &options)? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Frees a snapshot. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_snapshot_free(snapshot: *mut hl_snapshot) {
    // SAFETY: passed on; `guard::create` made it.
    unsafe { guard::free(snapshot) };
}
