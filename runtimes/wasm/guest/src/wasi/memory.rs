//! The program's memory, as WASI's functions see it. Addresses and lengths are unsigned, and nothing here copies more
//! than a call may move: the heap beside the memory can be an eighth of it.

use super::errno::Errno;

/// Maximum bytes of a path, as in the C library's `PATH_MAX`.
const MAX_PATH: usize = libhyperlight_wasm_contract::MAX_PATH;

/// Bytes of an entry in a list of buffers: its address and its length.
const BUFFER: usize = 8;

/// The memory.
#[derive(Debug)]
pub(super) struct Memory<'a>(pub &'a mut [u8]);

impl Memory<'_> {
    /// A part of the memory.
    pub fn part(&mut self, start: usize, len: usize) -> Result<&mut [u8], Errno> {
        let end = start.checked_add(len).ok_or(Errno::FAULT)?;
        self.0.get_mut(start..end).ok_or(Errno::FAULT)
    }

    /// A few bytes.
    pub fn get<const N: usize>(&self, start: usize) -> Result<[u8; N], Errno> {
        let rest = self.0.get(start..).ok_or(Errno::FAULT)?;
        rest.first_chunk().copied().ok_or(Errno::FAULT)
    }

    pub fn put(&mut self, to: usize, bytes: &[u8]) -> Result<(), Errno> {
        self.part(to, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    pub fn put_word(&mut self, to: usize, value: usize) -> Result<(), Errno> {
        self.put(to, &word(value)?.to_le_bytes())
    }

    /// A path, in place.
    pub fn path(&self, start: usize, len: usize) -> Result<&str, Errno> {
        if len > MAX_PATH {
            return Err(Errno::NAMETOOLONG);
        }
        let bytes = self.0.get(start..).and_then(|rest| rest.get(..len)).ok_or(Errno::FAULT)?;
        core::str::from_utf8(bytes).map_err(|_| Errno::INVAL)
    }

    /// Fails unless a list of that many buffers lies there.
    pub fn check_buffers(&mut self, list: usize, count: usize) -> Result<(), Errno> {
        let len = count.checked_mul(BUFFER).filter(|len| i32::try_from(*len).is_ok()).ok_or(Errno::INVAL)?;
        self.part(list, len).map(|_| ())
    }

    /// Address and length of a buffer in a list.
    pub fn buffer(&self, list: usize, number: usize) -> Result<(usize, usize), Errno> {
        let entry =
            number.checked_mul(BUFFER).and_then(|offset| list.checked_add(offset)).ok_or(Errno::FAULT)?;
        let [a, b, c, d, rest @ ..] = self.get::<BUFFER>(entry)?;
        Ok((u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes(rest) as usize))
    }

    /// Arguments or variables: a list of addresses, and the texts, each with a NUL.
    pub fn put_texts(&mut self, texts: &[&str], list: usize, to: usize) -> Result<(), Errno> {
        let (mut entry, mut at) = (list, to);
        for text in texts {
            self.put_word(entry, at)?;
            self.put(at, text.as_bytes())?;
            let end = at.saturating_add(text.len());
            self.put(end, &[0])?;
            (entry, at) = (entry.saturating_add(4), end.saturating_add(1));
        }
        Ok(())
    }

    pub fn put_sizes(&mut self, texts: &[&str], count: usize, size: usize) -> Result<(), Errno> {
        self.put_word(count, texts.len())?;
        self.put_word(size, texts.iter().map(|text| text.len() + 1).sum())
    }
}

/// An address, a length or a count of the program's.
pub(super) fn unsigned(value: i32) -> usize {
    value.cast_unsigned() as usize
}

pub(super) fn word(value: usize) -> Result<u32, Errno> {
    u32::try_from(value).map_err(|_| Errno::OVERFLOW)
}
