//! Printer of types: the text that the parser reads, whatever the type.

use std::fmt;

use super::{Members, Type};

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Char => f.write_str("char"),
            Self::Enum(names) => members(f, "enum", names, |_, ()| Ok(())),
            Self::Flags(names) => members(f, "flags", names, |_, ()| Ok(())),
            Self::Float(float) => f.write_str(float.name()),
            Self::Integer(integer) => f.write_str(integer.name()),
            Self::List(list) => match list.length {
                Some(length) => write!(f, "list<{}, {length}>", list.item),
                None => write!(f, "list<{}>", list.item),
            },
            Self::Map(map) => write!(f, "map<{}, {}>", map.key, map.value),
            Self::Option(inner) => write!(f, "option<{inner}>"),
            Self::Record(record) => members(f, "record", record.fields(), |f, ty| write!(f, ": {ty}")),
            Self::Result(cases) => match (cases.get(0).and_then(|case| case.1.as_ref()), cases.get(1)) {
                (Some(ok), Some((_, Some(err)))) => write!(f, "result<{ok}, {err}>"),
                (Some(ok), _) => write!(f, "result<{ok}>"),
                (None, Some((_, Some(err)))) => write!(f, "result<_, {err}>"),
                (None, _) => f.write_str("result"),
            },
            Self::Results(types) => list(f, "(", types, ")"),
            Self::String => f.write_str("string"),
            Self::Tuple(types) => list(f, "tuple<", types, ">"),
            Self::Variant(cases) => members(f, "variant", cases, |f, ty| match ty {
                Some(ty) => write!(f, "({ty})"),
                None => Ok(()),
            }),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, open: &str, types: &[Type], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (at, ty) in types.iter().enumerate() {
        write!(f, "{}{ty}", if at == 0 { "" } else { ", " })?;
    }
    f.write_str(close)
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
