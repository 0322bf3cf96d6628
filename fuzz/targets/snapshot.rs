//! The loader of snapshot files.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| libhyperlight_tests::fuzz::snapshot(file, 1));
