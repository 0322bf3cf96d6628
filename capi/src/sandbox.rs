//! Sandboxes: who is inside, what state it is in, and when it really goes away.
//!
//! C promises little, so the handle keeps count itself. One word says whether somebody is inside (then everybody else
//! is told `HL_ERR_BUSY`) and whether the handle was freed meanwhile (then whoever is inside takes it away on leaving).

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use libhyperlight::{
    CallOptions, ErrorCode, InterruptHandle, MAX_PARAMETERS, PooledSandbox, Sandbox, Signature, Snapshot,
    State, UninitializedSandbox,
};

use crate::error::{
    HL_ERR_BUSY, HL_ERR_CLOSED, HL_ERR_FUNCTION_NOT_FOUND, HL_ERR_POISONED, HL_ERR_STATE, hl_error, hl_status,
};
use crate::function::Function;
use crate::guard;
use crate::guest::hl_guest;
use crate::host::{Callback, UserData, hl_free_fn, hl_host_fn};
use crate::options::{Structure, hl_call_options, hl_sandbox_options};
use crate::value::{self, Arguments, HL_BYTES, HL_STRING, hl_value};

/// Takes host functions; its guest has not started.
pub const HL_STATE_UNINITIALIZED: u32 = 0;
/// Can be called.
pub const HL_STATE_READY: u32 = 1;
/// A call, or evolve, is running.
pub const HL_STATE_RUNNING: u32 = 2;
/// Can only be restored or freed: its guest was stopped in the middle.
pub const HL_STATE_POISONED: u32 = 3;

/// A sandbox: one virtual machine that holds one guest. Used by one thread at a time, no matter which.
pub struct hl_sandbox {
    /// [`BUSY`] and [`FREED`].
    word: AtomicU32,
    state: AtomicU32,
    /// The process that made it.
    pid: u32,
    /// Written once, by evolve.
    functions: OnceLock<Arc<[Function]>>,
    /// Stops the calls; `None` if the program ignores the signal that does. Dropped before the engine: a pool makes a
    /// member's handles worthless if any are left.
    interrupt: Option<InterruptHandle>,
    /// Belongs to whoever has set [`BUSY`].
    inner: UnsafeCell<Inner>,
}

struct Inner {
    engine: Engine,
    /// Poisoned, whatever the engine says.
    is_broken: bool,
}

enum Engine {
    Uninitialized(UninitializedSandbox),
    Evolved(Sandbox),
    Pooled(PooledSandbox),
}

impl Engine {
    fn evolved(&mut self) -> Result<&mut Sandbox, hl_error> {
        match self {
            Self::Uninitialized(_) => Err(hl_error::new(HL_ERR_STATE, "the sandbox must evolve first")),
            Self::Evolved(sandbox) => Ok(sandbox),
            Self::Pooled(member) => Ok(member),
        }
    }
}

/// Makes a sandbox for a guest. It costs next to nothing until it evolves. `options` may be NULL.
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

/// Registers a host function, before evolve; in place of one that has the name. `HostPrint (string) -> i32`, which every
/// sandbox starts with, can be replaced as well: it writes to file descriptor 1, past the buffer of stdio. A `param_kinds`
/// of NULL is fine where `n_params` is 0.
///
/// `user_data` is handed to `function`, and freed by `free_fn` (which may be NULL) exactly once: when the sandbox goes away,
/// when the function is replaced or removed, and also when this fails.
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
        let mut inside = unsafe { Inside::enter(sandbox) }?;
        let callback = Callback { name: name.into(), function, user_data };
        let engine = inside.uninitialized("host functions are registered before evolve")?;
        Ok(engine.register_dynamic(name, signature, move |arguments| callback.call(arguments))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Removes a host function, before evolve; also `HostPrint`. `HL_ERR_FUNCTION_NOT_FOUND` if there is none of that name.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_unregister(
    sandbox: *mut hl_sandbox,
    name: *const c_char,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: passed on.
        let name = unsafe { guard::text(name, "name") }?;
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox) }?;
        if inside.uninitialized("host functions are removed before evolve")?.unregister(name)? {
            Ok(())
        } else {
            let text = format!("the sandbox has no host function `{}`", name.escape_debug());
            Err(hl_error::new(HL_ERR_FUNCTION_NOT_FOUND, text))
        }
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Starts the guest: makes the virtual machine, lets the guest initialise itself, learns its functions. Once.
///
/// A failure before the guest has run (no hypervisor, no memory) leaves the sandbox as it was, and this can be tried
/// again. If the guest was stopped in the middle, the sandbox is poisoned.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_evolve(sandbox: *mut hl_sandbox, err: *mut *mut hl_error) -> hl_status {
    // SAFETY: passed on.
    unsafe { guard::status(err, || Inside::enter(sandbox)?.evolve(&CallOptions::new())) }
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
        unsafe { Inside::enter(sandbox) }?.evolve(&options)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Calls a guest function. `result` is written to in any case: `HL_VOID` on failure. Its text or bytes are views, which
/// die with the next call, restore or snapshot of the sandbox, or with the sandbox. `args` may be NULL where `n_args` is 0.
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

/// What the sandbox can do next: one of the `HL_STATE_*`. May be asked by any thread, also while a call runs. NULL is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_state(sandbox: *const hl_sandbox) -> u32 {
    guard::plain(HL_STATE_UNINITIALIZED, || {
        // SAFETY: passed on.
        let sandbox = unsafe { guard::deref(sandbox, "sandbox") };
        sandbox.map_or(HL_STATE_UNINITIALIZED, |sandbox| sandbox.state.load(Ordering::Acquire))
    })
}

/// Frees a sandbox, and everything that was registered with it; its virtual machine is destroyed soon. While a call runs,
/// also from its own callbacks, that happens when the call ends; the handle must not be used any more all the same. NULL
/// is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_free(sandbox: *mut hl_sandbox) {
    guard::plain((), || {
        // SAFETY: by the header's rules a handle that is not NULL is alive.
        let Some(handle) = (unsafe { sandbox.as_ref() }) else {
            return;
        };
        if handle.word.fetch_or(FREED, Ordering::AcqRel) & BUSY == 0 {
            // SAFETY: `guard::create` made the box. Nobody is inside, and nobody can enter any more.
            drop(unsafe { Box::from_raw(sandbox) });
        }
    });
}

/// Somebody is inside.
const BUSY: u32 = 1;
/// The handle was freed.
const FREED: u32 = 2;

impl hl_sandbox {
    pub(crate) fn new(mut engine: UninitializedSandbox) -> Self {
        let interrupt = engine.interrupt_handle().ok();
        Self::with(HL_STATE_UNINITIALIZED, OnceLock::new(), interrupt, Engine::Uninitialized(engine))
    }

    /// A member of a pool, in use.
    pub(crate) fn pooled(mut member: PooledSandbox, functions: Arc<[Function]>) -> Self {
        let interrupt = member.interrupt_handle().ok();
        Self::with(HL_STATE_READY, OnceLock::from(functions), interrupt, Engine::Pooled(member))
    }

    fn with(
        state: u32,
        functions: OnceLock<Arc<[Function]>>,
        interrupt: Option<InterruptHandle>,
        engine: Engine,
    ) -> Self {
        Self {
            word: AtomicU32::new(0),
            state: AtomicU32::new(state),
            pid: std::process::id(),
            functions,
            interrupt,
            inner: UnsafeCell::new(Inner { engine, is_broken: false }),
        }
    }

    /// What stops the calls.
    pub(crate) fn interrupt(&self) -> Option<InterruptHandle> {
        self.interrupt.clone()
    }

    /// The guest's functions, once it has evolved.
    pub(crate) fn functions(&self) -> Option<&[Function]> {
        self.functions.get().map(|functions| &**functions)
    }
}

impl fmt::Debug for hl_sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("hl_sandbox").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The one who is inside a sandbox.
pub(crate) struct Inside {
    /// Alive as long as this: [`hl_sandbox_free`] leaves it to us.
    sandbox: NonNull<hl_sandbox>,
}

impl Inside {
    /// Enters, if nobody is inside.
    pub unsafe fn enter(sandbox: *mut hl_sandbox) -> Result<Self, hl_error> {
        let Some(pointer) = NonNull::new(sandbox) else {
            return Err(hl_error::null("sandbox"));
        };
        // SAFETY: by the header's rules a handle that is not NULL is alive.
        let handle = unsafe { pointer.as_ref() };
        match handle.word.compare_exchange(0, BUSY, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Ok(Self { sandbox: pointer }),
            Err(word) if word & FREED != 0 => {
                Err(hl_error::new(HL_ERR_CLOSED, "the sandbox was freed; it goes away when its call ends"))
            }
            // The thread that is inside exists in the parent process only.
            Err(_) if handle.pid != std::process::id() => Err(hl_error::new(
                HL_ERR_STATE,
                "the sandbox belongs to the process that this one was forked from; make a new one here",
            )),
            Err(_) => Err(hl_error::new(
                HL_ERR_BUSY,
                "the sandbox is in use: by another thread, or by the call that this came from",
            )),
        }
    }

    fn handle(&self) -> &hl_sandbox {
        // SAFETY: alive as long as `self`.
        unsafe { self.sandbox.as_ref() }
    }

    fn inner(&mut self) -> &mut Inner {
        // SAFETY: `self` has set BUSY, so `inner` is its own; `&mut self` keeps the reference single.
        unsafe { &mut *self.handle().inner.get() }
    }

    /// The engine before evolve; `rule` says what was attempted too late.
    fn uninitialized(&mut self, rule: &str) -> Result<&mut UninitializedSandbox, hl_error> {
        match self.inner() {
            Inner { engine: Engine::Evolved(_) | Engine::Pooled(_), .. } => {
                Err(hl_error::new(HL_ERR_STATE, rule))
            }
            Inner { is_broken: true, .. } => Err(poisoned()),
            Inner { engine: Engine::Uninitialized(engine), .. } => Ok(engine),
        }
    }

    fn evolve(mut self, options: &CallOptions) -> Result<(), hl_error> {
        self.announce(HL_STATE_RUNNING);
        let engine = self.uninitialized("the sandbox has evolved already")?;
        match engine.try_evolve_with(options) {
            Ok(sandbox) => {
                // Nobody has evolved it before.
                let _ = self.handle().functions.set(Function::list(&sandbox));
                self.inner().engine = Engine::Evolved(sandbox);
                Ok(())
            }
            Err(error) => {
                self.inner().is_broken = !is_before_the_guest(error.code());
                Err(error.into())
            }
        }
    }

    /// Calls a function of the guest. Text and bytes of the result are views.
    fn call(
        &mut self,
        options: &CallOptions,
        function: &str,
        arguments: &Arguments<'_>,
    ) -> Result<hl_value, hl_error> {
        self.announce(HL_STATE_RUNNING);
        Ok(hl_value::of(self.usable()?.call_ref_with(options, function, arguments.as_slice())?))
    }

    /// The engine, if it can be used.
    pub fn usable(&mut self) -> Result<&mut Sandbox, hl_error> {
        match self.inner() {
            Inner { is_broken: true, .. } => Err(poisoned()),
            Inner { engine, .. } => engine.evolved(),
        }
    }

    /// Brings the guest back. Mends a panic, too.
    pub fn restore(mut self, snapshot: &Snapshot) -> Result<(), hl_error> {
        let inner = self.inner();
        inner.engine.evolved()?.restore(snapshot)?;
        inner.is_broken = false;
        Ok(())
    }

    fn announce(&self, state: u32) {
        self.handle().state.store(state, Ordering::Release);
    }

    /// Leaves. What is returned is the sandbox, if it was freed meanwhile.
    fn leave(self) -> Option<Box<hl_sandbox>> {
        let mut this = std::mem::ManuallyDrop::new(self);
        this.release()
    }

    /// Only for [`Self::leave`] and `drop`: `self` is worth nothing afterwards.
    fn release(&mut self) -> Option<Box<hl_sandbox>> {
        let is_panicking = std::thread::panicking();
        let inner = self.inner();
        inner.is_broken |= is_panicking;
        let state = match &inner.engine {
            _ if inner.is_broken => HL_STATE_POISONED,
            Engine::Uninitialized(_) => HL_STATE_UNINITIALIZED,
            Engine::Evolved(sandbox) if sandbox.state() == State::Ready => HL_STATE_READY,
            Engine::Pooled(member) if member.state() == State::Ready => HL_STATE_READY,
            Engine::Evolved(_) | Engine::Pooled(_) => HL_STATE_POISONED,
        };
        self.announce(state);
        let word = self.handle().word.fetch_and(!BUSY, Ordering::AcqRel);
        // SAFETY: `guard::create` made the box. It was freed while we were inside, so its freeing was left to us.
        (word & FREED != 0).then(|| unsafe { Box::from_raw(self.sandbox.as_ptr()) })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.release());
    }
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
        let mut inside = unsafe { Inside::enter(sandbox) }?;
        let value = inside.call(&options, function, &arguments)?;
        if inside.leave().is_some() && matches!(value.kind, HL_STRING | HL_BYTES) {
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
        let text = format!("a function has at most {MAX_PARAMETERS} parameters, but `n_params` is {count}");
        return Err(hl_error::invalid(text));
    }
    let params = (0..count)
        // SAFETY: by the header's rules `kinds` points to `count` of them.
        .map(|index| value::kind(unsafe { kinds.add(index).read() }, format_args!("parameter {index}")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Signature::new(&params, value::kind(returns, "the result")?)?)
}

/// Whether evolve failed before the guest has run.
fn is_before_the_guest(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::GuestBinary
            | ErrorCode::HypervisorUnavailable
            | ErrorCode::InvalidArgument
            | ErrorCode::Resource
            | ErrorCode::SnapshotMismatch
            | ErrorCode::State
    )
}

fn poisoned() -> hl_error {
    hl_error::new(
        HL_ERR_POISONED,
        "the guest was stopped in the middle of an earlier call; restore the sandbox, or make a new one",
    )
}

/// What crosses threads with a handle can cross threads.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<UninitializedSandbox>();
    is_send::<Sandbox>();
};
