//! Components.

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_wasm_interface::Shape;
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, PrimitiveValType};

use super::quoted;
use crate::compile::Error;
use crate::description::{Description, Function, Room, can_be_named};
use crate::value_type::{Member, Type};

/// Describes a valid program. Impossible imports are refused here, before anything is compiled.
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

/// Adds a function, or those of an interface. A function whose values cannot be passed is left out.
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

/// Adds an import, which must be one that the host can provide.
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

/// `None` if its values cannot be passed.
fn function(
    types: TypesRef<'_>,
    name: String,
    id: ComponentFuncTypeId,
    room: &mut Room,
) -> Result<Option<Function>, Error> {
    let ty = &types[id];
    room.take(&name)?;
    if ty.params.len() > MAX_PARAMETERS || !can_be_named(&name) {
        return Ok(None);
    }
    let mut parameters = Vec::with_capacity(ty.params.len());
    for (name, ty) in &ty.params {
        room.take(name)?;
        let Some(ty) = value(&types, ty, room)? else { return Ok(None) };
        parameters.push((name.to_string(), ty));
    }
    let result = match &ty.result {
        Some(ty) => match value(&types, ty, room)? {
            Some(ty) => Some(ty),
            None => return Ok(None),
        },
        None => None,
    };
    Ok(Some(Function { name, parameters, result }))
}

/// A type, written out; `None` if a part of it belongs to the program alone. The guest decides the same in the same
/// way.
fn value(types: &TypesRef<'_>, ty: &ComponentValType, room: &mut Room) -> Result<Option<Type>, Error> {
    room.take("")?;
    let defined = match ty {
        ComponentValType::Primitive(primitive) => return Ok(of_primitive(*primitive)),
        ComponentValType::Type(id) => &types[*id],
    };
    let mut members = Members { types, room, found: Vec::new() };
    let mut length = 0;
    let shape = match defined {
        ComponentDefinedType::Primitive(primitive) => return Ok(of_primitive(*primitive)),
        ComponentDefinedType::Record(record) => {
            members.add_all(record.fields.iter().map(|(name, ty)| (name.as_str(), Some(ty))))?;
            Shape::Record
        }
        ComponentDefinedType::Variant(variant) => {
            members.add_all(variant.cases.iter().map(|(name, case)| (name.as_str(), case.ty.as_ref())))?;
            Shape::Variant
        }
        ComponentDefinedType::List { element, .. } => {
            members.add_all([("", Some(element))])?;
            Shape::List
        }
        ComponentDefinedType::FixedLengthList { element, length: elements, .. } => {
            members.add_all([("", Some(element))])?;
            length = *elements;
            Shape::FixedList
        }
        ComponentDefinedType::Map { key, value, .. } => {
            members.add_all([("", Some(key)), ("", Some(value))])?;
            Shape::Map
        }
        ComponentDefinedType::Tuple(tuple) => {
            members.add_all(tuple.types.iter().map(|ty| ("", Some(ty))))?;
            Shape::Tuple
        }
        ComponentDefinedType::Flags(names) => {
            members.add_all(names.iter().map(|name| (name.as_str(), None)))?;
            Shape::Flags
        }
        ComponentDefinedType::Enum(names) => {
            members.add_all(names.iter().map(|name| (name.as_str(), None)))?;
            Shape::Enum
        }
        ComponentDefinedType::Option { ty, .. } => {
            members.add_all([("", Some(ty))])?;
            Shape::Option
        }
        ComponentDefinedType::Result { ok, err, .. } => {
            members.add_all([("", ok.as_ref()), ("", err.as_ref())])?;
            Shape::Result
        }
        ComponentDefinedType::Own(_)
        | ComponentDefinedType::Borrow(_)
        | ComponentDefinedType::Future { .. }
        | ComponentDefinedType::Stream { .. } => return Ok(None),
    };
    Ok(members.finish().and_then(|members| Type::new(shape, length, members)))
}

fn of_primitive(primitive: PrimitiveValType) -> Option<Type> {
    Some(Type::plain(match primitive {
        PrimitiveValType::Bool => Shape::Bool,
        PrimitiveValType::S8 => Shape::S8,
        PrimitiveValType::U8 => Shape::U8,
        PrimitiveValType::S16 => Shape::S16,
        PrimitiveValType::U16 => Shape::U16,
        PrimitiveValType::S32 => Shape::S32,
        PrimitiveValType::U32 => Shape::U32,
        PrimitiveValType::S64 => Shape::S64,
        PrimitiveValType::U64 => Shape::U64,
        PrimitiveValType::F32 => Shape::F32,
        PrimitiveValType::F64 => Shape::F64,
        PrimitiveValType::Char => Shape::Char,
        PrimitiveValType::String => Shape::String,
        PrimitiveValType::ErrorContext => return None,
    }))
}

/// The members of a type, if values of all of them can be passed.
struct Members<'a, 't> {
    types: &'a TypesRef<'t>,
    room: &'a mut Room,
    found: Vec<Option<Member>>,
}

impl Members<'_, '_> {
    fn add_all<'a>(
        &mut self,
        members: impl IntoIterator<Item = (&'a str, Option<&'a ComponentValType>)>,
    ) -> Result<(), Error> {
        for (name, ty) in members {
            self.room.take(name)?;
            let ty = match ty {
                Some(ty) => match value(self.types, ty, self.room)? {
                    Some(ty) => Some(ty),
                    None => {
                        self.found.push(None);
                        return Ok(());
                    }
                },
                None => None,
            };
            self.found.push(Some(Member { name: name.to_owned(), ty }));
        }
        Ok(())
    }

    fn finish(self) -> Option<Vec<Member>> {
        self.found.into_iter().collect()
    }
}
