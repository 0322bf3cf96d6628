//! The part of `<pthread.h>` that thread-ready libraries need, in a program with one thread.
//!
//! A lock is always free. A wait for another thread would never end, so it ends the guest instead. `pthread_create` is
//! not defined.

use core::ffi::{c_int, c_void};

use super::errno::ETIMEDOUT;
use super::stdio;

/// The abort code of an endless wait: a shell shows it for SIGABRT.
const DEADLOCK: c_int = 134;

/// Value of a `pthread_once_t` whose function has run.
const DONE: c_int = 2;

/// Defines functions that have nothing to do here, and succeed.
macro_rules! nothing_to_do {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) -> c_int {
            0
        }
    )*};
}

nothing_to_do! {
    pthread_mutex_init(_mutex: *mut c_void, _attributes: *const c_void);
    pthread_mutex_destroy(_mutex: *mut c_void);
    pthread_mutex_lock(_mutex: *mut c_void);
    pthread_mutex_trylock(_mutex: *mut c_void);
    pthread_mutex_unlock(_mutex: *mut c_void);
    pthread_mutexattr_init(_attributes: *mut c_void);
    pthread_mutexattr_destroy(_attributes: *mut c_void);
    pthread_mutexattr_settype(_attributes: *mut c_void, _kind: c_int);
    pthread_cond_init(_condition: *mut c_void, _attributes: *const c_void);
    pthread_cond_destroy(_condition: *mut c_void);
    pthread_cond_signal(_condition: *mut c_void);
    pthread_cond_broadcast(_condition: *mut c_void);
    pthread_condattr_init(_attributes: *mut c_void);
    pthread_condattr_destroy(_attributes: *mut c_void);
    pthread_condattr_setclock(_attributes: *mut c_void, _clock: c_int);
}

#[unsafe(no_mangle)]
extern "C" fn pthread_cond_wait(_condition: *mut c_void, _mutex: *mut c_void) -> c_int {
    stdio::flush();
    sdk::abort(DEADLOCK, "pthread_cond_wait() in a program of one thread waits for ever")
}

/// No other thread can signal, so the guest does not wait: the result is a timeout.
#[unsafe(no_mangle)]
extern "C" fn pthread_cond_timedwait(
    _condition: *mut c_void,
    _mutex: *mut c_void,
    _until: *const c_void,
) -> c_int {
    ETIMEDOUT
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_once(control: *mut c_int, run: unsafe extern "C" fn()) -> c_int {
    // SAFETY: the caller gives its control word and a function to run.
    unsafe {
        if *control != DONE {
            *control = DONE;
            run();
        }
    }
    0
}

#[unsafe(no_mangle)]
extern "C" fn pthread_self() -> usize {
    1
}

#[unsafe(no_mangle)]
extern "C" fn pthread_equal(left: usize, right: usize) -> c_int {
    (left == right).into()
}
