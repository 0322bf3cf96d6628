//! The border: keeps a panic, a NULL or bad text of the caller's from becoming undefined behaviour.
//!
//! Every exported function runs inside [`status`], [`create`] or [`plain`]. They turn a panic of this library into an
//! ordinary error. Its message goes into that error, not to standard error.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::Once;

use crate::error::{HL_ERR_INTERNAL, HL_OK, hl_error, hl_status};

/// Runs the body of a function that returns a status. `err` may be NULL; it is written only on failure.
pub(crate) unsafe fn status(
    err: *mut *mut hl_error,
    work: impl FnOnce() -> Result<(), hl_error>,
) -> hl_status {
    let error = match contain(work) {
        Ok(Ok(())) => return HL_OK,
        Ok(Err(error)) => error,
        Err(panic) => hl_error::new(HL_ERR_INTERNAL, format!("internal error, please report it: {panic}")),
    };
    let status = error.status();
    if !err.is_null() {
        // SAFETY: by the header's rules a pointer that is not NULL points to a place of its type.
        unsafe { err.write(Box::into_raw(Box::new(error))) };
    }
    status
}

/// Runs the body of a constructor. `out` gets the new object, or NULL on failure.
pub(crate) unsafe fn create<T>(
    out: *mut *mut T,
    err: *mut *mut hl_error,
    work: impl FnOnce() -> Result<T, hl_error>,
) -> hl_status {
    // SAFETY: passed on.
    unsafe { give(out, err, || Ok(Box::into_raw(Box::new(work()?)))) }
}

/// Runs the body of a function that gives an object away. `out` gets the object, or NULL on failure.
pub(crate) unsafe fn give<T>(
    out: *mut *mut T,
    err: *mut *mut hl_error,
    work: impl FnOnce() -> Result<*mut T, hl_error>,
) -> hl_status {
    let work = || {
        if out.is_null() {
            return Err(hl_error::null("out"));
        }
        // SAFETY: not NULL, so, by the header's rules, a place of its type.
        unsafe { out.write(ptr::null_mut()) };
        let given = work()?;
        // SAFETY: as before.
        unsafe { out.write(given) };
        Ok(())
    };
    // SAFETY: `err` is what the caller of this function was given.
    unsafe { status(err, work) }
}

/// Runs the body of a function that returns no status. The result is `otherwise` if the body panics.
pub(crate) fn plain<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    contain(work).unwrap_or(otherwise)
}

/// Frees an object that [`create`] made. NULL is allowed.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    plain((), || {
        // SAFETY: `create` made it from a box of this type, and by the header's rules it is freed once.
        drop(unsafe { Box::from_raw(handle) });
    });
}

/// Dereferences a handle; fails if it is NULL.
pub(crate) unsafe fn deref<'a, T>(handle: *const T, name: &str) -> Result<&'a T, hl_error> {
    // SAFETY: by the header's rules a handle that is not NULL is alive for the whole of a call.
    unsafe { handle.as_ref() }.ok_or_else(|| hl_error::null(name))
}

/// Borrows a C string; fails if it is NULL.
pub(crate) unsafe fn c_str<'a>(text: *const c_char, name: &str) -> Result<&'a CStr, hl_error> {
    if text.is_null() {
        return Err(hl_error::null(name));
    }
    // SAFETY: not NULL, so, by the header's rules, a C string that lives for the whole of the call.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// Borrows the text of a C string; fails if it is NULL or not UTF-8.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str, hl_error> {
    // SAFETY: passed on.
    let text = unsafe { c_str(text, name) }?;
    text.to_str().map_err(|_| hl_error::invalid(format!("`{name}` is not UTF-8")))
}

/// Runs `work`; a panic in it is returned as text.
fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let _depth = Depth::enter();
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = LAST_PANIC.try_with(RefCell::take).unwrap_or_default();
        let text = if text.is_empty() { payload_text(&*payload) } else { text };
        // Dropping what was thrown might throw again.
        std::mem::forget(payload);
        text
    })
}

thread_local! {
    /// Number of this library's functions on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Message of the last panic, from the hook.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Counts one function of this library on the stack, while it lives.
struct Depth;

impl Depth {
    fn enter() -> Self {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
    }
}

/// Makes panics inside the library silent. Panics of other Rust code that shares the process's hook (a Rust program
/// that links the static library) still reach the previous hook.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    // The hook cannot be changed by a thread that is unwinding; the next call will do it.
    if INSTALLED.is_completed() || std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_ours = DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false);
            if is_ours {
                let text = info.to_string().replace('\n', " ");
                let _ = LAST_PANIC.try_with(|last| last.replace(text));
            } else {
                previous(info);
            }
        }));
    });
}

fn payload_text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{HL_ERR_INVALID_ARGUMENT, hl_error_code, hl_error_free, hl_error_message};

    #[test]
    fn a_panic_is_an_error_that_says_where() {
        let mut err = ptr::null_mut();
        // SAFETY: `err` is a place for an error.
        let status = unsafe { status(&raw mut err, || panic!("the moon is {}", "full")) };
        assert_eq!(status, HL_ERR_INTERNAL);
        // SAFETY: the error was just made; its message is read before it is freed.
        unsafe {
            assert_eq!(hl_error_code(err), HL_ERR_INTERNAL);
            let message =
                String::from_utf8_lossy(hl_error_message(err).as_slice().unwrap_or_default()).into_owned();
            assert!(message.contains("the moon is full") && message.contains("guard.rs"), "{message}");
            assert!(!message.contains('\n'), "{message}");
            hl_error_free(err);
        }
    }

    #[test]
    fn a_panic_without_a_place_for_an_error_is_a_status() {
        // SAFETY: NULL is allowed.
        let status = unsafe { status(ptr::null_mut(), || panic!("nobody listens")) };
        assert_eq!(status, HL_ERR_INTERNAL);
    }

    #[test]
    fn what_could_not_be_made_is_null() {
        let mut out = ptr::dangling_mut::<u8>();
        // SAFETY: `out` is a place for a pointer; NULL is allowed for the error.
        let status = unsafe { create(&raw mut out, ptr::null_mut(), || Err(hl_error::null("x"))) };
        assert_eq!(status, HL_ERR_INVALID_ARGUMENT);
        assert!(out.is_null());
    }

    #[test]
    fn a_plain_function_has_an_answer_for_a_panic() {
        assert_eq!(plain(7, || panic!("no")), 7);
        assert_eq!(plain(7, || 8), 8);
    }
}
