//! Thrown values as JSON for programs: the parts of the line for people that [`crate::error::describe`] makes.
//!
//! `{"name", "message", "stack", "code"?, "cause"?, "errors"?}` for an error, and `{"name": null, "message", "value"?}`
//! for any other value. A cause, and each of several errors, has the same shape if it is an error, and is itself JSON
//! if not. Parts that are too deep, too long or too many are left out or cut, and the result is always JSON. Unreadable
//! parts are left out, too. Getters and proxies of the script's may run meanwhile, within the limits of the call.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::error::{Failure, Js, Thrown, text_of};
use crate::inspect::inspect;
use crate::json;
use crate::value::Value;

/// Bytes of the JSON.
const LENGTH: usize = 64 << 10;

/// Maximum depth of errors within errors.
const LEVELS: usize = 8;

/// Maximum number of errors in all.
const ERRORS: u32 = 64;

/// Bytes that are reserved for the closing brackets. No part is begun without them.
const MARGIN: usize = 1 << 10;

/// Bytes of a text, of which there are several.
const TEXT: usize = 16 << 10;

/// The details of a thrown value; `None` if there is no memory for them.
pub(crate) fn details(thrown: &Value) -> Option<String> {
    let mut details = Details { out: String::new(), above: Vec::new(), errors: 0 };
    details.out.try_reserve_exact(LENGTH).ok()?;
    if thrown.is_error() {
        details.error(thrown.clone());
    } else {
        details.other(thrown);
    }
    Some(details.out)
}

struct Details {
    /// It has room for [`LENGTH`] from the start.
    out: String,
    /// The errors that the next one belongs to.
    above: Vec<Value>,
    /// Errors that were begun.
    errors: u32,
}

impl Details {
    fn error(&mut self, error: Value) {
        self.errors += 1;
        for (before, name) in [("{\"", "name"), (",\"", "message"), (",\"", "stack")] {
            let text = readable(text_of(&error, name, TEXT)).unwrap_or_default();
            self.out.push_str(before);
            self.out.push_str(name);
            self.out.push_str("\":");
            self.text(&text, TEXT);
        }
        if let Some(code) = readable(error.get("code")) {
            self.code(&code);
        }
        self.above.push(error.clone());
        if let Some(cause) = readable(error.get("cause")).filter(|cause| !cause.is_undefined())
            && self.is_wanted(&cause)
        {
            self.out.push_str(",\"cause\":");
            self.value(cause);
        }
        if let Some(errors) = readable(error.get("errors")).filter(Value::is_array) {
            self.list(&errors);
        }
        self.above.pop();
        self.out.push('}');
    }

    /// Writes a thrown value that is no error.
    fn other(&mut self, thrown: &Value) {
        self.out.push_str("{\"name\":null,\"message\":");
        self.text(&inspect(thrown), TEXT);
        if let Some(json) = self.json(thrown) {
            self.out.push_str(",\"value\":");
            self.out.push_str(&json);
        }
        self.out.push('}');
    }

    fn list(&mut self, errors: &Value) {
        let len = readable(errors.get("length")).and_then(|len| len.as_number()).unwrap_or(0.0);
        self.out.push_str(",\"errors\":[");
        let mut first = true;
        for index in (0..ERRORS).take_while(|index| f64::from(*index) < len) {
            if self.room() < MARGIN || self.errors >= ERRORS {
                break;
            }
            let Some(error) = readable(errors.get_index(index)).filter(|error| self.is_wanted(error)) else {
                continue;
            };
            if !core::mem::take(&mut first) {
                self.out.push(',');
            }
            self.value(error);
        }
        self.out.push(']');
    }

    /// Returns true if there is room for a value, and it is not one of those around it.
    fn is_wanted(&self, value: &Value) -> bool {
        let is_above = self.above.iter().any(|above| above.is_same_object(value));
        let is_too_much = value.is_error() && (self.above.len() >= LEVELS || self.errors >= ERRORS);
        self.room() >= MARGIN && !is_above && !is_too_much
    }

    fn value(&mut self, value: Value) {
        if value.is_error() {
            return self.error(value);
        }
        match self.json(&value) {
            Some(json) => self.out.push_str(&json),
            None => self.text(&inspect(&value), TEXT),
        }
    }

    /// The JSON of a value, if it has one that there is room for.
    fn json(&self, value: &Value) -> Option<String> {
        match json::encode(value, json::Text::Result, self.room() as u64) {
            Ok(json) => json,
            Err(Failure::Thrown(thrown)) => {
                thrown.forget();
                None
            }
            Err(Failure::Guest(_)) => None,
        }
    }

    fn code(&mut self, code: &Value) {
        if code.is_string() {
            if let Some(text) = readable(code.text()) {
                self.out.push_str(",\"code\":");
                self.text(text.as_str(), MARGIN / 4);
            }
        } else if (code.as_bool().is_some() || code.as_number().is_some_and(f64::is_finite))
            && let Some(text) = readable(code.text())
        {
            self.out.push_str(",\"code\":");
            self.out.push_str(text.as_str());
        }
    }

    /// A text in quotes, cut so that others have room beside it.
    fn text(&mut self, text: &str, max: usize) {
        let end = self.out.len() + max.min(self.room() / 4);
        self.out.push('"');
        for c in text.chars() {
            // The maximum length of an escape.
            if self.out.len() + 6 > end {
                break;
            }
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '\n' => self.out.push_str("\\n"),
                '\0'..='\u{1f}' => drop(write!(self.out, "\\u{:04x}", u32::from(c))),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// Bytes that are left, without those for the closing brackets.
    fn room(&self) -> usize {
        LENGTH.saturating_sub(self.out.len() + MARGIN)
    }
}

/// The property, if it could be read.
fn readable<T>(read: Js<T>) -> Option<T> {
    read.map_err(Thrown::forget).ok()
}
