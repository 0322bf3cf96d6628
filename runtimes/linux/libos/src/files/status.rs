//! The answer of `stat` about a file.

use libhyperlight_linux_contract::index::Entry;

use super::{Found, Node};

/// Bytes of a page, which is what a file system reads at once.
const BLOCK: u64 = 4096;

const NANOSECONDS: u64 = 1_000_000_000;

/// Facts about a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Status {
    pub device: u64,
    pub inode: u64,
    pub links: u64,
    pub mode: u32,
    pub size: u64,
    /// Number of a device.
    pub special: u64,
    /// Seconds and nanoseconds.
    pub accessed: (u64, u64),
    pub modified: (u64, u64),
}

impl Status {
    pub fn of(found: &Found) -> Self {
        match found {
            Found::Laid(number, entry) => Self::of_entry(*number, entry),
            Found::Temporary(node) => Self::of_node(&node.borrow()),
            Found::Special(special) => Self::of_mode(special.mode()),
        }
    }

    pub fn of_entry(number: u32, entry: &Entry) -> Self {
        let time = (entry.modified.cast_unsigned(), u64::from(entry.modified_ns));
        Self {
            device: 1,
            inode: u64::from(number),
            links: 1,
            mode: entry.mode,
            size: entry.size,
            special: 0,
            accessed: time,
            modified: time,
        }
    }

    pub fn of_node(node: &Node) -> Self {
        let time = |ns: u64| (ns / NANOSECONDS, ns % NANOSECONDS);
        Self {
            device: 2,
            inode: node.inode,
            links: u64::from(node.links),
            mode: node.mode,
            size: node.len(),
            special: 0,
            accessed: time(node.accessed),
            modified: time(node.modified),
        }
    }

    /// Something that is no file of a file system.
    pub fn of_mode(mode: u32) -> Self {
        let special = if mode & 0o170_000 == 0o020_000 { 0x103 } else { 0 };
        Self { device: 3, inode: 2, links: 1, mode, special, ..Self::default() }
    }

    /// The form of `struct stat`.
    pub fn to_stat(self) -> [u64; 18] {
        [
            self.device,
            self.inode,
            self.links,
            // The mode, and the user, 0.
            u64::from(self.mode),
            // The group, 0, and padding.
            0,
            self.special,
            self.size,
            BLOCK,
            self.size.div_ceil(512),
            self.accessed.0,
            self.accessed.1,
            self.modified.0,
            self.modified.1,
            self.modified.0,
            self.modified.1,
            0,
            0,
            0,
        ]
    }

    /// The form of `struct statx`.
    pub fn to_statx(self) -> [u64; 32] {
        /// `STATX_BASIC_STATS`.
        const MASK: u64 = 0x7ff;
        let mut words = [0; 32];
        let values = [
            (0, MASK | BLOCK << 32),
            // Attributes, none; then the links, and the user.
            (2, self.links),
            // The group, and the mode.
            (3, u64::from(self.mode) << 32),
            (4, self.inode),
            (5, self.size),
            (6, self.size.div_ceil(512)),
            (8, self.accessed.0),
            (9, self.accessed.1),
            (12, self.modified.0),
            (13, self.modified.1),
            (14, self.modified.0),
            (15, self.modified.1),
            // Major and minor numbers of the device's own number, and of the one that it is on.
            (16, self.special >> 8 | (self.special & 0xff) << 32),
            (17, self.device << 32),
        ];
        for (number, value) in values {
            if let Some(word) = words.get_mut(number) {
                *word = value;
            }
        }
        words
    }
}
