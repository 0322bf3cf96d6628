//! Errors: their numbers and names are a contract, and their texts reveal nothing about the host.

use libhyperlight::{Error, ErrorCode, Guest, HostError, HostPanic, Sandbox, UninitializedSandbox};
use libhyperlight_tests::{demo, harm, hexadecimals, sandbox, uninitialized};

/// The table that every language has.
const CODES: [(ErrorCode, i32, &str); 25] = [
    (ErrorCode::InvalidArgument, -1, "HL_ERR_INVALID_ARGUMENT"),
    (ErrorCode::HypervisorUnavailable, -2, "HL_ERR_HYPERVISOR_UNAVAILABLE"),
    (ErrorCode::GuestBinary, -3, "HL_ERR_GUEST_BINARY"),
    (ErrorCode::Resource, -4, "HL_ERR_RESOURCE"),
    (ErrorCode::FunctionNotFound, -5, "HL_ERR_FUNCTION_NOT_FOUND"),
    (ErrorCode::Signature, -6, "HL_ERR_SIGNATURE"),
    (ErrorCode::TooLarge, -7, "HL_ERR_TOO_LARGE"),
    (ErrorCode::GuestError, -8, "HL_ERR_GUEST_ERROR"),
    (ErrorCode::HostFunction, -9, "HL_ERR_HOST_FUNCTION"),
    (ErrorCode::GuestAbort, -10, "HL_ERR_GUEST_ABORT"),
    (ErrorCode::GuestFault, -11, "HL_ERR_GUEST_FAULT"),
    (ErrorCode::StackOverflow, -12, "HL_ERR_STACK_OVERFLOW"),
    (ErrorCode::GuestOutOfMemory, -13, "HL_ERR_GUEST_OUT_OF_MEMORY"),
    (ErrorCode::Timeout, -14, "HL_ERR_TIMEOUT"),
    (ErrorCode::Interrupted, -15, "HL_ERR_INTERRUPTED"),
    (ErrorCode::Poisoned, -16, "HL_ERR_POISONED"),
    (ErrorCode::Busy, -17, "HL_ERR_BUSY"),
    (ErrorCode::State, -18, "HL_ERR_STATE"),
    (ErrorCode::SnapshotMismatch, -19, "HL_ERR_SNAPSHOT_MISMATCH"),
    (ErrorCode::SnapshotFile, -20, "HL_ERR_SNAPSHOT_FILE"),
    (ErrorCode::Io, -21, "HL_ERR_IO"),
    (ErrorCode::Protocol, -22, "HL_ERR_PROTOCOL"),
    (ErrorCode::Closed, -23, "HL_ERR_CLOSED"),
    (ErrorCode::PoolTimeout, -24, "HL_ERR_POOL_TIMEOUT"),
    (ErrorCode::Internal, -99, "HL_ERR_INTERNAL"),
];

#[test]
fn numbers_and_names_of_the_codes_never_change() {
    for (code, number, name) in CODES {
        assert_eq!((code.number(), code.name()), (number, name));
    }
}

#[test]
fn what_a_type_promises_about_threads_it_keeps() {
    fn crosses_threads<T: Send + 'static>() {}
    fn is_shared<T: Send + Sync + 'static>() {}
    crosses_threads::<Sandbox>();
    crosses_threads::<UninitializedSandbox>();
    is_shared::<Error>();
    is_shared::<Guest>();
    is_shared::<HostError>();
    is_shared::<HostPanic>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
}

#[test]
fn what_is_printed_for_debugging_names_no_address_of_the_host() {
    let mut host = uninitialized(&demo());
    host.register("Fails", || Err::<(), _>("no")).unwrap();
    let mut texts = vec![format!("{:?}", demo()), format!("{host:?}")];
    let mut sandbox = host.evolve().unwrap();
    texts.push(format!("{sandbox:?}"));
    for error in [
        sandbox.call::<u32>("HostCallLoop", ("Fails", 1_u32)).unwrap_err(),
        sandbox.call::<()>("NoSuchFunction", ()).unwrap_err(),
        sandbox.call::<()>("TriggerException", ()).unwrap_err(),
    ] {
        texts.push(format!("{error:?}"));
    }
    texts.push(format!("{sandbox:?}"));
    for text in texts {
        assert!(!text.is_empty());
        assert!(!hexadecimals(&text).any(harm::is_host_address), "{text}");
    }
}

#[test]
fn an_error_is_an_error_like_others() {
    let failed = || -> Result<(), Box<dyn std::error::Error>> {
        sandbox(&demo()).call::<()>("NoSuchFunction", ())?;
        Ok(())
    };
    let error = failed().unwrap_err().downcast::<Error>().unwrap();
    assert_eq!(error.to_string(), "the guest has no function `NoSuchFunction`");
    assert!(format!("{error:?}").contains("FunctionNotFound"));
}
