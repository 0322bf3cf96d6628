//! The ELF note with the number of the contract that a guest program was built for.
//!
//! An ordinary `SHT_NOTE`/`PT_NOTE` record (System V gABI, *Note Section*): owner [`OWNER`], type
//! [`TYPE_ABI`], and a little-endian `u32` holding the ABI number. A guest program has exactly one. A program that
//! serves system calls has a note of the type [`TYPE_SYSTEM_CALL`] besides.

/// Name of the section that holds the note.
pub const SECTION: &str = ".note.hyperlight";

/// Owner field of the note, with its terminating NUL.
pub const OWNER: [u8; 12] = *b"Hyperlight\0\0";

/// Length of the owner's name as the note states it: text and one NUL.
pub const OWNER_LEN: u32 = 11;

/// Type field: the description is the ABI number.
pub const TYPE_ABI: u32 = 1;

/// Type field of a second note, of programs that serve system calls: the description is the distance, a little-endian
/// `i32`, from itself to the handler, which must be executable. Such a program is loaded at
/// [`crate::placement::SERVER_BASE`] if it can be relocated.
///
/// The `syscall` instruction, wherever in the guest, continues at the handler: `rcx` holds the address behind the
/// instruction, `r11` RFLAGS; TF, DF, NT, AC and RF are clear; every other register is as it was. In the program's own
/// segments the instruction is a fault.
pub const TYPE_SYSTEM_CALL: u32 = 2;

/// The note as it lies in the file. A guest SDK places one of these into [`SECTION`].
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
pub struct AbiNote {
    owner_len: u32,
    description_len: u32,
    kind: u32,
    owner: [u8; 12],
    abi: u32,
}

impl AbiNote {
    /// The note of a guest built for that ABI.
    pub const fn new(abi: u32) -> Self {
        Self { owner_len: OWNER_LEN, description_len: 4, kind: TYPE_ABI, owner: OWNER, abi }
    }
}
