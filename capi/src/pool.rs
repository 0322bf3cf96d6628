//! Pools: sandboxes kept ready from one snapshot.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, OnceLock};

use libhyperlight::Pool;

use crate::error::{hl_error, hl_status};
use crate::function::Function;
use crate::guard;
use crate::host::{Callback, UserData, hl_free_fn, hl_host_fn};
use crate::options::{Structure, hl_pool_options};
use crate::sandbox::{hl_sandbox, signature};
use crate::snapshot::hl_snapshot;

/// Sandboxes kept ready from one snapshot. Any number of threads may call its functions at a time.
#[derive(Debug)]
pub struct hl_pool {
    /// Shared with waiting threads, so that it outlives a handle that is freed meanwhile.
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: Pool,
    /// The guest's functions, the same for every member; known once the first member exists.
    functions: OnceLock<Arc<[Function]>>,
}

impl hl_pool {
    pub(crate) fn pool(&self) -> &Pool {
        &self.shared.pool
    }
}

/// A pool's statistics. Start from `HL_POOL_STATISTICS_INIT`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct hl_pool_statistics {
    /// `sizeof(hl_pool_statistics)`; set by the caller.
    pub size: usize,
    /// Members in use.
    pub in_use: u64,
    /// Members that are ready.
    pub idle: u64,
    /// Members made so far.
    pub created: u64,
    /// Members dropped because they could not be restored.
    pub replaced: u64,
    /// Acquisitions that had to wait.
    pub waits: u64,
    /// Total time that acquisitions waited, in nanoseconds.
    pub waited_ns: u64,
}

/// Makes a pool, initially without members. `options` may be NULL. The snapshot may be freed afterwards.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_pool_new(
    snapshot: *const hl_snapshot,
    options: *const hl_pool_options,
    out: *mut *mut hl_pool,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let snapshot = unsafe { guard::deref(snapshot, "snapshot") }?;
        // SAFETY: passed on.
        let options = unsafe { hl_pool_options::read(options) }?;
        let pool = Pool::new(&snapshot.snapshot, options)?;
        Ok(hl_pool { shared: Arc::new(Shared { pool, functions: OnceLock::new() }) })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Registers a host function for every member, before the first acquisition, as `hl_sandbox_register` does. `function`
/// may be called on several threads at a time: `user_data` is shared.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_pool_register(
    pool: *mut hl_pool,
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
        // SAFETY: passed on.
        let pool = &unsafe { guard::deref(pool, "pool") }?.shared.pool;
        // SAFETY: passed on.
        let name = unsafe { guard::text(name, "name") }?;
        let function = function.ok_or_else(|| hl_error::null("function"))?;
        // SAFETY: passed on.
        let signature = unsafe { signature(param_kinds, n_params, return_kind) }?;
        let callback = Callback { name: name.into(), function, user_data };
        Ok(pool.register_dynamic(name, signature, move |arguments| callback.call(arguments))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Acquires a member, evolved and in the snapshot's state, for this caller alone. `hl_sandbox_free` gives it back.
/// While all members are in use, callers wait in order of arrival; `HL_ERR_POOL_TIMEOUT` if the options' acquire
/// timeout passes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_pool_acquire(
    pool: *mut hl_pool,
    out: *mut *mut hl_sandbox,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let shared = Arc::clone(&unsafe { guard::deref(pool, "pool") }?.shared);
        let member = shared.pool.acquire()?;
        let functions = shared.functions.get_or_init(|| Function::list(&member));
        Ok(hl_sandbox::pooled(member, Arc::clone(functions)))
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Gets the pool's statistics. `out->size` must be set; a smaller structure, of an older header, gets its part.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_pool_stats(pool: *const hl_pool, out: *mut hl_pool_statistics) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let pool = &unsafe { guard::deref(pool, "pool") }?.shared.pool;
        if out.is_null() {
            return Err(hl_error::null("out"));
        }
        // SAFETY: not NULL, so, by the header's rules, a structure whose first member is its size; any bytes are valid
        // in it.
        let size = unsafe { out.cast::<usize>().read() };
        if size < size_of::<usize>() || !size.is_multiple_of(size_of::<u64>()) {
            return Err(hl_error::invalid(format!(
                "the `size` of hl_pool_statistics is {size}; start from HL_POOL_STATISTICS_INIT"
            )));
        }
        let found = pool.statistics()?;
        let statistics = hl_pool_statistics {
            size,
            in_use: found.in_use,
            idle: found.idle,
            created: found.created,
            replaced: found.replaced,
            waits: found.waits,
            waited_ns: u64::try_from(found.waited.as_nanos()).unwrap_or(u64::MAX),
        };
        let len = size.min(size_of::<hl_pool_statistics>());
        // SAFETY: by the header's rules `out` has `size` bytes, of which no more are written.
        unsafe { out.cast::<u8>().copy_from_nonoverlapping((&raw const statistics).cast(), len) };
        Ok(())
    };
    // SAFETY: NULL is allowed for an error that is not wanted.
    unsafe { guard::status(std::ptr::null_mut(), work) }
}

/// Frees a pool. Members in use stay usable, and are destroyed when they are given back. Waiting callers get
/// `HL_ERR_CLOSED`. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_pool_free(pool: *mut hl_pool) {
    guard::plain((), || {
        // SAFETY: by the header's rules a handle that is not NULL is alive.
        if let Some(pool) = unsafe { pool.as_ref() } {
            pool.shared.pool.close();
        }
    });
    // SAFETY: passed on; `guard::create` made it.
    unsafe { guard::free(pool) };
}

const _: () = {
    assert!(size_of::<hl_pool_statistics>() == 56);
    assert!(std::mem::offset_of!(hl_pool_statistics, waited_ns) == 48);
};
