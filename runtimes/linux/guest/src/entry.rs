//! The ways between the program and the libOS.
//!
//! A system call arrives at `hl_system_call`: from a stub in the program's own code, which has loaded the address
//! behind the call into `rcx`, or by way of the host, which does the same. Every register but `rcx` and `r11` is the
//! program's, its stack must not be touched, and the vector registers are saved because this program uses them.

use core::arch::global_asm;

use libhyperlight_linux_libos::{Control, Frame};

use crate::run;
use crate::single::Single;

/// The stack on which system calls are served: that of the guest function which runs the program.
static STACK: Single<u64> = Single::new(0);

/// The stack pointer of the program while registers are stored.
static PROGRAM_STACK: Single<u64> = Single::new(0);

libhyperlight_guest::system_call_handler!(hl_system_call);

global_asm!(
    ".pushsection .text.hl_system_call, \"ax\", @progbits",
    ".globl hl_system_call",
    ".type hl_system_call, @function",
    ".balign 64",
    "hl_system_call:",
    "mov [rip + {program_stack}], rsp",
    "mov rsp, [rip + {stack}]",
    "cld",
    // The order of `Frame`, from its end.
    "push qword ptr [rip + {program_stack}]",
    "push rcx",
    "push rax",
    "push r11",
    "push rdi",
    "push rsi",
    "push rdx",
    "push r10",
    "push r8",
    "push r9",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 256",
    "movaps [rsp], xmm0",
    "movaps [rsp + 16], xmm1",
    "movaps [rsp + 32], xmm2",
    "movaps [rsp + 48], xmm3",
    "movaps [rsp + 64], xmm4",
    "movaps [rsp + 80], xmm5",
    "movaps [rsp + 96], xmm6",
    "movaps [rsp + 112], xmm7",
    "movaps [rsp + 128], xmm8",
    "movaps [rsp + 144], xmm9",
    "movaps [rsp + 160], xmm10",
    "movaps [rsp + 176], xmm11",
    "movaps [rsp + 192], xmm12",
    "movaps [rsp + 208], xmm13",
    "movaps [rsp + 224], xmm14",
    "movaps [rsp + 240], xmm15",
    "mov rdi, rsp",
    "call {serve}",
    "test eax, eax",
    "jnz 3f",
    // Continues with the registers at the stack pointer.
    "2:",
    "movaps xmm0, [rsp]",
    "movaps xmm1, [rsp + 16]",
    "movaps xmm2, [rsp + 32]",
    "movaps xmm3, [rsp + 48]",
    "movaps xmm4, [rsp + 64]",
    "movaps xmm5, [rsp + 80]",
    "movaps xmm6, [rsp + 96]",
    "movaps xmm7, [rsp + 112]",
    "movaps xmm8, [rsp + 128]",
    "movaps xmm9, [rsp + 144]",
    "movaps xmm10, [rsp + 160]",
    "movaps xmm11, [rsp + 176]",
    "movaps xmm12, [rsp + 192]",
    "movaps xmm13, [rsp + 208]",
    "movaps xmm14, [rsp + 224]",
    "movaps xmm15, [rsp + 240]",
    "add rsp, 256",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "pop r9",
    "pop r8",
    "pop r10",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "pop r11",
    "pop rax",
    "pop rcx",
    "pop rsp",
    "jmp rcx",
    // The program has ended: back to whoever started it, with the units that calculate as they were.
    "3:",
    "mov rsp, [rip + {stack}]",
    "fninit",
    "ldmxcsr [rsp]",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    // void hl_enter(const Frame *)
    ".hidden hl_enter",
    ".globl hl_enter",
    ".type hl_enter, @function",
    ".balign 16",
    "hl_enter:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "stmxcsr [rsp]",
    "mov [rip + {stack}], rsp",
    "mov rsp, rdi",
    "jmp 2b",
    ".popsection",
    program_stack = sym PROGRAM_STACK,
    stack = sym STACK,
    serve = sym serve,
);

unsafe extern "C" {
    fn hl_enter(frame: *const Frame);
}

/// Runs a program from these registers on, to its end.
///
/// # Safety
///
/// The registers are those of a program that has been laid out in this guest, and no other one runs.
pub(crate) unsafe fn enter(frame: &Frame) {
    // SAFETY: the caller's promise. The function returns by the registers that it has put onto this stack, which system
    // calls leave alone because they are served below it.
    unsafe { hl_enter(frame) }
}

/// Serves a system call. Returns 0 if the program goes on.
extern "C" fn serve(frame: &mut Frame) -> u32 {
    match run::serve(frame) {
        Control::Resume => 0,
        Control::Exit(_) => 1,
    }
}
