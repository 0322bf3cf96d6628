//! `console`: `log` prints a line and everything is a log record.

use core::fmt;

use sdk::log::{self, Level, Metadata, Record};
use sdk::{ValueRef, boot_info, host_call};

use crate::error::{Js, Thrown};
use crate::inspect::{cut, line};
use crate::native::{Arguments, function};
use crate::value::Value;

/// What log records of scripts say that they come from.
const TARGET: &str = "javascript";

/// The most that is printed at once; a longer text is printed in pieces.
const PIECE: u64 = 32 << 10;

/// The object.
pub(crate) fn console() -> Js<Value> {
    let console = Value::object()?;
    let methods = [
        ("log", function(c"log", 0, |arguments| say(&arguments, Level::Info, true))?),
        ("info", function(c"info", 0, |arguments| say(&arguments, Level::Info, false))?),
        ("warn", function(c"warn", 0, |arguments| say(&arguments, Level::Warn, false))?),
        ("error", function(c"error", 0, |arguments| say(&arguments, Level::Error, false))?),
        ("debug", function(c"debug", 0, |arguments| say(&arguments, Level::Debug, false))?),
        ("trace", function(c"trace", 0, |arguments| say(&arguments, Level::Trace, false))?),
        ("assert", function(c"assert", 0, assert)?),
    ];
    for (name, method) in methods {
        console.define(name, method)?;
    }
    Ok(console)
}

/// Writes a log record.
pub(crate) fn log(level: Level, text: fmt::Arguments<'_>) {
    log::logger().log(&Record::builder().level(level).target(TARGET).args(text).build());
}

fn say(arguments: &Arguments<'_>, level: Level, print: bool) -> Js<Value> {
    let logged = log::logger().enabled(&Metadata::builder().level(level).target(TARGET).build());
    if !print && !logged {
        return Ok(Value::UNDEFINED);
    }
    let mut text = line(arguments.as_slice());
    if logged {
        log(level, format_args!("{text}"));
    }
    if print {
        text.push('\n');
        print_all(&text)?;
    }
    Ok(Value::UNDEFINED)
}

fn assert(arguments: Arguments<'_>) -> Js<Value> {
    let (condition, rest) = arguments.as_slice().split_first().unwrap_or_else(|| (Value::undefined(), &[]));
    if condition.is_truthy() {
        return Ok(Value::UNDEFINED);
    }
    let rest = line(rest);
    let colon = if rest.is_empty() { "" } else { ": " };
    log(Level::Error, format_args!("Assertion failed{colon}{rest}"));
    Ok(Value::UNDEFINED)
}

/// Prints, in pieces that fit the buffer.
fn print_all(text: &str) -> Js<()> {
    // Room for at least one character, whatever the buffer is.
    let most = usize::try_from(PIECE.min(boot_info().output.size / 2)).map_or(4, |most| most.max(4));
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(cut(rest, most).len());
        host_call("HostPrint", &[ValueRef::String(piece)]).map_err(Thrown::host_error)?;
        rest = tail;
    }
    Ok(())
}
