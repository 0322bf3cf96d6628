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

use std::collections::HashSet;
use std::fmt::Write;

use libhyperlight_abi::limits::{MAX_FUNCTIONS, MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_wasm_contract::{ProgramKind, memory};

use crate::compile::Error;
use crate::value_type::{Type, is_name};

/// Guest functions that every module with memories has.
const OWN: [&str; 3] = [memory::SIZE, memory::READ, memory::WRITE];

/// Functions that a program may export, and those that it may import. Those of [`OWN`] are guest functions too.
pub(crate) const MAX_EXPORTS: usize = MAX_FUNCTIONS - OWN.len();
pub(crate) const MAX_IMPORTS: usize = MAX_FUNCTIONS;

/// What is left for a description. A type is short where it is defined, and written out where it is used: in some hundred bytes, that
/// can be made to be more than any memory holds.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Room {
    /// Bytes of names and types, each with all that it is made of.
    pub const MAX: usize = 16 << 20;
    /// What each takes that is no text.
    const EACH: usize = 64;

    /// Takes what a name or a part of a type needs, if there is so much.
    pub fn take(&mut self, name: &str) -> Result<(), Error> {
        self.0 = self.0.checked_sub(name.len() + Self::EACH).ok_or_else(|| {
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

/// A function that crosses the wall.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name that the guest or the host knows it by.
    pub name: String,
    /// Their names, which core modules do not have, and types.
    pub parameters: Vec<(String, Type)>,
    /// The type of its result, if it has one.
    pub result: Option<Type>,
}

/// What a program exports and imports.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Functions that it exports.
    pub exports: Vec<Function>,
    /// Functions that it imports.
    pub imports: Vec<Function>,
    /// Memories that it exports.
    pub memories: Vec<String>,
}

impl Description {
    /// Whether a program of that kind can have it, once it was compiled: for one that somebody else has written down.
    pub(crate) fn is_of(&self, kind: ProgramKind) -> bool {
        let Self { exports, imports, memories } = self;
        let is_module = kind == ProgramKind::Module;
        let has_type = |ty: &Type| if is_module { ty.is_of_modules() } else { ty.is_of_components() };
        let is_function = |function: &Function| {
            let Function { name, parameters, result } = function;
            can_be_named(name)
                && parameters.len() <= MAX_PARAMETERS
                && parameters.iter().all(|(name, _)| if is_module { name.is_empty() } else { is_name(name) })
                && parameters.iter().map(|(_, ty)| ty).chain(result).all(has_type)
                && parameters.iter().all(|(_, ty)| ty.is_value())
        };
        let mut names = HashSet::new();
        exports.len() <= MAX_EXPORTS
            && imports.len() <= MAX_IMPORTS
            && exports.iter().chain(imports).all(is_function)
            && !exports.iter().any(|function| is_module && is_own(&function.name))
            && exports.iter().map(|function| &function.name).chain(memories).all(|name| names.insert(name))
            && (is_module || memories.is_empty())
    }

    pub(crate) fn to_json(&self, kind: &str) -> String {
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
    list(out, &function.parameters, |out, (name, ty)| {
        out.push_str("{\"name\":");
        text(out, name);
        out.push(',');
        members(out, ty);
    });
    out.push_str(",\"result\":");
    match &function.result {
        Some(ty) => {
            out.push('{');
            members(out, ty);
        }
        None => out.push_str("null"),
    }
    out.push('}');
}

/// The members of a type's object, and its end.
fn members(out: &mut String, ty: &Type) {
    out.push_str("\"type\":");
    text(out, &ty.to_string());
    let kind = ty.kind();
    let _ = write!(out, ",\"kind\":\"{}\",\"json\":{}}}", kind.unwrap_or(Type::JSON), kind.is_none());
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

/// Whether a function can have that name outside.
pub(crate) fn can_be_named(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len())
}

/// Whether a guest function of the runtime's own has that name.
pub(crate) fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}
