//! The guests that the library carries.

use libhyperlight::{ErrorCode, Guest, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::{fails_with, need_hypervisor};

#[test]
fn every_built_in_guest_starts() {
    need_hypervisor();
    // The WebAssembly runtime has functions with a module only.
    for (name, function) in [("demo", Some("Echo")), ("javascript", Some("eval")), ("wasm", None)] {
        let guest = Guest::builtin(name).unwrap();
        let sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
        let names: Vec<_> = sandbox.functions().map(|(name, _)| name).collect();
        assert!(function.map_or(names.is_empty(), |function| names.contains(&function)), "{name}: {names:?}");
    }
}

#[test]
fn the_names_of_built_in_guests_are_listed_in_the_error() {
    let error = fails_with(ErrorCode::InvalidArgument, Guest::builtin("nonsense"));
    for name in ["demo", "javascript", "wasm"] {
        assert!(error.message().contains(name), "{error}");
    }
}
