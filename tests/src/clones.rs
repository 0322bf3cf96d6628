//! Snapshots of the demo guests, and sandboxes made of them.

use libhyperlight::{Guest, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox};

/// A sandbox of the snapshot that takes host functions, and prints nowhere.
pub fn of(snapshot: &Snapshot) -> UninitializedSandbox {
    let mut clone = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
    clone.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    clone
}

/// A sandbox of the snapshot, ready for calls.
pub fn clone(snapshot: &Snapshot) -> Sandbox {
    of(snapshot).evolve().unwrap()
}

/// A sandbox, and a snapshot of it as it was at first.
pub fn fresh(guest: &Guest) -> (Sandbox, Snapshot) {
    let mut sandbox = crate::sandbox(guest);
    let snapshot = sandbox.snapshot().unwrap();
    (sandbox, snapshot)
}

/// The counter of a demo guest.
#[track_caller]
pub fn count(sandbox: &mut Sandbox) -> i32 {
    sandbox.call("GetStatic", ()).unwrap()
}

/// Lets it count further.
#[track_caller]
pub fn add(sandbox: &mut Sandbox, number: i32) -> i32 {
    sandbox.call("AddToStatic", (number,)).unwrap()
}

/// Confirms that the sandbox's memory equals the snapshot's byte for byte, as a clone's does before its first call.
#[track_caller]
pub fn assert_pristine(sandbox: &Sandbox, snapshot: &Snapshot) {
    let (found, expected) = (sandbox.dump_memory().unwrap(), clone(snapshot).dump_memory().unwrap());
    let difference = crate::prober::first_difference(&found, &expected);
    assert_eq!(difference, None, "a page that is not the snapshot's");
}
