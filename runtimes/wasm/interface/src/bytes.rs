//! Bytes that belong to the other side.

use core::{ptr, slice};

/// Bytes. The pointer may be null where there are none.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Bytes {
    /// Where they are.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

impl Bytes {
    /// No bytes.
    pub const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// A view of bytes.
    pub const fn of(bytes: &[u8]) -> Self {
        // The pointer of an empty slice points nowhere.
        if bytes.is_empty() { Self::NONE } else { Self { data: bytes.as_ptr(), len: bytes.len() } }
    }

    /// The bytes.
    ///
    /// # Safety
    ///
    /// They are there and do not change as long as `'a`, or their number is 0.
    pub const unsafe fn as_slice<'a>(self) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { array(self.data, self.len) }
    }
}

/// The values that a pointer and a number stand for.
///
/// # Safety
///
/// So many are there and do not change as long as `'a`, or the number is 0.
pub(crate) const unsafe fn array<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, count) }
}
