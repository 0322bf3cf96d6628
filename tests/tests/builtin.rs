//! The guests that the library carries.

use hyperlight::{ErrorCode, Guest, SandboxOptions, UninitializedSandbox};
use hyperlight_tests::{fails_with, need_hypervisor};

#[test]
fn every_built_in_guest_starts() {
    need_hypervisor();
    for (name, function) in [("demo", "Echo"), ("javascript", "eval")] {
        let guest = Guest::builtin(name).unwrap();
        let sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
        assert!(sandbox.functions().any(|(found, _)| found == function), "{name}");
    }
}

#[test]
fn the_names_of_built_in_guests_are_listed_in_the_error() {
    let error = fails_with(ErrorCode::InvalidArgument, Guest::builtin("nonsense"));
    for name in ["demo", "javascript"] {
        assert!(error.message().contains(name), "{error}");
    }
}
