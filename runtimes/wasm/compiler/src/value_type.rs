//! The type of a value in a message, as a tree.
//!
//! A node has a shape, and the members that its shape requires: [`Type::new`] makes no other. It prints itself as in
//! WIT, except for records and the like, which have no name here: those are written out.

use std::collections::HashSet;
use std::fmt;

use libhyperlight_abi::value::Kind;
use libhyperlight_wasm_interface::Shape;
use wasmparser::names::KebabStr;

/// A part of a type: a field, a case, an element. The name is empty if such parts have none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its type; a case may have none.
    pub ty: Option<Type>,
}

/// A type of values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Type {
    shape: Shape,
    /// Of a list of fixed length; else 0.
    length: u32,
    members: Vec<Member>,
}

impl Type {
    /// Levels of types within types: the validator's limit for a component.
    pub const MAX_DEPTH: u32 = 110;

    /// The kind of a value that travels as JSON.
    pub const JSON: Kind = Kind::String;

    /// A node, if its members are those that the shape requires.
    pub fn new(shape: Shape, length: u32, members: Vec<Member>) -> Option<Self> {
        let (least, most) = shape.count();
        let is_well_formed = (least..=most).contains(&members.len())
            && (length == 0 || shape == Shape::FixedList)
            && members.iter().all(|member| member.ty.is_some() || !shape.is_typed())
            && members.iter().all(|member| member.ty.is_none() || !shape.is_of_names())
            && match shape.is_named() {
                true => are_names(&members),
                false => members.iter().all(|member| member.name.is_empty()),
            };
        is_well_formed.then_some(Self { shape, length, members })
    }

    /// A type without members.
    pub const fn plain(shape: Shape) -> Self {
        Self { shape, length: 0, members: Vec::new() }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Elements of a list of fixed length; else 0.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// The parts.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The kind of the value in the message; a string of JSON if no other kind fits. The guest decides the same in the
    /// same way.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self.shape {
            Shape::Bool => Kind::Bool,
            Shape::S8 | Shape::S16 | Shape::S32 | Shape::I32 => Kind::I32,
            Shape::U8 | Shape::U16 | Shape::U32 => Kind::U32,
            Shape::S64 | Shape::I64 => Kind::I64,
            Shape::U64 => Kind::U64,
            Shape::F32 => Kind::F32,
            Shape::F64 => Kind::F64,
            Shape::Char | Shape::String => Kind::String,
            Shape::List if self.first().is_some_and(|element| element.shape == Shape::U8) => Kind::Bytes,
            _ => return None,
        })
    }

    /// Returns true if a function of a module can have this type.
    pub fn is_of_modules(&self) -> bool {
        let is_number = |ty: &Self| matches!(ty.shape, Shape::I32 | Shape::I64 | Shape::F32 | Shape::F64);
        match self.shape {
            Shape::Results => self.types().all(is_number),
            _ => is_number(self),
        }
    }

    /// Returns true if a function of a component can have this type.
    pub fn is_of_components(&self) -> bool {
        !matches!(self.shape, Shape::I32 | Shape::I64 | Shape::Results)
            && self.types().all(Self::is_of_components)
    }

    /// Returns true if a parameter can have this type.
    pub fn is_value(&self) -> bool {
        self.shape != Shape::Results
    }

    fn types(&self) -> impl Iterator<Item = &Self> {
        self.members.iter().filter_map(|member| member.ty.as_ref())
    }

    fn first(&self) -> Option<&Self> {
        self.members.first()?.ty.as_ref()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.shape.word();
        match (self.shape, &*self.members) {
            (Shape::Result, [Member { ty: None, .. }, Member { ty: None, .. }]) | (_, []) => {
                f.write_str(word)
            }
            (Shape::Result, [Member { ty: Some(ok), .. }, Member { ty: None, .. }]) => {
                write!(f, "{word}<{ok}>")
            }
            (Shape::Result, [Member { ty: None, .. }, Member { ty: Some(error), .. }]) => {
                write!(f, "{word}<_, {error}>")
            }
            (Shape::FixedList, [Member { ty: Some(ty), .. }]) => write!(f, "{word}<{ty}, {}>", self.length),
            (shape, members) => {
                let (open, close) = match shape {
                    Shape::Results => ("(", ")"),
                    _ if shape.is_named() => (" { ", " }"),
                    _ => ("<", ">"),
                };
                write!(f, "{word}{open}")?;
                for (index, Member { name, ty }) in members.iter().enumerate() {
                    f.write_str(if index == 0 { name } else { ", " })?;
                    if index > 0 {
                        f.write_str(name)?;
                    }
                    match ty {
                        None => {}
                        Some(ty) if shape == Shape::Record => write!(f, ": {ty}")?,
                        Some(ty) if shape == Shape::Variant => write!(f, "({ty})")?,
                        Some(ty) => ty.fmt(f)?,
                    }
                }
                f.write_str(close)
            }
        }
    }
}

/// The rules of a shape for its nodes.
trait Rules: Copy {
    /// The word in WIT.
    fn word(self) -> &'static str;
    /// The minimum and maximum number of members.
    fn count(self) -> (usize, usize);
    /// Returns true if the members have names.
    fn is_named(self) -> bool;
    /// Returns true if the members are names and nothing else.
    fn is_of_names(self) -> bool;
    /// Returns true if each member has a type.
    fn is_typed(self) -> bool;
}

impl Rules for Shape {
    fn word(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::S8 => "s8",
            Self::U8 => "u8",
            Self::S16 => "s16",
            Self::U16 => "u16",
            Self::S32 => "s32",
            Self::U32 => "u32",
            Self::S64 => "s64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::String => "string",
            Self::List | Self::FixedList => "list",
            Self::Map => "map",
            Self::Record => "record",
            Self::Variant => "variant",
            Self::Tuple => "tuple",
            Self::Flags => "flags",
            Self::Enum => "enum",
            Self::Option => "option",
            Self::Result => "result",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::Results => "",
        }
    }

    fn count(self) -> (usize, usize) {
        match self {
            Self::List | Self::FixedList | Self::Option => (1, 1),
            Self::Map | Self::Result => (2, 2),
            Self::Record | Self::Variant | Self::Tuple | Self::Enum => (1, usize::MAX),
            Self::Flags => (1, 32),
            Self::Results => (2, usize::MAX),
            _ => (0, 0),
        }
    }

    fn is_named(self) -> bool {
        matches!(self, Self::Record | Self::Variant) || self.is_of_names()
    }

    fn is_of_names(self) -> bool {
        matches!(self, Self::Flags | Self::Enum)
    }

    fn is_typed(self) -> bool {
        !matches!(self, Self::Variant | Self::Flags | Self::Enum | Self::Result)
    }
}

/// Returns true if those are valid names in components, and no two are equal without regard to case.
fn are_names(members: &[Member]) -> bool {
    let mut found = HashSet::new();
    members.iter().all(|member| is_name(&member.name) && found.insert(member.name.to_ascii_lowercase()))
}

/// Returns true if it is a valid name in components.
pub(crate) fn is_name(name: &str) -> bool {
    KebabStr::new(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, ty: Option<Type>) -> Member {
        Member { name: name.to_owned(), ty }
    }

    #[test]
    fn types_print_themselves_as_wit_writes_them() {
        let of = |shape, members| Type::new(shape, 0, members).unwrap().to_string();
        let (byte, text) = (Some(Type::plain(Shape::U8)), Some(Type::plain(Shape::String)));
        assert_eq!(of(Shape::List, vec![member("", byte.clone())]), "list<u8>");
        assert_eq!(
            of(Shape::Record, vec![member("a", byte.clone()), member("b-c", text.clone())]),
            "record { a: u8, b-c: string }"
        );
        assert_eq!(
            of(Shape::Variant, vec![member("a", None), member("b", text.clone())]),
            "variant { a, b(string) }"
        );
        assert_eq!(of(Shape::Enum, vec![member("a", None), member("b", None)]), "enum { a, b }");
        assert_eq!(
            of(Shape::Map, vec![member("", text.clone()), member("", byte.clone())]),
            "map<string, u8>"
        );
        assert_eq!(of(Shape::Result, vec![member("", None), member("", None)]), "result");
        assert_eq!(of(Shape::Result, vec![member("", byte.clone()), member("", None)]), "result<u8>");
        assert_eq!(of(Shape::Result, vec![member("", None), member("", text.clone())]), "result<_, string>");
        assert_eq!(of(Shape::Result, vec![member("", byte.clone()), member("", text)]), "result<u8, string>");
        assert_eq!(
            Type::new(Shape::FixedList, 3, vec![member("", byte)]).unwrap().to_string(),
            "list<u8, 3>"
        );
        let number = Some(Type::plain(Shape::I32));
        assert_eq!(of(Shape::Results, vec![member("", number.clone()), member("", number)]), "(i32, i32)");
    }

    #[test]
    fn types_are_refused_whose_members_are_not_those_of_their_shape() {
        let byte = || Some(Type::plain(Shape::U8));
        for (shape, length, members) in [
            (Shape::U8, 0, vec![member("", byte())]),
            (Shape::U8, 1, vec![]),
            (Shape::List, 0, vec![]),
            (Shape::List, 0, vec![member("", None)]),
            (Shape::List, 0, vec![member("a", byte())]),
            (Shape::Map, 0, vec![member("", byte())]),
            (Shape::Record, 0, vec![]),
            (Shape::Record, 0, vec![member("a", None)]),
            (Shape::Record, 0, vec![member("", byte())]),
            (Shape::Record, 0, vec![member("__proto__", byte())]),
            (Shape::Record, 0, vec![member("a", byte()), member("A", byte())]),
            (Shape::Variant, 0, vec![member("a, b", None)]),
            (Shape::Enum, 0, vec![member("a", byte())]),
            (Shape::Flags, 0, (0..33).map(|number| member(&format!("f{number}"), None)).collect()),
            (Shape::Results, 0, vec![member("", byte())]),
        ] {
            assert_eq!(Type::new(shape, length, members.clone()), None, "{shape:?} {members:?}");
        }
    }
}
