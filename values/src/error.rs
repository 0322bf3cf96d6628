//! Errors of values, with one message template for each reason, in the words of the caller's language.

use std::fmt;

use crate::limits::{MAX_BITS, MAX_DEPTH, MAX_DIGITS, MAX_NAMES, MAX_PAIRS, MAX_SHOWN};
use crate::types::{Float, Integer, Members};

/// Error for a value that cannot be passed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    reason: Reason,
    message: String,
}

/// The sort of an error.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The guest sent text that its dialect or type does not allow: the guest's fault.
    Protocol,
    /// Beyond one of the [limits](crate::limits).
    TooLarge,
    /// A sort of value different from the type's.
    Kind,
    /// A number out of the type's range.
    Range,
    /// A name, or a character, that the type does not have.
    Name,
    /// A text that is not Unicode.
    Unicode,
    /// A value that contains itself.
    Cycle,
    /// A value that no script has.
    NoValue,
}

impl Error {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// Returns the sort of the error.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the message, one line.
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

/// A fault of a value, independent of its place.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// The expected sort of value, and the actual one.
    Kind(String, String),
    /// A number out of the type's range.
    Range(&'static str),
    /// Number of characters, instead of one.
    Char(usize),
    /// An unpaired surrogate.
    Surrogate,
    /// Expected and actual number of members.
    Count(usize, usize),
    /// More members than this number.
    More(usize),
    /// A pair with this number of members.
    Pair(usize),
    /// Number of keys, instead of one.
    Keys(usize),
    /// An unknown field, and the known ones.
    NoField(String, String),
    /// A missing field.
    Lacks(String),
    /// A duplicate field.
    Twice(String),
    /// An unknown case, and the known ones.
    NoCase(String, String),
    /// An unknown flag, and the known ones.
    NoFlag(String, String),
    /// A case without the value that it needs.
    NeedsValue(String),
    /// A case with a value that it does not have.
    HasNoValue(String),
    /// A value for a case that has none.
    NotEmpty(String),
    /// A value that cannot be a key.
    Key(String),
    /// Another name than `some`.
    NotSome(String),
    /// A value that is no script's.
    NoValue(String),
}

/// The expected sort of value.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Wanted<'t> {
    /// True or false.
    Bool,
    /// Bytes.
    Bytes,
    /// One of these cases.
    Cases(&'t str),
    /// Any of these flags.
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
    /// This number of values.
    Tuple(usize),
}

/// The sort of JSON value that a guest sent instead of the expected one.
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

/// Words of a language for messages. The defaults are those of Rust.
pub trait Spelling {
    /// Names the expected sort of value.
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

    /// Names the sort of JSON value that a guest sent.
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

    /// Writes a case with a value.
    fn case(&self, name: &str) -> String {
        format!("`{name}` with its value")
    }

    /// Writes the path step to a field, after the path of the record.
    fn field(&self, name: &str) -> String {
        format!(".{name}")
    }
}

/// The words for Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rust;

impl Spelling for Rust {}

impl Unfit {
    /// Makes the error, where `path` leads from `what` to the value. For a guest's values, the guest is at fault,
    /// whatever the reason.
    pub fn at(self, what: &str, path: &str, is_guests: bool, spelling: &dyn Spelling) -> Error {
        let reason = if is_guests { Reason::Protocol } else { self.reason() };
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

/// Lists as many names as an error has room for. Only for errors, since there may be as many names as values.
pub(crate) fn names<T>(members: &Members<T>) -> String {
    let shown: Vec<_> = members.iter().take(MAX_NAMES).map(|(name, _)| format!("`{name}`")).collect();
    let more = members.len().saturating_sub(MAX_NAMES);
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown}, and {more} more") }
}

/// Quotes an arbitrary name: short, on one line, and without control characters for a terminal.
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
