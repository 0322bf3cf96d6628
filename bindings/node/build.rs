//! Links the addon for Node: its symbols are looked up in the process that loads it.

fn main() {
    napi_build::setup();
    // The macros write into that folder, which happens only when they run.
    println!("cargo::rerun-if-env-changed=NAPI_TYPE_DEF_TMP_FOLDER");
    // Threads of the engine outlive the worker that loaded the addon first, so its code must stay.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
