//! Keeps one virtual machine until it is ended.
//!
//! For `ci/check-emulated`, in whose machines the kernel must not see a first and a last one again and again.

use hyperlight_tests::{demo, sandbox};

fn main() {
    let _kept = sandbox(&demo());
    loop {
        std::thread::park();
    }
}
