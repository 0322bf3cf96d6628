//! Values as text between the host and scripts: JSON, and four escapes so that nothing is lost.
//!
//! | value | text |
//! |---|---|
//! | a `Uint8Array`, `Uint8ClampedArray`, `ArrayBuffer`, `SharedArrayBuffer` or `DataView` | `{"$bytes": "<base64>"}`; comes back as a `Uint8Array` |
//! | a `BigInt` | `{"$bigint": "<decimal>"}` |
//! | a number that JSON does not have | `{"$number": "NaN"}`, or `Infinity`, `-Infinity`, `-0` |
//! | an object whose only key starts with `$` | the same with one more `$` in front of the key |
//!
//! Everything else is as in `JSON.stringify` and `JSON.parse`, except that a value that JSON would lose is an error: a
//! `Map`, an `Error`, an array of floats. Changes of scripts to the prototypes or to `JSON` have no effect here. Both
//! directions have the same bounds, which are those of the bindings, too.

mod decode;
mod encode;

use alloc::format;
use core::fmt;

use rquickjs_sys as qjs;
use sdk::Error;

use crate::error::Failure;
use crate::globals;
use crate::value::Value;

pub(crate) use decode::{decode, parse};
pub(crate) use encode::{encode, start};

/// Maximum depth of arrays and objects.
const MAX_DEPTH: usize = 512;

/// Bits of a `BigInt`, without its sign, …
const MAX_BITS: usize = 65_536;

/// … and the digits that its text has at most.
const MAX_DIGITS: usize = 19_729;

const BYTES: &str = "$bytes";
const BIG_INT: &str = "$bigint";
const NUMBER: &str = "$number";

/// The texts between host and guest, as messages call them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text {
    /// The arguments of a call, or of a call of the host's: a list, which is no level of its own.
    Arguments,
    /// The result of a call, or of a host function.
    Result,
}

impl Text {
    const fn levels(self) -> usize {
        match self {
            Self::Arguments => MAX_DEPTH + 1,
            Self::Result => MAX_DEPTH,
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arguments => "the list of arguments",
            Self::Result => "the result",
        })
    }
}

/// Returns true if a value is passed as bytes.
pub(crate) fn is_bytes(value: &Value) -> bool {
    let is_bytes = |kind| {
        matches!(
            kind,
            qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 | qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8C
        )
    };
    value.is_array_buffer() || value.is_data_view() || value.typed_array().is_some_and(is_bytes)
}

#[cold]
fn too_deep(text: Text) -> Failure {
    too_large(format_args!("{text} has more than {MAX_DEPTH} levels of arrays and objects"))
}

#[cold]
fn too_many_bits(text: Text) -> Failure {
    too_large(format_args!("{text} has a bigint of more than {MAX_BITS} bits"))
}

#[cold]
fn too_large(message: fmt::Arguments<'_>) -> Failure {
    Error::too_large(format!("{message}")).into()
}

/// Returns true if a `BigInt` has no more than [`MAX_BITS`].
fn fits(big_int: &Value) -> crate::error::Js<bool> {
    Ok(big_int.as_i64().is_some() || globals::is_short(big_int)?)
}
