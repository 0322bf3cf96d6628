//! Functions that run before the rest of the program: `__attribute__((constructor))`, and C++ statics with dynamic
//! initialisation.

use core::arch::asm;
use core::slice;

type Constructor = extern "C" fn();

/// Runs the constructors in link order.
pub fn run() {
    let (start, stop): (*const Constructor, *const Constructor);
    // The linker defines the symbols in programs; in shared objects, which are not meant to be guests, it does not.
    // SAFETY: two loads of what the linker has left.
    unsafe {
        asm!(
            ".weak __init_array_start",
            ".weak __init_array_end",
            "mov {0}, [rip + __init_array_start@GOTPCREL]",
            "mov {1}, [rip + __init_array_end@GOTPCREL]",
            out(reg) start, out(reg) stop,
            options(nomem, nostack, preserves_flags, pure),
        );
    }
    if start.is_null() {
        return;
    }
    // SAFETY: the linker places these functions side by side between the two symbols.
    for constructor in unsafe { slice::from_raw_parts(start, stop.offset_from_unsigned(start)) } {
        constructor();
    }
}
