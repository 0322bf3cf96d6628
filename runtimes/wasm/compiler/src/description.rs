//! What a program exports and imports, as JSON: for bindings that call its functions by name.
//!
//! ```json
//! {"kind": "module",
//!  "exports": [{"name": "fib", "parameters": [{"name": "", "type": "i32", "kind": "i32", "json": false}],
//!               "result": {"type": "i32", "kind": "i32", "json": false}}],
//!  "imports": [],
//!  "memories": ["memory"]}
//! ```
//!
//! `kind` is the kind of the value that crosses the wall. Where `json` is true it is a string that holds JSON. A function
//! without result has `"result": null`.

use std::fmt::Write;

use crate::compile::Error;

/// A value's type in the program, and what it is on its way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Slot {
    pub ty: String,
    pub kind: &'static str,
    pub json: bool,
}

impl Slot {
    pub fn plain(ty: impl Into<String>, kind: &'static str) -> Self {
        Self { ty: ty.into(), kind, json: false }
    }

    pub fn json(ty: impl Into<String>) -> Self {
        Self { ty: ty.into(), kind: "string", json: true }
    }
}

/// What is left for a description. A type is short where it is defined, and written out where it is used: in some hundred bytes, that
/// can be made to be more than any memory holds.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Room {
    /// Bytes of names and types, each with all that it is made of.
    pub const MAX: usize = 16 << 20;
    /// What each takes that is no text.
    const EACH: usize = 64;

    /// For one that was written down: it names more of its parts there.
    pub fn of_saved() -> Self {
        Self(4 * Self::MAX)
    }

    /// Takes what a text needs, if there is so much.
    pub fn take(&mut self, text: &str) -> Result<(), Error> {
        self.0 = self.0.checked_sub(text.len() + Self::EACH).ok_or_else(|| {
            Error::Program(format!(
                "the types of what is exported and imported fill more than {} bytes",
                Self::MAX
            ))
        })?;
        Ok(())
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub name: String,
    /// Their names, which core modules do not have, and types.
    pub parameters: Vec<(String, Slot)>,
    pub result: Option<Slot>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    pub exports: Vec<Function>,
    pub imports: Vec<Function>,
    pub memories: Vec<String>,
}

impl Description {
    pub fn to_json(&self, kind: &str) -> String {
        let mut out = String::new();
        out.push_str("{\"kind\":");
        text(&mut out, kind);
        for (key, functions) in [("exports", &self.exports), ("imports", &self.imports)] {
            let _ = write!(out, ",\"{key}\":");
            list(&mut out, functions, function);
        }
        out.push_str(",\"memories\":");
        list(&mut out, &self.memories, |out, name| text(out, name));
        out.push('}');
        out
    }
}

fn function(out: &mut String, function: &Function) {
    out.push_str("{\"name\":");
    text(out, &function.name);
    out.push_str(",\"parameters\":");
    list(out, &function.parameters, |out, (name, slot)| {
        out.push_str("{\"name\":");
        text(out, name);
        out.push(',');
        members(out, slot);
    });
    out.push_str(",\"result\":");
    match &function.result {
        Some(slot) => {
            out.push('{');
            members(out, slot);
        }
        None => out.push_str("null"),
    }
    out.push('}');
}

/// The members of a slot's object, and its end.
fn members(out: &mut String, slot: &Slot) {
    out.push_str("\"type\":");
    text(out, &slot.ty);
    let _ = write!(out, ",\"kind\":\"{}\",\"json\":{}}}", slot.kind, slot.json);
}

fn list<T>(out: &mut String, items: &[T], mut item: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        item(out, value);
    }
    out.push(']');
}

fn text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
