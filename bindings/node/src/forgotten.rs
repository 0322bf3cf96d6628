//! Closes sandboxes that JavaScript has forgotten, before their finalizers run.
//!
//! Node runs finalizers when its event loop turns. A program that makes sandboxes in one go, and closes none, would
//! have thousands of virtual machines by then. Weak references show which objects are gone. If too many still exist, V8
//! is asked to collect garbage before another sandbox is made.
#![expect(unsafe_code, reason = "weak references, whose target may be gone, are Node's own functions only")]

use std::cell::RefCell;
use std::ptr;
use std::sync::{Arc, Weak};

use napi::bindgen_prelude::ToNapiValue;
use napi::{Env, sys};

use crate::sandbox::JsSandbox;
use crate::shared::SharedSandbox;
use crate::value::check;

/// Number of sandboxes before the first search. Each has two file descriptors; the usual limit of a process is 1024.
const FEW: usize = 64;

/// Pressure that makes V8 collect at once: more than it allows a program outside of its heap.
const PRESSURE: i64 = 1 << 40;

/// A JavaScript object and its sandbox.
struct Entry {
    /// One thread may have several environments that loaded the addon.
    env: sys::napi_env,
    object: sys::napi_ref,
    sandbox: Weak<SharedSandbox>,
}

struct Table {
    entries: Vec<Entry>,
    /// Number of entries that triggers the next search.
    limit: usize,
}

thread_local! {
    /// Entries of this thread's JavaScript. They go with the environment, which frees its references itself.
    static TABLE: RefCell<Table> = const { RefCell::new(Table { entries: Vec::new(), limit: FEW }) };
}

/// A sandbox whose object is watched.
#[derive(Debug)]
pub struct Watched(pub(crate) JsSandbox);

impl ToNapiValue for Watched {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        let sandbox = Arc::clone(&this.0.sandbox);
        // SAFETY: the caller's promise is passed on, here and below.
        let object = unsafe { JsSandbox::to_napi_value(env, this.0) }?;
        // SAFETY: as above; the object was just made.
        unsafe { watch(env, object, &sandbox) }?;
        Ok(object)
    }
}

/// # Safety
///
/// `object` is an object of the live environment `env`, whose JavaScript runs on this thread.
unsafe fn watch(
    env: sys::napi_env,
    object: sys::napi_value,
    sandbox: &Arc<SharedSandbox>,
) -> napi::Result<()> {
    let mut reference = ptr::null_mut();
    // SAFETY: the caller's promise. Without a count it does not keep the object.
    check(unsafe { sys::napi_create_reference(env, object, 0, &raw mut reference) })?;
    let entry = Entry { env, object: reference, sandbox: Arc::downgrade(sandbox) };
    TABLE.with_borrow_mut(|table| table.entries.push(entry));
    Ok(())
}

/// Closes forgotten sandboxes, if there are many. Called before another one is made.
pub(crate) fn make_room(env: Env) {
    let is_full = |table: &Table| table.entries.len() >= table.limit;
    if !TABLE.with_borrow(is_full) {
        return;
    }
    sweep();
    if TABLE.with_borrow(is_full) {
        collect(env);
        sweep();
    }
    // Collecting takes time in proportion to the program's whole heap, so the next search waits until the table has
    // doubled.
    TABLE.with_borrow_mut(|table| table.limit = FEW.max(2 * table.entries.len()));
}

/// Makes V8 collect garbage now.
fn collect(env: Env) {
    // If the hint fails, nothing has changed.
    if env.adjust_external_memory(PRESSURE).is_ok() {
        let _ = env.adjust_external_memory(-PRESSURE);
    }
}

/// Closes the sandboxes of objects that are gone, and forgets those that are closed.
fn sweep() {
    let entries = TABLE.with_borrow_mut(|table| std::mem::take(&mut table.entries));
    let kept: Vec<_> = entries.into_iter().filter(is_needed).collect();
    // Nothing above runs JavaScript, so none has been added meanwhile.
    TABLE.with_borrow_mut(|table| table.entries = kept);
}

fn is_needed(entry: &Entry) -> bool {
    // SAFETY: JavaScript is calling us on the thread of that environment, which lives as long as the thread's
    // JavaScript.
    let is_there = unsafe { is_there(entry.env, entry.object) };
    match entry.sandbox.upgrade() {
        Some(sandbox) if is_there && !sandbox.is_closed() => return true,
        Some(sandbox) => sandbox.close(),
        None => (),
    }
    // SAFETY: as above, and the reference is not used again.
    let _ = check(unsafe { sys::napi_delete_reference(entry.env, entry.object) });
    false
}

/// # Safety
///
/// `reference` is one of the live environment `env`.
unsafe fn is_there(env: sys::napi_env, reference: sys::napi_ref) -> bool {
    let (mut scope, mut object) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the environment is live. A handle scope, so that looking at the object does not keep it alive.
    if check(unsafe { sys::napi_open_handle_scope(env, &raw mut scope) }).is_err() {
        return true;
    }
    // SAFETY: as above.
    let asked = check(unsafe { sys::napi_get_reference_value(env, reference, &raw mut object) });
    // SAFETY: opened above; of `object`, only whether it is null is looked at.
    let _ = check(unsafe { sys::napi_close_handle_scope(env, scope) });
    asked.is_err() || !object.is_null()
}
