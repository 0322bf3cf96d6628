//! A minute of the soak: random operations on two threads, and a process that does not grow by it.

use std::time::Duration;

use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::soak::soak;

#[test]
fn random_operations_on_two_threads_leave_the_process_as_it_was() {
    in_own_process(|| {
        let outcome = soak(7, Duration::from_secs(60), 100);
        assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
        assert!(outcome.passed > 4);
    });
}
