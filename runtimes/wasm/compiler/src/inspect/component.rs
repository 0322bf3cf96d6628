//! Components.

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, PrimitiveValType};

use super::{can_be_named, quoted};
use crate::compile::Error;
use crate::description::{Description, Function, Room, Slot};

/// Describes a program that is valid. What cannot be imported is refused here, before anything is compiled.
pub(super) fn describe(program: &[u8], types: TypesRef<'_>, room: &mut Room) -> Result<Description, Error> {
    let mut description = Description::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(program).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for name in section.into_iter().map_while(Result::ok).map(|export| export.name.name) {
                    if let Some(item) = types.component_item_for_export(name) {
                        exported(types, name, &item.ty, &mut description.exports, room)?;
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for name in section.into_iter().map_while(Result::ok).map(|import| import.name.name) {
                    if let Some(item) = types.component_item_for_import(name) {
                        imported(types, name, &item.ty, &mut description.imports, room)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(description)
}

/// Adds a function, or those of an interface. What cannot cross the wall is no guest function.
fn exported(
    types: TypesRef<'_>,
    name: &str,
    item: &ComponentEntityType,
    out: &mut Vec<Function>,
    room: &mut Room,
) -> Result<(), Error> {
    match item {
        ComponentEntityType::Func(id) => out.extend(function(types, name.to_owned(), *id, room)?),
        ComponentEntityType::Instance(id) => {
            for (inner, item) in &types[*id].exports {
                if let ComponentEntityType::Func(id) = item.ty {
                    out.extend(function(types, format!("{name}#{inner}"), id, room)?);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The same for an import, which must be something that the host can have.
fn imported(
    types: TypesRef<'_>,
    name: &str,
    item: &ComponentEntityType,
    out: &mut Vec<Function>,
    room: &mut Room,
) -> Result<(), Error> {
    let refused = |what: &str| Err(Error::Program(format!("the import {} {what}", quoted(name))));
    let mut add = |name: String, id| match function(types, name, id, room)? {
        Some(function) => {
            out.push(function);
            Ok(())
        }
        None => refused(&format!(
            "has a function that the host cannot have: it takes or gives a resource, a stream or a future, has more than \
             {MAX_PARAMETERS} parameters, or a name of more than {MAX_NAME_LEN} bytes"
        )),
    };
    match item {
        ComponentEntityType::Func(id) => add(name.to_owned(), *id),
        ComponentEntityType::Instance(id) => {
            for (inner, item) in &types[*id].exports {
                match item.ty {
                    ComponentEntityType::Func(id) => add(format!("{name}#{inner}"), id)?,
                    ComponentEntityType::Type { created, .. } if !is_resource(created) => {}
                    _ => return refused(&format!("has {}, which is no function", quoted(inner))),
                }
            }
            Ok(())
        }
        ComponentEntityType::Type { created, .. } if !is_resource(*created) => Ok(()),
        _ => refused("is no function or interface of functions"),
    }
}

fn is_resource(ty: ComponentAnyTypeId) -> bool {
    matches!(ty, ComponentAnyTypeId::Resource(_))
}

/// Nothing if it cannot cross the wall.
fn function(
    types: TypesRef<'_>,
    name: String,
    id: ComponentFuncTypeId,
    room: &mut Room,
) -> Result<Option<Function>, Error> {
    let ty = &types[id];
    room.take(&name)?;
    let crosses = ty.params.iter().map(|(_, ty)| ty).chain(&ty.result).all(|ty| crosses(&types, ty));
    if !crosses || ty.params.len() > MAX_PARAMETERS || !can_be_named(&name) {
        return Ok(None);
    }
    let parameters = ty.params.iter().map(|(name, ty)| Ok((name.to_string(), slot(types, ty, room)?)));
    let parameters = parameters.collect::<Result<_, Error>>()?;
    let result = match ty.result {
        Some(ty) => Some(slot(types, &ty, room)?),
        None => None,
    };
    Ok(Some(Function { name, parameters, result }))
}

/// Whether nothing in the type belongs to the program alone. The guest decides the same in the same way.
fn crosses(types: &TypesRef<'_>, ty: &ComponentValType) -> bool {
    let of = |ty: &ComponentValType| crosses(types, ty);
    match resolve(types, ty) {
        Shape::Primitive(primitive) => primitive != PrimitiveValType::ErrorContext,
        Shape::Defined(defined) => match defined {
            ComponentDefinedType::Record(record) => record.fields.values().all(of),
            ComponentDefinedType::Variant(variant) => {
                variant.cases.values().all(|case| case.ty.as_ref().is_none_or(of))
            }
            ComponentDefinedType::List { element, .. }
            | ComponentDefinedType::FixedLengthList { element, .. } => of(element),
            ComponentDefinedType::Map { key, value, .. } => of(key) && of(value),
            ComponentDefinedType::Tuple(tuple) => tuple.types.iter().all(of),
            ComponentDefinedType::Option { ty, .. } => of(ty),
            ComponentDefinedType::Result { ok, err, .. } => ok.iter().chain(err).all(of),
            ComponentDefinedType::Primitive(_)
            | ComponentDefinedType::Flags(_)
            | ComponentDefinedType::Enum(_) => true,
            ComponentDefinedType::Own(_)
            | ComponentDefinedType::Borrow(_)
            | ComponentDefinedType::Future { .. }
            | ComponentDefinedType::Stream { .. } => false,
        },
    }
}

/// What a value of the type is on its way. The guest decides the same in the same way.
fn slot(types: TypesRef<'_>, ty: &ComponentValType, room: &mut Room) -> Result<Slot, Error> {
    let name = name(types, ty, room)?;
    let slot = match resolve(&types, ty) {
        Shape::Primitive(primitive) => match primitive {
            PrimitiveValType::Bool => Slot::plain(name, "bool"),
            PrimitiveValType::S8 | PrimitiveValType::S16 | PrimitiveValType::S32 => Slot::plain(name, "i32"),
            PrimitiveValType::U8 | PrimitiveValType::U16 | PrimitiveValType::U32 => Slot::plain(name, "u32"),
            PrimitiveValType::S64 => Slot::plain(name, "i64"),
            PrimitiveValType::U64 => Slot::plain(name, "u64"),
            PrimitiveValType::F32 => Slot::plain(name, "f32"),
            PrimitiveValType::F64 => Slot::plain(name, "f64"),
            PrimitiveValType::Char | PrimitiveValType::String => Slot::plain(name, "string"),
            PrimitiveValType::ErrorContext => Slot::json(name),
        },
        Shape::Defined(ComponentDefinedType::List { element, .. })
            if matches!(resolve(&types, element), Shape::Primitive(PrimitiveValType::U8)) =>
        {
            Slot::plain(name, "bytes")
        }
        Shape::Defined(_) => Slot::json(name),
    };
    Ok(slot)
}

/// A type behind its name.
enum Shape<'a> {
    Primitive(PrimitiveValType),
    Defined(&'a ComponentDefinedType),
}

fn resolve<'a>(types: &'a TypesRef<'_>, ty: &ComponentValType) -> Shape<'a> {
    match ty {
        ComponentValType::Primitive(primitive) => Shape::Primitive(*primitive),
        ComponentValType::Type(id) => match &types[*id] {
            ComponentDefinedType::Primitive(primitive) => Shape::Primitive(*primitive),
            defined => Shape::Defined(defined),
        },
    }
}

/// The type as WIT writes it, but for records and the like, which have no name here: those are written out.
fn name(types: TypesRef<'_>, ty: &ComponentValType, room: &mut Room) -> Result<String, Error> {
    let name = match resolve(&types, ty) {
        Shape::Primitive(primitive) => primitive.to_string(),
        Shape::Defined(defined) => of_defined(types, defined, room)?,
    };
    room.take(&name)?;
    Ok(name)
}

fn of_defined(types: TypesRef<'_>, defined: &ComponentDefinedType, room: &mut Room) -> Result<String, Error> {
    let mut of = |ty: &ComponentValType| name(types, ty, room);
    let written = match defined {
        ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
        ComponentDefinedType::Record(record) => {
            let fields = record.fields.iter().map(|(field, ty)| Ok(format!("{field}: {}", of(ty)?)));
            format!("record {{ {} }}", fields.collect::<Result<Vec<_>, Error>>()?.join(", "))
        }
        ComponentDefinedType::Variant(variant) => {
            let cases = variant.cases.iter().map(|(case, found)| match &found.ty {
                Some(ty) => Ok(format!("{case}({})", of(ty)?)),
                None => Ok(case.to_string()),
            });
            format!("variant {{ {} }}", cases.collect::<Result<Vec<_>, Error>>()?.join(", "))
        }
        ComponentDefinedType::List { element, .. } => format!("list<{}>", of(element)?),
        ComponentDefinedType::FixedLengthList { element, length, .. } => {
            format!("list<{}, {length}>", of(element)?)
        }
        ComponentDefinedType::Map { key, value, .. } => format!("map<{}, {}>", of(key)?, of(value)?),
        ComponentDefinedType::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(of).collect::<Result<Vec<_>, Error>>()?.join(", "))
        }
        ComponentDefinedType::Flags(names) => format!("flags {{ {} }}", join(names.iter())),
        ComponentDefinedType::Enum(names) => format!("enum {{ {} }}", join(names.iter())),
        ComponentDefinedType::Option { ty, .. } => format!("option<{}>", of(ty)?),
        ComponentDefinedType::Result { ok: None, err: None, .. } => "result".to_owned(),
        ComponentDefinedType::Result { ok: Some(ok), err: None, .. } => format!("result<{}>", of(ok)?),
        ComponentDefinedType::Result { ok: None, err: Some(err), .. } => format!("result<_, {}>", of(err)?),
        ComponentDefinedType::Result { ok: Some(ok), err: Some(err), .. } => {
            format!("result<{}, {}>", of(ok)?, of(err)?)
        }
        ComponentDefinedType::Own(_) => "own<resource>".to_owned(),
        ComponentDefinedType::Borrow(_) => "borrow<resource>".to_owned(),
        ComponentDefinedType::Future { ty: Some(ty), .. } => format!("future<{}>", of(ty)?),
        ComponentDefinedType::Stream { ty: Some(ty), .. } => format!("stream<{}>", of(ty)?),
        ComponentDefinedType::Future { ty: None, .. } => "future<_>".to_owned(),
        ComponentDefinedType::Stream { ty: None, .. } => "stream<_>".to_owned(),
    };
    Ok(written)
}

fn join(names: impl Iterator<Item = impl ToString>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
