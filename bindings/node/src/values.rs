//! Values that travel as JSON, which the crate `libhyperlight-values` reads and writes.
//!
//! JavaScript's values are passed as a *tape*: one array of numbers holds their numbers and tags, and their texts and
//! bytes are stored beside it. Asking Node for each property of each object takes longer than all the rest. Besides,
//! only JavaScript can tell much of what a value is (a `Map`, a proxy, an object with a `toJSON`). So `lib/values.cjs`
//! does this classification, and nothing else.

mod build;
mod read;
mod spelling;

use libhyperlight::ErrorCode;
use libhyperlight_values::{Error, ParseError, Type, check, lift, limits, lower, script};
use napi::bindgen_prelude::Utf16String;
use napi_derive::napi;

use self::build::{Builder, JsTape, Text, text_of};
use self::read::Tape;
use crate::failure::Failure;
use crate::guard::contain;
use crate::reply::Made;

/// A type of a WebAssembly program.
#[napi(js_name = "Type")]
#[derive(Debug)]
pub struct JsType {
    ty: Type,
}

#[napi]
impl JsType {
    /// Parses a type from its text.
    #[napi(catch_unwind, ts_return_type = "Made<Type>")]
    pub fn parse(text: String) -> Made<JsType> {
        Made(contain(|| match Type::parse(&text) {
            Ok(ty) => Ok(JsType { ty }),
            Err(error @ ParseError::TooDeep) => Err(Failure::new(ErrorCode::GuestBinary, error.to_string())),
            Err(error) => Err(Failure::new(ErrorCode::Internal, error.to_string())),
        }))
    }

    /// Returns true if its kind on the wire has more values than the type.
    #[napi(catch_unwind, getter)]
    pub fn is_narrow(&self) -> bool {
        self.ty.is_narrow()
    }

    /// Encodes a value, which error messages call `what`, as text.
    #[napi(catch_unwind, ts_return_type = "Made<string>")]
    pub fn lower(&self, what: String, tape: &[f64], text: Utf16String, bytes: &[u8]) -> Made<Text> {
        Made(contain(|| {
            let mut tape = Tape::new(tape, &text, bytes);
            Ok(text_of(lower(&self.ty, Tape::START, &what, &mut tape)?))
        }))
    }

    /// Decodes a value from a guest's text.
    #[napi(catch_unwind)]
    pub fn lift(&self, what: String, text: String) -> Made<JsTape> {
        Made(contain(|| {
            let mut builder = Builder::default();
            lift(&self.ty, &text, &what, &mut builder)?;
            Ok(builder.finish())
        }))
    }

    /// Checks that a value has this type, where the guest sent it as a wider kind.
    #[napi(catch_unwind)]
    pub fn check(&self, what: String, tape: &[f64], text: Utf16String) -> Made<()> {
        Made(contain(|| check(&self.ty, Tape::START, &what, &mut Tape::new(tape, &text, &[]))))
    }
}

/// Maximum depth of nested arrays and objects.
#[napi]
#[expect(clippy::cast_possible_truncation, reason = "it is small")]
pub const MAX_DEPTH: u32 = limits::MAX_DEPTH as u32;

/// Maximum number of bits of a bigint.
#[napi]
#[expect(clippy::cast_possible_truncation, reason = "it is small")]
pub const MAX_BITS: u32 = limits::MAX_BITS as u32;

/// Encodes a value for a script, or an array of values, each of which may be as deep as one alone.
#[napi(catch_unwind, ts_return_type = "Made<string>")]
pub fn to_script(what: String, is_all: bool, tape: &[f64], text: Utf16String, bytes: &[u8]) -> Made<Text> {
    Made(contain(|| {
        let mut tape = Tape::new(tape, &text, bytes);
        let made = if is_all {
            let all = tape.all();
            script::encode_all(all, &what, &mut tape)
        } else {
            script::encode(Tape::START, &what, &mut tape)
        };
        Ok(text_of(made?))
    }))
}

/// Decodes a value from the text of a script's guest. `null` if it is plain JSON, which JavaScript reads faster itself.
#[napi(catch_unwind, ts_return_type = "Made<JsTape | null>")]
pub fn of_script(what: String, is_all: bool, text: String) -> Made<Option<JsTape>> {
    Made(contain(|| {
        if !script::may_have_escapes(&text) {
            script::check(&text, is_all, &what)?;
            return Ok(None);
        }
        let mut builder = Builder::default();
        if is_all {
            script::decode_all(&text, &what, &mut builder)?;
        } else {
            script::decode(&text, &what, &mut builder)?;
        }
        Ok(Some(builder.finish()))
    }))
}

/// Of a guest's value, or of the caller's.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.reason().code(), error.message())
    }
}
