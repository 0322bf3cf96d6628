//! The request to run a program, and the functions by which guest and host exchange streams and files.
//!
//! A request is a list of fields. Each has the number of its [`Kind`] in a byte, its length in four, and its bytes.

/// The guest function that runs the program of the image: a request, then its exit status as a number.
pub const RUN: &str = "run";

/// Host function: takes output. The stream (1 or 2, as a descriptor's number) and bytes; false if nobody wants more.
pub const OUTPUT: &str = "linux:output";

/// Host function: gives standard input. At most so many bytes; none at the end.
pub const INPUT: &str = "linux:input";

/// Host function: gives a part of a file of the request. The file's number, an offset, and at most so many bytes.
pub const READ_FILE: &str = "linux:read-file";

/// Host function: takes a part of a file that the program has made. Its path, its permissions, an offset, and bytes. A
/// file starts with the offset 0.
pub const WRITE_FILE: &str = "linux:write-file";

/// Bytes of a request.
pub const MAX_REQUEST: usize = 4 << 20;

/// A field of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// The canonical path of the program.
    Program = 1,
    /// An argument; the first one is the program's name.
    Argument = 2,
    /// A variable of the environment, `NAME=value`.
    Variable = 3,
    /// The working folder.
    Folder = 4,
    /// A file that is put into memory: permissions in four bytes, length in eight, then its path. Numbered from 0.
    File = 5,
    /// The limit for files in memory, in eight bytes.
    FileLimit = 6,
    /// Present if the arena may be executed.
    Jit = 7,
}

/// Bytes before a field.
const HEADER: usize = 5;

/// The header of a field of that kind and length.
pub fn header(kind: Kind, len: u32) -> [u8; HEADER] {
    let [a, b, c, d] = len.to_le_bytes();
    [kind as u8, a, b, c, d]
}

/// Reads the fields of a request; an item is `None` where it is malformed, and then the last one.
pub fn fields(request: &[u8]) -> impl Iterator<Item = Option<(Kind, &[u8])>> {
    let mut rest = Some(request);
    core::iter::from_fn(move || {
        let bytes = rest.take().filter(|bytes| !bytes.is_empty())?;
        let field = split(bytes);
        rest = field.map(|(_, _, rest)| rest);
        Some(field.map(|(kind, field, _)| (kind, field)))
    })
}

fn split(bytes: &[u8]) -> Option<(Kind, &[u8], &[u8])> {
    let ([kind, a, b, c, d], rest) = bytes.split_first_chunk::<HEADER>()?;
    let kind = match kind {
        1 => Kind::Program,
        2 => Kind::Argument,
        3 => Kind::Variable,
        4 => Kind::Folder,
        5 => Kind::File,
        6 => Kind::FileLimit,
        7 => Kind::Jit,
        _ => return None,
    };
    let len = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
    let (field, rest) = rest.split_at_checked(len)?;
    Some((kind, field, rest))
}

/// Reads the permissions, the length and the path of a file's field.
pub fn file(field: &[u8]) -> Option<(u32, u64, &[u8])> {
    let (permissions, rest) = field.split_first_chunk()?;
    let (len, path) = rest.split_first_chunk()?;
    Some((u32::from_le_bytes(*permissions), u64::from_le_bytes(*len), path))
}
