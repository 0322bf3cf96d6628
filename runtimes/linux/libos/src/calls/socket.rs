//! Pairs of sockets, the only ones there are.

use alloc::rc::Rc;

use super::descriptor::READ_AND_WRITE;
use crate::descriptors::{Kind, NONBLOCK, OpenFile};
use crate::errno::{Answer, Errno, Stop};
use crate::kernel::Kernel;
use crate::pipe;
use crate::platform::Platform;
use crate::user;

/// The family of sockets on one machine, and the kind that has no messages.
const LOCAL: u64 = 1;
const STREAM: u64 = 1;

/// Flags in the kind of a socket.
const FLAG_NONBLOCK: u64 = 0o4000;
const FLAG_CLOSE: u64 = 0o2_000_000;

/// A call that does not wait.
const DONT_WAIT: u64 = 0x40;

/// Options of sockets.
const SOCKET_LEVEL: u64 = 1;
const OPTION_KIND: u64 = 3;

impl<P: Platform> Kernel<P> {
    pub(super) fn socket_pair(&mut self, family: u64, kind: u64, numbers: u64) -> Answer {
        if family != LOCAL {
            return Err(Errno::AFNOSUPPORT.into());
        }
        if kind & 0xf != STREAM {
            return Err(Errno::OPNOTSUPP.into());
        }
        let flags = READ_AND_WRITE | if kind & FLAG_NONBLOCK == 0 { 0 } else { NONBLOCK };
        let ((here, there), (back, forth)) = (pipe::pipe(), pipe::pipe());
        self.open_two(
            numbers,
            OpenFile::new(Kind::Socket(here, forth), flags),
            OpenFile::new(Kind::Socket(back, there), flags),
            kind & FLAG_CLOSE != 0,
        )
    }

    pub(super) fn send(&mut self, number: u64, address: u64, len: u64) -> Answer {
        let file = self.socket(number)?;
        self.write_from(&file, address, len)
    }

    pub(super) fn receive(&mut self, number: u64, address: u64, len: u64, flags: u64) -> Answer {
        let file = self.socket(number)?;
        match self.read_into(&file, address, len) {
            Err(Stop::Wait) if flags & DONT_WAIT != 0 => Err(Errno::AGAIN.into()),
            answer => answer,
        }
    }

    pub(super) fn shut_down(&mut self, number: u64, how: u64) -> Answer {
        let file = self.socket(number)?;
        let Kind::Socket(reader, writer) = &file.kind else {
            return Err(Errno::NOTSOCK.into());
        };
        if matches!(how, 0 | 2) {
            reader.shut();
        }
        if matches!(how, 1 | 2) {
            writer.shut();
        }
        self.threads.changes += 1;
        Ok(0)
    }

    pub(super) fn socket_name(&mut self, number: u64, into: u64, len: u64) -> Answer {
        self.socket(number)?;
        // A family, and no name.
        user::write(into, u16::try_from(LOCAL)?)?;
        user::write(len, 2_u32)?;
        Ok(0)
    }

    pub(super) fn socket_option(
        &mut self,
        number: u64,
        level: u64,
        option: u64,
        into: u64,
        len: u64,
    ) -> Answer {
        self.socket(number)?;
        let value = if (level, option) == (SOCKET_LEVEL, OPTION_KIND) { STREAM } else { 0 };
        user::write(into, u32::try_from(value)?)?;
        user::write(len, 4_u32)?;
        Ok(0)
    }

    pub(super) fn of_socket(&self, number: u64) -> Answer {
        self.socket(number).map(|_| 0).map_err(Stop::from)
    }

    fn socket(&self, number: u64) -> Result<Rc<OpenFile>, Errno> {
        let file = self.file(number)?;
        if matches!(file.kind, Kind::Socket(..)) { Ok(file) } else { Err(Errno::NOTSOCK) }
    }
}
