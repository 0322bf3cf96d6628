//! Components.

use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, PrimitiveValType};

use crate::description::{Description, Function, Room, Slot};

/// Describes a program that is valid. Nothing if there is no room for it.
pub(super) fn describe(program: &[u8], types: TypesRef<'_>, room: &mut Room) -> Option<Description> {
    let mut description = Description::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(program) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let name = export.ok()?.name.name;
                    if let Some(item) = types.component_item_for_export(name) {
                        functions(types, name, &item.ty, &mut description.exports, room)?;
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.ok()?.name.name;
                    if let Some(item) = types.component_item_for_import(name) {
                        functions(types, name, &item.ty, &mut description.imports, room)?;
                    }
                }
            }
            _ => {}
        }
    }
    Some(description)
}

/// Adds a function, or those of an interface.
fn functions(
    types: TypesRef<'_>,
    name: &str,
    item: &ComponentEntityType,
    out: &mut Vec<Function>,
    room: &mut Room,
) -> Option<()> {
    match item {
        ComponentEntityType::Func(id) => out.push(function(types, name.to_owned(), *id, room)?),
        ComponentEntityType::Instance(id) => {
            for (inner, item) in &types[*id].exports {
                if let ComponentEntityType::Func(id) = item.ty {
                    out.push(function(types, format!("{name}#{inner}"), id, room)?);
                }
            }
        }
        _ => {}
    }
    Some(())
}

fn function(types: TypesRef<'_>, name: String, id: ComponentFuncTypeId, room: &mut Room) -> Option<Function> {
    let ty = &types[id];
    room.take(&name)?;
    let parameters = ty.params.iter().map(|(name, ty)| Some((name.to_string(), slot(types, ty, room)?)));
    let parameters = parameters.collect::<Option<_>>()?;
    let result = match ty.result {
        Some(ty) => Some(slot(types, &ty, room)?),
        None => None,
    };
    Some(Function { name, parameters, result })
}

/// What a value of the type is on its way. The guest decides the same in the same way.
fn slot(types: TypesRef<'_>, ty: &ComponentValType, room: &mut Room) -> Option<Slot> {
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
    Some(slot)
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
/// Nothing if there is no room for it.
fn name(types: TypesRef<'_>, ty: &ComponentValType, room: &mut Room) -> Option<String> {
    let name = match resolve(&types, ty) {
        Shape::Primitive(primitive) => primitive.to_string(),
        Shape::Defined(defined) => of_defined(types, defined, room)?,
    };
    room.take(&name)?;
    Some(name)
}

fn of_defined(types: TypesRef<'_>, defined: &ComponentDefinedType, room: &mut Room) -> Option<String> {
    let mut of = |ty: &ComponentValType| name(types, ty, room);
    let written = match defined {
        ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
        ComponentDefinedType::Record(record) => {
            let fields = record.fields.iter().map(|(field, ty)| Some(format!("{field}: {}", of(ty)?)));
            format!("record {{ {} }}", fields.collect::<Option<Vec<_>>>()?.join(", "))
        }
        ComponentDefinedType::Variant(variant) => {
            let cases = variant.cases.iter().map(|(case, found)| match &found.ty {
                Some(ty) => Some(format!("{case}({})", of(ty)?)),
                None => Some(case.to_string()),
            });
            format!("variant {{ {} }}", cases.collect::<Option<Vec<_>>>()?.join(", "))
        }
        ComponentDefinedType::List { element, .. } => format!("list<{}>", of(element)?),
        ComponentDefinedType::FixedLengthList { element, length, .. } => {
            format!("list<{}, {length}>", of(element)?)
        }
        ComponentDefinedType::Map { key, value, .. } => format!("map<{}, {}>", of(key)?, of(value)?),
        ComponentDefinedType::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(of).collect::<Option<Vec<_>>>()?.join(", "))
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
    Some(written)
}

fn join(names: impl Iterator<Item = impl ToString>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
