//! Bytes that belong to the other side of the interface.

use core::{ptr, slice};

/// Bytes. The pointer may be null if there are none.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Bytes {
    /// Address of the first byte.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

impl Bytes {
    /// No bytes.
    pub const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// Makes a view of bytes.
    pub const fn of(bytes: &[u8]) -> Self {
        // The pointer of an empty slice is dangling.
        if bytes.is_empty() { Self::NONE } else { Self { data: bytes.as_ptr(), len: bytes.len() } }
    }

    /// Borrows the bytes.
    ///
    /// # Safety
    ///
    /// The bytes are valid and do not change as long as `'a`, or their number is 0.
    pub const unsafe fn as_slice<'a>(self) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { array(self.data, self.len) }
    }
}

/// Borrows an array.
///
/// # Safety
///
/// The values are valid and do not change as long as `'a`, or their number is 0.
pub(crate) const unsafe fn array<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, count) }
}
