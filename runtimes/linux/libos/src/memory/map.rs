//! `mmap` and its relatives.

use libhyperlight_linux_contract::address::FILES;
use libhyperlight_linux_contract::index::Object;

use super::{Loaded, Memory, PAGE, pages};
use crate::errno::Errno;
use crate::user;

/// Protections.
const WRITE: u64 = 2;
const EXECUTE: u64 = 4;

/// Flags of mappings.
const SHARED: u64 = 1;
const FIXED: u64 = 0x10;
const DENY_WRITE: u64 = 0x800;
const STACK: u64 = 0x2_0000;
const FIXED_NO_REPLACE: u64 = 0x10_0000;

/// Flags of `mremap`.
const MAY_MOVE: u64 = 1;
const MOVE_FIXED: u64 = 2;

/// Bytes of a page, as slices count them.
const PAGE_LEN: usize = 4096;

/// Advice that the memory's contents may be forgotten.
const DONT_NEED: u64 = 4;

/// The arguments of `mmap`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub address: u64,
    pub len: u64,
    pub protection: u64,
    pub flags: u64,
    pub offset: u64,
}

/// The source of a mapping's contents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backing<'a> {
    /// The contents of a file in memory.
    Bytes(&'a [u8]),
    /// A file that was laid out; if it is an object, with its place.
    Laid { number: u32, data: u64, size: u64, object: Option<Object> },
    /// Zeros.
    None,
}

impl Memory {
    pub fn map(&mut self, request: &Request, backing: Backing<'_>) -> Result<u64, Errno> {
        let len = pages(request.len)?;
        if len == 0 || !request.offset.is_multiple_of(PAGE) {
            return Err(Errno::INVAL);
        }
        let is_fixed = request.flags & (FIXED | FIXED_NO_REPLACE) != 0;
        if is_fixed && !request.address.is_multiple_of(PAGE) {
            return Err(Errno::INVAL);
        }
        if let Backing::Laid { number, object: Some(object), .. } = backing
            && let Some(place) = self.map_object(request, len, number, &object, is_fixed)?
        {
            if request.protection & WRITE != 0 && self.is_used(number) {
                fill(place, len, request.offset, backing)?;
            }
            return Ok(place);
        }
        if request.protection & EXECUTE != 0 && !self.places.jit {
            return Err(Errno::ACCES);
        }
        if let Backing::Laid { data, size, .. } = backing
            && request.protection & WRITE == 0
            && !is_fixed
            && request.offset.checked_add(len).is_some_and(|end| end <= size.next_multiple_of(PAGE))
        {
            // In place.
            return Ok(data + request.offset);
        }
        if request.flags & SHARED != 0 && request.protection & WRITE != 0 && !matches!(backing, Backing::None)
        {
            // What is written would have to reach the file.
            return Err(Errno::NODEV);
        }
        if request.flags & STACK != 0
            && !is_fixed
            && let Some(stack) = self.take_stack(len)
        {
            return Ok(stack);
        }
        let place = if is_fixed { self.map_fixed(request, len)? } else { self.arena.take(len)? };
        fill(place, len, request.offset, backing)?;
        Ok(place)
    }

    pub fn unmap(&mut self, address: u64, len: u64) -> Result<(), Errno> {
        let len = pages(len)?;
        if len == 0 || !address.is_multiple_of(PAGE) {
            return Err(Errno::INVAL);
        }
        if let Some(number) = self.stack_at(address) {
            // A guard page, or what is over, is given back alone; a stack goes with its end.
            let (_, size, stride) = self.places.stacks;
            let end = self.places.stacks.0 + number as u64 * stride + size;
            if address + len >= end {
                self.give_back_stack(number);
            }
            return Ok(());
        }
        if let Some(object) = self.loaded.iter_mut().find(|object| object.start == address) {
            // What its loader cuts off is not the object.
            if address + len >= object.end {
                object.is_mapped = false;
            }
            return Ok(());
        }
        self.arena.give_back(address, len);
        Ok(())
    }

    pub fn remap(&mut self, address: u64, old: u64, new: u64, flags: u64) -> Result<u64, Errno> {
        let (old, new) = (pages(old)?, pages(new)?);
        if new == 0 || !address.is_multiple_of(PAGE) || flags & MOVE_FIXED != 0 {
            return Err(Errno::INVAL);
        }
        if !self.arena.contains(address) {
            return if new <= old { Ok(address) } else { Err(Errno::FAULT) };
        }
        if new <= old {
            self.arena.give_back(address + new, old - new);
            return Ok(address);
        }
        if self.arena.take_at(address + old, new - old) {
            return Ok(address);
        }
        if flags & MAY_MOVE == 0 {
            return Err(Errno::NOMEM);
        }
        let place = self.arena.take(new)?;
        user::copy(address, place, old)?;
        self.arena.give_back(address, old);
        Ok(place)
    }

    /// Accepts what the page tables allow anyway.
    pub fn protect(&self, address: u64, len: u64, protection: u64) -> Result<(), Errno> {
        if !address.is_multiple_of(PAGE) {
            return Err(Errno::INVAL);
        }
        pages(len)?;
        let (writes, executes) = (protection & WRITE != 0, protection & EXECUTE != 0);
        if let Some(object) = self.loaded_at(address) {
            // The object's own segments say what it may be.
            let (is_writable, is_executable) = self.segment_at(object, address);
            let refuses = writes && !is_writable || executes && !is_executable && !self.places.jit;
            return if refuses { Err(Errno::ACCES) } else { Ok(()) };
        }
        let is_writable = self.arena.contains(address)
            || self.stack_at(address).is_some()
            || (self.break_span.0..self.break_span.1).contains(&address);
        if FILES.contains(&address) && (writes || executes) {
            return Err(Errno::ACCES);
        }
        if writes && !is_writable || executes && !(is_writable && self.places.jit) {
            return Err(Errno::ACCES);
        }
        Ok(())
    }

    pub fn advise(&mut self, address: u64, len: u64, advice: u64) -> Result<(), Errno> {
        let len = pages(len)?;
        if !address.is_multiple_of(PAGE) {
            return Err(Errno::INVAL);
        }
        // Of stacks only the thread knows that nothing is there any more; clearing them would cost what it wants to
        // save.
        let (start, fresh) = self.arena.used();
        let used = address >= start && address.saturating_add(len) <= fresh;
        if advice == DONT_NEED && used {
            user::zero(address, len)?;
        }
        Ok(())
    }

    /// Maps a part of an object, if that is what is asked for: then it is in its place already.
    fn map_object(
        &mut self,
        request: &Request,
        len: u64,
        number: u32,
        object: &Object,
        is_fixed: bool,
    ) -> Result<Option<u64>, Errno> {
        let inside = |start: u64| start >= object.start && start < object.end;
        if is_fixed {
            return Ok(inside(request.address).then_some(request.address));
        }
        // A loader asks for everything from the first to the last segment. Whoever reads the file asks for the file.
        let span = object.end - object.start;
        let is_loader = request.flags & DENY_WRITE != 0 || request.protection & EXECUTE != 0 || len == span;
        if !is_loader || request.flags & SHARED != 0 || len > span.max(PAGE) {
            return Ok(None);
        }
        match self.loaded.iter_mut().find(|loaded| loaded.entry == number) {
            // Twice at once it cannot be.
            Some(loaded) if loaded.is_mapped => return Err(Errno::NOMEM),
            Some(loaded) => (loaded.is_mapped, loaded.is_used) = (true, true),
            None => self.add_object(number, object),
        }
        Ok(Some(object.start))
    }

    /// Records that an object is mapped.
    pub fn add_object(&mut self, number: u32, object: &Object) {
        self.loaded.push(Loaded {
            entry: number,
            start: object.start,
            end: object.end,
            headers: object.headers,
            header_count: object.header_count,
            bias: object.bias,
            is_used: false,
            is_mapped: true,
        });
    }

    fn is_used(&self, number: u32) -> bool {
        self.loaded.iter().any(|object| object.entry == number && object.is_used)
    }

    /// Maps at an address of the program's choice. The memory becomes zero.
    fn map_fixed(&mut self, request: &Request, len: u64) -> Result<u64, Errno> {
        let address = request.address;
        if self.arena.contains(address) {
            if request.flags & FIXED_NO_REPLACE != 0 {
                return if self.arena.take_at(address, len) { Ok(address) } else { Err(Errno::EXIST) };
            }
            self.arena.replace(address, len)?;
            return Ok(address);
        }
        if let Some(object) = self.loaded_at(address) {
            // The zeros at the end of its data. They are there already if it is mapped for the first time.
            let writes = request.protection & WRITE != 0;
            if writes && !self.segment_at(object, address).0 {
                return Err(Errno::ACCES);
            }
            if writes {
                zero_if_needed(address, len)?;
            }
            return Ok(address);
        }
        if self.stack_at(address).is_some() {
            return Ok(address);
        }
        Err(Errno::NOMEM)
    }

    /// Says if the segment at an address is writable and executable, by the object's own headers.
    fn segment_at(&self, object: &Loaded, address: u64) -> (bool, bool) {
        /// Bytes of a program header.
        const LEN: u64 = 56;
        for number in 0..u64::from(object.header_count) {
            // Type and flags, place in the file, address, physical address, size in the file, size in memory.
            let Ok([kind, _, start, _, _, size]) = user::read::<[u64; 6]>(object.headers + number * LEN)
            else {
                break;
            };
            let start = start.wrapping_add(object.bias);
            let end = start.saturating_add(size).saturating_add(PAGE - 1) / PAGE * PAGE;
            if kind & 0xffff_ffff == 1 && (start / PAGE * PAGE..end).contains(&address) {
                return (kind >> 33 & 1 != 0, kind >> 32 & 1 != 0);
            }
        }
        (false, false)
    }
}

/// Puts a file's contents into zeroed memory, or over old data.
fn fill(place: u64, len: u64, offset: u64, backing: Backing<'_>) -> Result<(), Errno> {
    let copied = match backing {
        Backing::None => return Ok(()),
        Backing::Bytes(bytes) => {
            let bytes =
                usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
            let copied = len.min(bytes.len() as u64);
            user::bytes_mut(place, copied)?.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            copied
        }
        Backing::Laid { data, size, .. } => {
            let copied = len.min(size.saturating_sub(offset));
            user::copy(data + offset, place, copied)?;
            copied
        }
    };
    zero_if_needed(place + copied, len - copied)
}

/// Zeroes memory, but does not write to pages that are zero: that would cost copies of them.
fn zero_if_needed(address: u64, len: u64) -> Result<(), Errno> {
    let bytes = user::bytes_mut(address, len)?;
    for page in bytes.chunks_mut(PAGE_LEN) {
        if page.iter().any(|byte| *byte != 0) {
            page.fill(0);
        }
    }
    Ok(())
}
