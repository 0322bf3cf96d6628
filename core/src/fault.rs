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

/// What kind of fault it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Memory near address 0, through a null pointer.
    NullAccess,
    /// Memory that is not there.
    UnmappedAccess,
    /// A write to code or constant data.
    WriteToReadOnly,
    /// A jump into data.
    ExecuteOfData,
    /// The engine's own pages, which guest code may not use.
    EngineAccess,
    /// The stack was used up.
    StackOverflow,
    /// Bytes that are no instruction of this processor.
    IllegalInstruction,
    /// An instruction, or a port, that guest code may not use.
    PrivilegedInstruction,
    /// An address that cannot exist, a misaligned vector access, a bad segment.
    GeneralProtection,
    /// A division by zero, or with a result too large.
    Division,
    /// A floating-point exception that the guest has unmasked.
    FloatingPoint,
    /// A misaligned access with alignment checks turned on.
    Alignment,
    /// A breakpoint or single-step trap.
    Breakpoint,
    /// Any other exception.
    Other,
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
            FaultKind::StackOverflow => f.write_str("stack overflow; raise stack_size, or recurse less")?,
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
