//! Check of a thread's remaining stack.
//!
//! A host function may make a sandbox whose host function makes a sandbox, and so on. Every level takes stack for
//! Rust's frames, which Python's recursion limit does not count, and the guest may control the number of levels. So the
//! stack is checked before a guest runs, and an exhausted stack raises an exception instead of ending the process.

use std::cell::OnceCell;
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;

/// Stack that a call may use, including Python inside of it, until the next check. Debug builds need about a quarter of
/// it.
const ROOM: usize = 96 << 10;

/// glibc's `pthread_attr_t`, with room to spare.
#[repr(C, align(16))]
struct Attributes([u8; 128]);

#[expect(unsafe_code, reason = "the C library alone knows where a thread's stack is")]
// SAFETY: as glibc and musl declare them; a `pthread_t` is a machine word in both.
unsafe extern "C" {
    fn pthread_self() -> usize;
    fn pthread_getattr_np(thread: usize, attributes: *mut Attributes) -> c_int;
    fn pthread_attr_getstack(
        attributes: *const Attributes,
        start: *mut *mut c_void,
        size: *mut usize,
    ) -> c_int;
    fn pthread_attr_destroy(attributes: *mut Attributes) -> c_int;
}

thread_local! {
    static STACK: OnceCell<Range<usize>> = const { OnceCell::new() };
}

/// Fails if too little stack is left.
pub fn check() -> PyResult<()> {
    let local = 0_u8;
    let here = ptr::from_ref(&local).addr();
    let is_short = STACK
        .try_with(|stack| {
            let stack = stack.get_or_init(find);
            // Code on another stack, such as a greenlet's, is not checked.
            stack.contains(&here) && here - stack.start < ROOM
        })
        .unwrap_or(false);
    if is_short {
        return Err(PyRecursionError::new_err(
            "this thread has too little of its stack left to run a guest: sandboxes call each other's host functions too deep, \
             or threading.stack_size is too small",
        ));
    }
    Ok(())
}

/// Finds this thread's stack; an empty range if it is not known.
fn find() -> Range<usize> {
    let mut attributes = Attributes([0; 128]);
    let (mut start, mut size) = (ptr::null_mut(), 0);
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: the attributes are this thread's, are filled in before they are read, and are given back once.
    let is_known = unsafe {
        pthread_getattr_np(pthread_self(), &raw mut attributes) == 0 && {
            let is_known = pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size) == 0;
            pthread_attr_destroy(&raw mut attributes);
            is_known
        }
    };
    if is_known { start.addr()..start.addr().saturating_add(size) } else { 0..0 }
}
