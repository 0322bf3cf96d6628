//! Protection of threads that the interpreter ends.
//!
//! When Python finalises, a daemon thread may still be inside a sandbox, for example in a host function that sleeps. Up
//! to 3.13 Python ends such a thread by `pthread_exit` when it next takes the interpreter. That unwinds its stack, and
//! in Rust's frames such unwinding aborts the process. From 3.14 on Python lets the thread wait for ever instead, and
//! this module does the same for all versions: the process is ending, and takes the thread along. PyO3 protects the
//! moments at which it takes the interpreter itself, but not those inside Python, such as the end of a `sleep` in a
//! host function.
//!
//! glibc runs the oldest kind of cleanup handlers while it unwinds: before it leaves a frame, it looks for handlers
//! whose records are below that frame on the stack. A record outside of any stack counts as below every frame. So its
//! handler runs before anything has been unwound, and it never returns. There is one record for each thread, with a
//! count of its users, because greenlets leave in another order than they came.

use std::cell::{Cell, OnceCell};
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr;

/// Guard for code in which Rust may call Python. While it lives, this thread waits for ever where Python would end it.
#[derive(Debug)]
pub struct Kept {
    /// Makes it belong to its thread.
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
// SAFETY: glibc has had both, like this, since its first threads of this kind, for programs that were built with old
// headers.
unsafe extern "C" {
    fn _pthread_cleanup_push(record: *mut Record, routine: extern "C" fn(*mut c_void), argument: *mut c_void);
    fn _pthread_cleanup_pop(record: *mut Record, execute: c_int);
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The record, in heap memory: the thread's own memory, its local variables included, may be part of its stack.
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

/// Runs `work` with this thread's record. Does nothing on a thread that is already ending, whose record is gone or was
/// never made.
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
