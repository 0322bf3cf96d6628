//! A short run of the guest fuzzer; `ci/fuzz` runs it for longer.

use libhyperlight_tests::guest_fuzz::GuestFuzz;

#[test]
fn random_code_never_gets_out_and_a_restore_mends_what_it_did() {
    let mut fuzz = GuestFuzz::new(0x5eed_0039);
    for _ in 0..20 {
        for _ in 0..200 {
            fuzz.step();
        }
        fuzz.check();
    }
    assert!(fuzz.ends["fault"] > 1000, "{:?}", fuzz.ends);
}
