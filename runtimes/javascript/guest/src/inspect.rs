//! Values as people read them: the output of `console`, and the text for a thrown value that is no error.
//!
//! Inspecting an object may run its getters, which may throw; an unreadable part is shown as such. Depth, number of
//! entries and length are bounded.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use crate::error::{Js, describe};
use crate::globals;
use crate::value::{Text, Value};

/// Maximum depth of objects that are shown.
const DEPTH: u32 = 4;

/// Maximum entries of one object that are shown.
const ENTRIES: u32 = 100;

/// Maximum bytes of the output.
const LENGTH: usize = 64 << 10;

/// One value, as it stands in code.
pub(crate) fn inspect(value: &Value) -> String {
    let mut out = String::new();
    show(&mut out, value, 0);
    if out.len() > LENGTH {
        out.truncate(cut(&out, LENGTH).len());
        out.push('…');
    }
    out
}

/// The arguments of `console.log`, piece by piece: a text's directives take the next arguments, and what is left
/// follows. Texts are given as they are, however long.
pub(crate) fn line(values: &[Value], write: &mut impl FnMut(&str)) {
    let mut values = values.iter();
    if let Some(first) = values.as_slice().first().filter(|first| first.is_string()) {
        values.next();
        match first.text() {
            Ok(format) => fill(write, format.as_str(), &mut values),
            Err(thrown) => write(&or_thrown(Err(thrown))),
        }
    } else if let Some(first) = values.next() {
        write(&inspect(first));
    }
    for value in values {
        write(" ");
        write_plain(write, value);
    }
}

/// The beginning of a text, at most so many bytes, in whole characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// Writes a text with its directives replaced.
fn fill<'a>(write: &mut impl FnMut(&str), format: &str, values: &mut impl Iterator<Item = &'a Value>) {
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        write(before);
        let mut symbols = after.chars();
        let directive = symbols.next();
        match directive {
            Some('%') => write("%"),
            // Styles are for browsers.
            Some('c') => drop(values.next()),
            Some(kind @ ('s' | 'd' | 'i' | 'f' | 'j' | 'o' | 'O')) => match values.next() {
                Some(value) if kind == 's' => write_plain(write, value),
                Some(value) => write(&number_or_object(kind, value)),
                None => write(&format!("%{kind}")),
            },
            _ => {
                write("%");
                rest = after;
                continue;
            }
        }
        rest = symbols.as_str();
    }
    write(rest);
}

fn number_or_object(kind: char, value: &Value) -> String {
    match (kind, value.as_number()) {
        ('i', Some(number)) => inspect(&Value::number(libm::trunc(number))),
        ('d' | 'f' | 'i', None) if !value.is_big_int() => "NaN".into(),
        _ => inspect(value),
    }
}

/// Writes a value as text without quotes.
fn write_plain(write: &mut impl FnMut(&str), value: &Value) {
    if !value.is_string() {
        return write(&inspect(value));
    }
    match value.text() {
        Ok(text) => write(text.as_str()),
        Err(thrown) => write(&or_thrown(Err(thrown))),
    }
}

/// A value as text without quotes.
fn plain(value: &Value) -> String {
    if value.is_object() || value.is_symbol() {
        return inspect(value);
    }
    or_thrown(value.text().map(|text| beginning(&text)))
}

/// The part of a text that can be shown.
fn beginning(text: &Text) -> String {
    cut(text.as_str(), LENGTH + 1).into()
}

fn show(out: &mut String, value: &Value, depth: u32) {
    if out.len() > LENGTH {
        return;
    }
    if value.is_string() {
        let _ = write!(out, "{:?}", plain(value));
    } else if value.is_big_int() {
        out.push_str(&plain(value));
        out.push('n');
    } else if value.as_number().is_some_and(|number| number == 0.0 && number.is_sign_negative()) {
        out.push_str("-0");
    } else if value.is_symbol() {
        out.push_str(&or_thrown(globals::symbol_text(value)));
    } else if value.is_object() {
        out.push_str(&or_thrown(object(value, depth)));
    } else {
        out.push_str(&plain(value));
    }
}

/// The text, or that there is none.
fn or_thrown(text: Js<String>) -> String {
    text.unwrap_or_else(|thrown| {
        thrown.forget();
        "[not readable]".into()
    })
}

fn object(value: &Value, depth: u32) -> Js<String> {
    if value.is_proxy() {
        // Inspecting a proxy would run its traps.
        return Ok("[Proxy]".into());
    }
    if value.is_error() {
        return Ok(describe(value));
    }
    if value.is_date() || value.is_reg_exp() {
        return globals::own_text(value);
    }
    let name = class(value)?;
    if value.is_function() {
        let function = value.get("name")?;
        let function = if function.is_string() { plain(&function) } else { String::new() };
        return Ok(if function.is_empty() { "[Function]".into() } else { format!("[Function: {function}]") });
    }
    let is_list = value.is_array() || value.typed_array().is_some() || value.is_set() || value.is_map();
    if depth >= DEPTH {
        return Ok(if value.is_array() { "[Array]".into() } else { format!("[{name}]") });
    }
    let mut out = String::new();
    if is_list {
        let entries = if value.is_set() || value.is_map() { globals::entries(value)? } else { value.clone() };
        let len = entries.get("length")?.as_number().unwrap_or(0.0);
        if !value.is_array() || name != "Array" {
            let _ = write!(out, "{name}({len}) ");
        }
        let (open, close) = if value.is_set() || value.is_map() { ("{", "}") } else { ("[", "]") };
        out.push_str(open);
        let mut index = 0;
        while f64::from(index) < len && index < ENTRIES && out.len() < LENGTH {
            out.push_str(if index == 0 { " " } else { ", " });
            let entry = entries.get_index(index)?;
            if value.is_map() {
                show(&mut out, &entry.get_index(0)?, depth + 1);
                out.push_str(" => ");
                show(&mut out, &entry.get_index(1)?, depth + 1);
            } else {
                show(&mut out, &entry, depth + 1);
            }
            index += 1;
        }
        more(&mut out, len - f64::from(index));
        out.push_str(if index == 0 { "" } else { " " });
        out.push_str(close);
        return Ok(out);
    }
    if let Some(bytes) = value.as_bytes() {
        return Ok(format!("{name} {{ byteLength: {} }}", bytes.len()));
    }
    if name != "Object" {
        out.push_str(&name);
        out.push(' ');
    }
    out.push('{');
    let keys = value.keys()?;
    let mut shown = 0;
    for key in keys.iter().take(ENTRIES as usize) {
        if out.len() > LENGTH {
            break;
        }
        out.push_str(if shown == 0 { " " } else { ", " });
        let key_text = beginning(&key.text()?);
        if is_identifier(&key_text) {
            out.push_str(&key_text);
        } else {
            let _ = write!(out, "{key_text:?}");
        }
        out.push_str(": ");
        match value.get_atom(&key) {
            Ok(entry) => show(&mut out, &entry, depth + 1),
            Err(thrown) => out.push_str(&or_thrown(Err(thrown))),
        }
        shown += 1;
    }
    more(&mut out, f64::from(keys.len()) - f64::from(shown));
    out.push_str(if shown == 0 { "}" } else { " }" });
    Ok(out)
}

/// Writes the number of entries that were left out.
fn more(out: &mut String, left: f64) {
    if left > 0.0 {
        let _ = write!(out, ", … {left} more");
    }
}

/// The name of an object's constructor.
fn class(value: &Value) -> Js<String> {
    let constructor = value.get("constructor")?;
    if !constructor.is_function() {
        return Ok("Object".into());
    }
    let name = constructor.get("name")?;
    Ok(if name.is_string() { plain(&name) } else { "Object".into() })
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}
