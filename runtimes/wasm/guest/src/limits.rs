//! Limits for the growth of tables: memories have their capacity from the start, while tables take memory from the heap
//! as they grow.

use libhyperlight_guest::heap;
use wasmtime::ResourceLimiter;

/// Bytes of the largest element of a table.
const ELEMENT: usize = 16;

/// Bytes of the heap that must be left after a table has grown.
const RESERVE: usize = 64 << 10;

/// Checks the heap before a table grows. The program can handle a table that cannot grow; a heap without memory ends
/// the guest.
#[derive(Debug, Default)]
pub(crate) struct HeapLimits;

impl ResourceLimiter for HeapLimits {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The old elements live on until the new ones are in their place, and vectors grow by doubling.
        let Some(bytes) = desired.checked_mul(2 * ELEMENT).and_then(|bytes| bytes.checked_add(RESERVE))
        else {
            return Ok(false);
        };
        let probe = heap::malloc(bytes);
        // SAFETY: it came from there, or is null.
        unsafe { heap::free(probe) };
        Ok(!probe.is_null())
    }
}
