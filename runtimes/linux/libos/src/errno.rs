//! Linux's error numbers.

use core::num::TryFromIntError;

/// An error number, as a system call returns it negated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Errno(pub u16);

macro_rules! numbers {
    ($($name:ident = $number:literal),* $(,)?) => {
        #[expect(missing_docs, reason = "the names of Linux, which its manual explains")]
        impl Errno {
            $(pub const $name: Self = Self($number);)*
        }
    };
}

numbers! {
    PERM = 1, NOENT = 2, SRCH = 3, INTR = 4, IO = 5, NXIO = 6, BADF = 9, CHILD = 10, AGAIN = 11, NOMEM = 12,
    ACCES = 13, FAULT = 14, BUSY = 16, EXIST = 17, XDEV = 18, NODEV = 19, NOTDIR = 20, ISDIR = 21, INVAL = 22,
    MFILE = 24, NOTTY = 25, FBIG = 27, NOSPC = 28, SPIPE = 29, ROFS = 30, PIPE = 32, RANGE = 34,
    DEADLK = 35, NAMETOOLONG = 36, NOSYS = 38, NOTEMPTY = 39, LOOP = 40, NOTSOCK = 88, OPNOTSUPP = 95,
    AFNOSUPPORT = 97, NOTCONN = 107, TIMEDOUT = 110,
}

/// A number that does not fit is one that no caller can mean.
impl From<TryFromIntError> for Errno {
    fn from(_: TryFromIntError) -> Self {
        Self::INVAL
    }
}

/// The end of a system call that gives no answer now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    /// It fails.
    Errno(Errno),
    /// It is made again when something has changed.
    Wait,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<TryFromIntError> for Stop {
    fn from(error: TryFromIntError) -> Self {
        Self::Errno(error.into())
    }
}

/// The answer of a system call.
pub type Answer = Result<u64, Stop>;
