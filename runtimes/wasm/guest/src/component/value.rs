//! Values of components: plain ones are passed as they are, all others as JSON.
//!
//! | type | JSON |
//! |---|---|
//! | bool, integers, floats | itself; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | char, string | a string |
//! | list, tuple | an array |
//! | map | an array of pairs |
//! | record | an object, in which no field may be missing but those of an option |
//! | flags | an array of the names that are set |
//! | enum | the name |
//! | variant | the name, or an object whose one key is the name |
//! | option | the value or `null`; inside another option `{"some": value}` or `null` |
//! | result | `{"ok": value}` or `{"err": value}`, the value `null` where it has no type |

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use libhyperlight_guest::{Error, Kind, Result, Value, ValueRef, stack};
use libhyperlight_wasm_contract::code;
use wasmtime::component::{Type, Val};

use crate::json::{self, Reader};

/// Bytes of the stack for each level of a value, a generous estimate.
const STACK_FOR_LEVEL: usize = 2 << 10;

/// Bytes of the stack below which types are not read: for the last level, and for an error.
const STACK_FOR_TYPES: usize = 8 << 10;

/// The wire form of a type's values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shape {
    pub kind: Kind,
    /// Maximum depth of types within types.
    pub depth: usize,
}

/// The shape of a type; `None` if its values cannot leave the program.
pub(super) fn shape(ty: &Type) -> Result<Option<Shape>> {
    let Some(depth) = depth(ty)? else {
        return Ok(None);
    };
    let kind = match ty {
        Type::Bool => Kind::Bool,
        Type::S8 | Type::S16 | Type::S32 => Kind::I32,
        Type::U8 | Type::U16 | Type::U32 => Kind::U32,
        Type::S64 => Kind::I64,
        Type::U64 => Kind::U64,
        Type::Float32 => Kind::F32,
        Type::Float64 => Kind::F64,
        Type::List(list) if list.ty() == Type::U8 => Kind::Bytes,
        _ => Kind::String,
    };
    Ok(Some(Shape { kind, depth }))
}

/// The shapes of types, if all of them have one.
pub(super) fn shapes(types: impl IntoIterator<Item = Type>) -> Result<Option<Vec<Shape>>> {
    types.into_iter().map(|ty| shape(&ty).transpose()).collect::<Option<Result<_>>>().transpose()
}

/// The depth of types within types; `None` if one of them belongs to the program alone.
fn depth(ty: &Type) -> Result<Option<usize>> {
    if stack_left() < STACK_FOR_TYPES {
        return Err(Error::new(code::LOAD, "types that nest so deep need more stack: raise the stack size"));
    }
    let inner = match ty {
        Type::List(list) => deepest([list.ty()]),
        Type::FixedLengthList(list) => deepest([list.ty()]),
        Type::Map(map) => deepest([map.key(), map.value()]),
        Type::Record(record) => deepest(record.fields().map(|field| field.ty)),
        Type::Tuple(tuple) => deepest(tuple.types()),
        Type::Variant(variant) => deepest(variant.cases().filter_map(|case| case.ty)),
        Type::Option(option) => deepest([option.ty()]),
        Type::Result(result) => deepest(result.ok().into_iter().chain(result.err())),
        Type::Own(_) | Type::Borrow(_) | Type::Future(_) | Type::Stream(_) | Type::ErrorContext => Ok(None),
        _ => Ok(Some(0)),
    };
    Ok(inner?.map(|inner| inner + 1))
}

fn deepest(types: impl IntoIterator<Item = Type>) -> Result<Option<usize>> {
    let mut deepest = 0;
    for ty in types {
        match depth(&ty)? {
            Some(found) => deepest = deepest.max(found),
            None => return Ok(None),
        }
    }
    Ok(Some(deepest))
}

/// Fails unless the stack has room for values of this depth. Recursive functions read and write values, here and in the
/// runtime.
pub(super) fn check_stack(depth: usize) -> Result<()> {
    if stack_left() < depth.saturating_mul(STACK_FOR_LEVEL) {
        return Err(wrong(format!(
            "values that nest {depth} types deep need more stack: raise the stack size"
        )));
    }
    Ok(())
}

/// Bytes of the stack below the caller.
fn stack_left() -> usize {
    let here = 0_u8;
    let bottom = usize::try_from(stack().address).unwrap_or(usize::MAX);
    (&raw const here).addr().saturating_sub(bottom)
}

/// A value on its way into the program.
pub(super) fn enter(value: ValueRef<'_>, ty: &Type) -> Result<Val> {
    Ok(match (value, ty) {
        (ValueRef::Bool(value), Type::Bool) => Val::Bool(value),
        (ValueRef::I32(value), Type::S32) => Val::S32(value),
        (ValueRef::U32(value), Type::U32) => Val::U32(value),
        (ValueRef::I32(value), Type::S8 | Type::S16) => narrow(i128::from(value), ty)?,
        (ValueRef::U32(value), Type::U8 | Type::U16) => narrow(i128::from(value), ty)?,
        (ValueRef::I64(value), Type::S64) => Val::S64(value),
        (ValueRef::U64(value), Type::U64) => Val::U64(value),
        (ValueRef::F32(value), Type::Float32) => Val::Float32(value),
        (ValueRef::F64(value), Type::Float64) => Val::Float64(value),
        (ValueRef::String(text), Type::String) => Val::String(text.into()),
        (ValueRef::String(text), Type::Char) => Val::Char(character(text)?),
        (ValueRef::Bytes(bytes), Type::List(_)) => {
            let mut list = Vec::new();
            list.try_reserve_exact(bytes.len()).map_err(|_| too_large(bytes.len()))?;
            list.extend(bytes.iter().copied().map(Val::U8));
            Val::List(list)
        }
        (ValueRef::String(text), ty) => {
            let mut reader = Reader::new(text);
            let value = read(&mut reader, ty)?;
            reader.finish()?;
            value
        }
        (value, _) => return Err(wrong(format!("a value is {}, which it cannot be", value.kind()))),
    })
}

/// A value on its way out of the program.
pub(super) fn leave(value: &Val, ty: &Type) -> Result<Value> {
    Ok(match value {
        Val::Bool(value) => Value::Bool(*value),
        Val::S8(value) => Value::I32(i32::from(*value)),
        Val::S16(value) => Value::I32(i32::from(*value)),
        Val::S32(value) => Value::I32(*value),
        Val::U8(value) => Value::U32(u32::from(*value)),
        Val::U16(value) => Value::U32(u32::from(*value)),
        Val::U32(value) => Value::U32(*value),
        Val::S64(value) => Value::I64(*value),
        Val::U64(value) => Value::U64(*value),
        Val::Float32(value) => Value::F32(*value),
        Val::Float64(value) => Value::F64(*value),
        Val::Char(value) => Value::String(value.to_string()),
        Val::String(text) => Value::String(text.clone()),
        Val::List(list) if matches!(ty, Type::List(ty) if ty.ty() == Type::U8) => {
            Value::Bytes(list.iter().map(|value| if let Val::U8(byte) = value { *byte } else { 0 }).collect())
        }
        value => {
            let mut out = String::new();
            write(&mut out, value, ty);
            Value::String(out)
        }
    })
}

fn write(out: &mut String, value: &Val, ty: &Type) {
    match (value, ty) {
        (Val::Bool(value), _) => json::put_display(out, value),
        (Val::S8(value), _) => json::put_display(out, value),
        (Val::U8(value), _) => json::put_display(out, value),
        (Val::S16(value), _) => json::put_display(out, value),
        (Val::U16(value), _) => json::put_display(out, value),
        (Val::S32(value), _) => json::put_display(out, value),
        (Val::U32(value), _) => json::put_display(out, value),
        (Val::S64(value), _) => json::put_display(out, value),
        (Val::U64(value), _) => json::put_display(out, value),
        (Val::Float32(value), _) => json::put_float(out, f64::from(*value)),
        (Val::Float64(value), _) => json::put_float(out, *value),
        (Val::Char(value), _) => json::put_text(out, value.encode_utf8(&mut [0; 4])),
        (Val::String(text) | Val::Enum(text), _) => json::put_text(out, text),
        (Val::Flags(names), _) => put_list(out, '[', ']', names, |out, name| json::put_text(out, name)),
        (Val::List(items), Type::List(list)) => {
            let ty = list.ty();
            put_list(out, '[', ']', items, |out, item| write(out, item, &ty));
        }
        (Val::FixedLengthList(items), Type::FixedLengthList(list)) => {
            let ty = list.ty();
            put_list(out, '[', ']', items, |out, item| write(out, item, &ty));
        }
        (Val::Map(pairs), Type::Map(map)) => {
            let (key_type, value_type) = (map.key(), map.value());
            put_list(out, '[', ']', pairs, |out, (key, value)| {
                out.push('[');
                write(out, key, &key_type);
                out.push(',');
                write(out, value, &value_type);
                out.push(']');
            });
        }
        (Val::Tuple(items), Type::Tuple(tuple)) => {
            put_list(out, '[', ']', items.iter().zip(tuple.types()), |out, (item, ty)| write(out, item, &ty));
        }
        (Val::Record(fields), Type::Record(record)) => {
            put_list(out, '{', '}', fields.iter().zip(record.fields()), |out, ((name, value), field)| {
                json::put_text(out, name);
                out.push(':');
                write(out, value, &field.ty);
            });
        }
        (Val::Variant(name, payload), Type::Variant(variant)) => {
            let ty = variant.cases().find(|case| case.name == name).and_then(|case| case.ty);
            match (payload, ty) {
                (Some(value), Some(ty)) => put_case(out, name, Some((value, &ty))),
                _ => json::put_text(out, name),
            }
        }
        (Val::Option(None), _) => out.push_str("null"),
        (Val::Option(Some(value)), Type::Option(option)) => match option.ty() {
            inner @ Type::Option(_) => put_case(out, "some", Some((value, &inner))),
            inner => write(out, value, &inner),
        },
        (Val::Result(Ok(value)), Type::Result(result)) => {
            let ty = result.ok();
            put_case(out, "ok", value.as_deref().zip(ty.as_ref()));
        }
        (Val::Result(Err(value)), Type::Result(result)) => {
            let ty = result.err();
            put_case(out, "err", value.as_deref().zip(ty.as_ref()));
        }
        // Functions with others are not published.
        _ => out.push_str("null"),
    }
}

/// An object with one key.
fn put_case(out: &mut String, name: &str, value: Option<(&Val, &Type)>) {
    out.push('{');
    json::put_text(out, name);
    out.push(':');
    match value {
        Some((value, ty)) => write(out, value, ty),
        None => out.push_str("null"),
    }
    out.push('}');
}

fn put_list<T>(
    out: &mut String,
    start: char,
    end: char,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut String, T),
) {
    out.push(start);
    for (index, value) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        item(out, value);
    }
    out.push(end);
}

/// Reads a value of a type. The type bounds the depth.
fn read(reader: &mut Reader<'_>, ty: &Type) -> Result<Val> {
    Ok(match ty {
        Type::Bool => Val::Bool(reader.bool()?),
        Type::S8 | Type::U8 | Type::S16 | Type::U16 | Type::S32 | Type::U32 | Type::S64 | Type::U64 => {
            narrow(reader.integer()?, ty)?
        }
        Type::Float32 => {
            let value = reader.float()?;
            #[expect(clippy::cast_possible_truncation, reason = "JSON has one kind of number")]
            let single = value as f32;
            if single.is_infinite() && value.is_finite() {
                return Err(wrong(format!("the number {value:?} is out of range")));
            }
            Val::Float32(single)
        }
        Type::Float64 => Val::Float64(reader.float()?),
        Type::Char => Val::Char(character(&reader.string()?)?),
        Type::String => Val::String(reader.string()?),
        Type::List(list) => Val::List(read_list(reader, &list.ty())?),
        Type::FixedLengthList(list) => {
            let items = read_list(reader, &list.ty())?;
            if usize::try_from(list.len()) != Ok(items.len()) {
                return Err(wrong(format!("a list has {} members, not {}", list.len(), items.len())));
            }
            Val::FixedLengthList(items)
        }
        Type::Map(map) => {
            let (key_type, value_type) = (map.key(), map.value());
            let mut pairs = Vec::new();
            reader.array(|reader| {
                reader.expect(b'[')?;
                let key = read(reader, &key_type)?;
                reader.expect(b',')?;
                pairs.push((key, read(reader, &value_type)?));
                reader.expect(b']')
            })?;
            Val::Map(pairs)
        }
        Type::Tuple(tuple) => {
            let mut types = tuple.types();
            let mut items = Vec::new();
            reader.array(|reader| {
                let ty = types.next().ok_or_else(|| wrong("a tuple has too many members"))?;
                items.push(read(reader, &ty)?);
                Ok(())
            })?;
            if types.next().is_some() {
                return Err(wrong("a tuple has too few members"));
            }
            Val::Tuple(items)
        }
        Type::Record(_) => read_record(reader, ty)?,
        Type::Flags(flags) => {
            let mut names = Vec::new();
            reader.array(|reader| {
                let name = reader.string()?;
                if !flags.names().any(|known| known == name) {
                    return Err(wrong(format!("there is no flag `{name}`")));
                }
                names.push(name);
                Ok(())
            })?;
            Val::Flags(names)
        }
        Type::Enum(found) => {
            let name = reader.string()?;
            if !found.names().any(|known| known == name) {
                return Err(wrong(format!("there is no case `{name}`")));
            }
            Val::Enum(name)
        }
        Type::Variant(variant) => {
            let case = |name: &str| {
                let case = variant.cases().find(|case| case.name == name);
                case.map(|case| case.ty).ok_or_else(|| wrong(format!("there is no case `{name}`")))
            };
            if reader.peek() == Some(b'"') {
                let name = reader.string()?;
                if case(&name)?.is_some() {
                    return Err(wrong(format!("the case `{name}` needs a value")));
                }
                Val::Variant(name, None)
            } else {
                let (name, payload) = read_case(reader, case)?;
                Val::Variant(name, payload)
            }
        }
        Type::Option(_) if reader.null() => Val::Option(None),
        Type::Option(option) => match option.ty() {
            inner @ Type::Option(_) => {
                let (_, value) = read_case(reader, |name| match name {
                    "some" => Ok(Some(inner.clone())),
                    _ => Err(wrong(format!(
                        "an option inside an option is null or {{\"some\": …}}, not `{name}`"
                    ))),
                })?;
                Val::Option(value)
            }
            inner => Val::Option(Some(Box::new(read(reader, &inner)?))),
        },
        Type::Result(result) => {
            let (name, value) = read_case(reader, |name| match name {
                "ok" => Ok(result.ok()),
                "err" => Ok(result.err()),
                _ => Err(wrong(format!("a result is `ok` or `err`, not `{name}`"))),
            })?;
            Val::Result(if name == "ok" { Ok(value) } else { Err(value) })
        }
        // Functions with others are not published.
        _ => return Err(wrong("a value of that type cannot be made here")),
    })
}

fn read_list(reader: &mut Reader<'_>, ty: &Type) -> Result<Vec<Val>> {
    let mut items = Vec::new();
    reader.array(|reader| {
        let item = read(reader, ty)?;
        items.try_reserve(1).map_err(|_| too_large(items.len()))?;
        items.push(item);
        Ok(())
    })?;
    Ok(items)
}

fn read_record(reader: &mut Reader<'_>, ty: &Type) -> Result<Val> {
    let Type::Record(record) = ty else {
        return Err(wrong("a record is expected"));
    };
    let mut values: Vec<Option<Val>> = record.fields().map(|_| None).collect();
    reader.object(|reader, name| {
        let (index, field) = record
            .fields()
            .enumerate()
            .find(|(_, field)| field.name == name)
            .ok_or_else(|| wrong(format!("there is no field `{name}`")))?;
        let value = read(reader, &field.ty)?;
        match values.get_mut(index).map(|place| place.replace(value)) {
            Some(None) => Ok(()),
            _ => Err(wrong(format!("the field `{name}` is given twice"))),
        }
    })?;
    let fields: Result<Vec<(String, Val)>> = record
        .fields()
        .zip(values)
        .map(|(field, value)| match (value, &field.ty) {
            (Some(value), _) => Ok((String::from(field.name), value)),
            (None, Type::Option(_)) => Ok((String::from(field.name), Val::Option(None))),
            (None, _) => Err(wrong(format!("the field `{}` is missing", field.name))),
        })
        .collect();
    Ok(Val::Record(fields?))
}

/// Reads an object with one key, which names the type of the value.
fn read_case(
    reader: &mut Reader<'_>,
    ty: impl Fn(&str) -> Result<Option<Type>>,
) -> Result<(String, Option<Box<Val>>)> {
    let mut case = None;
    reader.object(|reader, name| {
        if case.is_some() {
            return Err(reader.wrong("an object with one key"));
        }
        let value = match ty(name)? {
            Some(ty) => Some(Box::new(read(reader, &ty)?)),
            None if reader.null() => None,
            None => return Err(reader.wrong("null")),
        };
        case = Some((String::from(name), value));
        Ok(())
    })?;
    case.ok_or_else(|| reader.wrong("an object with one key"))
}

/// The number as one of the type, if it is in range.
fn narrow(value: i128, ty: &Type) -> Result<Val> {
    let narrowed = match ty {
        Type::S8 => value.try_into().ok().map(Val::S8),
        Type::U8 => value.try_into().ok().map(Val::U8),
        Type::S16 => value.try_into().ok().map(Val::S16),
        Type::U16 => value.try_into().ok().map(Val::U16),
        Type::S32 => value.try_into().ok().map(Val::S32),
        Type::U32 => value.try_into().ok().map(Val::U32),
        Type::S64 => value.try_into().ok().map(Val::S64),
        _ => value.try_into().ok().map(Val::U64),
    };
    narrowed.ok_or_else(|| wrong(format!("the number {value} is out of range")))
}

fn character(text: &str) -> Result<char> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(wrong("a char is a string with one character")),
    }
}

#[cold]
fn wrong(text: impl Into<String>) -> Error {
    Error::new(code::VALUE, text)
}

#[cold]
fn too_large(len: usize) -> Error {
    wrong(format!("a list of {len} members does not fit the heap: raise the heap size"))
}
