//! The guest's page tables (Intel SDM vol. 3A, 4.5, *4-Level Paging*), built once, before the first run.
//!
//! They never change afterwards: under shadow paging the host's edits of live tables would not be seen. Accessed and
//! dirty bits are preset, so the processor does not write to them either.

use crate::pages::PAGE;

/// Bytes that an entry one level up can map at once.
pub(crate) const LARGE_PAGE: u64 = 2 << 20;

/// The permissions of a page. Reading is always allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Permissions {
    /// CPL 3 may use it; otherwise only the stubs may.
    pub user: bool,
    pub write: bool,
    pub execute: bool,
}

impl Permissions {
    pub const USER_READ: Self = Self { user: true, write: false, execute: false };
    pub const USER_WRITE: Self = Self { user: true, write: true, execute: false };
    pub const USER_EXECUTE: Self = Self { user: true, write: false, execute: true };
    pub const ENGINE_READ: Self = Self { user: false, write: false, execute: false };
    pub const ENGINE_WRITE: Self = Self { user: false, write: true, execute: false };
    pub const ENGINE_EXECUTE: Self = Self { user: false, write: false, execute: true };
}

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Page tables under construction: table 0 is the root, the others follow in the order of their need.
#[derive(Clone, Debug)]
pub(crate) struct PageTables {
    base: u64,
    tables: Vec<[u64; 512]>,
}

impl PageTables {
    /// Tables that will lie at the guest physical address `base`.
    pub fn new(base: u64) -> Self {
        Self { base, tables: vec![[0; 512]] }
    }

    /// Maps whole pages, 2 MiB at once if both addresses allow it.
    pub fn map(&mut self, virt: u64, phys: u64, size: u64, permissions: Permissions) {
        let mut done = 0;
        while done < size {
            let (virt, phys, left) = (virt + done, phys + done, size - done);
            let large =
                left >= LARGE_PAGE && virt.is_multiple_of(LARGE_PAGE) && phys.is_multiple_of(LARGE_PAGE);
            let leaf = phys | leaf_bits(permissions);
            if large {
                *self.entry(virt, 1) = leaf | LARGE;
                done += LARGE_PAGE;
            } else {
                *self.entry(virt, 0) = leaf;
                done += PAGE;
            }
        }
    }

    /// Bytes that the tables take.
    pub fn size(&self) -> u64 {
        self.tables.len() as u64 * PAGE
    }

    /// The tables as they go into guest memory.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.tables.iter().flatten().flat_map(|entry| entry.to_le_bytes()).collect()
    }

    /// The guest physical address and the permissions of `virt`, for the layout's tests.
    #[cfg(test)]
    pub fn translate(&self, virt: u64) -> Option<(u64, Permissions)> {
        let mut table = 0;
        for level in (0..4).rev() {
            let entry = self.tables[table][index(virt, level)];
            if entry & PRESENT == 0 {
                return None;
            }
            if level == 0 || entry & LARGE != 0 {
                let span = PAGE << (9 * level);
                let permissions = Permissions {
                    user: entry & USER != 0,
                    write: entry & WRITABLE != 0,
                    execute: entry & NO_EXECUTE == 0,
                };
                return Some(((entry & ADDRESS & !(span - 1)) + virt % span, permissions));
            }
            table = usize::try_from(((entry & ADDRESS) - self.base) / PAGE).expect("a table index");
        }
        None
    }

    /// Every mapped page, large or not: its addresses, its size, its permissions. For the layout's tests.
    #[cfg(test)]
    pub fn leaves(&self) -> Vec<(u64, u64, u64, Permissions)> {
        let mut leaves = Vec::new();
        let mut tables = vec![(0, 3_u32, 0)];
        while let Some((table, level, base)) = tables.pop() {
            for (virt, entry) in (base..).step_by(1 << (12 + 9 * level)).zip(self.tables[table]) {
                if entry & PRESENT == 0 {
                } else if level == 0 || entry & LARGE != 0 {
                    let (phys, permissions) = self.translate(virt).expect("a leaf");
                    leaves.push((virt, phys, PAGE << (9 * level), permissions));
                } else {
                    let child = ((entry & ADDRESS) - self.base) / PAGE;
                    tables.push((usize::try_from(child).expect("a table index"), level - 1, virt));
                }
            }
        }
        leaves
    }

    /// The entry for `virt` at that level (0: 4 KiB leaves, 1: 2 MiB leaves), tables above it made as needed.
    fn entry(&mut self, virt: u64, leaf_level: u32) -> &mut u64 {
        let mut table = 0;
        for level in (leaf_level + 1..4).rev() {
            let at = index(virt, level);
            if self.tables[table][at] == 0 {
                // Permissions are the leaf's alone: an upper entry allows everything.
                let child = self.base + self.size();
                self.tables[table][at] = child | PRESENT | WRITABLE | USER | ACCESSED;
                self.tables.push([0; 512]);
                table = self.tables.len() - 1;
            } else {
                let child = (self.tables[table][at] & ADDRESS) - self.base;
                table = (child / PAGE) as usize;
            }
        }
        &mut self.tables[table][index(virt, leaf_level)]
    }
}

fn leaf_bits(permissions: Permissions) -> u64 {
    PRESENT
        | ACCESSED
        | DIRTY
        | if permissions.write { WRITABLE } else { 0 }
        | if permissions.user { USER } else { 0 }
        | if permissions.execute { 0 } else { NO_EXECUTE }
}

fn index(virt: u64, level: u32) -> usize {
    (virt >> (12 + 9 * level) & 511) as usize
}
