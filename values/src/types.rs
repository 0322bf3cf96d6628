//! The types of WebAssembly programs: those of components, and those of core functions.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

mod parse;

pub use parse::ParseError;

/// A type. Cheap to clone: its parts are shared.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Type {
    /// `bool`
    Bool,
    /// `char`
    Char,
    /// `enum`: one of the names.
    Enum(Arc<Names>),
    /// `flags`: any of the names.
    Flags(Arc<Names>),
    /// `f32` or `f64`
    Float(Float),
    /// A type whose values exist only inside the program, such as a resource.
    Foreign(Arc<str>),
    /// A whole number.
    Integer(Integer),
    /// `list<T>`, or `list<T, N>`
    List(Arc<List>),
    /// `map<K, V>`
    Map(Arc<Map>),
    /// `option<T>`
    Option(Arc<Self>),
    /// Fields by their names.
    Record(Arc<Record>),
    /// `result<T, E>`: the cases `ok` and `err`.
    Result(Arc<Members<Option<Self>>>),
    /// `string`
    String,
    /// `tuple<…>`, and multiple results of a core function.
    Tuple(Arc<[Self]>),
    /// One of several cases, each with or without a value.
    Variant(Arc<Members<Option<Self>>>),
}

/// The integer types: those of components, and those of core WebAssembly, which have no sign.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "each is its name")]
#[non_exhaustive]
pub enum Integer {
    I32,
    I64,
    S8,
    S16,
    S32,
    S64,
    U8,
    U16,
    U32,
    U64,
}

/// The floating point numbers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "each is its name")]
pub enum Float {
    F32,
    F64,
}

/// A list, with or without a fixed length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct List {
    /// The type of its items.
    pub item: Type,
    /// The fixed length, if the type has one.
    pub length: Option<u32>,
}

/// Values by keys of any type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Map {
    /// The type of the keys.
    pub key: Type,
    /// The type of the values.
    pub value: Type,
}

/// Fields, each with a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    fields: Members<Type>,
    needed: Box<[usize]>,
}

/// Names without types.
pub type Names = Members<()>;

/// Members with unique names, in the type's order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Members<T> {
    all: Box<[(Arc<str>, T)]>,
    index: HashMap<Arc<str>, usize>,
}

impl Type {
    /// Parses a type from its text: WIT, with records and the like written inline.
    ///
    /// ```
    /// use libhyperlight_values::Type;
    ///
    /// let ty: Type = "list<record { name: string, price: option<f64> }>".parse()?;
    /// assert_eq!(ty.to_string(), "list<record { name: string, price: option<f64> }>");
    /// # Ok::<(), libhyperlight_values::ParseError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text)
    }

    /// Returns true if the type is a single kind on the wire which has more values.
    pub fn is_narrow(&self) -> bool {
        matches!(self, Self::Char | Self::Integer(Integer::S8 | Integer::S16 | Integer::U8 | Integer::U16))
    }
}

impl Map {
    /// True if it has at most [`MAX_PAIRS`](crate::limits::MAX_PAIRS) pairs, because many keys could have the same
    /// hash.
    pub(crate) fn is_bounded(&self) -> bool {
        !matches!(self.key, Type::Bool | Type::Char | Type::Enum(_) | Type::Integer(_) | Type::String)
    }
}

impl std::str::FromStr for Type {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl Integer {
    const ALL: [Self; 10] = [
        Self::I32,
        Self::I64,
        Self::S8,
        Self::S16,
        Self::S32,
        Self::S64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
    ];

    /// Returns its name in WIT, or in core WebAssembly.
    pub fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::S8 => "s8",
            Self::S16 => "s16",
            Self::S32 => "s32",
            Self::S64 => "s64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
        }
    }

    /// Returns true if the value is in its range.
    pub fn has(self, value: i128) -> bool {
        let (least, most) = match self {
            Self::S8 => (i8::MIN.into(), i8::MAX.into()),
            Self::S16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I32 | Self::S32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 | Self::S64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
        };
        (least..=most).contains(&value)
    }

    /// Returns true if it has 64 bits, more than a number of JavaScript's keeps exactly.
    pub fn is_wide(self) -> bool {
        matches!(self, Self::I64 | Self::S64 | Self::U64)
    }
}

impl Float {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Returns the nearest value of the type; `None` for a finite number out of its range.
    pub fn nearest(self, value: f64) -> Option<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
        let nearest = match self {
            Self::F32 => f64::from(value as f32),
            Self::F64 => value,
        };
        (nearest.is_finite() || !value.is_finite()).then_some(nearest)
    }
}

impl Record {
    /// Makes a record of fields.
    pub fn new(fields: Members<Type>) -> Self {
        let needed = fields.iter().enumerate().filter(|(_, (_, ty))| !matches!(ty, Type::Option(_)));
        let needed = needed.map(|(at, _)| at).collect();
        Self { fields, needed }
    }

    /// Its fields.
    pub fn fields(&self) -> &Members<Type> {
        &self.fields
    }

    /// Returns the places of the fields that a value for the program must have: all but the options.
    pub(crate) fn needed(&self) -> &[usize] {
        &self.needed
    }
}

impl<T> Members<T> {
    /// Makes members in the given order; `None` if two have the same name.
    pub fn new(all: impl IntoIterator<Item = (Arc<str>, T)>) -> Option<Self> {
        let all: Box<[_]> = all.into_iter().collect();
        let index: HashMap<_, _> =
            all.iter().enumerate().map(|(at, (name, _))| (Arc::clone(name), at)).collect();
        (index.len() == all.len()).then_some(Self { all, index })
    }

    /// Iterates over the members, in the type's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &T)> {
        self.all.iter().map(|(name, member)| (&**name, member))
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Finds the place of a name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Returns the member at a place.
    pub fn get(&self, at: usize) -> Option<(&str, &T)> {
        self.all.get(at).map(|(name, member)| (&**name, member))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Char => f.write_str("char"),
            Self::Enum(names) => members(f, "enum", names, |_, ()| Ok(())),
            Self::Flags(names) => members(f, "flags", names, |_, ()| Ok(())),
            Self::Float(float) => f.write_str(float.name()),
            Self::Foreign(name) => f.write_str(name),
            Self::Integer(integer) => f.write_str(integer.name()),
            Self::List(list) => match list.length {
                Some(length) => write!(f, "list<{}, {length}>", list.item),
                None => write!(f, "list<{}>", list.item),
            },
            Self::Map(map) => write!(f, "map<{}, {}>", map.key, map.value),
            Self::Option(inner) => write!(f, "option<{inner}>"),
            Self::Record(record) => members(f, "record", &record.fields, |f, ty| write!(f, ": {ty}")),
            Self::Result(cases) => match (cases.get(0).and_then(|case| case.1.as_ref()), cases.get(1)) {
                (Some(ok), Some((_, Some(err)))) => write!(f, "result<{ok}, {err}>"),
                (Some(ok), _) => write!(f, "result<{ok}>"),
                (None, Some((_, Some(err)))) => write!(f, "result<_, {err}>"),
                (None, _) => f.write_str("result"),
            },
            Self::String => f.write_str("string"),
            Self::Tuple(types) => {
                f.write_str("tuple<")?;
                for (at, ty) in types.iter().enumerate() {
                    write!(f, "{}{ty}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(">")
            }
            Self::Variant(cases) => members(f, "variant", cases, |f, ty| match ty {
                Some(ty) => write!(f, "({ty})"),
                None => Ok(()),
            }),
        }
    }
}

fn members<T>(
    f: &mut fmt::Formatter<'_>,
    keyword: &str,
    members: &Members<T>,
    mut member: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{keyword} {{")?;
    for (at, (name, ty)) in members.iter().enumerate() {
        write!(f, "{} {name}", if at == 0 { "" } else { "," })?;
        member(f, ty)?;
    }
    f.write_str(" }")
}
