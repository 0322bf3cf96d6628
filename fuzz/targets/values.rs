//! The values of scripts and of components, as guests write them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| libhyperlight_tests::fuzz::values(bytes, 1));
