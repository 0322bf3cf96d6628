//! Faults on request. Each must end the call cleanly and affect nothing else.

use alloc::boxed::Box;
use core::arch::asm;
use core::mem;
use core::ptr;

use demo::faults::{read_address, trigger_exception, write_address};
use demo::memory::fill_heap;
use libhyperlight_guest::guest_function;

#[guest_function("ExecuteAddress")]
fn execute_address(address: u64) {
    call(ptr::with_exposed_provenance(usize::try_from(address).unwrap_or(usize::MAX)));
}

#[guest_function("ExecuteOnHeap")]
fn execute_on_heap() {
    call(Box::leak(Box::new(RETURN)));
}

#[guest_function("ExecuteOnStack")]
fn execute_on_stack() {
    let code = core::hint::black_box(RETURN);
    call(&raw const code);
}

/// Overwrites its own program.
#[guest_function("WriteToCode")]
fn write_to_code() {
    let code = write_to_code as fn() as usize;
    write_address(code as u64, 0);
}

#[guest_function("TriggerInt3")]
fn trigger_int3() {
    // SAFETY: the instruction only faults.
    unsafe { asm!("int3", options(nomem, nostack)) };
}

#[guest_function("DivideByZero")]
fn divide_by_zero() {
    // SAFETY: the instruction only faults.
    unsafe {
        asm!("xor ecx, ecx", "div ecx", out("eax") _, out("ecx") _, out("edx") _, options(nomem, nostack));
    }
}

/// Reads an address that no processor of this kind has.
#[guest_function("NonCanonicalRead")]
fn non_canonical_read() -> u64 {
    read_address(0x8000_0000_0000_0000)
}

/// A fault while the stack pointer points nowhere.
#[guest_function("FaultWithoutStack")]
fn fault_without_stack() {
    // SAFETY: the guest never comes back.
    unsafe { asm!("xor esp, esp", "ud2", options(noreturn)) };
}

/// An aligned access to an address that is not.
#[guest_function("MisalignedSse")]
fn misaligned_sse() {
    let bytes = core::hint::black_box([0_u8; 64]);
    // SAFETY: the access stays inside `bytes`, if the processor makes it at all.
    unsafe {
        asm!(
            "and {0}, -16",
            "movaps xmm0, [{0} + 17]",
            inout(reg) &raw const bytes[16] => _,
            out("xmm0") _,
            options(nostack, readonly),
        );
    };
}

/// Divides by zero in floating point, with that exception unmasked.
#[guest_function("UnmaskedFloatException")]
fn unmasked_float_exception() {
    let control = 0x1f80_u32 & !(1 << 9);
    // SAFETY: the guest changes its own control word only; the host puts a restored guest's back.
    unsafe {
        asm!(
            "ldmxcsr [{}]",
            "pxor xmm0, xmm0",
            "movaps xmm1, xmm0",
            "divss xmm0, xmm1",
            "mov eax, 0x3f800000",
            "movd xmm0, eax",
            "divss xmm0, xmm1",
            in(reg) &raw const control,
            out("eax") _, out("xmm0") _, out("xmm1") _,
            options(nostack),
        );
    };
}

/// A fault that must be reported although nothing can be allocated any more.
#[guest_function("FillHeapAndCauseException")]
fn fill_heap_and_cause_exception() {
    fill_heap();
    trigger_exception();
}

/// A panic that must be reported although nothing can be allocated any more.
#[guest_function("FillHeapAndPanic")]
fn fill_heap_and_panic(message: &str) {
    fill_heap();
    panic!("{message}");
}

/// The instruction `ret`.
const RETURN: u8 = 0xc3;

fn call(code: *const u8) {
    // SAFETY: none is claimed: where the guest may not execute, it faults, and the host deals with it.
    let code = unsafe { mem::transmute::<*const u8, extern "C" fn()>(code) };
    code();
}
