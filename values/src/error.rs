//! Why a value cannot cross, and how that is said: one template for each reason, with the words of the language that asked.

use std::fmt;

use crate::limits::{MAX_BITS, MAX_DEPTH, MAX_DIGITS, MAX_NAMES, MAX_PAIRS, MAX_SHOWN};
use crate::types::{Float, Integer, Members};

/// Why a value cannot cross.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    reason: Reason,
    message: String,
}

/// The sorts of reasons.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// A guest wrote something else than the dialect or the type has: the guest's fault.
    Protocol,
    /// Beyond one of the [limits](crate::limits).
    TooLarge,
    /// Another sort of value than the type's.
    Kind,
    /// A number that the type does not have.
    Range,
    /// A name, or a character, that the type does not have.
    Name,
    /// A text that is no Unicode.
    Unicode,
    /// A value that contains itself.
    Cycle,
    /// Something that no script has a value for.
    NoValue,
}

impl Error {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// What sort of reason it is.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// One line.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn too_deep(what: &str) -> Self {
        Self::new(
            Reason::TooLarge,
            format!("{what} is nested more than {MAX_DEPTH} levels deep; the limit is {MAX_DEPTH}"),
        )
    }

    pub(crate) fn too_many_bits(what: &str) -> Self {
        Self::new(
            Reason::TooLarge,
            format!(
                "{what} has a whole number beyond ±2**{MAX_BITS}; the limit is {MAX_BITS} bits ({MAX_DIGITS} digits)"
            ),
        )
    }

    pub(crate) fn too_many_pairs(what: &str) -> Self {
        Self::new(
            Reason::TooLarge,
            format!(
                "{what} has a map whose keys are no texts, bools or whole numbers, of more than {MAX_PAIRS} pairs; the limit is {MAX_PAIRS} pairs"
            ),
        )
    }

    pub(crate) fn no_json(what: &str, why: &str) -> Self {
        Self::new(Reason::Protocol, format!("{what} is no JSON as guests write it: {why}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What is wrong with a value of a type, wherever it is.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It must be something that is called so, and is something else that is called so.
    Kind(String, String),
    /// A number that the type does not have.
    Range(&'static str),
    /// So many characters in place of one.
    Char(usize),
    /// Half of a surrogate pair.
    Surrogate,
    /// So many members in place of so many.
    Count(usize, usize),
    /// More members than so many.
    More(usize),
    /// A pair of so many.
    Pair(usize),
    /// So many keys in place of one.
    Keys(usize),
    /// No such field among those.
    NoField(String, String),
    /// That field is missing.
    Lacks(String),
    /// That field is there twice.
    Twice(String),
    /// No such case among those.
    NoCase(String, String),
    /// No such flag among those.
    NoFlag(String, String),
    /// A case that has a value, without it.
    NeedsValue(String),
    /// A case that has no value, with one.
    HasNoValue(String),
    /// Something in the place of the value that a case does not have.
    NotEmpty(String),
    /// Something by which no map can be.
    Key(String),
    /// Another name than `some`.
    NotSome(String),
    /// A value of that type belongs to the program alone.
    Foreign(String),
    /// What is no value of a script.
    NoValue(String),
}

/// What a value should have been.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Wanted<'t> {
    /// True or false.
    Bool,
    /// Bytes.
    Bytes,
    /// One of some cases, which are named so.
    Cases(&'t str),
    /// Any of some names, which are named so.
    Flags(&'t str),
    /// A floating point number.
    Float(Float),
    /// A whole number.
    Integer(Integer),
    /// A list.
    List,
    /// Values by keys.
    Map,
    /// An option inside an option.
    Option,
    /// A pair of a key and a value.
    Pair,
    /// Fields by names.
    Record,
    /// A text.
    Text,
    /// So many values.
    Tuple(usize),
}

/// What a guest's JSON has in the place of something else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is what JSON calls it")]
pub enum Json {
    Array,
    Bool,
    Float,
    Integer,
    Null,
    Object,
    String,
}

/// How a language calls things, in messages. What is not said is said as in Rust.
pub trait Spelling {
    /// What a value must be.
    fn wanted(&self, wanted: Wanted<'_>) -> String {
        match wanted {
            Wanted::Bool => "a bool".to_owned(),
            Wanted::Bytes => "bytes".to_owned(),
            Wanted::Cases(names) => format!("one of {names}"),
            Wanted::Flags(names) => format!("a list of {names}"),
            Wanted::Float(float) => format!("a number ({})", float.name()),
            Wanted::Integer(integer) => format!("a whole number ({})", integer.name()),
            Wanted::List => "a list".to_owned(),
            Wanted::Map => "a map".to_owned(),
            Wanted::Option => "nothing or `some` with the value".to_owned(),
            Wanted::Pair => "made of pairs".to_owned(),
            Wanted::Record => "a record".to_owned(),
            Wanted::Text => "a string".to_owned(),
            Wanted::Tuple(count) => format!("a tuple of {count}"),
        }
    }

    /// What a guest sent.
    fn json(&self, found: Json) -> &'static str {
        match found {
            Json::Array => "a list",
            Json::Bool => "a bool",
            Json::Float => "a floating point number",
            Json::Integer => "a whole number",
            Json::Null => "nothing",
            Json::Object => "an object",
            Json::String => "a string",
        }
    }

    /// How a case with a value is written.
    fn case(&self, name: &str) -> String {
        format!("`{name}` with its value")
    }

    /// The way to a field, behind the way to the record.
    fn field(&self, name: &str) -> String {
        format!(".{name}")
    }
}

/// The words of Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rust;

impl Spelling for Rust {}

impl Unfit {
    /// The error, where `path` leads from `what` to the value. A guest is at fault for its own values, whatever it is.
    pub fn at(self, what: &str, path: &str, is_guests: bool, spelling: &dyn Spelling) -> Error {
        let reason = if is_guests { Reason::Protocol } else { self.reason() };
        let direction = if is_guests { "taken from" } else { "given to" };
        let says = match self {
            Self::Kind(wanted, found) => format!("must be {wanted}, not {found}"),
            Self::Range(name) => format!("does not fit {name}"),
            Self::Char(count) => format!("must be one character, found {count}"),
            Self::Surrogate => "is not Unicode text: it has half of a surrogate pair".to_owned(),
            Self::Count(wanted, found) => format!("must have {wanted} members, found {found}"),
            Self::More(wanted) => format!("must have {wanted} members, found more"),
            Self::Pair(found) => format!("must have two members in a pair, found {found}"),
            Self::Keys(found) => format!("must have one key, found {found}"),
            Self::NoField(name, names) => format!("has no field {name}; it has {names}"),
            Self::Lacks(name) => format!("lacks the field `{name}`"),
            Self::Twice(name) => format!("has `{name}` twice"),
            Self::NoCase(name, names) => format!("must be one of {names}, found {name}"),
            Self::NoFlag(name, names) => format!("may have {names}, found {name}"),
            Self::NeedsValue(name) if is_guests => format!("needs a value for `{name}`"),
            Self::NeedsValue(name) => format!("must be {}", spelling.case(&name)),
            Self::HasNoValue(name) if is_guests => format!("must have no value for `{name}`"),
            Self::HasNoValue(name) => format!("must be `{name}` without a value"),
            Self::NotEmpty(name) => format!("must be `{name}` without a value"),
            Self::Key(found) => format!("cannot be a map by {found}"),
            Self::NotSome(name) => format!("must be `some`, found {name}"),
            Self::Foreign(name) => format!("is a {name}, which cannot be {direction} the program"),
            Self::NoValue(why) => format!("is no JSON value: {why}"),
        };
        Error::new(reason, format!("{what}{path} {says}"))
    }

    fn reason(&self) -> Reason {
        match self {
            Self::Range(_) => Reason::Range,
            Self::Char(_) | Self::NoCase(..) | Self::NoFlag(..) => Reason::Name,
            Self::Surrogate => Reason::Unicode,
            Self::NoValue(_) => Reason::NoValue,
            _ => Reason::Kind,
        }
    }
}

/// As many names as an error has room for: of errors only, since there may be as many as values.
pub(crate) fn names<T>(members: &Members<T>) -> String {
    let shown: Vec<_> = members.iter().take(MAX_NAMES).map(|(name, _)| format!("`{name}`")).collect();
    let more = members.len().saturating_sub(MAX_NAMES);
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown}, and {more} more") }
}

/// A name that may be anything, in quotes: short, on one line, and without what a terminal obeys.
pub fn shown(name: &str) -> String {
    let mut text = String::from("'");
    for (at, character) in name.chars().enumerate() {
        if at == MAX_SHOWN {
            text.push('…');
            break;
        }
        match character {
            '\'' | '"' => text.push(character),
            character => text.extend(character.escape_debug()),
        }
    }
    text.push('\'');
    text
}
