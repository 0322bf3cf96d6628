//! Output by way of the host's `HostPrint`.

use alloc::format;
use alloc::string::String;

use libhyperlight_guest::{Result, guest_function, host_function};

#[host_function]
pub fn HostPrint(text: &str) -> Result<i32>;

#[guest_function("PrintOutput")]
fn print_output(text: &str) -> Result<i32> {
    HostPrint(text)
}

#[guest_function("PrintUsingPrintf")]
fn print_using_printf(text: &str) -> Result<i32> {
    HostPrint(text)
}

/// Prints twice in one call.
#[guest_function("PrintTwice")]
fn print_twice(first: &str, second: &str) -> Result<i32> {
    Ok(HostPrint(first)?.saturating_add(HostPrint(second)?))
}

#[guest_function("PrintTwoArgs")]
fn print_two_args(a1: String, a2: i32) -> Result<i32> {
    HostPrint(&format!("Message: arg1:{a1} arg2:{a2}."))
}

#[guest_function("PrintThreeArgs")]
fn print_three_args(a1: String, a2: i32, a3: i64) -> Result<i32> {
    HostPrint(&format!("Message: arg1:{a1} arg2:{a2} arg3:{a3}."))
}

#[guest_function("PrintFourArgs")]
fn print_four_args(a1: String, a2: i32, a3: i64, a4: String) -> Result<i32> {
    HostPrint(&format!("Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4}."))
}

#[guest_function("PrintFiveArgs")]
fn print_five_args(a1: String, a2: i32, a3: i64, a4: String, a5: String) -> Result<i32> {
    HostPrint(&format!("Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5}."))
}

#[guest_function("PrintSixArgs")]
fn print_six_args(a1: String, a2: i32, a3: i64, a4: String, a5: String, a6: bool) -> Result<i32> {
    HostPrint(&format!("Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5} arg6:{a6}."))
}

#[guest_function("PrintSevenArgs")]
fn print_seven_args(a1: String, a2: i32, a3: i64, a4: String, a5: String, a6: bool, a7: bool) -> Result<i32> {
    HostPrint(&format!("Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5} arg6:{a6} arg7:{a7}."))
}

#[guest_function("PrintEightArgs")]
#[expect(clippy::too_many_arguments, reason = "that is the point of it")]
fn print_eight_args(
    a1: String,
    a2: i32,
    a3: i64,
    a4: String,
    a5: String,
    a6: bool,
    a7: bool,
    a8: u32,
) -> Result<i32> {
    HostPrint(&format!(
        "Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5} arg6:{a6} arg7:{a7} arg8:{a8}."
    ))
}

#[guest_function("PrintNineArgs")]
#[expect(clippy::too_many_arguments, reason = "that is the point of it")]
fn print_nine_args(
    a1: String,
    a2: i32,
    a3: i64,
    a4: String,
    a5: String,
    a6: bool,
    a7: bool,
    a8: u32,
    a9: u64,
) -> Result<i32> {
    HostPrint(&format!(
        "Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5} arg6:{a6} arg7:{a7} arg8:{a8} arg9:{a9}."
    ))
}

#[guest_function("PrintTenArgs")]
#[expect(clippy::too_many_arguments, reason = "that is the point of it")]
fn print_ten_args(
    a1: String,
    a2: i32,
    a3: i64,
    a4: String,
    a5: String,
    a6: bool,
    a7: bool,
    a8: u32,
    a9: u64,
    a10: i32,
) -> Result<i32> {
    HostPrint(&format!(
        "Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5} arg6:{a6} arg7:{a7} arg8:{a8} arg9:{a9} \
         arg10:{a10}."
    ))
}

#[guest_function("PrintElevenArgs")]
#[expect(clippy::too_many_arguments, reason = "that is the point of it")]
fn print_eleven_args(
    a1: String,
    a2: i32,
    a3: i64,
    a4: String,
    a5: String,
    a6: bool,
    a7: bool,
    a8: u32,
    a9: u64,
    a10: i32,
    a11: f32,
) -> Result<i32> {
    HostPrint(&format!(
        "Message: arg1:{a1} arg2:{a2} arg3:{a3} arg4:{a4} arg5:{a5} arg6:{a6} arg7:{a7} arg8:{a8} arg9:{a9} \
         arg10:{a10} arg11:{a11:.3}."
    ))
}
