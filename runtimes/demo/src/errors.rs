//! Errors, aborts and panics.

use alloc::string::String;

use libhyperlight_guest::{Error, Result, abort, guest_function};

/// The code of errors about arguments that a function cannot use.
pub const WRONG_INPUT: i32 = 1;

/// The code of errors about unexpected answers.
pub const UNEXPECTED: i32 = 2;

#[guest_function("ReturnError")]
fn return_error(code: i32, message: String) -> Result<()> {
    Err(Error::new(code, message))
}

#[guest_function("ReturnErrorWithDetails")]
fn return_error_with_details(code: i32, message: String, details: String) -> Result<()> {
    Err(Error::new(code, message).with_details(details))
}

#[guest_function("GuestAbortWithCode")]
fn guest_abort_with_code(code: i32) {
    abort(code, "")
}

#[guest_function("GuestAbortWithMessage")]
fn guest_abort_with_message(code: i32, message: &str) {
    abort(code, message)
}

#[guest_function("Panic")]
fn panic(message: &str) {
    panic!("{message}")
}

#[guest_function("guest_panic")]
fn guest_panic(message: &str) {
    panic!("{message}")
}

/// A panic of the language's own.
#[guest_function("IndexOutOfBounds")]
fn index_out_of_bounds(index: u32) -> i32 {
    let numbers = core::hint::black_box([1, 2, 3]);
    numbers[index as usize]
}
