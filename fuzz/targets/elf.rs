//! The loader of guest programs.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| libhyperlight_tests::fuzz::elf(file, 1));
