//! The WebAssembly proposals that the runtime supports, and names for those that it does not.

use wasmparser::WasmFeatures;

/// The proposals that the compiler supports, with the settings of the contract. Others are refused here, so that the
/// message is ours, and nothing is checked that would be refused afterwards.
pub(super) const SUPPORTED: WasmFeatures = WasmFeatures::WASM3
    .difference(WasmFeatures::GC_TYPES)
    .difference(WasmFeatures::EXCEPTIONS)
    .difference(WasmFeatures::THREADS)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::WIDE_ARITHMETIC);

/// Unsupported proposals that a program may need, the most common first.
pub(super) const UNSUPPORTED: [(WasmFeatures, &str); 5] = [
    (
        SUPPORTED.union(WasmFeatures::GC_TYPES),
        "references other than to functions (externref, and types of a garbage collector)",
    ),
    (
        SUPPORTED
            .union(WasmFeatures::GC_TYPES)
            .union(WasmFeatures::EXCEPTIONS)
            .union(WasmFeatures::LEGACY_EXCEPTIONS),
        "exceptions",
    ),
    (SUPPORTED.union(WasmFeatures::THREADS), "threads and shared memories"),
    (
        SUPPORTED
            .union(WasmFeatures::CM_ASYNC)
            .union(WasmFeatures::CM_ASYNC_STACKFUL)
            .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
            .union(WasmFeatures::CM_THREADING)
            .union(WasmFeatures::CM_ERROR_CONTEXT),
        "asynchronous components",
    ),
    (WasmFeatures::all(), "a proposal that is not part of WebAssembly 3"),
];
