//! What scripts find besides the language: `console`, `host`, `TextEncoder`, `TextDecoder`, `crypto`, `performance`, and a
//! `Math.random` that no clone repeats.
//!
//! `prelude.js` makes the classes; the functions behind them are here.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};

use rquickjs_sys as qjs;

use crate::console::console;
use crate::engine::{self, Goal, globals, out_of_memory};
use crate::error::{Js, Thrown};
use crate::host;
use crate::inspect::cut;
use crate::libc::single::Single;
use crate::native::{Arguments, function};
use crate::value::Value;

/// Bytes that `getRandomValues` gives at once, as the web has it.
const MAX_RANDOM: usize = 65_536;

/// Bytes of a text that stand for a value where it is shown to people.
const SHOWN: usize = 4096;

/// Functions of the prelude that this guest itself uses, out of the reach of scripts.
static HELPERS: Single<OnceCell<Value>> = Single::new(OnceCell::new());

/// When `performance` was first asked: by the monotonic clock and by the other one.
static ORIGIN: Single<Cell<Option<(u64, u64)>>> = Single::new(Cell::new(None));

/// Adds everything to the global object.
pub(crate) fn start() -> Js<()> {
    let native = Value::object()?;
    let functions = [
        ("encode", function(c"", 1, encode)?),
        ("encodeInto", function(c"", 2, encode_into)?),
        ("encoding", function(c"", 1, encoding)?),
        ("decode", function(c"", 6, decode)?),
        ("fillRandom", function(c"", 1, fill_random)?),
        ("randomUUID", function(c"randomUUID", 0, random_uuid)?),
        ("random", function(c"random", 0, random)?),
        ("now", function(c"now", 0, now)?),
        ("timeOrigin", function(c"", 0, time_origin)?),
        ("bindHost", function(c"", 1, |arguments| host::bind(arguments.get(0)))?),
        ("hasHost", function(c"", 1, |arguments| host::has(arguments.get(0)))?),
    ];
    for (name, function) in functions {
        native.define(name, function)?;
    }
    globals().define_hidden("console", console()?)?;
    let mut source = String::from(include_str!("prelude.js"));
    let prelude = engine::run(engine::compile(&mut source, "<prelude>", Goal::Script)?)?;
    let helpers = prelude.call(Value::undefined(), &[native])?;
    // Nothing sets it but this.
    let _ = HELPERS.set(helpers);
    Ok(())
}

// ---- helpers of the prelude ------------------------------------------------------------------------------------

fn help(name: &str, value: &Value) -> Js<Value> {
    let helpers = HELPERS.get().unwrap_or_else(Value::undefined);
    helpers.get(name)?.call(Value::undefined(), core::slice::from_ref(value))
}

/// The `BigInt` that decimal digits stand for.
pub(crate) fn big_int(digits: &Value) -> Js<Value> {
    help("bigInt", digits)
}

/// What a `Map` or a `Set` holds, as an array.
pub(crate) fn entries(collection: &Value) -> Js<Value> {
    help("entries", collection)
}

/// A symbol as text, which no conversion gives.
pub(crate) fn symbol_text(symbol: &Value) -> Js<String> {
    Ok(cut(help("symbolText", symbol)?.text()?.as_str(), SHOWN).into())
}

/// The text of a `Date` or of a `RegExp`.
pub(crate) fn own_text(value: &Value) -> Js<String> {
    let helper = if value.is_date() { "dateText" } else { "regExpText" };
    Ok(cut(help(helper, value)?.text()?.as_str(), SHOWN).into())
}

// ---- text --------------------------------------------------------------------------------------------------------

fn encode(arguments: Arguments<'_>) -> Js<Value> {
    let text = arguments.get(0).text()?;
    Value::bytes(text.as_str().as_bytes())
}

fn encode_into(arguments: Arguments<'_>) -> Js<Value> {
    let text = arguments.get(0).text()?;
    let mut target = arguments.get(1).clone();
    let is_bytes = target.typed_array() == Some(qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8);
    let Some(room) = target.as_bytes_mut().filter(|_| is_bytes) else {
        return Err(Thrown::type_error("the target must be a Uint8Array"));
    };
    let (mut read, mut written) = (0_u32, 0);
    for c in text.as_str().chars() {
        let Some(place) = room.get_mut(written..written + c.len_utf8()) else {
            break;
        };
        c.encode_utf8(place);
        written += place.len();
        read += if c.len_utf16() == 2 { 2 } else { 1 };
    }
    let result = Value::object()?;
    result.define("read", Value::number(read.into()))?;
    result.define("written", Value::number(u32::try_from(written).unwrap_or(u32::MAX).into()))?;
    Ok(result)
}

/// The name of the encoding that a label means; `undefined` if there is none.
fn encoding(arguments: Arguments<'_>) -> Js<Value> {
    let label = arguments.get(0).text()?;
    match &*label.as_str().trim_ascii().to_ascii_lowercase() {
        "utf-8" | "utf8" | "unicode-1-1-utf-8" | "unicode11utf8" | "unicode20utf8" | "x-unicode20utf8" => {
            Value::string("utf-8")
        }
        "utf-16le" | "utf-16" | "ucs-2" | "unicode" | "csunicode" | "iso-10646-ucs-2" | "unicodefeff" => {
            Value::string("utf-16le")
        }
        _ => Ok(Value::UNDEFINED),
    }
}

/// Arguments: encoding, bytes left of the last time, bytes, whether more follow, whether errors throw, whether a byte order
/// mark is text. The result has the text and the bytes that wait for more.
fn decode(arguments: Arguments<'_>) -> Js<Value> {
    let name = arguments.get(0).text()?;
    let is_wide = name.as_str() == "utf-16le";
    let flag = |index| arguments.get(index).is_truthy();
    let (more_follows, fatal, keep_mark) = (flag(3), flag(4), flag(5));
    let mut bytes = Vec::new();
    for index in [1, 2] {
        let Some(part) = arguments.get(index).as_bytes() else {
            return Err(Thrown::type_error("the bytes must be an ArrayBuffer or a view of one"));
        };
        bytes.try_reserve(part.len()).map_err(|_| out_of_memory())?;
        bytes.extend_from_slice(part);
    }
    let used = match (more_follows, is_wide) {
        (false, _) => bytes.len(),
        (true, false) => complete_utf8(&bytes),
        (true, true) => complete_utf16(&bytes),
    };
    let (now, rest) = bytes.split_at(used);
    let decoded = if is_wide { decode_utf16(now, fatal) } else { decode_utf8(now, fatal) };
    let Some(text) = decoded else {
        return Err(Thrown::type_error("the bytes are not text of this encoding"));
    };
    let text = if keep_mark { &*text } else { text.strip_prefix('\u{feff}').unwrap_or(&text) };
    let result = Value::object()?;
    result.define("text", Value::string(text)?)?;
    result.define("rest", Value::bytes(rest)?)?;
    Ok(result)
}

/// Bytes without a character at the end whose rest may follow.
fn complete_utf8(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let ends = (tail..bytes.len()).rev().find(|at| bytes.get(*at).is_some_and(|byte| *byte >= 0xc0));
    match ends.and_then(|at| Some((at, core::str::from_utf8(bytes.get(at..)?)))) {
        Some((at, Err(error))) if error.valid_up_to() == 0 && error.error_len().is_none() => at,
        _ => bytes.len(),
    }
}

fn complete_utf16(bytes: &[u8]) -> usize {
    let even = bytes.len() & !1;
    let last = even.checked_sub(1).and_then(|at| bytes.get(at));
    if last.is_some_and(|high| (0xd8..0xdc).contains(high)) { even - 2 } else { even }
}

fn decode_utf8(bytes: &[u8], fatal: bool) -> Option<String> {
    if fatal {
        return core::str::from_utf8(bytes).ok().map(Into::into);
    }
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn decode_utf16(bytes: &[u8], fatal: bool) -> Option<String> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
    let mut text = String::new();
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(c) => text.push(c),
            Err(_) if fatal => return None,
            Err(_) => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    match odd {
        [] => {}
        _ if fatal => return None,
        _ => text.push(char::REPLACEMENT_CHARACTER),
    }
    Some(text)
}

// ---- random numbers ----------------------------------------------------------------------------------------------

fn fill_random(arguments: Arguments<'_>) -> Js<Value> {
    let mut view = arguments.get(0).clone();
    let kind = view.typed_array();
    let is_whole = kind.is_some_and(|kind| {
        !matches!(
            kind,
            qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_FLOAT16
                | qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_FLOAT32
                | qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_FLOAT64
        )
    });
    let Some(bytes) = view.as_bytes_mut().filter(|_| is_whole) else {
        return Err(Thrown::type_error("getRandomValues takes a typed array of integers"));
    };
    if bytes.len() > MAX_RANDOM {
        let message = format!("getRandomValues gives at most {MAX_RANDOM} bytes, not {}", bytes.len());
        return Err(Thrown::range_error(&message));
    }
    sdk::random::fill(bytes);
    Ok(Value::UNDEFINED)
}

fn random_uuid(_: Arguments<'_>) -> Js<Value> {
    let mut bytes = [0; 16];
    sdk::random::fill(&mut bytes);
    let bits = u128::from_be_bytes(bytes);
    // Version 4, variant 1.
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let text = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    Value::string(&text)
}

/// `Math.random`. The generator starts anew in each clone and after each restore; a state in the engine would not.
fn random(_: Arguments<'_>) -> Js<Value> {
    let mut bytes = [0; 8];
    sdk::random::fill(&mut bytes);
    let bits = u64::from_le_bytes(bytes) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    Ok(Value::number(bits as f64 / (1_u64 << 53) as f64))
}

// ---- time --------------------------------------------------------------------------------------------------------

/// The first reading, by both clocks. A snapshot that goes on where the clock is behind starts anew.
fn origin(monotonic: u64) -> (u64, u64) {
    if let Some(origin) = ORIGIN.get().filter(|(start, _)| *start <= monotonic) {
        return origin;
    }
    let origin = (monotonic, sdk::time::wall_ns());
    ORIGIN.set(Some(origin));
    origin
}

/// Milliseconds since `performance` was first asked.
fn now(_: Arguments<'_>) -> Js<Value> {
    let monotonic = sdk::time::monotonic_ns();
    Ok(Value::number(milliseconds(monotonic - origin(monotonic).0)))
}

fn time_origin(_: Arguments<'_>) -> Js<Value> {
    Ok(Value::number(milliseconds(origin(sdk::time::monotonic_ns()).1)))
}

#[expect(clippy::cast_precision_loss, reason = "the language has doubles only")]
fn milliseconds(ns: u64) -> f64 {
    ns as f64 / 1_000_000.0
}
