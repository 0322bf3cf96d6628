//! The types of WebAssembly programs: those of components, and those of core functions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use libhyperlight_abi::value::Kind;

use crate::limits::MAX_FLAGS;

mod parse;
mod print;
mod room;

pub use parse::ParseError;
pub use room::{Full, Room};

pub(crate) use parse::parse_within;

/// A type. Cheap to clone: its parts are shared.
///
/// It can be matched exhaustively: who passes on types says what becomes of each.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    /// `(T, U)`: several results of a core function.
    Results(Arc<[Self]>),
    /// `string`
    String,
    /// `tuple<…>`
    Tuple(Arc<[Self]>),
    /// One of several cases, each with or without a value.
    Variant(Arc<Members<Option<Self>>>),
}

/// The integer types: those of components, and those of core WebAssembly, which have no sign.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "each is its name")]
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

    /// Makes the type of a result with these values, or without values.
    pub fn result(ok: Option<Self>, err: Option<Self>) -> Self {
        let all = Box::new([("ok".into(), ok), ("err".into(), err)]);
        let index = HashMap::from([("ok".into(), 0), ("err".into(), 1)]);
        Self::Result(Arc::new(Members { all, index }))
    }

    /// Returns the kind of its values in a message; `None` if they travel as JSON, in a [string](Kind::String). The
    /// `wasm` guest decides the same in the same way.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Bool => Kind::Bool,
            Self::Char | Self::String => Kind::String,
            Self::Float(Float::F32) => Kind::F32,
            Self::Float(Float::F64) => Kind::F64,
            Self::Integer(integer) => match integer {
                Integer::I32 | Integer::S8 | Integer::S16 | Integer::S32 => Kind::I32,
                Integer::U8 | Integer::U16 | Integer::U32 => Kind::U32,
                Integer::I64 | Integer::S64 => Kind::I64,
                Integer::U64 => Kind::U64,
            },
            Self::List(list) if list.length.is_none() && list.item == Self::Integer(Integer::U8) => {
                Kind::Bytes
            }
            _ => return None,
        })
    }

    /// Returns the kind on the wire: [`kind`](Self::kind), or a string that holds JSON.
    pub fn wire(&self) -> Kind {
        self.kind().unwrap_or(Kind::String)
    }

    /// Returns true if JSON has all of its values, for a language whose records are objects and whose only numbers are
    /// binary64, as JavaScript's are.
    pub fn can_be_json(&self) -> bool {
        let mut parts = vec![self];
        while let Some(part) = parts.pop() {
            match part {
                Self::Float(Float::F32) | Self::Map(_) => return false,
                Self::Integer(integer) if integer.is_wide() => return false,
                Self::List(list) if list.item == Self::Integer(Integer::U8) => return false,
                Self::List(list) => parts.push(&list.item),
                Self::Option(inner) => parts.push(inner),
                Self::Record(record) => parts.extend(record.fields().iter().map(|(_, ty)| ty)),
                Self::Result(cases) | Self::Variant(cases) => {
                    parts.extend(cases.iter().filter_map(|(_, ty)| ty.as_ref()));
                }
                Self::Results(types) | Self::Tuple(types) => parts.extend(&**types),
                _ => {}
            }
        }
        true
    }

    /// Returns true if a parameter or a result of a module's function can have this type.
    pub(crate) fn is_of_modules(&self) -> bool {
        match self {
            Self::Float(_) | Self::Integer(Integer::I32 | Integer::I64) => true,
            Self::Results(types) => {
                types.iter().all(|ty| !matches!(ty, Self::Results(_)) && ty.is_of_modules())
            }
            _ => false,
        }
    }

    /// Returns true if a parameter or a result of a component's function can have this type. It is no deeper than a
    /// program's types, and so is the recursion.
    pub(crate) fn is_of_components(&self) -> bool {
        let is = Self::is_of_components;
        match self {
            Self::Integer(Integer::I32 | Integer::I64) | Self::Results(_) => false,
            Self::List(list) => is(&list.item),
            Self::Map(map) => is(&map.key) && is(&map.value),
            Self::Option(inner) => is(inner),
            Self::Record(record) => record.fields().iter().all(|(_, ty)| is(ty)),
            Self::Result(cases) | Self::Variant(cases) => {
                cases.iter().all(|(_, ty)| ty.as_ref().is_none_or(is))
            }
            Self::Tuple(types) => types.iter().all(is),
            _ => true,
        }
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
        let (least, most) = self.range();
        (least..=most).contains(&value)
    }

    /// Returns the least and the largest number.
    pub fn range(self) -> (i128, i128) {
        match self {
            Self::S8 => (i8::MIN.into(), i8::MAX.into()),
            Self::S16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I32 | Self::S32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 | Self::S64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
        }
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
    /// Makes members in the given order; `None` if there are none, if a name is none of components', or if two have the
    /// same name without regard to case.
    pub fn new(all: impl IntoIterator<Item = (Arc<str>, T)>) -> Option<Self> {
        let all: Box<[_]> = all.into_iter().collect();
        let index: HashMap<_, _> =
            all.iter().enumerate().map(|(at, (name, _))| (Arc::clone(name), at)).collect();
        let is_upper = |name: &Arc<str>| name.contains(|sign: char| sign.is_ascii_uppercase());
        let is_unique = index.len() == all.len()
            && (!index.keys().any(is_upper)
                || index.keys().map(|name| name.to_ascii_lowercase()).collect::<HashSet<_>>().len()
                    == all.len());
        let is_valid = is_unique && !all.is_empty() && all.iter().all(|(name, _)| is_name(name));
        is_valid.then_some(Self { all, index })
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

impl Names {
    /// Returns true if so many names can be flags.
    pub(crate) fn can_be_flags(&self) -> bool {
        self.len() <= MAX_FLAGS
    }
}

/// Returns true if it is a name of components': words with hyphens between them, each of digits and of letters of one
/// case. The first word begins with a letter.
pub fn is_name(name: &str) -> bool {
    let mut words = name.split('-').enumerate();
    words.all(|(at, word)| {
        let has = |is: fn(&u8) -> bool| word.bytes().any(|sign| is(&sign));
        let is_first_letter = word.bytes().next().is_some_and(|sign| sign.is_ascii_alphabetic());
        !word.is_empty()
            && word.bytes().all(|sign| sign.is_ascii_alphanumeric())
            && !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
            && (at > 0 || is_first_letter)
    })
}
