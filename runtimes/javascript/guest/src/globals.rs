//! The globals that scripts find besides the language: `console`, `host`, `TextEncoder`, `TextDecoder`, `crypto`,
//! `performance`, and a `Math.random` that no clone repeats.
//!
//! `prelude.js` makes the classes; the functions behind them are here.

use alloc::format;
use alloc::string::String;
use core::cell::{Cell, OnceCell};

use rquickjs_sys as qjs;

use crate::console::console;
use crate::encodings;
use crate::engine::{self, Goal, globals};
use crate::error::{Js, Thrown};
use crate::host;
use crate::inspect::cut;
use crate::libc::single::Single;
use crate::native::{Arguments, function};
use crate::value::Value;

/// Maximum bytes of one `getRandomValues`, as on the web.
const MAX_RANDOM: usize = 65_536;

/// Bytes of a text that stand for a value where it is shown to people.
const SHOWN: usize = 4096;

/// Functions of the prelude that this guest itself uses, out of the reach of scripts.
static HELPERS: Single<OnceCell<Value>> = Single::new(OnceCell::new());

/// The time origin of `performance`, by the monotonic clock and by the other one.
static ORIGIN: Single<Cell<Option<(u64, u64)>>> = Single::new(Cell::new(None));

/// Adds everything to the global object.
pub(crate) fn start() -> Js<()> {
    let native = Value::object()?;
    let functions = [
        ("encode", function(c"", 1, encodings::encode)?),
        ("encodeInto", function(c"", 2, encodings::encode_into)?),
        ("encoding", function(c"", 1, encodings::encoding)?),
        ("decode", function(c"", 6, encodings::decode)?),
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

fn helper(name: &str) -> Js<Value> {
    HELPERS.get().unwrap_or_else(Value::undefined).get(name)
}

fn help(name: &str, value: &Value) -> Js<Value> {
    helper(name)?.call(Value::undefined(), core::slice::from_ref(value))
}

/// The `BigInt` that decimal digits stand for.
pub(crate) fn big_int(digits: &Value) -> Js<Value> {
    help("bigInt", digits)
}

/// Returns true if a `BigInt` may be passed.
pub(crate) fn is_short(big_int: &Value) -> Js<bool> {
    Ok(help("isShort", big_int)?.is_truthy())
}

/// Returns true if a proxy is one of an array.
pub(crate) fn is_list(proxy: &Value) -> Js<bool> {
    Ok(help("isList", proxy)?.is_truthy())
}

/// The value in a `Boolean`, a `Number` or a `String`, by the name of its class.
pub(crate) fn primitive(class: &str, object: &Value) -> Js<Value> {
    help(class, object)
}

/// An object of `JSON.rawJSON`, for one number.
pub(crate) fn raw_json() -> Js<Value> {
    helper("rawJSON")
}

/// The object with the functions of the host.
pub(crate) fn host() -> Js<Value> {
    helper("host")
}

/// A promise for the result of an object with that `then`.
pub(crate) fn adopt(thenable: &Value, then: &Value) -> Js<Value> {
    helper("adopt")?.call(Value::undefined(), &[thenable.clone(), then.clone()])
}

/// The entries of a `Map` or a `Set`, as an array.
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
    if !is_whole {
        return Err(Thrown::type_error("getRandomValues takes a typed array of integers"));
    }
    let Some(bytes) = view.as_bytes_mut() else {
        return Err(Thrown::type_error(
            "the array's buffer was taken away, is too small for it, or immutable",
        ));
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

/// The first reading, by both clocks. A snapshot that continues where the clock is behind starts anew.
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
