//! Threads that the interpreter ends.
//!
//! When Python finalises, a daemon thread may still be inside a sandbox: in a host function that sleeps, say. Up to 3.13
//! Python ends such a thread, by `pthread_exit`, wherever it wants the interpreter next; and that unwinds its stack, which
//! has frames of Rust's, where such unwinding aborts the process. From 3.14 on Python lets the thread wait for ever instead,
//! and so it is here in all versions: the process is ending, and takes the thread along. PyO3 sees to the moments at which
//! it takes the interpreter itself, and not to those inside Python, such as the end of a `sleep` in a host function.
//!
//! glibc runs the oldest kind of cleanup handlers while it unwinds: before it leaves a frame, it looks for handlers whose
//! records lie below that frame on the stack. A record that lies on no stack at all counts as below every frame, so that
//! the handler runs before anything has been unwound; and it does not return. There is one record for each thread, with the
//! number of those who need it, because greenlets leave in another order than they came.

use std::cell::{Cell, OnceCell};
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr;

/// As long as it lives, this thread is not ended, but waits for ever where it would be. Wherever Rust may call Python.
#[derive(Debug)]
pub struct Kept {
    /// It belongs to the thread.
    not_send: PhantomData<*mut ()>,
}

/// glibc's `struct _pthread_cleanup_buffer`.
#[repr(C)]
struct Record {
    routine: extern "C" fn(*mut c_void),
    argument: *mut c_void,
    cancel_type: c_int,
    previous: *mut Self,
}

#[expect(unsafe_code, reason = "the C library alone can keep a thread from being unwound")]
// SAFETY: glibc has had both, like this, since its first threads of this kind, for programs that were built with old headers.
unsafe extern "C" {
    fn _pthread_cleanup_push(record: *mut Record, routine: extern "C" fn(*mut c_void), argument: *mut c_void);
    fn _pthread_cleanup_pop(record: *mut Record, execute: c_int);
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// In memory of its own: memory of the thread's, its local variables included, may be part of its stack.
    static RECORD: OnceCell<Box<Cell<Record>>> = const { OnceCell::new() };
}

impl Kept {
    pub fn new() -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        if depth == 0 {
            with_record(|record| {
                #[expect(unsafe_code, reason = "as above")]
                // SAFETY: the record is the thread's, is in no list, and stays until it is taken out in `drop`.
                unsafe {
                    _pthread_cleanup_push(record, wait_for_ever, ptr::null_mut());
                }
            });
        }
        Self { not_send: PhantomData }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let depth = DEPTH.get().saturating_sub(1);
        DEPTH.set(depth);
        if depth == 0 {
            with_record(|record| {
                #[expect(unsafe_code, reason = "as above")]
                // SAFETY: the first one put it into the list, and this is the last.
                unsafe {
                    _pthread_cleanup_pop(record, 0);
                }
            });
        }
    }
}

/// Nothing happens on a thread that is already ending by itself: there the record is gone, or was never there.
fn with_record(work: impl FnOnce(*mut Record)) {
    let _ = RECORD.try_with(|record| {
        let record = record.get_or_init(|| {
            Box::new(Cell::new(Record {
                routine: wait_for_ever,
                argument: ptr::null_mut(),
                cancel_type: 0,
                previous: ptr::null_mut(),
            }))
        });
        work(record.as_ptr());
    });
}

extern "C" fn wait_for_ever(_: *mut c_void) {
    loop {
        std::thread::park();
    }
}
