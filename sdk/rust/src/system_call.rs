//! Guests that serve system calls of other programs.

/// Names the code at which `syscall` instructions in memory that the host program placed continue; the contract is that
/// of `libhyperlight_abi::note::TYPE_SYSTEM_CALL`. Once in a program, with the name of a symbol of assembly code: no
/// compiler's calling convention describes how it is entered.
///
/// ```ignore
/// libhyperlight_guest::system_call_handler!(my_handler);
/// core::arch::global_asm!("my_handler:", "…", "jmp rcx");
/// ```
#[macro_export]
macro_rules! system_call_handler {
    ($symbol:ident) => {
        // A distance within the program, which no loader has to change.
        ::core::arch::global_asm!(
            ".pushsection .note.hyperlight, \"a\", @note",
            ".balign 4",
            ".long 11, 4, 2",
            ".asciz \"Hyperlight\"",
            ".byte 0",
            concat!(".long ", stringify!($symbol), " - ."),
            ".popsection",
            concat!(".hidden ", stringify!($symbol)),
        );
    };
}
