//! The guest of the tests that serves system calls, beside the demo guest's functions.
//!
//! The handler keeps every register as it found it, for the tests to look at. It uses no stack of the program's and no
//! vector register.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::arch::global_asm;
use core::{mem, ptr};

use demo as _;
use libhyperlight_guest::{boot_info, guest_function, system_call_handler};

system_call_handler!(server_system_call);

// System call 1 is a fault in the handler, 2 a system call in it, 3 never ends. All others return the sum of their
// arguments.
global_asm!(
    ".globl server_system_call",
    "server_system_call:",
    "mov [rip + server_found], rax",
    "mov [rip + server_found + 8], rbx",
    "mov [rip + server_found + 16], rcx",
    "mov [rip + server_found + 24], rdx",
    "mov [rip + server_found + 32], rsi",
    "mov [rip + server_found + 40], rdi",
    "mov [rip + server_found + 48], rsp",
    "mov [rip + server_found + 56], rbp",
    "mov [rip + server_found + 64], r8",
    "mov [rip + server_found + 72], r9",
    "mov [rip + server_found + 80], r10",
    "mov [rip + server_found + 88], r11",
    "mov [rip + server_found + 96], r12",
    "mov [rip + server_found + 104], r13",
    "mov [rip + server_found + 112], r14",
    "mov [rip + server_found + 120], r15",
    "lea rsp, [rip + server_stack + 64]",
    "pushfq",
    "pop qword ptr [rip + server_found + 128]",
    "xor ebx, ebx",
    "mov bx, cs",
    "mov [rip + server_found + 136], rbx",
    "mov bx, ss",
    "mov [rip + server_found + 144], rbx",
    "mov rbx, [rip + server_found + 8]",
    "inc qword ptr [rip + server_found + 152]",
    "cmp rax, 1",
    "je 1f",
    "cmp rax, 2",
    "je 2f",
    "cmp rax, 3",
    "je 3f",
    "lea rax, [rdi + rsi]",
    "add rax, rdx",
    "add rax, r10",
    "add rax, r8",
    "add rax, r9",
    "mov rsp, [rip + server_found + 48]",
    "jmp rcx",
    "1: ud2",
    "2: syscall",
    "3: jmp 3b",
    ".local server_found",
    ".comm server_found, 160, 8",
    ".local server_stack",
    ".comm server_stack, 64, 16",
    "server_found_address: lea rax, [rip + server_found]",
    "ret",
);

unsafe extern "C" {
    fn server_found_address() -> *const u8;
}

/// The registers of the last system call, as the handler found them: `rax rbx rcx rdx rsi rdi rsp rbp r8 … r15`,
/// RFLAGS, CS, SS; and the number of system calls.
#[guest_function("Found")]
fn found() -> Vec<u8> {
    // SAFETY: the address of 160 bytes that only the handler writes, which does not run meanwhile.
    unsafe { core::slice::from_raw_parts(server_found_address(), 160) }.to_vec()
}

/// Calls code at an address, with an argument, and returns what it leaves in `rax`.
#[guest_function("CallAddress")]
fn call_address(address: u64, argument: u64) -> u64 {
    let code: *const u8 = ptr::with_exposed_provenance(usize::try_from(address).unwrap_or(usize::MAX));
    // SAFETY: none is claimed: the host asked for it. What cannot be executed faults.
    let code = unsafe { mem::transmute::<*const u8, extern "C" fn(u64) -> u64>(code) };
    code(argument)
}

/// The placement that the engine tells: arena, stacks (first, size, stride, count), report page.
#[guest_function("Placement")]
fn placement() -> Vec<u8> {
    let told = boot_info().placement;
    let stacks = told.stacks;
    [
        told.arena.address,
        told.arena.size,
        stacks.first,
        stacks.size,
        stacks.stride,
        stacks.count,
        told.report.address,
        told.report.size,
    ]
    .iter()
    .flat_map(|word| word.to_le_bytes())
    .collect()
}
