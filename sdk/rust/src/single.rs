//! Statics of a program that has one thread.

use core::ops::Deref;

/// A value for a static, although it cannot be shared between threads.
#[derive(Debug)]
pub(crate) struct Single<T>(T);

// SAFETY: a guest has one vCPU, starts no thread, and gets no interrupts that would run code of its own: nothing
// can look at the value while something else does.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Single<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
