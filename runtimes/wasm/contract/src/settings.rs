//! The engine's settings, for making code and for running it.
//!
//! A guest has neither signals nor page tables of its own: every check is explicit, and a linear memory is a block of
//! the guest's heap that never moves, so that code may keep its address in a register.

use wasmtime::Config;

/// The target triple of the code, and of the guest itself.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Processor features that the compiler uses if processor and guest have them: the name in the compiler's settings, and
/// in the processor's.
pub const PROCESSOR_FEATURES: [(&str, &str); 12] = [
    ("has_sse3", "sse3"),
    ("has_ssse3", "ssse3"),
    ("has_sse41", "sse4.1"),
    ("has_sse42", "sse4.2"),
    ("has_cmpxchg16b", "cmpxchg16b"),
    ("has_popcnt", "popcnt"),
    ("has_avx", "avx"),
    ("has_avx2", "avx2"),
    ("has_fma", "fma"),
    ("has_bmi1", "bmi1"),
    ("has_bmi2", "bmi2"),
    ("has_lzcnt", "lzcnt"),
];

/// The settings that both sides share.
pub fn shared() -> Config {
    let mut config = Config::new();
    config
        .signals_based_traps(false)
        .memory_init_cow(false)
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .guard_before_linear_memory(false)
        .memory_may_move(false)
        .wasm_component_model(true)
        .wasm_wide_arithmetic(true);
    config
}
