//! Calls of host functions.

use core::cell::RefCell;
use core::ffi::c_char;

use sdk::limits::MAX_PARAMETERS;
use sdk::{Error, Result, Value, ValueRef, code};

use crate::arena;
use crate::libc::single::Single;
use crate::libc::stdio;
use crate::libc::text::bytes;
use crate::value::HlValue;

/// The status of a host function's failure that has no status of its own: `HL_ERR_HOST_FUNCTION`.
const HOST_FUNCTION: i32 = -9;

/// The last failure in the running guest function.
static LAST: Single<RefCell<Option<Error>>> = Single::new(RefCell::new(None));

/// Returns the failure to pass on.
pub fn last_error() -> Error {
    let none = || Error::new(code::STATE, "no host call has failed, so there is no error to pass on");
    LAST.borrow().clone().unwrap_or_else(none)
}

/// Forgets the last failure: its token is valid in one call only.
pub fn forget_error() {
    LAST.take();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hl_host_call(
    name: *const c_char,
    arguments: *const HlValue,
    count: usize,
    result: *mut HlValue,
) -> i32 {
    // SAFETY: the caller gives a name, `count` values, and room for the result or NULL.
    let outcome = unsafe { call(name, arguments, count) };
    let (status, value) = match outcome {
        Ok(value) => (0, value),
        Err(error) => {
            let status = if error.code == 0 { HOST_FUNCTION } else { error.code };
            LAST.replace(Some(error));
            (status, Value::Void)
        }
    };
    if !result.is_null() {
        // SAFETY: as above.
        unsafe { *result = HlValue::copy(value.borrow()) };
    }
    status
}

/// # Safety
/// `name` is NULL or a string, and there are `count` values whose text and bytes can be read.
unsafe fn call(name: *const c_char, arguments: *const HlValue, count: usize) -> Result<Value> {
    let invalid = |what: &str| Error::new(code::INVALID_ARGUMENT, what);
    if name.is_null() {
        return Err(invalid("the name of a host function is NULL"));
    }
    // SAFETY: the caller's promise.
    let name = core::str::from_utf8(unsafe { bytes(name) })
        .map_err(|_| invalid("the name of a host function is not UTF-8"))?;
    if count > MAX_PARAMETERS || (arguments.is_null() && count > 0) {
        return Err(invalid("a host function is called with more arguments than there can be, or with NULL"));
    }
    let mut values = [ValueRef::Void; MAX_PARAMETERS];
    for (index, place) in values.iter_mut().take(count).enumerate() {
        // SAFETY: the caller's promise; the index is below `count`.
        *place = unsafe { (*arguments.wrapping_add(index)).read()? };
    }
    // Output printed before the call must appear before it.
    stdio::flush();
    sdk::host_call(name, values.get(..count).unwrap_or_default())
}

#[unsafe(no_mangle)]
extern "C" fn hl_host_error_message() -> *const c_char {
    match LAST.borrow().as_ref() {
        None => c"".as_ptr(),
        Some(error) => arena::copy(error.message.as_bytes()).as_ptr(),
    }
}
