//! The program's memory.
//!
//! Program and libOS share one address space and one privilege: an address of the program's is followed as it is. Only
//! those are refused that cannot be anybody's, such as NULL, because programs probe with them. Any other wild pointer
//! faults, and ends the program: it has harmed nobody else.

use alloc::vec::Vec;
use core::ptr;
use core::slice;

use libhyperlight_linux_contract::limits::MAX_PATH_LEN;

use crate::errno::Errno;

/// The first address that may be mapped.
const FIRST: u64 = 0x1_0000;

/// The address behind the last one of programs.
const END: u64 = 1 << 47;

/// Types of which any bytes are a value.
///
/// # Safety
///
/// Only for types without padding and without forbidden values.
pub unsafe trait Plain: Copy {}

// SAFETY: numbers have neither.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for i64 {}
// SAFETY: elements follow each other without padding.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Reads a value.
pub fn read<T: Plain>(address: u64) -> Result<T, Errno> {
    check(address, size_of::<T>() as u64)?;
    // SAFETY: the program says that it has such a value there; if not, it faults (see the module).
    Ok(unsafe { ptr::with_exposed_provenance::<T>(to_usize(address)).read_unaligned() })
}

/// Writes a value.
pub fn write<T: Plain>(address: u64, value: T) -> Result<(), Errno> {
    check(address, size_of::<T>() as u64)?;
    // SAFETY: as in `read`.
    unsafe { ptr::with_exposed_provenance_mut::<T>(to_usize(address)).write_unaligned(value) };
    Ok(())
}

/// Writes a value unless the address is NULL.
pub fn write_if<T: Plain>(address: u64, value: T) -> Result<(), Errno> {
    if address == 0 { Ok(()) } else { write(address, value) }
}

/// The program's bytes, for the time of one system call.
pub fn bytes<'a>(address: u64, len: u64) -> Result<&'a [u8], Errno> {
    if len == 0 {
        return Ok(&[]);
    }
    check(address, len)?;
    // SAFETY: as in `read`; no thread of the program runs meanwhile.
    Ok(unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(to_usize(address)), to_usize(len)) })
}

/// The program's bytes, to be changed, for the time of one system call.
pub fn bytes_mut<'a>(address: u64, len: u64) -> Result<&'a mut [u8], Errno> {
    if len == 0 {
        return Ok(&mut []);
    }
    check(address, len)?;
    // SAFETY: as in `bytes`.
    Ok(unsafe {
        slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(to_usize(address)), to_usize(len))
    })
}

/// Copies bytes that the program may see as overlapping.
pub fn copy(from: u64, to: u64, len: u64) -> Result<(), Errno> {
    if len == 0 {
        return Ok(());
    }
    check(from, len)?;
    check(to, len)?;
    // SAFETY: as in `bytes`.
    unsafe {
        ptr::copy(
            ptr::with_exposed_provenance::<u8>(to_usize(from)),
            ptr::with_exposed_provenance_mut::<u8>(to_usize(to)),
            to_usize(len),
        );
    }
    Ok(())
}

/// Zeroes bytes.
pub fn zero(address: u64, len: u64) -> Result<(), Errno> {
    bytes_mut(address, len)?.fill(0);
    Ok(())
}

/// Reads a path, which ends with a zero.
pub fn path(address: u64) -> Result<Vec<u8>, Errno> {
    let mut path = Vec::new();
    loop {
        match read::<u8>(address + path.len() as u64)? {
            0 => return Ok(path),
            _ if path.len() == MAX_PATH_LEN => return Err(Errno::NAMETOOLONG),
            byte => path.push(byte),
        }
    }
}

/// Fails for addresses that nobody has.
fn check(address: u64, len: u64) -> Result<(), Errno> {
    let end = address.checked_add(len).ok_or(Errno::FAULT)?;
    if address < FIRST || end > END { Err(Errno::FAULT) } else { Ok(()) }
}

/// Lengths that `check` accepts, and addresses, fit: this is for 64-bit processors.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
