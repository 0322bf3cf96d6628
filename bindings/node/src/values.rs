//! Values that travel as JSON, which the crate `libhyperlight-values` reads and writes.
//!
//! JavaScript's values are passed as a *tape*: one array of numbers holds their numbers and tags, and their texts and
//! bytes are stored beside it. Asking Node for each property of each object takes longer than all the rest. Besides,
//! only JavaScript can tell much of what a value is (a `Map`, a proxy, an object with a `toJSON`). So `lib/values.cjs`
//! does this classification, and nothing else.

mod build;
mod read;
mod spelling;
mod text;

use std::cell::RefCell;

use libhyperlight::ErrorCode;
use libhyperlight_values::{Error, ParseError, Type, check, is_json, lift, limits, lower, script};
use napi_derive::napi;

use self::build::{Builder, JsTape};
use self::read::Tape;
use self::text::{Text, Unicode, Units};
use crate::failure::Failure;
use crate::guard::contain;
use crate::reply::Made;

/// A type of a WebAssembly program.
#[napi(js_name = "Type")]
#[derive(Debug)]
pub struct JsType {
    ty: Type,
    number: u32,
}

thread_local! {
    /// The types of this thread's JavaScript, for [`lower_type`] and [`is_json_of_type`]; places that are free.
    static TYPES: RefCell<(Vec<Option<Type>>, Vec<u32>)> = RefCell::default();
}

impl JsType {
    /// Makes a type for JavaScript, on its thread.
    pub(crate) fn new(ty: Type) -> Self {
        let number = TYPES.with_borrow_mut(|(types, free)| {
            let number = free.pop().unwrap_or_else(|| u32::try_from(types.len()).unwrap_or(u32::MAX));
            match types.get_mut(index(number)) {
                Some(place) => *place = Some(ty.clone()),
                None => types.push(Some(ty.clone())),
            }
            number
        });
        Self { ty, number }
    }

    fn find(number: u32) -> Result<Type, Failure> {
        let found = TYPES.with_borrow(|(types, _)| types.get(index(number)).cloned().flatten());
        found.ok_or_else(|| Failure::new(ErrorCode::Internal, "there is no such type on this thread"))
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Drop for JsType {
    fn drop(&mut self) {
        // At a thread's end the table may be gone.
        let _ = TYPES.try_with(|types| {
            let (types, free) = &mut *types.borrow_mut();
            if let Some(place) = types.get_mut(index(self.number)) {
                *place = None;
                free.push(self.number);
            }
        });
    }
}

#[napi]
impl JsType {
    /// Parses a type from its text.
    #[napi(catch_unwind, ts_return_type = "Made<Type>")]
    pub fn parse(text: String) -> Made<JsType> {
        Made(contain(|| match Type::parse(&text) {
            Ok(ty) => Ok(JsType::new(ty)),
            Err(error @ (ParseError::TooDeep | ParseError::TooLarge)) => {
                Err(Failure::new(ErrorCode::GuestBinary, error.to_string()))
            }
            Err(error) => Err(Failure::new(ErrorCode::Internal, error.to_string())),
        }))
    }

    /// The type's number for `lowerType` and `isJsonOfType`. It is valid while this object lives.
    #[napi(catch_unwind, getter)]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The least and the largest number, if the type is a whole number and its kind has more.
    #[napi(catch_unwind, getter)]
    pub fn range(&self) -> Option<Vec<f64>> {
        match self.ty {
            Type::Integer(integer) if self.ty.is_narrow() => {
                let (least, most) = integer.range();
                #[expect(clippy::cast_precision_loss, reason = "it is exact")]
                let range = vec![least as f64, most as f64];
                Some(range)
            }
            _ => None,
        }
    }

    /// Returns true for one character.
    #[napi(catch_unwind, getter)]
    pub fn is_char(&self) -> bool {
        self.ty == Type::Char
    }

    /// Returns true if `JSON.parse` may make the values that `lift` makes: `isJsonOfType` says of which texts.
    #[napi(catch_unwind, getter)]
    pub fn can_be_json(&self) -> bool {
        self.ty.can_be_json()
    }

    /// Decodes a value from a guest's text.
    #[napi(catch_unwind)]
    pub fn lift(&self, what: String, text: Unicode) -> Made<JsTape> {
        Made(contain(|| {
            let mut builder = Builder::default();
            lift(&self.ty, &text.0, &what, &mut builder)?;
            Ok(builder.finish())
        }))
    }

    /// Checks that a value has this type, where the guest sent it as a wider kind.
    #[napi(catch_unwind)]
    pub fn check(&self, tape: &[f64], count: u32, text: Units, what: String) -> Made<()> {
        Made(contain(|| check(&self.ty, Tape::START, &what, &mut Tape::new(tape, count, &text, None))))
    }
}

/// Encodes a value of a type as text. Without `what`, the name in error messages, an error is `null`.
///
/// A function and not a method, because the lookup of a method's object takes longer than everything else here.
#[napi(catch_unwind, ts_return_type = "Made<string | null>")]
pub fn lower_type(
    ty: u32,
    tape: &[f64],
    count: u32,
    text: Units,
    bytes: Option<&[u8]>,
    what: Option<String>,
) -> Made<Option<Text>> {
    Made(contain(|| {
        let ty = JsType::find(ty)?;
        let mut tape = Tape::new(tape, count, &text, bytes);
        named(what, |what| Ok(Text::Unicode(lower(&ty, Tape::START, what, &mut tape)?)))
    }))
}

/// Returns true if a guest's text is a value of the type, which `JSON.parse` makes as `lift` does.
#[napi(catch_unwind)]
pub fn is_json_of_type(ty: u32, text: Unicode) -> bool {
    contain(|| Ok(is_json(&JsType::find(ty)?, &text.0))).unwrap_or_default()
}

/// Runs work that may fail, with the name in its error messages; `None` if it fails and has no name.
fn named<T>(
    what: Option<String>,
    work: impl FnOnce(&str) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match what {
        Some(what) => work(&what).map(Some),
        None => Ok(work("").ok()),
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
pub fn to_script(
    what: String,
    is_all: bool,
    tape: &[f64],
    count: u32,
    text: Units,
    bytes: Option<&[u8]>,
) -> Made<Text> {
    Made(contain(|| {
        let mut tape = Tape::new(tape, count, &text, bytes);
        let made = if is_all {
            let all = tape.all();
            script::encode_all(all, &what, &mut tape)
        } else {
            script::encode(Tape::START, &what, &mut tape)
        };
        Ok(Text::Unicode(made?))
    }))
}

/// Returns true if a text of a script's guest is what JavaScript reads itself, if it is JSON.
#[napi(catch_unwind)]
pub fn is_plain(text: Units, is_all: bool) -> bool {
    script::is_plain(&text.0, is_all)
}

/// Decodes a value from the text of a script's guest.
#[napi(catch_unwind)]
pub fn of_script(what: String, is_all: bool, text: Unicode) -> Made<JsTape> {
    Made(contain(|| {
        let mut builder = Builder::default();
        if is_all {
            script::decode_all(&text.0, &what, &mut builder)?;
        } else {
            script::decode(&text.0, &what, &mut builder)?;
        }
        Ok(builder.finish())
    }))
}

/// Of a guest's value, or of the caller's.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.reason().code(), error.message())
    }
}
