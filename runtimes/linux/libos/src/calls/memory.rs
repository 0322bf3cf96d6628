//! System calls about memory; see `crate::memory`.

use crate::descriptors::Kind;
use crate::errno::Answer;
use crate::kernel::Kernel;
use crate::memory::{Backing, Request};
use crate::platform::Platform;

/// A mapping without a file.
const ANONYMOUS: u64 = 0x20;

impl<P: Platform> Kernel<P> {
    pub(super) fn map(&mut self, [address, len, protection, flags, file, offset]: [u64; 6]) -> Answer {
        let request = Request { address, len, protection, flags, offset };
        if flags & ANONYMOUS != 0 {
            return Ok(self.memory.map(&request, Backing::None)?);
        }
        let file = self.file(file)?;
        let node;
        let backing = match &file.kind {
            Kind::Laid(number, entry) => {
                let object = self.files.index.object(entry);
                Backing::Laid { number: *number, data: entry.data, size: entry.size, object }
            }
            Kind::Temporary(shared) => {
                node = shared.borrow();
                Backing::Bytes(node.bytes())
            }
            Kind::Text(text) => Backing::Bytes(text),
            Kind::Device(crate::files::Device::Zero) => Backing::None,
            _ => return Err(crate::errno::Errno::NODEV.into()),
        };
        Ok(self.memory.map(&request, backing)?)
    }

    pub(super) fn unmap(&mut self, address: u64, len: u64) -> Answer {
        self.memory.unmap(address, len)?;
        Ok(0)
    }

    pub(super) fn remap(&mut self, address: u64, old: u64, new: u64, flags: u64) -> Answer {
        Ok(self.memory.remap(address, old, new, flags)?)
    }

    pub(super) fn protect(&mut self, address: u64, len: u64, protection: u64) -> Answer {
        self.memory.protect(address, len, protection)?;
        Ok(0)
    }

    pub(super) fn advise(&mut self, address: u64, len: u64, advice: u64) -> Answer {
        self.memory.advise(address, len, advice)?;
        Ok(0)
    }
}
