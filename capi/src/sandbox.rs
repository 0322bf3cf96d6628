//! Sandboxes. The engine's handle tracks the current user and the state. This file adds C's part: pointers, and the
//! memory of a handle that is freed while in use, which is released when the user leaves.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use libhyperlight::handle::{self, Handle, Operation, Remains, State};
use libhyperlight::{
    CallOptions, Error, InterruptHandle, MAX_PARAMETERS, PooledSandbox, Sandbox, Signature,
    UninitializedSandbox,
};

use crate::error::{HL_ERR_CLOSED, hl_error, hl_status};
use crate::function::Function;
use crate::guard;
use crate::guest::hl_guest;
use crate::host::{Callback, UserData, hl_free_fn, hl_host_fn};
use crate::options::{Structure, hl_call_options, hl_sandbox_options};
use crate::value::{self, Arguments, HL_BYTES, HL_STRING, hl_value};

/// Host functions can be registered; the guest has not started.
pub const HL_STATE_UNINITIALIZED: u32 = 0;
/// Can be called.
pub const HL_STATE_READY: u32 = 1;
/// In use: a call, evolve, or something else is running.
pub const HL_STATE_RUNNING: u32 = 2;
/// Can only be restored or freed: its guest was stopped in the middle. If that happened during its start, it can only
/// be freed.
pub const HL_STATE_POISONED: u32 = 3;

/// A sandbox: one virtual machine that holds one guest. Any thread may use it, one at a time.
pub struct hl_sandbox {
    handle: Handle,
    /// Written once, by evolve.
    functions: OnceLock<Arc<[Function]>>,
}

/// Makes a sandbox for a guest. It takes almost no resources until evolve. `options` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_new(
    guest: *const hl_guest,
    options: *const hl_sandbox_options,
    out: *mut *mut hl_sandbox,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let guest = unsafe { guard::deref(guest, "guest") }?;
        // SAFETY: passed on.
        let options = unsafe { hl_sandbox_options::read(options) }?;
        Ok(hl_sandbox::new(UninitializedSandbox::new(&guest.guest, options)?))
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Registers a host function, before evolve. It replaces one of the same name. Every sandbox starts with
/// `HostPrint (string) -> i32`, which can be replaced as well: it writes to file descriptor 1, bypassing stdio's
/// buffer. `param_kinds` may be NULL where `n_params` is 0.
///
/// `user_data` is passed to `function`. `free_fn` (which may be NULL) frees it exactly once: when the sandbox is freed,
/// when the function is replaced or removed, and also when this call fails.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_register(
    sandbox: *mut hl_sandbox,
    name: *const c_char,
    param_kinds: *const u32,
    n_params: usize,
    return_kind: u32,
    function: hl_host_fn,
    user_data: *mut c_void,
    free_fn: hl_free_fn,
    err: *mut *mut hl_error,
) -> hl_status {
    // First of all, so that every way out frees it.
    let user_data = UserData { data: user_data, free: free_fn };
    let work = move || {
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: passed on.
        let name = unsafe { guard::text(name, "name") }?;
        let function = function.ok_or_else(|| hl_error::null("function"))?;
        // SAFETY: passed on.
        let signature = unsafe { signature(param_kinds, n_params, return_kind) }?;
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Register) }?;
        let callback = Callback { name: name.into(), function, user_data };
        let engine = inside.inside().uninitialized()?;
        Ok(engine.register_dynamic(name, signature, move |arguments| callback.call(arguments))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Removes a host function, before evolve; also `HostPrint`. It succeeds even if there is none of that name; see
/// `hl_sandbox_unregister_found`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_unregister(
    sandbox: *mut hl_sandbox,
    name: *const c_char,
    err: *mut *mut hl_error,
) -> hl_status {
    // SAFETY: passed on.
    unsafe { guard::status(err, || unregister(sandbox, name).map(drop)) }
}

/// Removes a host function as `hl_sandbox_unregister` does. `*found` becomes 1 if there was one, else 0; on failure 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_unregister_found(
    sandbox: *mut hl_sandbox,
    name: *const c_char,
    found: *mut i32,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        if found.is_null() {
            return Err(hl_error::null("found"));
        }
        // SAFETY: passed on.
        let removed = unsafe { unregister(sandbox, name) };
        // SAFETY: not NULL, so, by the header's rules, a place of its type.
        unsafe { found.write(i32::from(*removed.as_ref().unwrap_or(&false))) };
        removed.map(drop)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Starts the guest: makes the virtual machine, lets the guest initialise itself, and reads its list of functions.
/// Allowed once.
///
/// A failure before the guest has run (no hypervisor, no memory) leaves the sandbox unchanged, and the call can be
/// repeated. After any other failure the sandbox is poisoned and can only be freed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_evolve(sandbox: *mut hl_sandbox, err: *mut *mut hl_error) -> hl_status {
    // SAFETY: passed on.
    unsafe { guard::status(err, || Inside::enter(sandbox, Operation::Evolve)?.evolve(&CallOptions::new())) }
}

/// Like `hl_sandbox_evolve`, with limits of its own. `options` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_evolve_with(
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: passed on.
        let options = unsafe { hl_call_options::read(options) }?;
        // SAFETY: passed on.
        unsafe { Inside::enter(sandbox, Operation::Evolve) }?.evolve(&options)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Calls a guest function. `args` may be NULL where `n_args` is 0. `result` is written in any case: `HL_VOID` on
/// failure. Its text or bytes are views, valid until the next call, restore or snapshot of the sandbox, or until it is
/// freed. If a callback freed the sandbox meanwhile, text and bytes are gone: `HL_ERR_CLOSED`.
///
/// If a callback has freed the sandbox meanwhile, text and bytes are gone: `HL_ERR_CLOSED`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_call(
    sandbox: *mut hl_sandbox,
    function: *const c_char,
    args: *const hl_value,
    n_args: usize,
    result: *mut hl_value,
    err: *mut *mut hl_error,
) -> hl_status {
    // SAFETY: passed on.
    unsafe { guard::status(err, || call(sandbox, std::ptr::null(), function, args, n_args, result)) }
}

/// Like `hl_sandbox_call`, with limits of its own. `options` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_call_with(
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    function: *const c_char,
    args: *const hl_value,
    n_args: usize,
    result: *mut hl_value,
    err: *mut *mut hl_error,
) -> hl_status {
    // SAFETY: passed on.
    unsafe { guard::status(err, || call(sandbox, options, function, args, n_args, result)) }
}

/// The state of a sandbox: one of the `HL_STATE_*`. May be called from any thread, also while a call runs. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_state(sandbox: *const hl_sandbox) -> u32 {
    guard::plain(HL_STATE_UNINITIALIZED, || {
        // SAFETY: passed on.
        let sandbox = unsafe { guard::deref(sandbox, "sandbox") };
        sandbox.map_or(HL_STATE_UNINITIALIZED, |sandbox| match sandbox.handle.state() {
            State::Uninitialized => HL_STATE_UNINITIALIZED,
            State::Ready => HL_STATE_READY,
            State::Poisoned => HL_STATE_POISONED,
            // A freed sandbox still exists while it is in use.
            _ => HL_STATE_RUNNING,
        })
    })
}

/// Frees a sandbox and everything registered with it; its virtual machine is destroyed soon. While a call runs, also
/// from its own callbacks, that happens when the call ends; the handle must not be used any more all the same. NULL is
/// allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_free(sandbox: *mut hl_sandbox) {
    guard::plain((), || {
        // SAFETY: by the header's rules a handle that is not NULL is alive.
        let Some(handle) = (unsafe { sandbox.as_ref() }) else {
            return;
        };
        if let Some(remains) = handle.handle.close() {
            // SAFETY: nobody is inside, and nobody can enter any more.
            unsafe { free(sandbox, remains) };
        }
    });
}

impl hl_sandbox {
    pub(crate) fn new(engine: UninitializedSandbox) -> Self {
        Self { handle: Handle::new(engine), functions: OnceLock::new() }
    }

    /// A member of a pool, in use.
    pub(crate) fn pooled(member: PooledSandbox, functions: Arc<[Function]>) -> Self {
        Self { handle: Handle::pooled(member), functions: OnceLock::from(functions) }
    }

    /// The handle that cancels the calls.
    pub(crate) fn interrupt(&self) -> Option<InterruptHandle> {
        self.handle.interrupt_handle().cloned()
    }

    /// The guest's functions, once it has evolved.
    pub(crate) fn functions(&self) -> Option<&[Function]> {
        self.functions.get().map(|functions| &**functions)
    }

    /// The guest's functions, or an error that says why they are not known.
    pub(crate) fn known_functions(&self) -> Result<&[Function], hl_error> {
        if self.functions().is_none() {
            self.handle.check(Operation::Inspect)?;
        }
        // It has just become ready.
        Ok(self.functions().unwrap_or_default())
    }
}

impl fmt::Debug for hl_sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("hl_sandbox").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// The current user of a sandbox.
pub(crate) struct Inside {
    /// Alive as long as this: [`hl_sandbox_free`] leaves the memory to the current user.
    sandbox: NonNull<hl_sandbox>,
    /// `None` only after leaving.
    inside: Option<handle::Inside>,
}

impl Inside {
    /// Enters, if the sandbox is free for the operation.
    pub unsafe fn enter(sandbox: *mut hl_sandbox, operation: Operation) -> Result<Self, hl_error> {
        let Some(pointer) = NonNull::new(sandbox) else {
            return Err(hl_error::null("sandbox"));
        };
        // SAFETY: by the header's rules a handle that is not NULL is alive.
        let inside = unsafe { pointer.as_ref() }.handle.enter(operation)?;
        Ok(Self { sandbox: pointer, inside: Some(inside) })
    }

    fn evolve(mut self, options: &CallOptions) -> Result<(), hl_error> {
        self.inside().evolve(options, &mut ())?;
        let functions = Function::list(self.inside().sandbox()?);
        // SAFETY: alive as long as `self`. Nobody has evolved it before.
        let _ = unsafe { self.sandbox.as_ref() }.functions.set(functions);
        Ok(())
    }

    /// The handle's access for its current user.
    pub fn inside(&mut self) -> &mut handle::Inside {
        self.inside.as_mut().unwrap_or_else(|| unreachable!("taken on leaving alone"))
    }

    /// Leaves. Returns true if the sandbox was freed meanwhile, and is now gone.
    fn leave(mut self) -> bool {
        self.release()
    }

    fn release(&mut self) -> bool {
        let Some(remains) = self.inside.take().and_then(handle::Inside::leave) else { return false };
        // SAFETY: it was freed while we were inside, so its freeing was left to us.
        unsafe { free(self.sandbox.as_ptr(), remains) };
        true
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.release();
    }
}

/// Frees a sandbox whose handle was closed.
///
/// # Safety
///
/// The sandbox is not in use, and this is called once.
unsafe fn free(sandbox: *mut hl_sandbox, remains: Remains) {
    // SAFETY: `guard::create` made the box; the rest is the caller's promise. The handle goes before what is left: a
    // pool makes a member's interrupt handles worthless if any are there.
    drop(unsafe { Box::from_raw(sandbox) });
    drop(remains);
}

unsafe fn unregister(sandbox: *mut hl_sandbox, name: *const c_char) -> Result<bool, hl_error> {
    if sandbox.is_null() {
        return Err(hl_error::null("sandbox"));
    }
    // SAFETY: passed on.
    let name = unsafe { guard::text(name, "name") }?;
    // SAFETY: passed on.
    let mut inside = unsafe { Inside::enter(sandbox, Operation::Register) }?;
    Ok(inside.inside().uninitialized()?.unregister(name)?)
}

unsafe fn call(
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    function: *const c_char,
    args: *const hl_value,
    n_args: usize,
    result: *mut hl_value,
) -> Result<(), hl_error> {
    if result.is_null() {
        return Err(hl_error::null("result"));
    }
    let work = || {
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: passed on.
        let options = unsafe { hl_call_options::read(options) }?;
        // SAFETY: passed on.
        let function = unsafe { guard::text(function, "function") }?;
        // SAFETY: passed on.
        let arguments = unsafe { Arguments::read(args, n_args) }?;
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Call) }?;
        let called = inside.inside().sandbox()?.call_ref_with(&options, function, arguments.as_slice());
        let value = hl_value::of(called?);
        if inside.leave() && matches!(value.kind, HL_STRING | HL_BYTES) {
            let text = "the sandbox was freed during the call, and the result's text or bytes with it";
            return Err(hl_error::new(HL_ERR_CLOSED, text));
        }
        Ok(value)
    };
    // After the arguments were read: `result` may be one of them.
    let value = work();
    let written = value.as_ref().map_or(hl_value::VOID, |value| *value);
    // SAFETY: not NULL, so, by the header's rules, a place of its type.
    unsafe { result.write(written) };
    value.map(drop)
}

pub(crate) unsafe fn signature(kinds: *const u32, count: usize, returns: u32) -> Result<Signature, hl_error> {
    if kinds.is_null() && count > 0 {
        return Err(hl_error::null("param_kinds"));
    }
    if count > MAX_PARAMETERS {
        return Err(Error::many_parameters(count).into());
    }
    let params = (0..count)
        // SAFETY: by the header's rules `kinds` points to `count` of them.
        .map(|index| value::kind(unsafe { kinds.add(index).read() }, format_args!("parameter {index}")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Signature::new(&params, value::kind(returns, "the result")?)?)
}

/// Checks that everything that crosses threads with a handle may do so.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<UninitializedSandbox>();
    is_send::<Sandbox>();
};
