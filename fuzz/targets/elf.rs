//! The loader of guest programs: any file is loaded or refused. Inputs start from the demo guest, see `ci/fuzz`.
#![no_main]

use hyperlight::{ErrorCode, Guest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Err(error) = Guest::from_bytes(file) {
        assert_eq!(error.code(), ErrorCode::GuestBinary);
        assert!(!error.message().contains('\n'));
    }
});
