//! The engine: Wasmtime without a compiler, in the environment of a guest.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use libhyperlight_guest::{Result, stack};
use libhyperlight_wasm_contract::{Config, settings};
use wasmtime::{CustomCodeMemory, Engine, LinearMemory, MemoryCreator, MemoryType};

use crate::error::load;
use crate::memory;

/// The part of the stack, as one of so many equal parts, that is left to the runtime and to host functions.
const STACK_PARTS: usize = 4;

/// Bytes of the stack that the runtime never needs.
const STACK_RESERVE: usize = 256 << 10;

/// An engine for that program.
pub(crate) fn new(config: &Config<'_>) -> Result<Engine> {
    let stack = usize::try_from(stack().size).unwrap_or(usize::MAX);
    // Wasm code checks its depth against a limit below the point at which it is entered, and traps; what lies below
    // that is for the runtime's own functions, which do not check.
    let wasm_stack = (stack - stack / STACK_PARTS).max(stack.saturating_sub(STACK_RESERVE));
    let mut settings = settings::shared();
    settings
        .max_wasm_stack(wasm_stack)
        // Nothing runs on such a stack, but it may not be the smaller one.
        .async_stack_size(wasm_stack)
        .with_custom_code_memory(Some(Arc::new(InPlace)))
        .with_host_memory(Arc::new(Memories { count: config.memories }));
    // SAFETY: the function says what the processor says.
    unsafe { settings.detect_host_feature(processor_has) };
    Engine::new(&settings).map_err(load)
}

/// Code that is executed where the engine of libhyperlight has placed it.
struct InPlace;

impl CustomCodeMemory for InPlace {
    fn required_alignment(&self) -> usize {
        1
    }

    fn publish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        // Code payloads are executable from the start and never writable.
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Makes linear memories.
struct Memories {
    count: u32,
}

// SAFETY: the memories are blocks of the heap of their own, zeroed before they can be reached, that do not move.
unsafe impl MemoryCreator for Memories {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        _: Option<usize>,
        _: usize,
    ) -> core::result::Result<Box<dyn LinearMemory>, String> {
        memory::new(self.count, minimum, maximum)
    }
}

/// Returns true if the processor has a feature, by its name in the standard library.
fn processor_has(feature: &str) -> Option<bool> {
    let leaf1 = __cpuid(1);
    let bit = |word: u32, bit: u32| word >> bit & 1 == 1;
    let max = __cpuid(0).eax;
    let leaf7 = if max >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
    let extended = if __cpuid(0x8000_0000).eax > 0x8000_0000 { __cpuid(0x8000_0001).ecx } else { 0 };
    // AVX needs registers that the operating system, which is here the engine of libhyperlight, has switched on.
    // SAFETY: where OSXSAVE is set the instruction exists and is allowed.
    let avx = bit(leaf1.ecx, 27) && bit(leaf1.ecx, 28) && unsafe { xcr0() } & 6 == 6;
    Some(match feature {
        "sse3" => bit(leaf1.ecx, 0),
        "ssse3" => bit(leaf1.ecx, 9),
        "fma" => avx && bit(leaf1.ecx, 12),
        "cmpxchg16b" => bit(leaf1.ecx, 13),
        "sse4.1" => bit(leaf1.ecx, 19),
        "sse4.2" => bit(leaf1.ecx, 20),
        "popcnt" => bit(leaf1.ecx, 23),
        "avx" => avx,
        "avx2" => avx && bit(leaf7, 5),
        "bmi1" => bit(leaf7, 3),
        "bmi2" => bit(leaf7, 8),
        "lzcnt" => bit(extended, 5),
        _ => return None,
    })
}

/// The enabled extended registers.
///
/// # Safety
///
/// The processor has XSAVE and it is switched on.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: the caller's promise.
    unsafe { _xgetbv(0) }
}

/// Wasmtime's data of the running thread, of which there is one.
static THREAD: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_get(_slot: usize) -> *mut u8 {
    THREAD.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_set(_slot: usize, value: *mut u8) {
    THREAD.store(value, Ordering::Relaxed);
}
