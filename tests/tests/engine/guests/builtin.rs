//! The guests that the library carries.

use libhyperlight::{ErrorCode, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::{fails_with, need_hypervisor};

#[test]
fn every_built_in_guest_starts() {
    need_hypervisor();
    // The WebAssembly runtime has functions with a module only.
    for (name, function) in [("demo", Some("Echo")), ("javascript", Some("eval")), ("wasm", None)] {
        let guest = libhyperlight_builtin::by_name(name).unwrap();
        let sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
        let names: Vec<_> = sandbox.functions().map(|(name, _)| name).collect();
        assert!(function.map_or(names.is_empty(), |function| names.contains(&function)), "{name}: {names:?}");
    }
}

#[test]
fn the_names_of_built_in_guests_are_listed_in_the_error() {
    let error = fails_with(ErrorCode::InvalidArgument, libhyperlight_builtin::by_name("nonsense"));
    for name in ["demo", "javascript", "wasm"] {
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn no_built_in_guest_names_a_folder_of_the_machine_that_built_it() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let root = std::fs::canonicalize(root).unwrap().display().to_string();
    for name in libhyperlight_builtin::names() {
        let elf = libhyperlight_builtin::elf(name).unwrap();
        for folder in [&*root, "/.cargo/", "/target/"] {
            let found = elf.windows(folder.len()).position(|bytes| bytes == folder.as_bytes());
            assert_eq!(found, None, "{name} has {folder}");
        }
    }
}
