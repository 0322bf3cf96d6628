//! Values of WebAssembly programs' types from a guest, whose text is untrusted: each fits its type, or is an error. The
//! text is read once, no tree is built, and nothing recurses.
//!
//! | type | JSON |
//! |---|---|
//! | bool, integers, floats | itself; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | char, string, enum | a string |
//! | list, tuple, flags | an array |
//! | map | an array of pairs |
//! | record | an object with all fields |
//! | variant | the name, or an object whose one key is the name |
//! | option | the value or `null`; inside another option `{"some": value}` or `null` |
//! | result | `{"ok": value}` or `{"err": value}`, the value `null` where it has no type |

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::error::{Error, Json, Unfit, Wanted, names, shown};
use crate::host::Build;
use crate::limits::{MAX_DEPTH, MAX_PAIRS};
use crate::nothing::Nothing;
use crate::scanner::{Scanner, Text, Wrong};
use crate::types::{Float, Integer, List, Map, Members, Names, Type};
use crate::writer::of_special;

/// Decodes a guest's text as a value of a type. Errors call it `what`.
pub fn lift<B: Build>(ty: &Type, text: &str, what: &str, build: &mut B) -> Result<B::Value, B::Error> {
    let mut lifter = Lifter {
        scanner: Scanner::new(text),
        build,
        open: Vec::new(),
        levels: 0,
        item: None,
        keys: HashMap::new(),
    };
    lifter.document(ty).map_err(|fail| match fail {
        Fail::Host(error) => error,
        Fail::TooDeep => Error::too_deep(what).into(),
        Fail::TooManyPairs => Error::too_many_pairs(what).into(),
        Fail::Unfit(unfit) => {
            let spelling = lifter.build.spelling();
            unfit.at(what, &lifter.path(), true, spelling).into()
        }
        Fail::Wrong(Wrong { expected, at }) => {
            Error::no_json(what, &format!("{expected} is expected at byte {at}")).into()
        }
    })
}

/// Returns true if a text fits the type, and JavaScript's JSON parser makes the same of it as [`lift`] would, for a
/// type that [can be so](Type::can_be_json). Far faster than that.
pub fn is_json(ty: &Type, text: &str) -> bool {
    let mut nothing = Nothing::default();
    lift(ty, text, "", &mut nothing).is_ok() && !nothing.has_more && !may_have_minus_zero(text)
}

/// Returns true if a text may have `-0`, which is no whole number's value but in JSON.
fn may_have_minus_zero(text: &str) -> bool {
    text.match_indices("-0").any(|(at, found)| {
        !matches!(text.as_bytes().get(at + found.len()), Some(b'.' | b'e' | b'E' | b'0'..=b'9'))
    })
}

struct Lifter<'t, 'x, 'b, B: Build> {
    scanner: Scanner<'x>,
    build: &'b mut B,
    /// Open values, from the outermost to the innermost.
    open: Vec<Open<'t, B::Value>>,
    /// Number of open brackets.
    levels: usize,
    /// The index in a list that is read in one pass.
    item: Option<usize>,
    /// The field names made so far, by their address in the type.
    keys: HashMap<*const u8, B::Key>,
}

/// A value that has begun.
enum Open<'t, V> {
    Case(&'t Members<Option<Type>>, usize, Cases),
    List(&'t List, Vec<V>),
    /// A map, with the key of the pair that is being read.
    Map(&'t Map, Vec<(V, V)>, Option<V>),
    /// A record, with the place of the field that is being read.
    Record(&'t Members<Type>, Found<V>, usize),
    Some {
        is_around_option: bool,
    },
    Tuple(&'t [Type], Vec<V>),
}

/// The fields of a record read so far, in the order of the text.
struct Found<V> {
    members: Vec<(usize, V)>,
    /// Presence of each field, by its place in the type.
    is_there: Vec<bool>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Cases {
    Result,
    Variant,
}

/// The next step.
enum Next<'t, V> {
    /// A complete value.
    Done(V),
    /// Type of the next part of the open value.
    Part(&'t Type),
}

enum Fail<E> {
    Host(E),
    TooDeep,
    TooManyPairs,
    Unfit(Unfit),
    Wrong(Wrong),
}

type Lifted<T, E> = Result<T, Fail<E>>;

impl<E> From<Wrong> for Fail<E> {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl<E> From<Unfit> for Fail<E> {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl<'t, 'x, B: Build> Lifter<'t, 'x, '_, B> {
    fn document(&mut self, ty: &'t Type) -> Lifted<B::Value, B::Error> {
        let mut next = Next::Part(ty);
        loop {
            next = match next {
                Next::Part(ty) => self.begin(ty)?,
                Next::Done(value) => match self.open.pop() {
                    Some(open) => self.proceed(open, value)?,
                    None => {
                        self.scanner.finish()?;
                        return Ok(value);
                    }
                },
            };
        }
    }

    /// Reads a value without parts, or the beginning of one with parts.
    fn begin(&mut self, ty: &'t Type) -> Lifted<Next<'t, B::Value>, B::Error> {
        let value = match ty {
            Type::Bool if self.scanner.word("true") => self.build.bool(true),
            Type::Bool if self.scanner.word("false") => self.build.bool(false),
            Type::Bool => return self.other(Wanted::Bool),
            Type::Char => {
                let character = self.char()?;
                self.build.char(character)
            }
            Type::Enum(cases) => {
                let name = self.case_name(cases, |names| Wanted::Cases(names))?;
                let (name, ()) = self.find(cases, &name)?.1;
                self.build.name(name)
            }
            Type::Flags(names) => {
                let found = self.flags(names)?;
                self.build.flags(found)
            }
            Type::Float(float) => {
                let value = self.float(*float)?;
                self.build.float(*float, value)
            }
            Type::Integer(integer) => {
                let value = self.integer(*integer)?;
                self.build.integer(*integer, value)
            }
            Type::List(list) if list.item == Type::Integer(Integer::U8) => {
                let bytes = self.bytes(list.length)?;
                self.build.bytes(bytes)
            }
            Type::List(list) => {
                self.bracket(b'[', Wanted::List)?;
                return if self.scanner.take(b']') {
                    self.end_list(list, Vec::new()).map(Next::Done)
                } else {
                    self.next_item(list, Vec::new())
                };
            }
            Type::Map(map) => {
                self.bracket(b'[', Wanted::Map)?;
                if !self.scanner.take(b']') {
                    return self.pair(map, Vec::new());
                }
                self.levels -= 1;
                self.build.map(Vec::new())
            }
            Type::Option(_) if self.scanner.word("null") => self.build.none(),
            Type::Option(inner) => {
                let is_around_option = matches!(**inner, Type::Option(_));
                if is_around_option {
                    self.bracket(b'{', Wanted::Option)?;
                    let name = self.only_name()?;
                    if name.as_str() != Some("some") {
                        return Err(Unfit::NotSome(shown_text(&name)).into());
                    }
                }
                self.open.push(Open::Some { is_around_option });
                return Ok(Next::Part(inner));
            }
            Type::Record(record) => {
                let fields = record.fields();
                self.bracket(b'{', Wanted::Record)?;
                let found = Found { members: Vec::new(), is_there: vec![false; fields.len()] };
                return if self.scanner.take(b'}') {
                    self.end_record(fields, found).map(Next::Done)
                } else {
                    self.field(fields, found)
                };
            }
            Type::Result(cases) => return self.case(cases, Cases::Result),
            Type::String => {
                let text = self.text()?;
                match text.as_str() {
                    Some(text) => self.build.text(text),
                    None => return Err(Unfit::Surrogate.into()),
                }
            }
            Type::Results(types) | Type::Tuple(types) => {
                self.bracket(b'[', Wanted::List)?;
                if !self.scanner.take(b']') {
                    return self.next_of_tuple(types, Vec::new());
                }
                self.levels -= 1;
                if !types.is_empty() {
                    return Err(Unfit::Count(types.len(), 0).into());
                }
                self.build.tuple(Vec::new())
            }
            Type::Variant(cases) => {
                if self.scanner.peek() != Some(b'"') {
                    return self.case(cases, Cases::Variant);
                }
                let name = self.scanner.string()?;
                match self.find(cases, &name)?.1 {
                    (name, None) => self.build.case(name, None),
                    (name, Some(_)) => return Err(Unfit::NeedsValue(name.to_owned()).into()),
                }
            }
        };
        value.map(Next::Done).map_err(Fail::Host)
    }

    /// Continues the open value after one of its parts.
    fn proceed(&mut self, open: Open<'t, B::Value>, value: B::Value) -> Lifted<Next<'t, B::Value>, B::Error> {
        match open {
            Open::Case(cases, at, kind) => {
                self.end_only()?;
                let name = cases.get(at).map(|case| case.0).unwrap_or_default();
                let made = match kind {
                    Cases::Result => self.build.result(at == 0, Some(value)),
                    Cases::Variant => self.build.case(name, Some(value)),
                };
                made.map(Next::Done).map_err(Fail::Host)
            }
            Open::List(list, mut items) => {
                items.push(value);
                if self.scanner.take(b',') {
                    return self.next_item(list, items);
                }
                self.scanner.expect(b']', "`,` or `]`")?;
                self.end_list(list, items).map(Next::Done)
            }
            Open::Map(map, pairs, None) => {
                let refused = self.build.refuse_key(&value);
                self.open.push(Open::Map(map, pairs, Some(value)));
                if let Some(found) = refused {
                    return Err(Unfit::Key(found).into());
                }
                if !self.scanner.take(b',') {
                    self.scanner.expect(b']', "`,`")?;
                    return Err(Unfit::Pair(1).into());
                }
                Ok(Next::Part(&map.value))
            }
            Open::Map(map, mut pairs, Some(key)) => {
                if self.scanner.take(b',') {
                    return Err(Unfit::Pair(3).into());
                }
                self.scanner.expect(b']', "`]`")?;
                self.levels -= 1;
                pairs.push((key, value));
                if self.scanner.take(b',') {
                    return self.pair(map, pairs);
                }
                self.scanner.expect(b']', "`,` or `]`")?;
                self.levels -= 1;
                self.build.map(pairs).map(Next::Done).map_err(Fail::Host)
            }
            Open::Record(fields, mut found, at) => {
                found.members.push((at, value));
                if self.scanner.take(b',') {
                    return self.field(fields, found);
                }
                self.scanner.expect(b'}', "`,` or `}`")?;
                self.end_record(fields, found).map(Next::Done)
            }
            Open::Some { is_around_option } => {
                if is_around_option {
                    self.end_only()?;
                }
                self.build.some(value, is_around_option).map(Next::Done).map_err(Fail::Host)
            }
            Open::Tuple(types, mut items) => {
                items.push(value);
                if self.scanner.take(b',') {
                    return self.next_of_tuple(types, items);
                }
                self.scanner.expect(b']', "`,` or `]`")?;
                self.levels -= 1;
                if items.len() != types.len() {
                    return Err(Unfit::Count(types.len(), items.len()).into());
                }
                self.build.tuple(items).map(Next::Done).map_err(Fail::Host)
            }
        }
    }

    // ---- lists ------------------------------------------------------------------------------------------------------

    fn next_item(&mut self, list: &'t List, items: Vec<B::Value>) -> Lifted<Next<'t, B::Value>, B::Error> {
        check_room(list.length, items.len())?;
        self.open.push(Open::List(list, items));
        Ok(Next::Part(&list.item))
    }

    fn end_list(&mut self, list: &List, items: Vec<B::Value>) -> Lifted<B::Value, B::Error> {
        self.levels -= 1;
        check_length(list.length, items.len())?;
        self.build.list(items).map_err(Fail::Host)
    }

    fn next_of_tuple(
        &mut self,
        types: &'t [Type],
        items: Vec<B::Value>,
    ) -> Lifted<Next<'t, B::Value>, B::Error> {
        let Some(ty) = types.get(items.len()) else {
            return Err(Unfit::More(types.len()).into());
        };
        self.open.push(Open::Tuple(types, items));
        Ok(Next::Part(ty))
    }

    /// Reads a list of bytes in one pass.
    fn bytes(&mut self, length: Option<u32>) -> Lifted<Vec<u8>, B::Error> {
        self.bracket(b'[', Wanted::List)?;
        let mut bytes = Vec::new();
        if !self.scanner.take(b']') {
            loop {
                check_room(length, bytes.len())?;
                self.item = Some(bytes.len());
                let byte = self.integer(Integer::U8)?;
                bytes.push(u8::try_from(byte).map_err(|_| Unfit::Range(Integer::U8.name()))?);
                self.item = None;
                if !self.scanner.take(b',') {
                    break;
                }
            }
            self.scanner.expect(b']', "`,` or `]`")?;
        }
        self.levels -= 1;
        check_length(length, bytes.len())?;
        Ok(bytes)
    }

    fn pair(
        &mut self,
        map: &'t Map,
        pairs: Vec<(B::Value, B::Value)>,
    ) -> Lifted<Next<'t, B::Value>, B::Error> {
        if pairs.len() == MAX_PAIRS && map.is_bounded() {
            return Err(Fail::TooManyPairs);
        }
        self.bracket(b'[', Wanted::Pair)?;
        if self.scanner.take(b']') {
            return Err(Unfit::Pair(0).into());
        }
        self.open.push(Open::Map(map, pairs, None));
        Ok(Next::Part(&map.key))
    }

    fn flags(&mut self, flags: &'t Names) -> Lifted<Vec<&'t str>, B::Error> {
        if self.scanner.peek() != Some(b'[') {
            return self.other_than_names(flags, |names| Wanted::Flags(names));
        }
        self.bracket(b'[', Wanted::List)?;
        let mut found = Vec::new();
        let mut places = HashSet::new();
        if !self.scanner.take(b']') {
            loop {
                let name = self.case_name(flags, |names| Wanted::Flags(names))?;
                let Some(at) = name.as_str().and_then(|name| flags.find(name)) else {
                    return Err(Unfit::NoFlag(shown_text(&name), names(flags)).into());
                };
                let name = flags.get(at).map(|flag| flag.0).unwrap_or_default();
                if !places.insert(at) {
                    return Err(Unfit::Twice(name.to_owned()).into());
                }
                found.push(name);
                if !self.scanner.take(b',') {
                    break;
                }
            }
            self.scanner.expect(b']', "`,` or `]`")?;
        }
        self.levels -= 1;
        Ok(found)
    }

    // ---- objects ----------------------------------------------------------------------------------------------------

    fn field(
        &mut self,
        fields: &'t Members<Type>,
        mut found: Found<B::Value>,
    ) -> Lifted<Next<'t, B::Value>, B::Error> {
        let name = self.member_name()?;
        // Guests usually write them in the type's order.
        let count = found.members.len();
        let expected = fields.get(count).filter(|field| name.as_str() == Some(field.0)).map(|_| count);
        let at = expected.or_else(|| name.as_str().and_then(|name| fields.find(name)));
        let Some((at, (field, ty))) = at.and_then(|at| Some((at, fields.get(at)?))) else {
            return Err(Unfit::NoField(shown_text(&name), names(fields)).into());
        };
        if found.is_there.get_mut(at).is_none_or(|is_there| std::mem::replace(is_there, true)) {
            return Err(Unfit::Twice(field.to_owned()).into());
        }
        self.open.push(Open::Record(fields, found, at));
        Ok(Next::Part(ty))
    }

    fn end_record(
        &mut self,
        fields: &'t Members<Type>,
        found: Found<B::Value>,
    ) -> Lifted<B::Value, B::Error> {
        self.levels -= 1;
        if let Some(at) = found.is_there.iter().position(|is_there| !is_there) {
            let name = fields.get(at).map(|field| field.0).unwrap_or_default();
            return Err(Unfit::Lacks(name.to_owned()).into());
        }
        let mut members = Vec::with_capacity(found.members.len());
        for (at, value) in found.members {
            members.push((self.key(fields.get(at).map(|field| field.0).unwrap_or_default())?, value));
        }
        self.build.object(members).map_err(Fail::Host)
    }

    /// Makes the name of a field; the type owns the text.
    fn key(&mut self, name: &'t str) -> Lifted<B::Key, B::Error> {
        if let Some(key) = self.keys.get(&name.as_ptr()) {
            return Ok(key.clone());
        }
        let key = self.build.key(name).map_err(Fail::Host)?;
        self.keys.insert(name.as_ptr(), key.clone());
        Ok(key)
    }

    /// Reads a case with a value.
    fn case(
        &mut self,
        cases: &'t Members<Option<Type>>,
        kind: Cases,
    ) -> Lifted<Next<'t, B::Value>, B::Error> {
        if self.scanner.peek() != Some(b'{') {
            return self.other_than_names(cases, |names| Wanted::Cases(names));
        }
        self.bracket(b'{', Wanted::Record)?;
        let name = self.only_name()?;
        let (at, (name, ty)) = self.find(cases, &name)?;
        if let Some(ty) = ty {
            self.open.push(Open::Case(cases, at, kind));
            return Ok(Next::Part(ty));
        }
        if kind == Cases::Variant {
            return Err(Unfit::HasNoValue(name.to_owned()).into());
        }
        if !self.scanner.word("null") {
            return Err(Unfit::NotEmpty(name.to_owned()).into());
        }
        self.end_only()?;
        self.build.result(at == 0, None).map(Next::Done).map_err(Fail::Host)
    }

    /// Reads the name of an object's only member, after the bracket.
    fn only_name(&mut self) -> Lifted<Text<'x>, B::Error> {
        if self.scanner.take(b'}') {
            return Err(Unfit::Keys(0).into());
        }
        self.member_name()
    }

    /// Reads the end of an object with one member.
    fn end_only(&mut self) -> Lifted<(), B::Error> {
        if self.scanner.take(b',') {
            return Err(Unfit::Keys(2).into());
        }
        self.scanner.expect(b'}', "`}`")?;
        self.levels -= 1;
        Ok(())
    }

    // ---- leaves -----------------------------------------------------------------------------------------------------

    fn integer(&mut self, integer: Integer) -> Lifted<i128, B::Error> {
        if !matches!(self.scanner.peek(), Some(b'-' | b'0'..=b'9')) {
            return self.other(Wanted::Integer(integer));
        }
        let number = self.scanner.number()?;
        if !number.is_whole {
            return Err(self.kind(Wanted::Integer(integer), Json::Float).into());
        }
        // A number with more digits than any type's is refused.
        let value = number.token.parse().ok().filter(|value| integer.has(*value));
        value.ok_or_else(|| Unfit::Range(integer.name()).into())
    }

    fn float(&mut self, float: Float) -> Lifted<f64, B::Error> {
        match self.scanner.peek() {
            Some(b'"') => {
                let name = self.scanner.string()?;
                let value = name.as_str().and_then(of_special);
                value.ok_or_else(|| self.kind(Wanted::Float(float), Json::String).into())
            }
            Some(b'-' | b'0'..=b'9') => {
                let value = self.scanner.number()?.token.parse().ok().filter(|value: &f64| value.is_finite());
                // The infinities have names, so that an overflow is never taken for one.
                let value = value.and_then(|value| float.nearest(value));
                value.ok_or_else(|| Unfit::Range(float.name()).into())
            }
            _ => self.other(Wanted::Float(float)),
        }
    }

    fn char(&mut self) -> Lifted<char, B::Error> {
        let text = self.text()?;
        let text = text.as_str().ok_or(Unfit::Surrogate)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(Unfit::Char(text.chars().count()).into()),
        }
    }

    fn text(&mut self) -> Lifted<Text<'x>, B::Error> {
        if self.scanner.peek() != Some(b'"') {
            return self.other(Wanted::Text);
        }
        Ok(self.scanner.string()?)
    }

    // ---- names ------------------------------------------------------------------------------------------------------

    /// Reads a string that may be a name of the type.
    fn case_name<T>(
        &mut self,
        members: &Members<T>,
        wanted: fn(&str) -> Wanted<'_>,
    ) -> Lifted<Text<'x>, B::Error> {
        if self.scanner.peek() != Some(b'"') {
            return self.other_than_names(members, wanted);
        }
        Ok(self.scanner.string()?)
    }

    fn find<T>(
        &self,
        members: &'t Members<T>,
        name: &Text<'_>,
    ) -> Lifted<(usize, (&'t str, &'t T)), B::Error> {
        let at = name.as_str().and_then(|name| members.find(name));
        let found = at.and_then(|at| Some((at, members.get(at)?)));
        found.ok_or_else(|| Unfit::NoCase(shown_text(name), names(members)).into())
    }

    /// Reads the name of a member and the colon.
    fn member_name(&mut self) -> Lifted<Text<'x>, B::Error> {
        if self.scanner.peek() != Some(b'"') {
            return Err(self.scanner.wrong("the name of a member").into());
        }
        let name = self.scanner.string()?;
        self.scanner.expect(b':', "`:`")?;
        Ok(name)
    }

    // ---- errors -----------------------------------------------------------------------------------------------------

    /// Opens a bracket, if it is next and the depth allows it.
    fn bracket(&mut self, bracket: u8, wanted: Wanted<'_>) -> Lifted<(), B::Error> {
        if self.scanner.peek() != Some(bracket) {
            return self.other(wanted);
        }
        if self.levels == MAX_DEPTH {
            return Err(Fail::TooDeep);
        }
        self.levels += 1;
        self.scanner.take(bracket);
        Ok(())
    }

    /// Makes the error for a value other than the expected one.
    #[cold]
    fn other<T>(&mut self, wanted: Wanted<'_>) -> Lifted<T, B::Error> {
        let found = self.found()?;
        Err(self.kind(wanted, found).into())
    }

    #[cold]
    fn other_than_names<T, M>(
        &mut self,
        members: &Members<M>,
        wanted: fn(&str) -> Wanted<'_>,
    ) -> Lifted<T, B::Error> {
        let found = self.found()?;
        Err(self.kind(wanted(&names(members)), found).into())
    }

    fn kind(&self, wanted: Wanted<'_>, found: Json) -> Unfit {
        let spelling = self.build.spelling();
        Unfit::Kind(spelling.wanted(wanted), spelling.json(found).to_owned())
    }

    /// Names the next value. If it is nested too deep, that is the error, whatever the value is.
    fn found(&mut self) -> Lifted<Json, B::Error> {
        Ok(match self.scanner.peek() {
            Some(bracket @ (b'[' | b'{')) => {
                if self.levels + self.scanner.depth() > MAX_DEPTH {
                    return Err(Fail::TooDeep);
                }
                if bracket == b'[' { Json::Array } else { Json::Object }
            }
            Some(b'"') => Json::String,
            Some(b'-' | b'0'..=b'9') => {
                if self.scanner.number()?.is_whole {
                    Json::Integer
                } else {
                    Json::Float
                }
            }
            _ if self.scanner.word("null") => Json::Null,
            _ if self.scanner.word("true") || self.scanner.word("false") => Json::Bool,
            _ => return Err(self.scanner.wrong("a value").into()),
        })
    }

    /// Writes the path to the value that is being read.
    fn path(&self) -> String {
        let spelling = self.build.spelling();
        let mut path = String::new();
        for open in &self.open {
            // Writing to a string does not fail.
            let _ = match open {
                Open::Case(cases, at, _) => {
                    path.push_str(&spelling.field(cases.get(*at).map(|case| case.0).unwrap_or_default()));
                    Ok(())
                }
                Open::List(_, items) | Open::Tuple(_, items) => write!(path, "[{}]", items.len()),
                Open::Map(_, pairs, None) => write!(path, " (the key {})", pairs.len()),
                Open::Map(_, pairs, Some(_)) => write!(path, "[{}]", pairs.len()),
                Open::Record(fields, _, at) => {
                    path.push_str(&spelling.field(fields.get(*at).map(|field| field.0).unwrap_or_default()));
                    Ok(())
                }
                Open::Some { is_around_option: true } => {
                    path.push_str(&spelling.field("some"));
                    Ok(())
                }
                Open::Some { .. } => Ok(()),
            };
        }
        if let Some(at) = self.item {
            let _ = write!(path, "[{at}]");
        }
        path
    }
}

fn check_room<E>(length: Option<u32>, count: usize) -> Lifted<(), E> {
    match length.map(usize_of) {
        Some(length) if count >= length => Err(Unfit::More(length).into()),
        _ => Ok(()),
    }
}

fn check_length<E>(length: Option<u32>, count: usize) -> Lifted<(), E> {
    match length.map(usize_of) {
        Some(length) if count != length => Err(Unfit::Count(length, count).into()),
        _ => Ok(()),
    }
}

pub(crate) fn usize_of(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Quotes a guest's name for an error.
fn shown_text(text: &Text<'_>) -> String {
    match text {
        Text::Plain(text) => shown(text),
        Text::Escaped(text) => shown(text),
        Text::Utf16(text) => shown(&String::from_utf16_lossy(text)),
    }
}
