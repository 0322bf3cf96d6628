//! Values for a WebAssembly program, as the JSON that its guest reads for their types. Values that do not fit are
//! refused. Nothing recurses: a deep value needs no deep stack.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::vec;

use crate::error::{Error, Unfit, Wanted, names};
use crate::host::{Read, View};
use crate::lift::usize_of;
use crate::limits::MAX_DEPTH;
use crate::types::{Float, Integer, List, Map, Members, Names, Record, Type};
use crate::writer::{put_display, put_number, put_text, special};

/// Encodes a value of a type as text. Errors call it `what`.
pub fn lower<R: Read>(ty: &Type, value: R::Value, what: &str, read: &mut R) -> Result<String, R::Error> {
    let mut lowerer = Lowerer { read, out: String::new(), open: Vec::new(), levels: 0, item: None };
    match lowerer.document(ty, value) {
        Ok(()) => Ok(lowerer.out),
        Err(fail) => Err(lowerer.error(fail, what, false)),
    }
}

/// Checks that a value has a type, where it was passed as a wider kind.
pub fn check<R: Read>(ty: &Type, value: R::Value, what: &str, read: &mut R) -> Result<(), R::Error> {
    let mut lowerer = Lowerer { read, out: String::new(), open: Vec::new(), levels: 0, item: None };
    lowerer.document(ty, value).map_err(|fail| lowerer.error(fail, what, true))
}

struct Lowerer<'t, 'r, R: Read> {
    read: &'r mut R,
    out: String,
    /// Open values, from the outermost to the innermost.
    open: Vec<Open<'t, R::Value>>,
    /// Number of open brackets.
    levels: usize,
    /// The index in a list that is written in one pass.
    item: Option<usize>,
}

/// A value that has begun, with its remaining parts.
enum Open<'t, V> {
    /// The one member of an object.
    Only(&'t str),
    List(&'t List, usize, vec::IntoIter<V>),
    /// A map, with the key of the pair that is being written, and its value until that is written.
    Map(&'t Map, Pairs<V>, V, Option<V>),
    /// A record, with the name of the field that is being written.
    Record(&'t str, vec::IntoIter<(&'t str, &'t Type, V)>),
    Tuple(&'t [Type], usize, vec::IntoIter<V>),
}

/// The pairs of a map: as such, or as lists of two.
enum Pairs<V> {
    Lists(usize, vec::IntoIter<V>),
    Pairs(vec::IntoIter<(V, V)>),
}

enum Fail<E> {
    Host(E),
    TooDeep,
    Unfit(Unfit),
}

type Lowered<T, E> = Result<T, Fail<E>>;

impl<E> From<Unfit> for Fail<E> {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl<'t, R: Read> Lowerer<'t, '_, R> {
    fn document(&mut self, ty: &'t Type, value: R::Value) -> Lowered<(), R::Error> {
        let mut next = Some((ty, value));
        loop {
            while let Some((ty, value)) = next.take() {
                next = self.begin(ty, value)?;
            }
            match self.open.pop() {
                Some(open) => next = self.proceed(open)?,
                None => return Ok(()),
            }
        }
    }

    /// Writes a value without parts, or the beginning of one with parts. For an option, returns its content as the next
    /// value.
    fn begin(&mut self, ty: &'t Type, value: R::Value) -> Lowered<Option<(&'t Type, R::Value)>, R::Error> {
        match ty {
            // The value of an absent option is not checked.
            Type::Option(inner) => return self.option(inner, value),
            Type::Flags(flags) => return self.flags(flags, &value).map(|()| None),
            _ => {}
        }
        let view = self.read.view(&value).map_err(Fail::Host)?;
        match (ty, view) {
            (Type::Bool, View::Bool(value)) => put_display(&mut self.out, value),
            (Type::Integer(integer), view) => {
                let Some(number) = whole(*integer, &view)? else {
                    return Err(self.other(Wanted::Integer(*integer), &value));
                };
                put_display(&mut self.out, number);
            }
            (Type::Float(float), View::Float(number)) => self.float(*float, number, false)?,
            (Type::Float(float), View::Number(number)) => self.float(*float, number, true)?,
            (Type::String, View::Text(text)) => put_text(&mut self.out, "", &text),
            (Type::Char, View::Text(text)) => {
                let mut characters = text.chars();
                if characters.next().is_none() || characters.next().is_some() {
                    return Err(Unfit::Char(text.chars().count()).into());
                }
                put_text(&mut self.out, "", &text);
            }
            (Type::Char | Type::String | Type::Enum(_) | Type::Variant(_), View::Utf16(_)) => {
                return Err(Unfit::Surrogate.into());
            }
            (Type::Enum(cases), View::Text(name)) => {
                if cases.find(&name).is_none() {
                    return Err(Unfit::NoCase(self.read.show(&value), names(cases)).into());
                }
                put_text(&mut self.out, "", &name);
            }
            (Type::List(list), View::Bytes(bytes)) if is_of_bytes(list) || R::LISTS_ARE_LOOSE => {
                self.bytes(list, &bytes)?;
            }
            (Type::List(list), View::List(items)) if !is_of_bytes(list) || R::LISTS_ARE_LOOSE => {
                check_length(list.length, items.len())?;
                self.bracket('[')?;
                self.open.push(Open::List(list, 0, items.into_iter()));
            }
            (Type::Map(map), View::Map(pairs)) => return self.map(map, Pairs::Pairs(pairs.into_iter())),
            (Type::Map(map), View::Object(pairs)) if R::OBJECTS_ARE_MAPS => {
                return self.map(map, Pairs::Pairs(pairs.into_iter()));
            }
            (Type::Map(map), View::List(pairs)) if R::LISTS_ARE_LOOSE => {
                return self.map(map, Pairs::Lists(0, pairs.into_iter()));
            }
            (Type::Results(types) | Type::Tuple(types), View::List(items)) => {
                if types.len() != items.len() {
                    return Err(self.other(Wanted::Tuple(types.len()), &value));
                }
                self.bracket('[')?;
                self.open.push(Open::Tuple(types, 0, items.into_iter()));
            }
            (Type::Record(record), View::Object(members)) => self.record(record, members)?,
            (Type::Variant(cases), View::Text(name)) => {
                match cases.find(&name).and_then(|at| cases.get(at)) {
                    Some((_, None)) => put_text(&mut self.out, "", &name),
                    Some((name, Some(_))) => return Err(Unfit::NeedsValue(name.to_owned()).into()),
                    None => return Err(Unfit::NoCase(self.read.show(&value), names(cases)).into()),
                }
            }
            (Type::Variant(cases), View::Object(members)) if members.len() == 1 => {
                return self.case(cases, members, false);
            }
            (Type::Result(cases), View::Object(members)) if members.len() == 1 => {
                return self.case(cases, members, true);
            }
            _ => return Err(self.other_than(ty, &value)),
        }
        Ok(None)
    }

    /// Continues the open value: returns its next part, or ends it.
    fn proceed(&mut self, open: Open<'t, R::Value>) -> Lowered<Option<(&'t Type, R::Value)>, R::Error> {
        match open {
            Open::Only(_) => self.end('}'),
            Open::List(list, at, mut items) => match items.next() {
                Some(item) => {
                    self.comma(at);
                    self.open.push(Open::List(list, at + 1, items));
                    return Ok(Some((&list.item, item)));
                }
                None => self.end(']'),
            },
            Open::Map(map, pairs, key, Some(value)) => {
                self.out.push(',');
                self.open.push(Open::Map(map, pairs, key, None));
                return Ok(Some((&map.value, value)));
            }
            Open::Map(map, pairs, _, None) => {
                self.end(']');
                return self.next_pair(map, pairs, false);
            }
            Open::Record(before, mut members) => match members.next() {
                Some((name, ty, value)) => {
                    self.comma(usize::from(!before.is_empty()));
                    put_text(&mut self.out, "", name);
                    self.out.push(':');
                    self.open.push(Open::Record(name, members));
                    return Ok(Some((ty, value)));
                }
                None => self.end('}'),
            },
            Open::Tuple(types, at, mut items) => match (types.get(at), items.next()) {
                (Some(ty), Some(item)) => {
                    self.comma(at);
                    self.open.push(Open::Tuple(types, at + 1, items));
                    return Ok(Some((ty, item)));
                }
                _ => self.end(']'),
            },
        }
        Ok(None)
    }

    fn option(
        &mut self,
        inner: &'t Type,
        value: R::Value,
    ) -> Lowered<Option<(&'t Type, R::Value)>, R::Error> {
        if self.read.is_nothing(&value) {
            self.out.push_str("null");
            return Ok(None);
        }
        let inside = self.read.inside(&value);
        if !matches!(inner, Type::Option(_)) {
            return Ok(Some((inner, inside.unwrap_or(value))));
        }
        // A null value would be ambiguous.
        let inside = match inside {
            None => match self.read.view(&value).map_err(Fail::Host)? {
                View::Object(members) => match <[_; 1]>::try_from(members) {
                    Ok([(name, inside)]) if self.is_name(&name, "some")? => Some(inside),
                    _ => None,
                },
                _ => None,
            },
            inside => inside,
        };
        let Some(inside) = inside else {
            return Err(self.other(Wanted::Option, &value));
        };
        self.begin_only("some")?;
        Ok(Some((inner, inside)))
    }

    fn flags(&mut self, flags: &'t Names, value: &R::Value) -> Lowered<(), R::Error> {
        let Some(items) = self.read.set(value).map_err(Fail::Host)? else {
            return Err(self.other(Wanted::Flags(&names(flags)), value));
        };
        self.bracket('[')?;
        let mut found = HashSet::new();
        for item in items {
            let name = match self.read.view(&item).map_err(Fail::Host)? {
                View::Text(name) => flags.find(&name).and_then(|at| flags.get(at)),
                _ => None,
            };
            let Some((name, ())) = name else {
                return Err(Unfit::NoFlag(self.read.show(&item), names(flags)).into());
            };
            // Duplicates count once.
            if found.insert(name) {
                self.comma(found.len() - 1);
                put_text(&mut self.out, "", name);
            }
        }
        self.end(']');
        Ok(())
    }

    fn bytes(&mut self, list: &List, bytes: &[u8]) -> Lowered<(), R::Error> {
        check_length(list.length, bytes.len())?;
        self.bracket('[')?;
        for (at, byte) in bytes.iter().enumerate() {
            self.comma(at);
            match &list.item {
                Type::Integer(integer) if !integer.is_wide() && integer.has(i128::from(*byte)) => {}
                Type::Float(_) => {}
                ty => {
                    self.item = Some(at);
                    let (wanted, found) = (self.wanted(ty), byte.to_string());
                    return Err(Unfit::Kind(wanted, found).into());
                }
            }
            put_display(&mut self.out, byte);
        }
        self.end(']');
        Ok(())
    }

    fn map(
        &mut self,
        map: &'t Map,
        pairs: Pairs<R::Value>,
    ) -> Lowered<Option<(&'t Type, R::Value)>, R::Error> {
        self.bracket('[')?;
        self.next_pair(map, pairs, true)
    }

    fn next_pair(
        &mut self,
        map: &'t Map,
        mut pairs: Pairs<R::Value>,
        is_first: bool,
    ) -> Lowered<Option<(&'t Type, R::Value)>, R::Error> {
        let pair = match &mut pairs {
            Pairs::Pairs(pairs) => pairs.next(),
            Pairs::Lists(at, lists) => {
                self.item = Some(*at);
                *at += 1;
                match lists.next() {
                    Some(list) => Some(self.pair(&list)?),
                    None => None,
                }
            }
        };
        self.item = None;
        let Some((key, value)) = pair else {
            self.end(']');
            return Ok(None);
        };
        self.comma(usize::from(!is_first));
        self.bracket('[')?;
        self.open.push(Open::Map(map, pairs, key.clone(), Some(value)));
        Ok(Some((&map.key, key)))
    }

    /// Reads a pair from a list.
    fn pair(&mut self, list: &R::Value) -> Lowered<(R::Value, R::Value), R::Error> {
        let View::List(items) = self.read.view(list).map_err(Fail::Host)? else {
            return Err(self.other(Wanted::Pair, list));
        };
        let [key, value] = <[_; 2]>::try_from(items).map_err(|items| Unfit::Pair(items.len()))?;
        Ok((key, value))
    }

    fn record(&mut self, record: &'t Record, members: Vec<(R::Value, R::Value)>) -> Lowered<(), R::Error> {
        let fields = record.fields();
        let mut found = Vec::with_capacity(members.len());
        let mut places = HashSet::with_capacity(members.len());
        for (name, value) in members {
            let at = match self.read.view(&name).map_err(Fail::Host)? {
                View::Text(name) => fields.find(&name),
                _ => None,
            };
            let Some((at, (name, ty))) = at.and_then(|at| Some((at, fields.get(at)?))) else {
                return Err(Unfit::NoField(self.read.show(&name), names(fields)).into());
            };
            if !places.insert(at) {
                return Err(Unfit::Twice(name.to_owned()).into());
            }
            found.push((name, ty, value));
        }
        // A value may leave out any number of options: a program may have as many as there are values.
        for at in record.needed() {
            if !places.contains(at) {
                let name = fields.get(*at).map(|field| field.0).unwrap_or_default();
                return Err(Unfit::Lacks(name.to_owned()).into());
            }
        }
        self.bracket('{')?;
        self.open.push(Open::Record("", found.into_iter()));
        Ok(())
    }

    /// Writes a case with a value.
    fn case(
        &mut self,
        cases: &'t Members<Option<Type>>,
        members: Vec<(R::Value, R::Value)>,
        is_result: bool,
    ) -> Lowered<Option<(&'t Type, R::Value)>, R::Error> {
        let Some((key, value)) = members.into_iter().next() else { return Ok(None) };
        let found = match self.read.view(&key).map_err(Fail::Host)? {
            View::Text(name) => cases.find(&name).and_then(|at| cases.get(at)),
            _ => None,
        };
        let Some((name, ty)) = found else {
            return Err(Unfit::NoCase(self.read.show(&key), names(cases)).into());
        };
        if let Some(ty) = ty {
            self.begin_only(name)?;
            return Ok(Some((ty, value)));
        }
        if !self.read.is_nothing(&value) {
            return Err(Unfit::HasNoValue(name.to_owned()).into());
        }
        if is_result {
            self.begin_only(name)?;
            self.out.push_str("null");
        } else {
            put_text(&mut self.out, "", name);
        }
        Ok(None)
    }

    fn begin_only(&mut self, name: &'t str) -> Lowered<(), R::Error> {
        self.bracket('{')?;
        put_text(&mut self.out, "", name);
        self.out.push(':');
        self.open.push(Open::Only(name));
        Ok(())
    }

    fn float(&mut self, float: Float, value: f64, may_be_whole: bool) -> Lowered<(), R::Error> {
        if float.nearest(value).is_none() {
            return Err(Unfit::Range(float.name()).into());
        }
        match special(value) {
            Some(name) => put_text(&mut self.out, "", name),
            None => put_number(&mut self.out, value, may_be_whole),
        }
        Ok(())
    }

    fn is_name(&mut self, value: &R::Value, name: &str) -> Lowered<bool, R::Error> {
        let view = self.read.view(value).map_err(Fail::Host)?;
        Ok(matches!(view, View::Text(found) if found == name))
    }

    fn comma(&mut self, at: usize) {
        if at > 0 {
            self.out.push(',');
        }
    }

    fn bracket(&mut self, bracket: char) -> Lowered<(), R::Error> {
        if self.levels == MAX_DEPTH {
            return Err(Fail::TooDeep);
        }
        self.levels += 1;
        self.out.push(bracket);
        Ok(())
    }

    fn end(&mut self, bracket: char) {
        self.levels -= 1;
        self.out.push(bracket);
    }

    // ---- errors -----------------------------------------------------------------------------------------------------

    #[cold]
    fn other(&mut self, wanted: Wanted<'_>, value: &R::Value) -> Fail<R::Error> {
        let found = self.read.describe(value);
        Unfit::Kind(self.read.spelling().wanted(wanted), found).into()
    }

    #[cold]
    fn other_than(&mut self, ty: &Type, value: &R::Value) -> Fail<R::Error> {
        let found = self.read.describe(value);
        Unfit::Kind(self.wanted(ty), found).into()
    }

    fn wanted(&self, ty: &Type) -> String {
        let spelling = self.read.spelling();
        match ty {
            Type::Bool => spelling.wanted(Wanted::Bool),
            Type::Char | Type::String => spelling.wanted(Wanted::Text),
            Type::Enum(cases) => spelling.wanted(Wanted::Cases(&names(cases))),
            Type::Flags(flags) => spelling.wanted(Wanted::Flags(&names(flags))),
            Type::Float(float) => spelling.wanted(Wanted::Float(*float)),
            Type::Integer(integer) => spelling.wanted(Wanted::Integer(*integer)),
            Type::List(list) if is_of_bytes(list) => spelling.wanted(Wanted::Bytes),
            Type::List(_) => spelling.wanted(Wanted::List),
            Type::Map(_) => spelling.wanted(Wanted::Map),
            Type::Option(_) => spelling.wanted(Wanted::Option),
            Type::Record(_) => spelling.wanted(Wanted::Record),
            Type::Result(cases) | Type::Variant(cases) => spelling.wanted(Wanted::Cases(&names(cases))),
            Type::Results(types) | Type::Tuple(types) => spelling.wanted(Wanted::Tuple(types.len())),
        }
    }

    fn error(&mut self, fail: Fail<R::Error>, what: &str, is_guests: bool) -> R::Error {
        match fail {
            Fail::Host(error) => error,
            Fail::TooDeep => Error::too_deep(what).into(),
            Fail::Unfit(unfit) => {
                let path = self.path();
                unfit.at(what, &path, is_guests, self.read.spelling()).into()
            }
        }
    }

    /// Writes the path to the value that is being written.
    fn path(&mut self) -> String {
        let mut path = String::new();
        for open in &self.open {
            // Writing to a string does not fail.
            let _ = match open {
                Open::List(_, at, _) | Open::Tuple(_, at, _) => write!(path, "[{}]", at.saturating_sub(1)),
                Open::Map(_, _, key, value) => {
                    let key = self.read.show(key);
                    if value.is_some() { write!(path, " (the key {key})") } else { write!(path, "[{key}]") }
                }
                Open::Only(name) | Open::Record(name, _) => {
                    path.push_str(&self.read.spelling().field(name));
                    Ok(())
                }
            };
        }
        if let Some(at) = self.item {
            let _ = write!(path, "[{at}]");
        }
        path
    }
}

/// Returns the value as a whole number of a type; `None` for another sort of value. Fails if the number is out of
/// range.
fn whole<V, E>(integer: Integer, view: &View<'_, V>) -> Lowered<Option<i128>, E> {
    let value = match view {
        View::Integer(value) => Some(*value),
        // Out of the range of all types.
        View::LongInteger(_) => return Err(Unfit::Range(integer.name()).into()),
        View::BigInt(digits) if integer.is_wide() => {
            Some(digits.parse().map_err(|_| Unfit::Range(integer.name()))?)
        }
        View::Number(number) if !integer.is_wide() && number.trunc() == *number => {
            #[expect(clippy::cast_possible_truncation, reason = "what is too large stays too large")]
            let value = *number as i128;
            Some(value)
        }
        _ => None,
    };
    match value {
        Some(value) if !integer.has(value) => Err(Unfit::Range(integer.name()).into()),
        value => Ok(value),
    }
}

fn check_length<E>(length: Option<u32>, count: usize) -> Lowered<(), E> {
    match length.map(usize_of) {
        Some(length) if count != length => Err(Unfit::Count(length, count).into()),
        _ => Ok(()),
    }
}

fn is_of_bytes(list: &List) -> bool {
    list.item == Type::Integer(Integer::U8)
}
