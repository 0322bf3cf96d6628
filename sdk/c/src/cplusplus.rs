//! The runtime that C++ code needs when built with `-fno-exceptions -fno-rtti`: `new` and `delete`, function statics,
//! and the exit handlers of a program, which a guest never runs.

use core::ffi::{c_int, c_void};

use crate::arena::out_of_memory;
use crate::libc::malloc::{free, malloc};

/// The abort code for a call of a missing function: a shell shows it for SIGABRT.
const NO_FUNCTION: c_int = 134;

/// Identifies the program in calls of `__cxa_atexit`.
#[unsafe(no_mangle)]
static __dso_handle: usize = 0;

/// Registers the destructor of a static, which never runs.
#[unsafe(no_mangle)]
extern "C" fn __cxa_atexit(
    _destructor: extern "C" fn(*mut c_void),
    _object: *mut c_void,
    _program: *const c_void,
) -> c_int {
    0
}

#[unsafe(no_mangle)]
extern "C" fn __cxa_pure_virtual() -> ! {
    sdk::abort(NO_FUNCTION, "a pure virtual function was called")
}

#[unsafe(no_mangle)]
extern "C" fn __cxa_deleted_virtual() -> ! {
    sdk::abort(NO_FUNCTION, "a deleted virtual function was called")
}

/// Returns 1 if a static in a function is not initialised yet, by the first byte of its guard.
#[unsafe(no_mangle)]
unsafe extern "C" fn __cxa_guard_acquire(guard: *mut u8) -> c_int {
    // SAFETY: the compiler gives the guard of a static.
    c_int::from(unsafe { *guard } == 0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __cxa_guard_release(guard: *mut u8) {
    // SAFETY: the compiler gives the guard of a static.
    unsafe { *guard = 1 };
}

/// Defines `operator new` under its mangled names. Without exceptions it cannot report a failure: it ends the guest.
macro_rules! new {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(size: usize) -> *mut c_void {
            let block = malloc(size);
            if block.is_null() {
                out_of_memory(size);
            }
            block
        }
    )*};
}

/// Defines `operator delete` under its mangled names.
macro_rules! delete {
    ($($name:ident($($size:ident: $type:ty)?);)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(block: *mut c_void $(, $size: $type)?) {
            // SAFETY: the caller gives what `new` gave, or NULL.
            unsafe { free(block) };
        }
    )*};
}

new! { _Znwm _Znam }

delete! {
    _ZdlPv();
    _ZdaPv();
    _ZdlPvm(_size: usize);
    _ZdaPvm(_size: usize);
}
