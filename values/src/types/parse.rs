//! Parser of types, which trusts nothing: it takes linear time, and bounds the depth and the size of what it makes.
//! Nothing recurses: a program chooses the depth of its types, and the caller's stack may be small.

use std::fmt;
use std::sync::Arc;

use super::{Float, Full, Integer, List, Map, Members, Names, Record, Room, Type, is_name};
use crate::limits::{MAX_TYPE_BYTES, MAX_TYPE_DEPTH};

/// Error for a text that is not a type.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// It is nested deeper than [`MAX_TYPE_DEPTH`](crate::limits::MAX_TYPE_DEPTH) levels.
    TooDeep,
    /// It takes more than [`MAX_TYPE_BYTES`] bytes.
    TooLarge,
    /// Unexpected text at a byte.
    Unexpected {
        /// The expected text.
        expected: &'static str,
        /// The byte offset in the text.
        at: usize,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(
                f,
                "a type of the program is nested deeper than {MAX_TYPE_DEPTH} levels: no value of it could cross"
            ),
            Self::TooLarge => write!(f, "a type of the program takes more than {MAX_TYPE_BYTES} bytes"),
            Self::Unexpected { expected, at } => {
                write!(f, "the type cannot be read: {expected} is expected at byte {at}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl From<Full> for ParseError {
    fn from(_: Full) -> Self {
        Self::TooLarge
    }
}

type Result<T> = std::result::Result<T, ParseError>;

pub(super) fn parse(text: &str) -> Result<Type> {
    parse_within(text, MAX_TYPE_DEPTH, &mut Room::default())
}

/// Parses a type of at most so many levels, which takes its size from the room.
pub(crate) fn parse_within(text: &str, depth: usize, room: &mut Room) -> Result<Type> {
    if text.len() > MAX_TYPE_BYTES {
        return Err(ParseError::TooLarge);
    }
    Parser { text, at: 0, depth, room, open: Vec::new() }.document()
}

struct Parser<'t, 'r> {
    text: &'t str,
    at: usize,
    /// Maximum number of open types.
    depth: usize,
    room: &'r mut Room,
    /// Open types, from the outermost to the innermost.
    open: Vec<Open<'t>>,
}

/// A type whose parts are being read.
enum Open<'t> {
    /// Results, between parentheses.
    Results(Vec<Type>),
    /// Arguments between angle brackets, after a name.
    Arguments(&'t str, Vec<Argument>),
    /// A record, with the name of the next field.
    Record(Vec<(Arc<str>, Type)>, &'t str),
    /// A variant, with the name of the case whose type is next.
    Variant(Vec<(Arc<str>, Option<Type>)>, &'t str),
}

enum Argument {
    Nothing,
    Number(u32),
    Type(Type),
}

impl<'t> Parser<'t, '_> {
    fn document(&mut self) -> Result<Type> {
        loop {
            let mut found = self.begin()?;
            // A type whose last part has ended ends too.
            while let Some(ty) = found {
                let Some(open) = self.open.pop() else {
                    return if self.peek().is_none() { Ok(ty) } else { Err(self.wrong("the end")) };
                };
                found = self.proceed(open, ty)?;
            }
        }
    }

    /// Reads a type without parts, or the beginning of one with parts.
    fn begin(&mut self) -> Result<Option<Type>> {
        self.room.take("")?;
        if self.take('(') {
            return self.push(Open::Results(Vec::new()));
        }
        let word = self.word()?;
        match word {
            "record" => {
                self.expect('{', "`{`")?;
                return self.field(Vec::new());
            }
            "variant" => {
                self.expect('{', "`{`")?;
                return self.case(Vec::new());
            }
            "enum" => return Ok(Some(Type::Enum(Arc::new(self.names()?)))),
            "flags" => {
                let names = self.names()?;
                let are_flags = names.can_be_flags();
                return if are_flags {
                    Ok(Some(Type::Flags(Arc::new(names))))
                } else {
                    Err(self.wrong("fewer flags"))
                };
            }
            _ => {}
        }
        if self.take('<') { self.argument(word, Vec::new()) } else { self.named(word, Vec::new()).map(Some) }
    }

    /// Continues the open type after one of its parts. Returns the type if that was the last part.
    fn proceed(&mut self, open: Open<'t>, part: Type) -> Result<Option<Type>> {
        match open {
            Open::Results(mut parts) => {
                parts.push(part);
                if self.take(',') {
                    return self.push(Open::Results(parts));
                }
                self.expect(')', "`,` or `)`")?;
                if parts.len() < 2 {
                    Err(self.wrong("two results"))
                } else {
                    Ok(Some(Type::Results(parts.into())))
                }
            }
            Open::Arguments(name, mut arguments) => {
                arguments.push(Argument::Type(part));
                self.after_argument(name, arguments)
            }
            Open::Record(mut fields, name) => {
                fields.push((name.into(), part));
                if !self.take(',') && !self.is_next('}') {
                    return Err(self.wrong("`,` or `}`"));
                }
                self.field(fields)
            }
            Open::Variant(mut cases, name) => {
                self.expect(')', "`)`")?;
                cases.push((name.into(), Some(part)));
                if !self.take(',') && !self.is_next('}') {
                    return Err(self.wrong("`,` or `}`"));
                }
                self.case(cases)
            }
        }
    }

    fn field(&mut self, fields: Vec<(Arc<str>, Type)>) -> Result<Option<Type>> {
        if self.take('}') {
            return Ok(Some(Type::Record(Arc::new(Record::new(self.members(fields)?)))));
        }
        let name = self.name()?;
        self.expect(':', "`:`")?;
        self.push(Open::Record(fields, name))
    }

    fn case(&mut self, mut cases: Vec<(Arc<str>, Option<Type>)>) -> Result<Option<Type>> {
        while !self.take('}') {
            let name = self.name()?;
            if self.take('(') {
                return self.push(Open::Variant(cases, name));
            }
            cases.push((name.into(), None));
            if !self.take(',') && !self.is_next('}') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
        Ok(Some(Type::Variant(Arc::new(self.members(cases)?))))
    }

    fn names(&mut self) -> Result<Names> {
        self.expect('{', "`{`")?;
        let mut names = Vec::new();
        while !self.take('}') {
            names.push((self.name()?.into(), ()));
            if !self.take(',') && !self.is_next('}') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
        self.members(names)
    }

    fn members<T>(&self, members: Vec<(Arc<str>, T)>) -> Result<Members<T>> {
        Members::new(members).ok_or_else(|| self.wrong("another name"))
    }

    /// Reads the argument after `<` or `,`.
    fn argument(&mut self, name: &'t str, mut arguments: Vec<Argument>) -> Result<Option<Type>> {
        let argument = match self.peek() {
            Some('_') => {
                self.at += 1;
                Argument::Nothing
            }
            Some('0'..='9') => {
                let at = self.at;
                let number = self.word()?.parse();
                Argument::Number(
                    number.map_err(|_| ParseError::Unexpected { expected: "a number of 32 bits", at })?,
                )
            }
            _ => return self.push(Open::Arguments(name, arguments)),
        };
        arguments.push(argument);
        self.after_argument(name, arguments)
    }

    fn after_argument(&mut self, name: &'t str, arguments: Vec<Argument>) -> Result<Option<Type>> {
        if self.take(',') {
            return self.argument(name, arguments);
        }
        self.expect('>', "`,` or `>`")?;
        self.named(name, arguments).map(Some)
    }

    fn named(&self, name: &'t str, arguments: Vec<Argument>) -> Result<Type> {
        let mut arguments = arguments.into_iter();
        let ty = match (name, arguments.next(), arguments.next()) {
            ("bool", None, None) => Type::Bool,
            ("char", None, None) => Type::Char,
            ("string", None, None) => Type::String,
            ("f32", None, None) => Type::Float(Float::F32),
            ("f64", None, None) => Type::Float(Float::F64),
            ("list", Some(Argument::Type(item)), None) => Type::List(Arc::new(List { item, length: None })),
            ("list", Some(Argument::Type(item)), Some(Argument::Number(length))) => {
                Type::List(Arc::new(List { item, length: Some(length) }))
            }
            ("map", Some(Argument::Type(key)), Some(Argument::Type(value))) => {
                Type::Map(Arc::new(Map { key, value }))
            }
            ("option", Some(Argument::Type(inner)), None) => Type::Option(Arc::new(inner)),
            ("result", ok, err) => {
                let (Some(ok), Some(err)) = (optional(ok), optional(err)) else {
                    return Err(self.wrong("a type or `_`"));
                };
                Type::result(ok, err)
            }
            ("tuple", Some(first), second) => {
                let types =
                    [first].into_iter().chain(second).chain(arguments).map(|argument| match argument {
                        Argument::Type(ty) => Ok(ty),
                        _ => Err(self.wrong("a type")),
                    });
                return Ok(Type::Tuple(types.collect::<Result<Vec<_>>>()?.into()));
            }
            ("list" | "map" | "option" | "tuple", ..) => {
                return Err(self.wrong("other arguments of the type"));
            }
            (name, None, None) => match Integer::ALL.into_iter().find(|integer| integer.name() == name) {
                Some(integer) => Type::Integer(integer),
                None => return Err(self.wrong("the name of a type")),
            },
            _ => return Err(self.wrong("the name of a type with arguments")),
        };
        if arguments.next().is_some() {
            return Err(self.wrong("fewer arguments of the type"));
        }
        Ok(ty)
    }

    fn push(&mut self, open: Open<'t>) -> Result<Option<Type>> {
        if self.open.len() >= self.depth {
            return Err(ParseError::TooDeep);
        }
        self.open.push(open);
        Ok(None)
    }

    /// Reads the name of a part.
    fn name(&mut self) -> Result<&'t str> {
        self.peek();
        let at = self.at;
        let name = self.word()?;
        if !is_name(name) {
            return Err(ParseError::Unexpected { expected: "a name of letters, digits and hyphens", at });
        }
        self.room.take(name)?;
        Ok(name)
    }

    fn word(&mut self) -> Result<&'t str> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_end = |sign: char| sign.is_whitespace() || "<>{}(),:".contains(sign);
        let word = rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or_default();
        if word.is_empty() {
            return Err(self.wrong("a name"));
        }
        self.at += word.len();
        Ok(word)
    }

    /// Skips blanks and returns the next character.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?;
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn is_next(&mut self, sign: char) -> bool {
        self.peek() == Some(sign)
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.is_next(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, sign: char, expected: &'static str) -> Result<()> {
        if self.take(sign) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    #[cold]
    fn wrong(&self, expected: &'static str) -> ParseError {
        ParseError::Unexpected { expected, at: self.at }
    }
}

/// Converts an argument that may be left out; `None` if it is not a type.
fn optional(argument: Option<Argument>) -> Option<Option<Type>> {
    match argument {
        None | Some(Argument::Nothing) => Some(None),
        Some(Argument::Type(ty)) => Some(Some(ty)),
        Some(Argument::Number(_)) => None,
    }
}
