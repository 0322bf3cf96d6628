//! Components.

use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, PrimitiveValType};

use crate::compile::Error;
use crate::description::{Description, Function, Slot};

pub(super) fn describe(program: &[u8], types: TypesRef<'_>) -> Result<Description, Error> {
    let failed = |error: wasmparser::BinaryReaderError| Error::Program(error.to_string());
    let mut description = Description::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(program) {
        match payload.map_err(failed)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let name = export.map_err(failed)?.name.name;
                    if let Some(item) = types.component_item_for_export(name) {
                        functions(types, name, &item.ty, &mut description.exports);
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.map_err(failed)?.name.name;
                    if let Some(item) = types.component_item_for_import(name) {
                        functions(types, name, &item.ty, &mut description.imports);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(description)
}

/// Adds a function, or those of an interface.
fn functions(types: TypesRef<'_>, name: &str, item: &ComponentEntityType, out: &mut Vec<Function>) {
    match item {
        ComponentEntityType::Func(id) => out.push(function(types, name.to_owned(), *id)),
        ComponentEntityType::Instance(id) => {
            for (inner, item) in &types[*id].exports {
                if let ComponentEntityType::Func(id) = item.ty {
                    out.push(function(types, format!("{name}#{inner}"), id));
                }
            }
        }
        _ => {}
    }
}

fn function(types: TypesRef<'_>, name: String, id: ComponentFuncTypeId) -> Function {
    let ty = &types[id];
    let parameters = ty.params.iter().map(|(name, ty)| (name.to_string(), slot(types, ty))).collect();
    Function { name, parameters, result: ty.result.map(|ty| slot(types, &ty)) }
}

/// What a value of the type is on its way. The guest decides the same in the same way.
fn slot(types: TypesRef<'_>, ty: &ComponentValType) -> Slot {
    let name = name(types, ty);
    match resolve(&types, ty) {
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
    }
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
fn name(types: TypesRef<'_>, ty: &ComponentValType) -> String {
    let defined = match resolve(&types, ty) {
        Shape::Primitive(primitive) => return primitive.to_string(),
        Shape::Defined(defined) => defined,
    };
    let optional =
        |ty: &Option<ComponentValType>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| name(types, ty));
    match defined {
        ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
        ComponentDefinedType::Record(record) => {
            let fields: Vec<_> =
                record.fields.iter().map(|(field, ty)| format!("{field}: {}", name(types, ty))).collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        ComponentDefinedType::Variant(variant) => {
            let cases: Vec<_> = variant
                .cases
                .iter()
                .map(|(case, found)| match &found.ty {
                    Some(ty) => format!("{case}({})", name(types, ty)),
                    None => case.to_string(),
                })
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        ComponentDefinedType::List { element, .. } => format!("list<{}>", name(types, element)),
        ComponentDefinedType::FixedLengthList { element, length, .. } => {
            format!("list<{}, {length}>", name(types, element))
        }
        ComponentDefinedType::Map { key, value, .. } => {
            format!("map<{}, {}>", name(types, key), name(types, value))
        }
        ComponentDefinedType::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(|ty| name(types, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        ComponentDefinedType::Flags(names) => format!("flags {{ {} }}", join(names.iter())),
        ComponentDefinedType::Enum(names) => format!("enum {{ {} }}", join(names.iter())),
        ComponentDefinedType::Option { ty, .. } => format!("option<{}>", name(types, ty)),
        ComponentDefinedType::Result { ok, err, .. } => match (ok, err) {
            (None, None) => "result".to_owned(),
            (_, None) => format!("result<{}>", optional(ok)),
            _ => format!("result<{}, {}>", optional(ok), optional(err)),
        },
        ComponentDefinedType::Own(_) => "own<resource>".to_owned(),
        ComponentDefinedType::Borrow(_) => "borrow<resource>".to_owned(),
        ComponentDefinedType::Future { ty, .. } => format!("future<{}>", optional(ty)),
        ComponentDefinedType::Stream { ty, .. } => format!("stream<{}>", optional(ty)),
    }
}

fn join(names: impl Iterator<Item = impl ToString>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
