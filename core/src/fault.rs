//! Faults as a caller sees them: the place and the reason at which the processor stopped the guest.

use std::fmt;

/// The guest's access to the memory at the fault's address.
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

/// The kind of a fault. The numbers are those of the C interface and never change.
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

/// The place and the reason at which the processor stopped the guest. Addresses are guest virtual ones.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// The kind of a fault.
    pub kind: FaultKind,
    /// The exception's number (Intel SDM vol. 3A, table 6-1).
    pub vector: u8,
    /// The instruction.
    pub instruction: u64,
    /// The address of the memory access; 0 without one.
    pub address: u64,
    /// The access that faulted.
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
    /// Writes the fault and its place. `stack_size` is the name of that option.
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

    /// An example whose text names an option.
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
