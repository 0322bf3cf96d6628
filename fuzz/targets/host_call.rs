//! What a guest says while it is asked something, over a real virtual machine: decoded, dispatched, answered.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use libhyperlight_tests::fuzz::HostCalls;

thread_local! {
    static GUEST: RefCell<HostCalls> = RefCell::new(HostCalls::new());
}

fuzz_target!(|input: &[u8]| GUEST.with_borrow_mut(|guest| drop(guest.run(input))));
