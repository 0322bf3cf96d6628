//! Links the addon for Node: its symbols are looked up in the process that loads it.

fn main() {
    napi_build::setup();
    // Threads of the engine outlive the worker that loaded the addon first, so its code must stay.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
