//! Host functions: the caller's callbacks, which the guest may call.

use std::alloc::{self, Layout};
use std::ffi::c_void;
use std::{fmt, ptr};

use libhyperlight::{HostError, MAX_PARAMETERS, Value, ValueRef};

use crate::error::{HL_ERR_HOST_FUNCTION, HL_ERR_INVALID_ARGUMENT, HL_OK, hl_status};
use crate::guard;
use crate::value::{hl_bytes, hl_value};

/// A host function. Runs on the thread that made the call, inside it.
///
/// `args` have the kinds that the function was registered with. They, and the data behind them, live until it returns.
/// `*result` is initially `HL_VOID`. Returns `HL_OK`, or any other status, which reaches the guest as an error value.
/// `return hl_call_fail(call, text);` adds a message.
pub type hl_host_fn = Option<
    unsafe extern "C-unwind" fn(
        user_data: *mut c_void,
        call: *mut hl_call,
        args: *const hl_value,
        n_args: usize,
        result: *mut hl_value,
    ) -> hl_status,
>;

/// Frees `user_data`. NULL if there is nothing to free.
pub type hl_free_fn = Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>;

/// One call of a host function in progress; lives until the function returns.
#[derive(Debug, Default)]
pub struct hl_call {
    failure: Option<String>,
    allocations: Vec<Vec<u8>>,
}

/// Sets the message of a host function's failure: `return hl_call_fail(call, text);`. The message is copied. Always
/// returns `HL_ERR_HOST_FUNCTION`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_call_fail(call: *mut hl_call, message: hl_bytes) -> hl_status {
    guard::plain((), || {
        // SAFETY: by the header's rules `call` is the one in progress, and only its own callback uses it.
        let call = unsafe { call.as_mut() };
        // SAFETY: passed on.
        let message = unsafe { message.as_slice() };
        if let (Some(call), Some(message)) = (call, message) {
            call.failure = Some(String::from_utf8_lossy(message).into_owned());
        }
    });
    HL_ERR_HOST_FUNCTION
}

/// Allocates zeroed memory for the text or bytes of a host function's result, or for the structures of an `hl_any`,
/// aligned for any type. The library frees it, even if it is not used. NULL if there is no memory. Any other memory
/// that a result points to must live until the outer call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_call_alloc(call: *mut hl_call, len: usize) -> *mut c_void {
    guard::plain(ptr::null_mut(), || {
        // SAFETY: by the header's rules `call` is the one in progress, and only its own callback uses it.
        unsafe { call.as_mut() }.and_then(|call| call.allocate(len)).unwrap_or(ptr::null_mut())
    })
}

impl hl_call {
    fn allocate(&mut self, len: usize) -> Option<*mut c_void> {
        // A length of 0, too, has an address of its own.
        let layout = Layout::array::<u8>(len.max(1)).ok()?;
        self.allocations.try_reserve(1).ok()?;
        // The allocator of a C library is `malloc` itself, which aligns for any type.
        // SAFETY: the layout's size is not 0.
        let start = unsafe { alloc::alloc_zeroed(layout) };
        if start.is_null() {
            return None;
        }
        // SAFETY: allocated just now by the global allocator with this capacity and the alignment of `u8`; all of it is
        // initialised.
        self.allocations.push(unsafe { Vec::from_raw_parts(start, layout.size(), layout.size()) });
        Some(start.cast())
    }

    /// The bytes of a result: moved if [`hl_call_alloc`] allocated them, otherwise copied.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let own = self.allocations.iter().position(|own| ptr::eq(own.as_ptr(), bytes.as_ptr()));
        match own {
            Some(index) if bytes.len() <= self.allocations[index].len() => {
                let len = bytes.len();
                let mut own = self.allocations.swap_remove(index);
                own.truncate(len);
                own
            }
            _ => bytes.to_vec(),
        }
    }
}

/// A callback that the caller registered, with values of one form or the other.
pub(crate) struct Callback<V> {
    pub name: Box<str>,
    pub function: Function<V>,
    pub user_data: UserData,
}

/// The shape of every callback.
pub(crate) type Function<V> =
    unsafe extern "C-unwind" fn(*mut c_void, *mut hl_call, *const V, usize, *mut V) -> hl_status;

impl<V> Callback<V> {
    /// Calls the callback. Returns the result that it gave in the place of `initial`, with the call, which may own the
    /// data behind it.
    pub fn run(&self, arguments: &[V], initial: V) -> Result<(V, hl_call), HostError> {
        let mut call = hl_call::default();
        let mut result = initial;
        // SAFETY: who registered the callback promised that it can be called like this, on any thread, as long as its
        // `user_data` was not freed, which `self` owns. Everything else lives until it has returned.
        let status = unsafe {
            (self.function)(
                self.user_data.data,
                &raw mut call,
                arguments.as_ptr(),
                arguments.len(),
                &raw mut result,
            )
        };
        if status == HL_OK {
            return Ok((result, call));
        }
        let text = call
            .failure
            .unwrap_or_else(|| format!("the host function `{}` failed with status {status}", self.name));
        Err(HostError::new(text).with_status(status))
    }
}

impl Callback<hl_value> {
    /// Calls the callback with values of the engine.
    pub fn call(&self, arguments: &[ValueRef<'_>]) -> Result<Value, HostError> {
        let mut values = [hl_value::VOID; MAX_PARAMETERS];
        for (place, value) in values.iter_mut().zip(arguments) {
            *place = hl_value::of(*value);
        }
        let values = values.get(..arguments.len()).unwrap_or_default();
        let (result, mut call) = self.run(values, hl_value::VOID)?;
        // SAFETY: `result` is initialised; what the callback has put into it lives at least until the outer call has
        // ended, by the header's rules, or belongs to `call`.
        match unsafe { hl_value::read(&raw const result) } {
            Ok(ValueRef::String(text)) => {
                // SAFETY: the bytes are those of `text`, moved or copied.
                Ok(Value::String(unsafe { String::from_utf8_unchecked(call.take(text.as_bytes())) }))
            }
            Ok(ValueRef::Bytes(bytes)) => Ok(Value::Bytes(call.take(bytes))),
            Ok(value) => Ok(Value::from(value)),
            Err(what) => {
                let text = format!("the result of the host function `{}` {what}", self.name);
                Err(HostError::new(text).with_status(HL_ERR_INVALID_ARGUMENT))
            }
        }
    }
}

/// A pointer of the caller's with its free function, called once when this is dropped.
pub(crate) struct UserData {
    pub data: *mut c_void,
    pub free: hl_free_fn,
}

// SAFETY: the header's rules say that a callback runs on the thread that called, whichever that is, and that its
// `user_data` is freed by whichever thread drops the last user: the caller promised that both are fine.
unsafe impl Send for UserData {}
// SAFETY: as above; the library itself never looks at what the pointer points to.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the caller promised that `free` may be called with `data`, once; this is the one drop.
            unsafe { free(self.data) };
        }
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData").finish_non_exhaustive()
    }
}
