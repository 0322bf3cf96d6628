//! Values between JavaScript and the engine, converted exactly or not at all.
//!
//! The meaning of a JavaScript value depends on the signature, which is not known before the guest has started. So
//! arguments are first copied as they are ([`Loose`]), and fitted to the signature later, on any thread.
#![expect(unsafe_code, reason = "reads and makes JavaScript values, which the safe wrappers do less exactly")]

use std::ptr;

use libhyperlight::{ErrorCode, Kind, Signature, Value, ValueRef};
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue};
use napi::{Status, sys};

use crate::failure::Failure;

/// A JavaScript value, copied.
#[derive(Clone, Debug, PartialEq)]
pub enum Loose {
    Undefined,
    Bool(bool),
    Number(f64),
    /// A bigint, as each of the two types that it fits.
    BigInt {
        signed: Option<i64>,
        unsigned: Option<u64>,
    },
    String(String),
    /// A string with an unpaired surrogate, which is not Unicode text.
    BrokenString,
    Bytes(Vec<u8>),
    /// A view of a detached buffer.
    DetachedBytes,
    /// A view of shared memory, which other threads may be writing.
    SharedBytes,
    /// Any other value, which cannot be passed; its description.
    Other(&'static str),
}

impl Loose {
    /// Describes the value, with an article.
    fn describe(&self) -> String {
        match self {
            Self::Undefined => "undefined".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => format!("the number {value}"),
            Self::BigInt { signed: Some(value), .. } => format!("the bigint {value}n"),
            Self::BigInt { unsigned: Some(value), .. } => format!("the bigint {value}n"),
            Self::BigInt { .. } => "a bigint of more than 64 bits".to_owned(),
            Self::String(_) | Self::BrokenString => "a string".to_owned(),
            Self::Bytes(_) => "a Uint8Array".to_owned(),
            Self::DetachedBytes => "a Uint8Array without its memory".to_owned(),
            Self::SharedBytes => "a Uint8Array over shared memory".to_owned(),
            Self::Other(what) => (*what).to_owned(),
        }
    }

    /// Fits the value to a kind. `place` names the parameter or result in messages.
    pub fn fit(self, kind: Kind, place: impl Fn() -> String) -> Result<Value, Failure> {
        let wrong = |loose: &Self, hint: &str| {
            Failure::new(
                ErrorCode::Signature,
                format!("{} is {kind}{hint}, found {}", place(), loose.describe()),
            )
        };
        let out_of_range = |loose: &Self| {
            Failure::invalid_argument(format!(
                "{} is {kind}, {} is out of its range",
                place(),
                loose.describe()
            ))
        };
        Ok(match (kind, self) {
            (_, loose @ Self::Other(_)) => {
                return Err(Failure::invalid_argument(format!(
                    "{} is {kind}, and {} cannot be a value",
                    place(),
                    loose.describe()
                )));
            }
            (Kind::Void, _) => Value::Void,
            (Kind::Bool, Self::Bool(value)) => Value::Bool(value),
            (Kind::I32, ref loose @ Self::Number(number)) if is_integer(number) => {
                Value::I32(exactly_i32(number).ok_or_else(|| out_of_range(loose))?)
            }
            (Kind::U32, ref loose @ Self::Number(number)) if is_integer(number) => {
                Value::U32(exactly_u32(number).ok_or_else(|| out_of_range(loose))?)
            }
            (Kind::I64, ref loose @ Self::BigInt { signed, .. }) => {
                Value::I64(signed.ok_or_else(|| out_of_range(loose))?)
            }
            (Kind::U64, ref loose @ Self::BigInt { unsigned, .. }) => {
                Value::U64(unsigned.ok_or_else(|| out_of_range(loose))?)
            }
            (Kind::F32, ref loose @ Self::Number(number)) => {
                Value::F32(rounded(number).ok_or_else(|| out_of_range(loose))?)
            }
            (Kind::F64, Self::Number(number)) => Value::F64(number),
            (Kind::String, Self::String(text)) => Value::String(text),
            (Kind::String, Self::BrokenString) => {
                return Err(Failure::invalid_argument(format!(
                    "{} is not Unicode text: it has half of a surrogate pair",
                    place()
                )));
            }
            (Kind::Bytes, Self::Bytes(bytes)) => Value::Bytes(bytes),
            (Kind::Bytes, Self::SharedBytes) => {
                return Err(Failure::invalid_argument(format!(
                    "{} is over shared memory, which may change meanwhile: pass a copy",
                    place()
                )));
            }
            (Kind::Bytes, Self::DetachedBytes) => {
                return Err(Failure::invalid_argument(format!(
                    "{} is over memory that was transferred away: pass bytes that are still there",
                    place()
                )));
            }
            (Kind::I64 | Kind::U64, ref loose @ Self::Number(_)) => {
                return Err(wrong(loose, " and takes a bigint"));
            }
            (Kind::I32 | Kind::U32, ref loose @ Self::Number(_)) => {
                return Err(wrong(loose, " and takes a whole number"));
            }
            (_, loose) => return Err(wrong(&loose, "")),
        })
    }
}

/// Fits the arguments of a call to a guest function.
pub(crate) fn fit_arguments(
    name: &str,
    signature: &Signature,
    arguments: Vec<Loose>,
) -> Result<Vec<Value>, Failure> {
    let (expected, found) = (signature.params().len(), arguments.len());
    if expected != found {
        return Err(Failure::new(
            ErrorCode::Signature,
            format!("`{name}` is {signature}, but was called with {found} arguments"),
        ));
    }
    arguments
        .into_iter()
        .zip(signature.params())
        .enumerate()
        .map(|(index, (loose, kind))| loose.fit(*kind, || format!("argument {} of `{name}`", index + 1)))
        .collect()
}

/// `Number.isSafeInteger`.
fn is_integer(number: f64) -> bool {
    const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
    number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER
}

fn exactly_i32(number: f64) -> Option<i32> {
    (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number).then(|| {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
        let value = number as i32;
        value
    })
}

fn exactly_u32(number: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&number).then(|| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number in range"
        )]
        let value = number as u32;
        value
    })
}

/// `Math.fround`, but for finite numbers that it would make infinite.
fn rounded(number: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest, as JavaScript does")]
    let value = number as f32;
    (value.is_finite() || !number.is_finite()).then_some(value)
}

impl FromNapiValue for Loose {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let mut kind = 0;
        // SAFETY: the caller promises a live environment and a value of it; the same holds for every call below. Each
        // writes to a place of its type.
        check(unsafe { sys::napi_typeof(env, value, &raw mut kind) })?;
        Ok(match kind {
            sys::ValueType::napi_undefined => Self::Undefined,
            sys::ValueType::napi_null => Self::Other("null"),
            sys::ValueType::napi_boolean => {
                let mut found = false;
                // SAFETY: as above.
                check(unsafe { sys::napi_get_value_bool(env, value, &raw mut found) })?;
                Self::Bool(found)
            }
            sys::ValueType::napi_number => {
                let mut found = 0.0;
                // SAFETY: as above.
                check(unsafe { sys::napi_get_value_double(env, value, &raw mut found) })?;
                Self::Number(found)
            }
            sys::ValueType::napi_bigint => {
                let (mut signed, mut is_signed) = (0, false);
                let (mut unsigned, mut is_unsigned) = (0, false);
                // SAFETY: as above.
                check(unsafe {
                    sys::napi_get_value_bigint_int64(env, value, &raw mut signed, &raw mut is_signed)
                })?;
                // SAFETY: as above.
                check(unsafe {
                    sys::napi_get_value_bigint_uint64(env, value, &raw mut unsigned, &raw mut is_unsigned)
                })?;
                Self::BigInt {
                    signed: is_signed.then_some(signed),
                    unsigned: is_unsigned.then_some(unsigned),
                }
            }
            // SAFETY: as above.
            sys::ValueType::napi_string => unsafe { string(env, value) }?,
            // SAFETY: as above.
            sys::ValueType::napi_object => unsafe { object(env, value) }?,
            sys::ValueType::napi_function => Self::Other("a function"),
            sys::ValueType::napi_symbol => Self::Other("a symbol"),
            _ => Self::Other("an object"),
        })
    }
}

/// # Safety
///
/// `value` is a string of the live environment `env`.
unsafe fn string(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Loose> {
    // SAFETY: the caller's promise is passed on.
    let text = unsafe { utf8(env, value) }?;
    // An unpaired surrogate arrives as U+FFFD; so does U+FFFD itself.
    if !text.contains('\u{fffd}') {
        return Ok(Loose::String(text));
    }
    // SAFETY: as above.
    let units = unsafe { utf16(env, value) }?;
    Ok(String::from_utf16(&units).map_or(Loose::BrokenString, Loose::String))
}

/// Copies a string; unpaired surrogates become U+FFFD.
///
/// # Safety
///
/// `value` is a value of the live environment `env`.
pub(crate) unsafe fn utf8(env: sys::napi_env, value: sys::napi_value) -> napi::Result<String> {
    const SHORT: usize = 256;
    let mut len = 0;
    // Most strings are short: one call is then enough. Node's count includes a NUL.
    let mut bytes: Vec<u8> = Vec::with_capacity(SHORT);
    // SAFETY: the caller's promise; the buffer has the room that is said.
    check(unsafe {
        sys::napi_get_value_string_utf8(env, value, bytes.as_mut_ptr().cast(), SHORT, &raw mut len)
    })?;
    // A character that does not fit is left out. So the text may be cut if there is no room for one more.
    if len + 4 >= SHORT {
        // SAFETY: asks for the length only.
        check(unsafe { sys::napi_get_value_string_utf8(env, value, ptr::null_mut(), 0, &raw mut len) })?;
        let room = len + 1;
        bytes.reserve(room);
        // SAFETY: as above.
        check(unsafe {
            sys::napi_get_value_string_utf8(env, value, bytes.as_mut_ptr().cast(), room, &raw mut len)
        })?;
    }
    // SAFETY: that many bytes were written, and there was room for them.
    unsafe { bytes.set_len(len) };
    String::from_utf8(bytes).map_err(|_| napi::Error::new(Status::GenericFailure, "a string is not UTF-8"))
}

/// Copies a string as its UTF-16 units.
///
/// # Safety
///
/// `value` is a value of the live environment `env`.
pub(crate) unsafe fn utf16(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Vec<u16>> {
    const SHORT: usize = 128;
    let mut len = 0;
    // As above: one call is mostly enough.
    let mut units: Vec<u16> = Vec::with_capacity(SHORT);
    // SAFETY: the caller's promise; the buffer has the room that is said, for a NUL too.
    check(unsafe { sys::napi_get_value_string_utf16(env, value, units.as_mut_ptr(), SHORT, &raw mut len) })?;
    if len + 1 >= SHORT {
        // SAFETY: asks for the length only.
        check(unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &raw mut len) })?;
        let room = len + 1;
        units.reserve(room);
        // SAFETY: as above.
        check(unsafe {
            sys::napi_get_value_string_utf16(env, value, units.as_mut_ptr(), room, &raw mut len)
        })?;
    }
    // SAFETY: that many units were written, and there was room for them.
    unsafe { units.set_len(len) };
    Ok(units)
}

/// # Safety
///
/// `value` is an object of the live environment `env`.
unsafe fn object(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Loose> {
    let mut is_typed_array = false;
    // SAFETY: the caller's promise.
    check(unsafe { sys::napi_is_typedarray(env, value, &raw mut is_typed_array) })?;
    if !is_typed_array {
        return Ok(Loose::Other("an object"));
    }
    let (mut kind, mut len, mut data, mut buffer, mut offset) = (0, 0, ptr::null_mut(), ptr::null_mut(), 0);
    // SAFETY: the caller's promise; each pointer is to a place of its type.
    check(unsafe {
        sys::napi_get_typedarray_info(
            env,
            value,
            &raw mut kind,
            &raw mut len,
            &raw mut data,
            &raw mut buffer,
            &raw mut offset,
        )
    })?;
    if kind != sys::TypedarrayType::uint8_array {
        return Ok(Loose::Other("a typed array that is no Uint8Array"));
    }
    let mut is_own = false;
    // SAFETY: `buffer` was just written.
    check(unsafe { sys::napi_is_arraybuffer(env, buffer, &raw mut is_own) })?;
    if !is_own {
        return Ok(Loose::SharedBytes);
    }
    let mut is_detached = false;
    // SAFETY: as above.
    check(unsafe { sys::napi_is_detached_arraybuffer(env, buffer, &raw mut is_detached) })?;
    if is_detached {
        return Ok(Loose::DetachedBytes);
    }
    if len == 0 || data.is_null() {
        return Ok(Loose::Bytes(Vec::new()));
    }
    // SAFETY: Node gave the address and length of the array's memory, which is not shared with other threads, and no
    // JavaScript runs before it is copied.
    Ok(Loose::Bytes(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) }.to_vec()))
}

/// A value for JavaScript.
#[derive(Debug)]
pub(crate) struct ToJs<'v>(pub ValueRef<'v>);

impl ToNapiValue for ToJs<'_> {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        let mut out = ptr::null_mut();
        let len = |len: usize| isize::try_from(len).unwrap_or(isize::MAX);
        let to = &raw mut out;
        // SAFETY: the caller promises a live environment; text comes with its address and length.
        check(unsafe {
            match this.0 {
                ValueRef::Bool(value) => sys::napi_get_boolean(env, value, to),
                ValueRef::I32(value) => sys::napi_create_int32(env, value, to),
                ValueRef::U32(value) => sys::napi_create_uint32(env, value, to),
                ValueRef::I64(value) => sys::napi_create_bigint_int64(env, value, to),
                ValueRef::U64(value) => sys::napi_create_bigint_uint64(env, value, to),
                ValueRef::F32(value) => sys::napi_create_double(env, f64::from(value), to),
                ValueRef::F64(value) => sys::napi_create_double(env, value, to),
                ValueRef::String(text) => {
                    sys::napi_create_string_utf8(env, text.as_ptr().cast(), len(text.len()), to)
                }
                ValueRef::Bytes(bytes) => return bytes_to_js(env, bytes),
                _ => sys::napi_get_undefined(env, to),
            }
        })?;
        Ok(out)
    }
}

/// Bytes for JavaScript, in memory of their own.
#[derive(Debug)]
pub struct OwnBytes(pub Vec<u8>);

impl ToNapiValue for OwnBytes {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise is passed on.
        unsafe { bytes_to_js(env, &this.0) }
    }
}

/// # Safety
///
/// `env` is a live environment.
unsafe fn bytes_to_js(env: sys::napi_env, bytes: &[u8]) -> napi::Result<sys::napi_value> {
    let (mut data, mut buffer, mut array) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the caller's promise; each pointer is to a place of its type.
    check(unsafe { sys::napi_create_arraybuffer(env, bytes.len(), &raw mut data, &raw mut buffer) })?;
    if !bytes.is_empty() {
        // SAFETY: the new buffer has as many bytes, and nobody else has it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast::<u8>(), bytes.len()) };
    }
    let kind = sys::TypedarrayType::uint8_array;
    // SAFETY: the whole of the buffer just made.
    check(unsafe { sys::napi_create_typedarray(env, kind, bytes.len(), buffer, 0, &raw mut array) })?;
    Ok(array)
}

/// Converts a status of Node's to a result.
pub(crate) fn check(status: sys::napi_status) -> napi::Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(napi::Error::new(Status::from(status), "Node refused"))
}

/// Finds a kind by its name.
pub(crate) fn kind(name: &str, place: &str) -> Result<Kind, Failure> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        Failure::invalid_argument(format!("{place} is one of {}, found {name:?}", kinds.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(loose: Loose, kind: Kind) -> Result<Value, ErrorCode> {
        loose.fit(kind, || "it".to_owned()).map_err(|failure| failure.code)
    }

    #[test]
    fn whole_numbers_fit_exactly_or_not_at_all() {
        assert_eq!(fit(Loose::Number(-2_147_483_648.0), Kind::I32), Ok(Value::I32(i32::MIN)));
        assert_eq!(fit(Loose::Number(4_294_967_295.0), Kind::U32), Ok(Value::U32(u32::MAX)));
        assert_eq!(fit(Loose::Number(2_147_483_648.0), Kind::I32), Err(ErrorCode::InvalidArgument));
        assert_eq!(fit(Loose::Number(-1.0), Kind::U32), Err(ErrorCode::InvalidArgument));
        assert_eq!(fit(Loose::Number(1.5), Kind::I32), Err(ErrorCode::Signature));
        assert_eq!(fit(Loose::Number(f64::NAN), Kind::I32), Err(ErrorCode::Signature));
        assert_eq!(fit(Loose::Number(1.0), Kind::I64), Err(ErrorCode::Signature));
        assert_eq!(fit(Loose::Number(9_007_199_254_740_992.0), Kind::I32), Err(ErrorCode::Signature));
    }

    #[test]
    fn big_integers_have_sixty_four_bits() {
        let none = Loose::BigInt { signed: None, unsigned: None };
        assert_eq!(fit(none, Kind::I64), Err(ErrorCode::InvalidArgument));
        let large = Loose::BigInt { signed: None, unsigned: Some(u64::MAX) };
        assert_eq!(fit(large.clone(), Kind::U64), Ok(Value::U64(u64::MAX)));
        assert_eq!(fit(large.clone(), Kind::I64), Err(ErrorCode::InvalidArgument));
        assert_eq!(fit(large, Kind::I32), Err(ErrorCode::Signature));
    }

    #[test]
    fn single_precision_rounds_but_does_not_overflow() {
        assert_eq!(fit(Loose::Number(0.1), Kind::F32), Ok(Value::F32(0.1)));
        assert_eq!(fit(Loose::Number(f64::INFINITY), Kind::F32), Ok(Value::F32(f32::INFINITY)));
        assert_eq!(fit(Loose::Number(1e300), Kind::F32), Err(ErrorCode::InvalidArgument));
    }

    #[test]
    fn nothing_is_converted_silently() {
        for (loose, kind) in [
            (Loose::String("1".to_owned()), Kind::I32),
            (Loose::Number(1.0), Kind::String),
            (Loose::Number(1.0), Kind::Bool),
            (Loose::Bool(true), Kind::I32),
            (Loose::Undefined, Kind::String),
            (Loose::String("x".to_owned()), Kind::Bytes),
            (Loose::Bytes(vec![1]), Kind::String),
        ] {
            assert_eq!(fit(loose, kind), Err(ErrorCode::Signature));
        }
        assert_eq!(fit(Loose::Other("null"), Kind::I32), Err(ErrorCode::InvalidArgument));
    }
}
