//! The index of a guest's read-only files.
//!
//! | part | form |
//! |---|---|
//! | header | [`HEADER_LEN`] bytes: [`MAGIC`], then the numbers of entries, objects and slots, and the bytes of names |
//! | entries | [`ENTRY_LEN`] bytes each; number 0 stands for none, number 1 is `/` |
//! | objects | [`OBJECT_LEN`] bytes each: where an ELF file was placed |
//! | slots | 4 bytes each, a power of two: a hash table of entry numbers with linear probing, 0 for an empty one |
//! | names | the absolute paths of the entries, without a terminator |
//!
//! All numbers are little-endian. At least half of the slots are empty, so that a lookup ends. A file's bytes are not
//! in here but at an address of the guest; a symbolic link's target is.

use crate::limits::MAX_ENTRIES;

/// First word of an index.
pub const MAGIC: u64 = u64::from_le_bytes(*b"HLFILES\x01");

/// Bytes of the header.
pub const HEADER_LEN: usize = 40;

/// Bytes of an entry.
pub const ENTRY_LEN: usize = 64;

/// Bytes of an object.
pub const OBJECT_LEN: usize = 64;

/// The entry of `/`.
pub const ROOT: u32 = 1;

/// Bits of a mode that say what an entry is.
pub const TYPE_MASK: u32 = 0o170_000;
/// A folder.
pub const FOLDER: u32 = 0o040_000;
/// A regular file.
pub const FILE: u32 = 0o100_000;
/// A symbolic link.
pub const LINK: u32 = 0o120_000;

/// A file, a folder or a symbolic link.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Entry {
    /// Place of its path in the names.
    pub path: u32,
    /// Bytes of its path.
    pub path_len: u32,
    /// Type and permissions, as `st_mode` has them.
    pub mode: u32,
    /// The folder that it is in; `/` is in itself.
    pub parent: u32,
    /// A folder's first entry, 0 if it has none.
    pub child: u32,
    /// The next entry of the same folder, 0 for the last one.
    pub sibling: u32,
    /// Number of its object counted from 1; 0 if it was not placed.
    pub object: u32,
    /// Nanoseconds of its time of modification.
    pub modified_ns: u32,
    /// Seconds of its time of modification since 1970.
    pub modified: i64,
    /// Bytes of its contents, or of a link's target.
    pub size: u64,
    /// Address of its contents; of a link, place of the target in the names.
    pub data: u64,
}

/// An ELF file whose segments have a place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Object {
    /// The first address of its segments.
    pub start: u64,
    /// The address behind its last segment.
    pub end: u64,
    /// The number added to every address of the file.
    pub bias: u64,
    /// Address of its entry point; 0 if it has none.
    pub entry: u64,
    /// Address of its program headers.
    pub headers: u64,
    /// Number of its program headers.
    pub header_count: u32,
    /// The entry of the dynamic loader that it names; 0 if it names none, or is not the program that is run.
    pub interpreter: u32,
}

/// An index that can be read. Numbers out of range read as nothing.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    entries: &'a [u8],
    objects: &'a [u8],
    slots: &'a [u8],
    names: &'a [u8],
}

impl<'a> Index<'a> {
    /// Reads an index; `None` if the bytes are none.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER_LEN)?;
        if word(header, 0)? != MAGIC {
            return None;
        }
        let count = |at| usize::try_from(word(header, at)?).ok();
        let (entries, objects, slots, names) = (count(8)?, count(16)?, count(24)?, count(32)?);
        if entries > MAX_ENTRIES + 2 || !slots.is_power_of_two() || slots / 2 < entries {
            return None;
        }
        let (entries, rest) = rest.split_at_checked(entries.checked_mul(ENTRY_LEN)?)?;
        let (objects, rest) = rest.split_at_checked(objects.checked_mul(OBJECT_LEN)?)?;
        let (slots, rest) = rest.split_at_checked(slots.checked_mul(4)?)?;
        Some(Self { entries, objects, slots, names: rest.get(..names)? })
    }

    /// Returns the length of an index by its header; `None` if that is none, or describes more than an address space
    /// holds.
    pub fn len_by_header(header: &[u8; HEADER_LEN]) -> Option<u64> {
        if word(header, 0)? != MAGIC {
            return None;
        }
        let part = |at, size: usize| word(header, at)?.checked_mul(u64::try_from(size).ok()?);
        let parts = [part(8, ENTRY_LEN)?, part(16, OBJECT_LEN)?, part(24, 4)?, part(32, 1)?];
        let header = u64::try_from(HEADER_LEN).ok()?;
        parts.into_iter().try_fold(header, u64::checked_add).filter(|len| *len < 1 << 40)
    }

    /// The number of entries, the one that stands for none included.
    pub fn len(&self) -> usize {
        self.entries.len() / ENTRY_LEN
    }

    /// Returns true if there is not even a root.
    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    /// Finds the entry of a canonical absolute path.
    pub fn find(&self, path: &[u8]) -> Option<u32> {
        let mask = self.slots.len() / 4 - 1;
        let start = slot(hash(path), mask);
        (0..=mask)
            .map(|step| half(self.slots, start.wrapping_add(step) & mask).unwrap_or(0))
            .take_while(|number| *number != 0)
            .find(|number| self.entry(*number).and_then(|entry| self.path(&entry)) == Some(path))
    }

    /// The entry with that number.
    pub fn entry(&self, number: u32) -> Option<Entry> {
        let number = usize::try_from(number).ok().filter(|number| *number != 0)?;
        let bytes = self.entries.get(number.checked_mul(ENTRY_LEN)?..)?.get(..ENTRY_LEN)?;
        Some(Entry {
            path: half(bytes, 0)?,
            path_len: half(bytes, 1)?,
            mode: half(bytes, 2)?,
            parent: half(bytes, 3)?,
            child: half(bytes, 4)?,
            sibling: half(bytes, 5)?,
            object: half(bytes, 6)?,
            modified_ns: half(bytes, 7)?,
            modified: word(bytes, 32)?.cast_signed(),
            size: word(bytes, 40)?,
            data: word(bytes, 48)?,
        })
    }

    /// The path of an entry.
    pub fn path(&self, entry: &Entry) -> Option<&'a [u8]> {
        self.name(u64::from(entry.path), u64::from(entry.path_len))
    }

    /// The last part of an entry's path; empty for `/`.
    pub fn file_name(&self, entry: &Entry) -> Option<&'a [u8]> {
        self.path(entry)?.rsplit(|byte| *byte == b'/').next()
    }

    /// The target of a symbolic link.
    pub fn target(&self, entry: &Entry) -> Option<&'a [u8]> {
        if entry.mode & TYPE_MASK == LINK { self.name(entry.data, entry.size) } else { None }
    }

    /// The place of an entry that is an ELF file and was placed.
    pub fn object(&self, entry: &Entry) -> Option<Object> {
        let number = usize::try_from(entry.object.checked_sub(1)?).ok()?;
        let bytes = self.objects.get(number.checked_mul(OBJECT_LEN)?..)?.get(..OBJECT_LEN)?;
        Some(Object {
            start: word(bytes, 0)?,
            end: word(bytes, 8)?,
            bias: word(bytes, 16)?,
            entry: word(bytes, 24)?,
            headers: word(bytes, 32)?,
            header_count: half(bytes, 10)?,
            interpreter: half(bytes, 11)?,
        })
    }

    fn name(&self, start: u64, len: u64) -> Option<&'a [u8]> {
        let (start, len) = (usize::try_from(start).ok()?, usize::try_from(len).ok()?);
        self.names.get(start..)?.get(..len)
    }
}

impl Entry {
    /// The wire form.
    pub fn to_bytes(&self) -> [u8; ENTRY_LEN] {
        let halves = [
            self.path,
            self.path_len,
            self.mode,
            self.parent,
            self.child,
            self.sibling,
            self.object,
            self.modified_ns,
        ];
        let words = [self.modified.cast_unsigned(), self.size, self.data, 0];
        fill(&halves, &words)
    }
}

impl Object {
    /// The wire form.
    pub fn to_bytes(&self) -> [u8; OBJECT_LEN] {
        let mut bytes: [u8; OBJECT_LEN] =
            fill(&[], &[self.start, self.end, self.bias, self.entry, self.headers]);
        let halves: [u8; 8] = fill(&[self.header_count, self.interpreter], &[]);
        for (place, byte) in bytes.iter_mut().skip(40).zip(halves) {
            *place = byte;
        }
        bytes
    }
}

/// The header's wire form.
pub fn header(entries: usize, objects: usize, slots: usize, names: usize) -> [u8; HEADER_LEN] {
    // Nothing that a memory holds has more parts than a `u64` counts.
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    fill(&[], &[MAGIC, count(entries), count(objects), count(slots), count(names)])
}

/// The hash of a path: FNV-1a, which is short. Whoever makes paths that collide slows down his own guest.
pub fn hash(path: &[u8]) -> u64 {
    path.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The slot at which the search for a hash starts.
pub fn slot(hash: u64, mask: usize) -> usize {
    // The upper bits of the product depend on all of the path.
    let folded = hash ^ (hash >> 32);
    usize::try_from(folded).unwrap_or(0) & mask
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The half word with that number.
fn half(bytes: &[u8], number: usize) -> Option<u32> {
    bytes.get(number.checked_mul(4)?..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn fill<const N: usize>(halves: &[u32], words: &[u64]) -> [u8; N] {
    let mut bytes = [0; N];
    let wire = halves
        .iter()
        .flat_map(|half| half.to_le_bytes())
        .chain(words.iter().flat_map(|word| word.to_le_bytes()));
    for (place, byte) in bytes.iter_mut().zip(wire) {
        *place = byte;
    }
    bytes
}
