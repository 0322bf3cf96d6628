//! Exports and imports of a program, as the library's own structures.

use std::mem;
use std::ops::Deref;

use libhyperlight_wasm_interface::{self as interface, Interface};

use crate::library;

/// The exports and imports of a program. They may outlive the program.
#[derive(Debug)]
pub struct Description {
    library: &'static Interface,
    description: *mut interface::Description,
}

// SAFETY: it is read only, and the interface says that its functions may be called from any thread.
unsafe impl Send for Description {}
// SAFETY: as above.
unsafe impl Sync for Description {}

impl Description {
    /// # Safety
    ///
    /// The library gave the description, to be freed once.
    pub(crate) unsafe fn new(library: &'static Interface, description: *mut interface::Description) -> Self {
        Self { library, description }
    }

    /// Returns the structure itself, to be returned by [`Self::from_raw`].
    pub fn into_raw(self) -> *mut interface::Description {
        let description = self.description;
        mem::forget(self);
        description
    }

    /// Takes back the result of [`Self::into_raw`].
    ///
    /// # Safety
    ///
    /// The pointer came from [`Self::into_raw`], and is taken back once.
    pub unsafe fn from_raw(description: *mut interface::Description) -> libhyperlight::Result<Self> {
        Ok(Self { library: library::load()?, description })
    }
}

impl Deref for Description {
    type Target = interface::Description;

    fn deref(&self) -> &Self::Target {
        // SAFETY: the library gave it, and it is there until it is dropped.
        unsafe { &*self.description }
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: the library gave it, and it is given back once.
        unsafe { (self.library.free_types)(self.description) };
    }
}
