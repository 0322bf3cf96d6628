//! Statics of a program that has one thread.

use core::cell::UnsafeCell;

/// A value for a static, although it cannot be shared between threads.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Single<T>(UnsafeCell<T>);

// SAFETY: a guest has one vCPU and no interrupts. The threads of the program inside are switched by the libOS, and none
// of them is in here when that happens.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The place of the value.
    pub(crate) const fn get(&self) -> *mut T {
        self.0.get()
    }
}
