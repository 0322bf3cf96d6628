//! The registers of a program that made a system call.

/// Registers in the order in which the entry code stores them.
///
/// The low halves of the vector registers are here because the libOS uses these itself. It never uses the high halves.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub struct Frame {
    /// The vector registers' low halves.
    pub xmm: [u128; 16],
    /// General registers.
    pub r15: u64,
    /// As above.
    pub r14: u64,
    /// As above.
    pub r13: u64,
    /// As above.
    pub r12: u64,
    /// As above.
    pub rbp: u64,
    /// As above.
    pub rbx: u64,
    /// The sixth argument.
    pub r9: u64,
    /// The fifth argument.
    pub r8: u64,
    /// The fourth argument.
    pub r10: u64,
    /// The third argument.
    pub rdx: u64,
    /// The second argument.
    pub rsi: u64,
    /// The first argument.
    pub rdi: u64,
    /// The flags on the way in; without a meaning for the program.
    pub r11: u64,
    /// The number of the system call, then its result.
    pub rax: u64,
    /// The address at which the program continues.
    pub rip: u64,
    /// The stack pointer.
    pub rsp: u64,
}

impl Frame {
    /// The arguments of a system call.
    pub fn arguments(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }
}
