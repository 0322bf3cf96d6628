//! A program's exports and imports as JSON, for bindings that call its functions by name.
//!
//! ```json
//! {"kind": "module",
//!  "exports": [{"name": "fib", "parameters": [{"name": "", "type": "i32", "kind": "i32", "json": false}],
//!               "result": {"type": "i32", "kind": "i32", "json": false}}],
//!  "imports": [],
//!  "memories": ["memory"]}
//! ```
//!
//! `kind` is the kind of the value in the message. If `json` is true, it is a string that holds JSON. A function
//! without result has `"result": null`.

use std::collections::HashSet;
use std::fmt::Write;

use libhyperlight_abi::limits::{MAX_FUNCTIONS, MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_wasm_contract::{ProgramKind, memory};

use crate::compile::Error;
use crate::value_type::{Type, is_name};

/// Guest functions that every module with memories has.
const OWN: [&str; 3] = [memory::SIZE, memory::READ, memory::WRITE];

/// Maximum number of functions that a program exports, and that it imports. Those of [`OWN`] are guest functions, too.
pub(crate) const MAX_EXPORTS: usize = MAX_FUNCTIONS - OWN.len();
pub(crate) const MAX_IMPORTS: usize = MAX_FUNCTIONS;

/// Bytes that are left for a description. A type is short in its definition, but written out at each use: a program of
/// some hundred bytes can describe more than any memory holds.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Room {
    /// Bytes of names and types, each with all its parts.
    pub const MAX: usize = 16 << 20;
    /// Bytes that each entry takes besides its text.
    const EACH: usize = 64;

    /// Takes the bytes of a name or of a part of a type, if they are left.
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

/// A function between program and host.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name for the guest or the host.
    pub name: String,
    /// Names and types of the parameters. Core modules have no names.
    pub parameters: Vec<(String, Type)>,
    /// The type of the result, if there is one.
    pub result: Option<Type>,
}

/// A program's exports and imports.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Exported functions.
    pub exports: Vec<Function>,
    /// Imported functions.
    pub imports: Vec<Function>,
    /// Exported memories.
    pub memories: Vec<String>,
}

impl Description {
    /// Returns true if a compiled program of that kind can have this description. For descriptions from elsewhere.
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

/// Returns true if a function can have that name outside.
pub(crate) fn can_be_named(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len())
}

/// Returns true if the runtime itself has a guest function with that name.
pub(crate) fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}
