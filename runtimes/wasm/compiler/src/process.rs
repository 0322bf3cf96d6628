//! Values that each process has once, and a forked child anew.
//!
//! A child of a process with several threads has only one of them. A lock that another one held at the fork stays
//! locked in the child for ever, ours and those inside the compiler. So a child uses none of them: it makes its own.

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// One value for each process, made at its first use and never dropped.
pub(crate) struct PerProcess<T: 'static>(AtomicPtr<Held<T>>);

struct Held<T: 'static> {
    process: u32,
    value: T,
    /// The value of the process that this one was forked from: unused, but still referred to.
    _inherited: *const Self,
}

impl<T: Send + Sync> PerProcess<T> {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The value of this process. `make` makes it from the parent process's value, if there is one, whose locks may be
    /// held for ever. If two threads come first at once, one of two values is dropped.
    pub fn get(&self, make: impl FnOnce(Option<&T>) -> T) -> &'static T {
        let found = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer is null or came from `Box::into_raw` below, and what is kept is never freed.
        let inherited = unsafe { found.as_ref() };
        let process = process::id();
        if let Some(held) = inherited
            && held.process == process
        {
            return &held.value;
        }
        let value = make(inherited.map(|held| &held.value));
        let made = Box::into_raw(Box::new(Held { process, value, _inherited: found }));
        let kept = match self.0.compare_exchange(found, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(other) => {
                // SAFETY: nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
                other
            }
        };
        // SAFETY: as above; the value that came first is of this process, too.
        unsafe { &(*kept).value }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn threads_share_the_first_value() {
        static NUMBER: PerProcess<thread::ThreadId> = PerProcess::new();
        let one = || *NUMBER.get(|_| thread::current().id());
        thread::scope(|scope| {
            let others: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            let first = one();
            assert!(others.into_iter().all(|other| other.join().is_ok_and(|found| found == first)));
        });
    }
}
