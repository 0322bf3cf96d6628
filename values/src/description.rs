//! Exports and imports of a WebAssembly program, and their form as bytes: they leave the compiler and are saved in it.
//!
//! ```text
//! kind u32: 0 for a module, 1 for a component
//! exports, imports:  count u32, count × (name text, parameters, result)
//! parameters:        count u32, count × (name text, type text)
//! result:            a type's text, empty if there is none
//! memories:          count u32, count × text
//! text:              length u32, bytes
//! ```
//!
//! Types are written as [`Type`] prints them. The bytes may come from anywhere: what is read is what a compiled program
//! can have, takes no more memory than [`Room`] has, and no more time than is in proportion to the bytes.

use std::collections::HashSet;
use std::fmt;

use libhyperlight_abi::limits::{MAX_FUNCTIONS, MAX_NAME_LEN, MAX_PARAMETERS};

use crate::limits::MAX_PROGRAM_DEPTH;
use crate::types::{Full, ParseError, Room, Type, is_name, parse_within};

/// The exports and imports of a program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Description {
    /// True for a component, false for a module.
    pub is_component: bool,
    /// The exported functions.
    pub exports: Vec<Function>,
    /// The imported functions.
    pub imports: Vec<Function>,
    /// The names of the exported memories.
    pub memories: Vec<String>,
}

/// A function that a program exports or imports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Function {
    name: String,
    parameters: Vec<(String, Type)>,
    result: Option<Type>,
}

/// Error for bytes that are no description.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DescriptionError {
    /// They are cut off, or say what no compiled program has.
    Damaged,
    /// Its types and names are too large.
    Full(Full),
}

impl Description {
    /// Writes it as bytes; `None` if a text or a list is longer than a number of 32 bits can say.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        put_word(&mut out, self.is_component.into());
        for functions in [&self.exports, &self.imports] {
            put_list(&mut out, functions, |out, function| {
                put(out, &function.name)?;
                put_list(out, &function.parameters, |out, (name, ty)| {
                    put(out, name)?;
                    put(out, &ty.to_string())
                })?;
                put(out, &function.result.as_ref().map(Type::to_string).unwrap_or_default())
            })?;
        }
        put_list(&mut out, &self.memories, |out, name| put(out, name))?;
        Some(out)
    }

    /// Reads it from bytes, and checks it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DescriptionError> {
        let mut rest = Rest { bytes, room: Room::default() };
        let read = Self {
            is_component: match rest.word()? {
                0 => false,
                1 => true,
                _ => return Err(DescriptionError::Damaged),
            },
            exports: rest.list(MAX_FUNCTIONS, Rest::function)?,
            imports: rest.list(MAX_FUNCTIONS, Rest::function)?,
            memories: rest.list(usize::MAX, |rest| Ok(rest.text()?.to_owned()))?,
        };
        if rest.bytes.is_empty() && read.is_possible() { Ok(read) } else { Err(DescriptionError::Damaged) }
    }

    /// Returns true if a program can have it.
    fn is_possible(&self) -> bool {
        let Self { is_component, exports, imports, memories } = self;
        let has_type = |ty: &Type| if *is_component { ty.is_of_components() } else { ty.is_of_modules() };
        let is_function = |function: &Function| {
            let Function { name, parameters, result } = function;
            can_be_named(name)
                && parameters
                    .iter()
                    .all(|(name, _)| if *is_component { is_name(name) } else { name.is_empty() })
                && parameters.iter().map(|(_, ty)| ty).chain(result).all(has_type)
                && parameters.iter().all(|(_, ty)| !matches!(ty, Type::Results(_)))
        };
        let mut names = HashSet::new();
        exports.iter().chain(imports).all(is_function)
            && exports.iter().map(|function| &function.name).chain(memories).all(|name| names.insert(name))
            && (!is_component || memories.is_empty())
    }
}

impl Function {
    /// Makes a function of a name, of its parameters with their names, and of the type of its result, if there is one.
    pub fn new(name: String, parameters: Vec<(String, Type)>, result: Option<Type>) -> Self {
        Self { name, parameters, result }
    }

    /// The name: `interface#name` for functions of a component's interfaces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names and types of the parameters. Those of modules have no names.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = (&str, &Type)> {
        self.parameters.iter().map(|(name, ty)| (&**name, ty))
    }

    /// The type of the result, if there is one.
    pub fn result(&self) -> Option<&Type> {
        self.result.as_ref()
    }

    /// Its signature without its name: `(who: record { name: string, age: u32 }) -> u32`.
    pub fn signature(&self) -> String {
        let name = |name: &str| if name.is_empty() { String::new() } else { format!("{name}: ") };
        let parameters: Vec<_> = self.parameters().map(|(of, ty)| name(of) + &ty.to_string()).collect();
        let result = self.result().map(|ty| format!(" -> {ty}")).unwrap_or_default();
        format!("({}){result}", parameters.join(", "))
    }
}

/// Its name and its signature: `older(who: record { name: string, age: u32 }) -> u32`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.signature())
    }
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the description of the program is damaged"),
            Self::Full(full) => full.fmt(f),
        }
    }
}

impl std::error::Error for DescriptionError {}

impl From<Full> for DescriptionError {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

/// Returns true if a function between program and host can have that name.
pub fn can_be_named(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len())
}

fn put_word(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_le_bytes());
}

fn put(out: &mut Vec<u8>, text: &str) -> Option<()> {
    put_word(out, u32::try_from(text.len()).ok()?);
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn put_list<T>(
    out: &mut Vec<u8>,
    items: &[T],
    mut item: impl FnMut(&mut Vec<u8>, &T) -> Option<()>,
) -> Option<()> {
    put_word(out, u32::try_from(items.len()).ok()?);
    items.iter().try_for_each(|value| item(out, value))
}

/// The bytes that are left to read, and the room that is left for what they describe.
struct Rest<'a> {
    bytes: &'a [u8],
    room: Room,
}

impl<'a> Rest<'a> {
    fn word(&mut self) -> Result<u32, DescriptionError> {
        let (word, rest) = self.bytes.split_first_chunk::<4>().ok_or(DescriptionError::Damaged)?;
        self.bytes = rest;
        Ok(u32::from_le_bytes(*word))
    }

    fn unchecked_text(&mut self) -> Result<&'a str, DescriptionError> {
        let len = usize::try_from(self.word()?).map_err(|_| DescriptionError::Damaged)?;
        let (head, rest) = self.bytes.split_at_checked(len).ok_or(DescriptionError::Damaged)?;
        self.bytes = rest;
        std::str::from_utf8(head).map_err(|_| DescriptionError::Damaged)
    }

    /// A name.
    fn text(&mut self) -> Result<&'a str, DescriptionError> {
        let text = self.unchecked_text()?;
        self.room.take(text)?;
        Ok(text)
    }

    /// The name of a parameter. Without one, as in modules, a parameter takes the room of its type alone.
    fn parameter(&mut self) -> Result<&'a str, DescriptionError> {
        let name = self.unchecked_text()?;
        if !name.is_empty() {
            self.room.take(name)?;
        }
        Ok(name)
    }

    /// Each item has at least the bytes of its count: a number that is not borne out allocates nothing.
    fn list<T>(
        &mut self,
        most: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DescriptionError>,
    ) -> Result<Vec<T>, DescriptionError> {
        let count = self.word()?;
        if usize::try_from(count).is_ok_and(|count| count <= most) {
            (0..count).map(|_| item(self)).collect()
        } else {
            Err(DescriptionError::Damaged)
        }
    }

    fn function(&mut self) -> Result<Function, DescriptionError> {
        let name = self.text()?.to_owned();
        let parameters = self.list(MAX_PARAMETERS, |rest| {
            Ok((rest.parameter()?.to_owned(), rest.ty()?.ok_or(DescriptionError::Damaged)?))
        })?;
        Ok(Function { name, parameters, result: self.ty()? })
    }

    fn ty(&mut self) -> Result<Option<Type>, DescriptionError> {
        let text = self.unchecked_text()?;
        if text.is_empty() {
            return Ok(None);
        }
        parse_within(text, MAX_PROGRAM_DEPTH, &mut self.room).map(Some).map_err(|error| match error {
            ParseError::TooLarge => DescriptionError::Full(Full),
            _ => DescriptionError::Damaged,
        })
    }
}
