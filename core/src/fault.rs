//! Faults as a caller sees them: where and why the processor stopped the guest.

use std::fmt;

/// What the guest was doing to the memory at the fault's address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u32)]
pub enum Access {
    /// Nothing: not a memory fault.
    None = 0,
    /// Reading.
    Read = 1,
    /// Writing.
    Write = 2,
    /// Executing.
    Execute = 3,
}

/// What kind of fault it was. The numbers are those of the C interface and never change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u32)]
pub enum FaultKind {
    /// Memory near address 0, through a null pointer.
    NullAccess = 1,
    /// Memory that is not there.
    UnmappedAccess = 2,
    /// A write to code or constant data.
    WriteToReadOnly = 3,
    /// A jump into data.
    ExecuteOfData = 4,
    /// The engine's own pages, which guest code may not use.
    EngineAccess = 5,
    /// The stack was used up.
    StackOverflow = 6,
    /// Bytes that are no instruction of this processor.
    IllegalInstruction = 7,
    /// An instruction, or a port, that guest code may not use.
    PrivilegedInstruction = 8,
    /// An address that cannot exist, a misaligned vector access, a bad segment.
    GeneralProtection = 9,
    /// A division by zero, or with a result too large.
    Division = 10,
    /// A floating-point exception that the guest has unmasked.
    FloatingPoint = 11,
    /// A misaligned access with alignment checks turned on.
    Alignment = 12,
    /// A breakpoint or single-step trap.
    Breakpoint = 13,
    /// Any other exception.
    Other = 14,
}

impl FaultKind {
    /// The name in Python and JavaScript.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NullAccess => "null-access",
            Self::UnmappedAccess => "unmapped-access",
            Self::WriteToReadOnly => "write-to-read-only",
            Self::ExecuteOfData => "execute-of-data",
            Self::EngineAccess => "engine-access",
            Self::StackOverflow => "stack-overflow",
            Self::IllegalInstruction => "illegal-instruction",
            Self::PrivilegedInstruction => "privileged-instruction",
            Self::GeneralProtection => "general-protection",
            Self::Division => "division",
            Self::FloatingPoint => "floating-point",
            Self::Alignment => "alignment",
            Self::Breakpoint => "breakpoint",
            Self::Other => "other",
        }
    }
}

/// Where and why the processor stopped the guest. Addresses are guest virtual ones.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// What kind of fault it was.
    pub kind: FaultKind,
    /// The exception's number (Intel SDM vol. 3A, table 6-1).
    pub vector: u8,
    /// The instruction.
    pub instruction: u64,
    /// The memory that it wanted; 0 without a memory access.
    pub address: u64,
    /// What for.
    pub access: Access,
    /// The function that the instruction is in, if the guest program has symbols.
    pub function: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe("stack_size", f)
    }
}

impl Fault {
    /// Writes what happened, and where; `stack_size` is what the option is called.
    pub(crate) fn describe(&self, stack_size: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.kind {
            FaultKind::NullAccess => write!(f, "null pointer: {} address {address:#x}", self.access)?,
            FaultKind::UnmappedAccess => {
                write!(f, "{} address {address:#x}, where no memory is", self.access)?;
            }
            FaultKind::WriteToReadOnly => write!(f, "writing read-only memory at {address:#x}")?,
            FaultKind::ExecuteOfData => write!(f, "executing data at {address:#x}")?,
            FaultKind::EngineAccess => {
                write!(f, "{} address {address:#x}, which belongs to the engine", self.access)?;
            }
            FaultKind::StackOverflow => write!(f, "stack overflow; raise {stack_size}, or recurse less")?,
            FaultKind::IllegalInstruction => f.write_str("illegal instruction")?,
            FaultKind::PrivilegedInstruction => f.write_str("privileged instruction")?,
            FaultKind::GeneralProtection => {
                f.write_str("general protection: an impossible address or a misaligned vector access")?;
            }
            FaultKind::Division => f.write_str("division by zero or division overflow")?,
            FaultKind::FloatingPoint => f.write_str("unmasked floating-point exception")?,
            FaultKind::Alignment => f.write_str("misaligned access with alignment checks on")?,
            FaultKind::Breakpoint => f.write_str("breakpoint or single-step trap")?,
            FaultKind::Other => write!(f, "exception {}", self.vector)?,
        }
        write!(f, ", at instruction {:#x}", self.instruction)?;
        match &self.function {
            Some(function) => write!(f, " in {function}"),
            None => Ok(()),
        }
    }

    /// Any one whose text names an option.
    pub(crate) fn example() -> Self {
        Self {
            kind: FaultKind::StackOverflow,
            vector: 14,
            instruction: 0x40_1000,
            address: 0xffff_f000,
            access: Access::Write,
            function: None,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "using",
            Self::Read => "reading",
            Self::Write => "writing",
            Self::Execute => "executing",
        })
    }
}
