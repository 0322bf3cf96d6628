//! Handling of calls: from the host's request to the reply.

use alloc::format;
use alloc::vec::Vec;

use libhyperlight_abi::limits::{MAX_DETAILS_LEN, MAX_MESSAGE_LEN, MAX_PARAMETERS};
use libhyperlight_abi::message::cut;
use libhyperlight_abi::{AbortReason, ErrorKind, FrameKind, Full, Kind, Value, ValueRef};

use crate::channel;
use crate::error::{Error, Result, code};
use crate::function::{self, Call, Declaration, DynamicCall};
use crate::incoming::Arguments;
use crate::panic::give_up;
use crate::text::Text;

/// Bytes of an error frame without its message.
const ERROR_FRAME_OVERHEAD: usize = 64;

/// Runs the function that the host calls.
pub(crate) fn run(name: &str, arguments: Arguments<'_>) -> Result<Value> {
    match function::find(name).map(|function| (&function.call, &function.declaration)) {
        Some((Call::Shim(call), _)) => call(arguments),
        Some((Call::Dynamic(call), declaration)) => run_dynamic(declaration, call, arguments),
        None => Err(Error::function_not_found(format!("the guest has no function `{name}`"))),
    }
}

/// Runs a function whose signature was registered at run time.
fn run_dynamic(declaration: &Declaration, call: &DynamicCall, mut arguments: Arguments<'_>) -> Result<Value> {
    let (returns, params) = declaration.signature().split_first().unwrap_or((&0, &[]));
    arguments.expect(params.len())?;
    let mut copies = Vec::with_capacity(params.len());
    for param in params {
        let expected = kind(*param);
        copies
            .push(arguments.next(expected, |value| (value.kind() == expected).then(|| Value::from(*value)))?);
    }
    let mut borrowed = [ValueRef::Void; MAX_PARAMETERS];
    for (place, copy) in borrowed.iter_mut().zip(&copies) {
        *place = copy.borrow();
    }
    let value = call(borrowed.get(..copies.len()).unwrap_or_default())?;
    if value.kind() != kind(*returns) {
        let (name, found, expected) = (declaration.name(), value.kind(), kind(*returns));
        return Err(Error::new(
            code::SIGNATURE,
            format!("the function `{name}` returned {found}, not {expected}"),
        ));
    }
    Ok(value)
}

/// Posts the reply to a call.
pub(crate) fn reply(outcome: &Result<Value>) {
    let error = match outcome {
        Ok(value) => match channel::post(FrameKind::Result, &[value.borrow()], &[]) {
            Ok(()) => return,
            Err(Full { needed, capacity }) => {
                let message = format!("the result takes {needed} bytes of {capacity}: raise the output size");
                &Error::too_large(message)
            }
        },
        Err(error) => error,
    };
    if error.message.len() <= MAX_MESSAGE_LEN {
        post_error(error, &error.message);
    } else {
        post_at_length(error);
    }
}

/// Posts an error with a shortened message. A separate function, because the smallest stack has little room for a copy.
#[cold]
#[inline(never)]
fn post_at_length(error: &Error) {
    post_error(error, Text::new(format_args!("{}", error.message)).as_str());
}

fn post_error(error: &Error, message: &str) {
    let room = channel::capacity().saturating_sub(ERROR_FRAME_OVERHEAD);
    let items =
        [ValueRef::I32(error.code), ValueRef::String(cut(message, room)), ValueRef::U64(error.token())];
    let kind = ValueRef::U32(error.kind() as u32);
    // Truncated details would not be JSON.
    if let Some(details) = error.details().filter(|details| details.len() <= MAX_DETAILS_LEN)
        && channel::post(FrameKind::Error, &items, &[kind, ValueRef::String(details)]).is_ok()
    {
        return;
    }
    let more = if error.kind() == ErrorKind::Own { &[][..] } else { &[kind] };
    if channel::post(FrameKind::Error, &items, more).is_err() {
        give_up(AbortReason::Abort, code::TOO_LARGE, "the output size is too small for any frame");
    }
}

/// Converts a kind of a signature that has been checked.
fn kind(code: u8) -> Kind {
    Kind::from_code(u32::from(code)).unwrap_or(Kind::Void)
}
