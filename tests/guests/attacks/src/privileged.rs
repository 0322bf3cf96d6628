//! Instructions and ports that are not for guests. Everything here must fault, or be harmless.

use core::arch::asm;

use libhyperlight_guest::guest_function;

#[guest_function("OutbWithPort")]
fn outb_with_port(port: u32, value: u32) {
    let ([low, high, _, _], [byte, _, _, _]) = (port.to_le_bytes(), value.to_le_bytes());
    let port = u16::from_le_bytes([low, high]);
    // SAFETY: a port that is closed faults; the doorbell without a frame is the host's to deal with.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nostack, preserves_flags)) };
}

/// Writes two or four bytes at once to a port.
#[guest_function("OutWide")]
fn out_wide(port: u32, value: u32, bytes: u32) {
    let [low, high, _, _] = port.to_le_bytes();
    let port = u16::from_le_bytes([low, high]);
    let [first, second, _, _] = value.to_le_bytes();
    // SAFETY: as above.
    unsafe {
        if bytes == 2 {
            let value = u16::from_le_bytes([first, second]);
            asm!("out dx, ax", in("dx") port, in("ax") value, options(nostack, preserves_flags));
        } else {
            asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags));
        }
    }
}

/// Writes a string to a port, so many bytes of it.
#[guest_function("OutString")]
fn out_string(port: u32, count: u64) {
    let [low, high, _, _] = port.to_le_bytes();
    let port = u16::from_le_bytes([low, high]);
    let byte = 0_u8;
    // SAFETY: as above; the bytes behind the first are the guest's own or fault.
    unsafe {
        asm!(
            "rep outsb",
            in("dx") port, inout("rsi") &raw const byte => _, inout("rcx") count => _,
            options(nostack, preserves_flags),
        );
    }
}

#[guest_function("InbWithPort")]
fn inb_with_port(port: u32) -> u32 {
    let [low, high, _, _] = port.to_le_bytes();
    let port = u16::from_le_bytes([low, high]);
    let value: u8;
    // SAFETY: as above.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nostack, preserves_flags)) };
    u32::from(value)
}

#[guest_function("ReadMSR")]
fn read_msr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

#[guest_function("WriteMSR")]
fn write_msr(register: u32, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    let (low, high) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack)) };
}

#[guest_function("SetDr0")]
fn set_dr0(value: u64) {
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("mov dr0, {}", in(reg) value, options(nostack)) };
}

#[guest_function("GetDr0")]
fn get_dr0() -> u64 {
    let value;
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("mov {}, dr0", out(reg) value, options(nostack)) };
    value
}

/// The extended state that is enabled. Guests may read it.
#[guest_function("ReadXcr0")]
fn read_xcr0() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the instruction only reads, or faults where the processor has it not enabled.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

#[guest_function("WriteXcr0")]
fn write_xcr0(value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    let (low, high) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("xsetbv", in("ecx") 0, in("eax") low, in("edx") high, options(nostack)) };
}

#[guest_function("ReadCr3")]
fn read_cr3() -> u64 {
    let value;
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("mov {}, cr3", out(reg) value, options(nostack)) };
    value
}

#[guest_function("Halt")]
fn halt() {
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("hlt", options(nostack)) };
}

#[guest_function("DisableInterrupts")]
fn disable_interrupts() {
    // SAFETY: the instruction faults outside ring 0.
    unsafe { asm!("cli", options(nostack)) };
}

/// There is no kernel to call.
#[guest_function("Syscall")]
fn syscall(number: u64) -> u64 {
    let value;
    // SAFETY: there is no handler: the guest faults.
    unsafe {
        asm!("syscall", inout("rax") number => value, out("rcx") _, out("r11") _, options(nostack));
    }
    value
}

/// Sets flags (trap, direction, nested task, alignment check, …) and returns to the SDK with them. The next call must
/// not see them.
#[guest_function("SetFlags")]
fn set_flags(flags: u64) {
    // SAFETY: the flags break what the guest does next, which is the point of it.
    unsafe { asm!("pushfq", "or [rsp], {}", "popfq", in(reg) flags) };
}

/// The processor's flags.
#[guest_function("GetFlags")]
fn get_flags() -> u64 {
    let flags;
    // SAFETY: the instructions only read.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags)) };
    flags
}

/// Sets the control word of the SSE unit.
#[guest_function("SetMxcsr")]
fn set_mxcsr(value: u32) {
    // SAFETY: the guest changes its own control word only.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, readonly)) };
}

#[guest_function("GetMxcsr")]
fn get_mxcsr() -> u32 {
    let mut value = 0_u32;
    // SAFETY: the instruction writes the variable only.
    unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack)) };
    value
}

/// Leaves a number in the upper half of an AVX register, where no other code touches it.
#[guest_function("SetAvxUpperHalf")]
fn set_avx_upper_half(value: u64) {
    // SAFETY: faults where there is no AVX; compiled code uses no upper halves.
    unsafe {
        asm!(
            "vmovq xmm0, {}",
            "vinsertf128 ymm15, ymm15, xmm0, 1",
            in(reg) value, out("xmm0") _, out("xmm15") _,
            options(nomem, nostack),
        );
    }
}

#[guest_function("GetAvxUpperHalf")]
fn get_avx_upper_half() -> u64 {
    let value;
    // SAFETY: as above.
    unsafe {
        asm!(
            "vextractf128 xmm0, ymm15, 1",
            "vmovq {}, xmm0",
            out(reg) value, out("xmm0") _,
            options(nomem, nostack),
        );
    }
    value
}
