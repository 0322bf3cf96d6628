//! The decoders of everything that crosses the wall.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| libhyperlight_tests::fuzz::frame(bytes));
