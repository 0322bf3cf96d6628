//! From values to text.
//!
//! Values may nest deeper than the stack, so the open ones are in a list. Getters and `toJSON` run once and in the
//! order of `JSON.stringify`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::fmt::Write as _;

use rquickjs_sys as qjs;

use super::{BIG_INT, BYTES, NUMBER, Text, fits, is_bytes, too_deep, too_large, too_many_bits};
use crate::base64;
use crate::engine::out_of_memory;
use crate::error::{Failure, Js, Thrown};
use crate::globals;
use crate::inspect::cut;
use crate::libc::single::Single;
use crate::value::{Atom, Keys, Value};

type Result<T> = core::result::Result<T, Failure>;

/// Bytes of a script's that are written as base64 at once; a multiple of 3.
const PIECE: usize = 3 << 10;

/// Bytes of the place in a value, in a message.
const PATH: usize = 256;

static KNOWN: Single<OnceCell<Known>> = Single::new(OnceCell::new());

/// Facts that are read from the engine once.
struct Known {
    to_json: Atom,
    /// The class of `{}`, …
    plain: qjs::JSClassID,
    /// … and that of `JSON.rawJSON`.
    raw: qjs::JSClassID,
    /// The functions of the host.
    host: Value,
}

/// Looks up what is needed later.
pub(crate) fn start() -> Js<()> {
    let known = Known {
        to_json: Atom::new("toJSON")?,
        plain: Value::object()?.class(),
        raw: globals::raw_json()?.class(),
        host: globals::host()?,
    };
    // Nothing sets it but this.
    let _ = KNOWN.set(known);
    Ok(())
}

/// The text of a value, which is `what`, with a maximum length; `None` if JSON leaves the value out: `undefined`,
/// functions, symbols.
pub(crate) fn encode(value: &Value, what: Text, room: u64) -> Result<Option<String>> {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let mut encoder = Encoder { out: Vec::new(), room, what, open: Vec::new(), dollars: Vec::new() };
    let root = replaced(value.clone(), || Value::string(""))?;
    if is_left_out(&root) {
        return Ok(None);
    }
    encoder.value(root)?;
    while encoder.step()? {}
    encoder.finish().map(Some)
}

struct Encoder {
    out: Vec<u8>,
    room: usize,
    what: Text,
    /// The arrays and objects that were begun and have not ended, the outermost first.
    open: Vec<Level>,
    /// The places at which one more `$` belongs.
    dollars: Vec<usize>,
}

/// An array or an object that is being written.
struct Level {
    container: Value,
    place: Place,
    /// Entries that were written.
    written: usize,
    /// The place of the first key, if it starts with `$`.
    dollar: Option<usize>,
}

enum Place {
    Items { next: u32, len: f64 },
    Entries { keys: Keys, next: u32 },
}

impl Encoder {
    /// Writes the next entry of the innermost open value. Returns true if there is one.
    fn step(&mut self) -> Result<bool> {
        let Some(level) = self.open.last_mut() else {
            return Ok(false);
        };
        let container = level.container.clone();
        match &mut level.place {
            Place::Items { next, len } if f64::from(*next) < *len => {
                let index = *next;
                *next += 1;
                let first = level.written == 0;
                level.written += 1;
                let value = replaced(container.get_index(index)?, || Value::string(&format!("{index}")))?;
                if !first {
                    self.push(b",")?;
                }
                if is_left_out(&value) { self.push(b"null")? } else { self.value(value)? }
            }
            Place::Items { .. } => {
                self.open.pop();
                self.push(b"]")?;
            }
            Place::Entries { keys, next } => match keys.get(*next) {
                Some(key) => {
                    *next += 1;
                    self.entry(&container, &key)?;
                }
                None => {
                    let dollar =
                        self.open.pop().filter(|level| level.written == 1).and_then(|level| level.dollar);
                    self.push(b"}")?;
                    if let Some(dollar) = dollar {
                        self.dollars.try_reserve(1).map_err(|_| out_of_memory())?;
                        self.dollars.push(dollar);
                    }
                }
            },
        }
        Ok(true)
    }

    fn entry(&mut self, container: &Value, key: &Atom) -> Result<()> {
        let value = replaced(container.get_atom(key)?, || key.value())?;
        if is_left_out(&value) {
            return Ok(());
        }
        let name = key.value()?.engine_text()?;
        let Some(level) = self.open.last_mut() else {
            return Ok(());
        };
        level.written += 1;
        let first = level.written == 1;
        if first && name.bytes().starts_with(b"$") {
            level.dollar = Some(self.out.len() + 1);
        }
        if !first {
            self.push(b",")?;
        }
        self.quote(name.bytes())?;
        self.push(b":")?;
        self.value(value)
    }

    /// Writes a value that JSON does not leave out, or begins it.
    fn value(&mut self, value: Value) -> Result<()> {
        if value.is_string() {
            self.quote(value.engine_text()?.bytes())
        } else if let Some(number) = value.as_number() {
            self.number(&value, number)
        } else if let Some(value) = value.as_bool() {
            self.push(if value { b"true" } else { b"false" })
        } else if value.is_big_int() {
            if !fits(&value)? {
                return Err(too_many_bits(self.what));
            }
            self.escape(BIG_INT, value.text()?.as_str())
        } else if value.is_object() {
            self.object(value)
        } else {
            self.push(b"null")
        }
    }

    fn number(&mut self, value: &Value, number: f64) -> Result<()> {
        match number {
            _ if number.is_nan() => self.escape(NUMBER, "NaN"),
            f64::INFINITY => self.escape(NUMBER, "Infinity"),
            f64::NEG_INFINITY => self.escape(NUMBER, "-Infinity"),
            _ if number == 0.0 && number.is_sign_negative() => self.escape(NUMBER, "-0"),
            _ => self.push(value.text()?.as_str().as_bytes()),
        }
    }

    fn object(&mut self, value: Value) -> Result<()> {
        if value.is_array() || (value.is_proxy() && globals::is_list(&value)?) {
            let len = value.get("length")?.as_number().unwrap_or(0.0);
            return self.begin(value, Place::Items { next: 0, len });
        }
        if is_bytes(&value) {
            return self.bytes(&value);
        }
        let class = value.class();
        let known = KNOWN.get();
        if known.is_some_and(|known| known.raw == class) {
            return self.push(value.get("rawJSON")?.text()?.as_str().as_bytes());
        }
        let is_host = known.is_some_and(|known| known.host.is_same_object(&value));
        if is_host || !(value.is_proxy() || known.is_some_and(|known| known.plain == class)) {
            let class = value.class_name()?;
            match class.as_str() {
                "Object" | "Arguments" if !is_host => {}
                class @ ("Boolean" | "Number" | "String") => {
                    return self.value(globals::primitive(class, &value)?);
                }
                "BigInt" => return Err(self.refused("BigInt object")),
                "Symbol" => return Err(self.refused("Symbol object")),
                class => return Err(self.refused(if is_host { "the object `host`" } else { class })),
            }
        }
        let keys = value.keys()?;
        self.begin(value, Place::Entries { keys, next: 0 })
    }

    fn bytes(&mut self, value: &Value) -> Result<()> {
        let gone = || {
            Thrown::type_error(
                "the bytes are gone: their buffer was taken away, or is too small for them now",
            )
        };
        let len = value.as_bytes().ok_or_else(gone)?.len();
        self.begin_escape(BYTES)?;
        let mut at = 0;
        while at < len {
            let piece =
                value.as_bytes().and_then(|bytes| bytes.get(at..len.min(at + PIECE))).ok_or_else(gone)?;
            let text = base64::encode(piece).ok_or_else(out_of_memory)?;
            self.push(text.as_bytes())?;
            at += PIECE;
        }
        self.push(b"\"}")
    }

    fn begin(&mut self, container: Value, place: Place) -> Result<()> {
        if self.open.len() == self.what.levels() {
            return Err(too_deep(self.what));
        }
        if self.open.iter().any(|level| level.container.is_same_object(&container)) {
            return Err(Thrown::type_error("circular reference").into());
        }
        self.push(if matches!(place, Place::Items { .. }) { b"[" } else { b"{" })?;
        self.open.try_reserve(1).map_err(|_| out_of_memory())?;
        self.open.push(Level { container, place, written: 0, dollar: None });
        Ok(())
    }

    /// The error for a value that JSON would lose.
    #[cold]
    fn refused(&self, kind: &str) -> Failure {
        let what = self.what;
        let path = self.path();
        let place = if path.is_empty() { String::new() } else { format!(" at {path}") };
        let message = format!(
            "{what} has {}{kind}{place}: only plain objects, arrays, bytes and primitive values can leave the sandbox",
            match kind.as_bytes().first() {
                Some(b't') => "",
                Some(b'A' | b'E' | b'I' | b'O') => "an ",
                _ => "a ",
            }
        );
        Thrown::type_error(&message).into()
    }

    /// The path of the value that is being written.
    fn path(&self) -> String {
        let mut path = String::new();
        for level in &self.open {
            let _ = match &level.place {
                Place::Items { next, .. } => write!(path, "[{}]", next.saturating_sub(1)),
                Place::Entries { keys, next } => {
                    let key = keys
                        .get(next.saturating_sub(1))
                        .and_then(|key| key.text().map_err(Thrown::forget).ok());
                    write!(path, ".{}", key.as_ref().map_or("?", |key| cut(key.as_str(), PATH)))
                }
            };
            if path.len() > PATH {
                break;
            }
        }
        cut(&path, PATH).into()
    }

    // ---- text ----------------------------------------------------------------------------------------------

    /// `{"key": "text"}`, where the text needs no quoting.
    fn escape(&mut self, key: &str, text: &str) -> Result<()> {
        self.begin_escape(key)?;
        self.push(text.as_bytes())?;
        self.push(b"\"}")
    }

    fn begin_escape(&mut self, key: &str) -> Result<()> {
        self.push(b"{\"")?;
        self.push(key.as_bytes())?;
        self.push(b"\":\"")
    }

    /// A string as the engine writes it. Halves of surrogate pairs, which have no UTF-8, become escapes.
    fn quote(&mut self, text: &[u8]) -> Result<()> {
        self.push(b"\"")?;
        let mut rest = text;
        loop {
            let run = rest
                .iter()
                .position(|byte| matches!(*byte, ..0x20 | b'"' | b'\\' | 0xed))
                .unwrap_or(rest.len());
            let (plain, special) = rest.split_at(run);
            self.push(plain)?;
            rest = match special {
                [] => return self.push(b"\""),
                [0xed, high @ 0xa0..=0xbf, low, after @ ..] => {
                    let unit = 0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f);
                    self.push(format!("\\u{unit:04x}").as_bytes())?;
                    after
                }
                [0xed, after @ ..] => {
                    self.push(&[0xed])?;
                    after
                }
                [byte, after @ ..] => {
                    match byte {
                        b'"' => self.push(b"\\\"")?,
                        b'\\' => self.push(b"\\\\")?,
                        0x08 => self.push(b"\\b")?,
                        0x0c => self.push(b"\\f")?,
                        b'\n' => self.push(b"\\n")?,
                        b'\r' => self.push(b"\\r")?,
                        b'\t' => self.push(b"\\t")?,
                        byte => self.push(format!("\\u{byte:04x}").as_bytes())?,
                    }
                    after
                }
            };
        }
    }

    fn push(&mut self, text: &[u8]) -> Result<()> {
        let (what, room) = (self.what, self.room);
        let len = self.out.len() + text.len();
        if len + self.dollars.len() > room {
            return Err(too_large(format_args!(
                "{what} takes more than {room} bytes: raise the output size"
            )));
        }
        if len > self.out.capacity() {
            // Never more than the room of a message, which is reserved from scripts.
            let more = len.max((2 * self.out.capacity()).min(room)) - self.out.len();
            self.out.try_reserve_exact(more).map_err(|_| out_of_memory())?;
        }
        self.out.extend_from_slice(text);
        Ok(())
    }

    /// Inserts the missing `$`, from the end, so that each byte moves once.
    fn finish(mut self) -> Result<String> {
        self.push(b"")?;
        self.dollars.sort_unstable();
        let (mut end, more) = (self.out.len(), self.dollars.len());
        self.out.try_reserve_exact(more).map_err(|_| out_of_memory())?;
        self.out.resize(end + more, b'$');
        while let Some(at) = self.dollars.pop() {
            let shift = self.dollars.len() + 1;
            self.out.copy_within(at..end, at + shift);
            if let Some(byte) = self.out.get_mut(at + shift - 1) {
                *byte = b'$';
            }
            end = at;
        }
        // Everything that was written is text.
        Ok(String::from_utf8(self.out).unwrap_or_default())
    }
}

/// The value to write instead of another one: the result of its own `toJSON`.
fn replaced(value: Value, key: impl FnOnce() -> Js<Value>) -> Js<Value> {
    let Some(known) = KNOWN.get().filter(|_| value.is_object() || value.is_big_int()) else {
        return Ok(value);
    };
    let to_json = value.get_atom(&known.to_json)?;
    if to_json.is_function() { to_json.call(&value, &[key()?]) } else { Ok(value) }
}

fn is_left_out(value: &Value) -> bool {
    value.is_undefined() || value.is_symbol() || value.is_function()
}
