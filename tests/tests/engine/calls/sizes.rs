//! Payloads of every size: empty, a byte, the maximum, and more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libhyperlight::{Error, ErrorCode, SandboxOptions};
use libhyperlight_tests::{
    demo, fails_with, on_each_guest, sandbox, sandbox_with, spares, uninitialized, uninitialized_with,
};

const MIB: usize = 1 << 20;

#[test]
fn the_size_options_mean_bytes_of_the_callers_own() {
    on_each_guest(|guest| {
        for size in [4 << 10, 64 << 10, MIB] {
            let options = SandboxOptions::new().input_size(size as u64).output_size(size as u64);
            let mut sandbox = sandbox_with(guest, options);
            for len in [0, 1, size - 1, size] {
                let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
                assert_eq!(
                    sandbox.call::<Vec<u8>>("EchoBytes", (&bytes,)).unwrap(),
                    bytes,
                    "{len} of {size}"
                );
                let text = "x".repeat(len);
                assert_eq!(sandbox.call::<String>("Echo", (&text,)).unwrap(), text, "{len} of {size}");
            }
        }
    });
}

#[test]
fn arguments_that_do_not_fit_name_input_size_and_do_no_harm() {
    on_each_guest(|guest| {
        let mut small = sandbox_with(guest, SandboxOptions::new().input_size(4096));
        for len in [8192, 9000, MIB, 64 * MIB] {
            let error = spares(&mut small, ErrorCode::TooLarge, |sandbox| {
                sandbox.call::<u64>("BytesLength", (vec![0_u8; len],))
            });
            assert!(error.message().contains("input_size is 4096, raise it"), "{error}");
        }
        let mut usual = sandbox(guest);
        let error = spares(&mut usual, ErrorCode::TooLarge, |sandbox| {
            sandbox.call::<u64>("StringLength", ("x".repeat(2 * MIB),))
        });
        assert!(error.message().contains("input_size is 1048576, raise it"), "{error}");
    });
}

#[test]
fn a_result_that_does_not_fit_names_output_size_and_does_no_harm() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox_with(guest, SandboxOptions::new().output_size(4096));
        for len in [8192_u64, 1 << 20, 4 << 20] {
            let error = spares(&mut sandbox, ErrorCode::TooLarge, |sandbox| {
                sandbox.call::<Vec<u8>>("MakeBytes", (len,))
            });
            assert_eq!(error.guest_code(), ErrorCode::TooLarge.number());
            assert!(error.message().contains("output size"), "{error}");
        }
        assert_eq!(sandbox.call::<Vec<u8>>("MakeBytes", (4096_u64,)).unwrap(), vec![0x5a; 4096]);
    });
}

#[test]
fn arguments_of_a_host_call_that_do_not_fit_name_output_size_and_do_no_harm() {
    on_each_guest(|guest| {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let mut host = uninitialized_with(guest, SandboxOptions::new().output_size(4096));
        host.register("Take", move |bytes: Vec<u8>| {
            count.fetch_add(1, Ordering::Relaxed);
            assert!(bytes.iter().all(|byte| *byte == 0x5a));
        })
        .unwrap();
        let mut sandbox = host.evolve().unwrap();
        for len in [0_u64, 1, 4096] {
            sandbox.call::<()>("CallHostWithBytes", ("Take", len)).unwrap();
        }
        assert_eq!(calls.load(Ordering::Relaxed), 3);
        let error = spares(&mut sandbox, ErrorCode::TooLarge, |sandbox| {
            sandbox.call::<()>("CallHostWithBytes", ("Take", 8192_u64))
        });
        assert_eq!(error.guest_code(), ErrorCode::TooLarge.number());
        assert!(error.message().contains("output size"), "{error}");
        assert_eq!(calls.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_host_result_that_does_not_fit_is_an_error_in_the_guest_that_names_input_size() {
    on_each_guest(|guest| {
        let mut host = uninitialized_with(guest, SandboxOptions::new().input_size(4096));
        host.register("Give", || vec![0_u8; 1 << 20]).unwrap();
        host.register("GiveAll", || vec![0_u8; 1 << 30]).unwrap();
        let mut sandbox = host.evolve().unwrap();
        for function in ["Give", "GiveAll"] {
            let seen: String = sandbox.call("CallHostExpectError", (function,)).unwrap();
            assert!(seen.contains("input size is 4096, raise it"), "{seen}");
            // Passed on, it is the engine's own error that comes out.
            let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
                sandbox.call::<u32>("HostCallLoop", (function, 1_u32))
            });
            let source = error.into_source().unwrap().downcast::<Error>().unwrap();
            fails_with::<()>(ErrorCode::TooLarge, Err(*source));
        }
    });
}

#[test]
fn one_mebibyte_goes_through_guest_and_host_both_ways() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("HostEchoVecBytes", |bytes: Vec<u8>| bytes).unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(MIB).collect();
        let mut sandbox = host.evolve().unwrap();
        assert_eq!(sandbox.call::<Vec<u8>>("RoundTripHostVecBytes", (&bytes,)).unwrap(), bytes);
    });
}

#[test]
fn the_largest_buffers_hold_what_they_say() {
    const MAX: usize = 256 << 20;
    let options =
        SandboxOptions::new().input_size(MAX as u64).output_size(MAX as u64).heap_size(2 * MAX as u64);
    let mut sandbox = sandbox_with(&demo(), options);
    assert_eq!(sandbox.call::<u64>("BytesLength", (vec![1_u8; MAX],)).unwrap(), MAX as u64);
    let bytes: Vec<u8> = sandbox.call("MakeBytes", (MAX as u64,)).unwrap();
    assert_eq!(bytes.len(), MAX);
    assert!(bytes.chunks(64 << 10).all(|chunk| chunk[0] == 0x5a && chunk[chunk.len() - 1] == 0x5a));
}
