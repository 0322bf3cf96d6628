//! Components.

use std::sync::Arc;

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_values::description::can_be_named;
use libhyperlight_values::types::{Float, Integer, List, Map, Members, Names, Record, Room};
use libhyperlight_values::{Description, Function, Type};
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, PrimitiveValType};

use super::quoted;
use crate::compile::Error;

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
    Ok(Some(Function::new(name, parameters, result)))
}

/// A type, written out; `None` if a part of it belongs to the program alone. The guest decides the same in the same
/// way.
fn value(types: &TypesRef<'_>, ty: &ComponentValType, room: &mut Room) -> Result<Option<Type>, Error> {
    room.take("")?;
    let defined = match ty {
        ComponentValType::Primitive(primitive) => return Ok(of_primitive(*primitive)),
        ComponentValType::Type(id) => &types[*id],
    };
    let mut parts = Parts { types, room };
    Ok(match defined {
        ComponentDefinedType::Primitive(primitive) => of_primitive(*primitive),
        ComponentDefinedType::Record(record) => {
            let fields = record.fields.iter().map(|(name, ty)| (name.as_str(), ty));
            let fields = parts.named(fields, |parts, ty| parts.one(ty))?.and_then(Members::new);
            fields.map(|fields| Type::Record(Arc::new(Record::new(fields))))
        }
        ComponentDefinedType::Variant(variant) => {
            let cases = variant.cases.iter().map(|(name, case)| (name.as_str(), case.ty.as_ref()));
            let cases = parts.named(cases, Parts::optional)?.and_then(Members::new);
            cases.map(|cases| Type::Variant(Arc::new(cases)))
        }
        ComponentDefinedType::List { element, .. } => parts.list(element, None)?,
        ComponentDefinedType::FixedLengthList { element, length, .. } => {
            parts.list(element, Some(*length))?
        }
        ComponentDefinedType::Map { key, value, .. } => match (parts.one(key)?, parts.one(value)?) {
            (Some(key), Some(value)) => Some(Type::Map(Arc::new(Map { key, value }))),
            _ => None,
        },
        ComponentDefinedType::Tuple(tuple) => {
            let types = tuple.types.iter().map(|ty| parts.one(ty)).collect::<Result<Option<Vec<_>>, _>>()?;
            types.map(|types| Type::Tuple(types.into()))
        }
        ComponentDefinedType::Flags(names) => {
            parts.names(names.iter().map(|name| name.as_str()))?.map(|names| Type::Flags(Arc::new(names)))
        }
        ComponentDefinedType::Enum(names) => {
            parts.names(names.iter().map(|name| name.as_str()))?.map(|names| Type::Enum(Arc::new(names)))
        }
        ComponentDefinedType::Option { ty, .. } => parts.one(ty)?.map(|inner| Type::Option(Arc::new(inner))),
        ComponentDefinedType::Result { ok, err, .. } => {
            match (parts.optional(ok.as_ref())?, parts.optional(err.as_ref())?) {
                (Some(ok), Some(err)) => Some(Type::result(ok, err)),
                _ => None,
            }
        }
        ComponentDefinedType::Own(_)
        | ComponentDefinedType::Borrow(_)
        | ComponentDefinedType::Future { .. }
        | ComponentDefinedType::Stream { .. } => None,
    })
}

fn of_primitive(primitive: PrimitiveValType) -> Option<Type> {
    Some(match primitive {
        PrimitiveValType::Bool => Type::Bool,
        PrimitiveValType::S8 => Type::Integer(Integer::S8),
        PrimitiveValType::U8 => Type::Integer(Integer::U8),
        PrimitiveValType::S16 => Type::Integer(Integer::S16),
        PrimitiveValType::U16 => Type::Integer(Integer::U16),
        PrimitiveValType::S32 => Type::Integer(Integer::S32),
        PrimitiveValType::U32 => Type::Integer(Integer::U32),
        PrimitiveValType::S64 => Type::Integer(Integer::S64),
        PrimitiveValType::U64 => Type::Integer(Integer::U64),
        PrimitiveValType::F32 => Type::Float(Float::F32),
        PrimitiveValType::F64 => Type::Float(Float::F64),
        PrimitiveValType::Char => Type::Char,
        PrimitiveValType::String => Type::String,
        PrimitiveValType::ErrorContext => return None,
    })
}

/// Parts with their names.
type Named<T> = Vec<(Arc<str>, T)>;

/// Writes out the parts of a type. Each is `None` if its values cannot be passed.
struct Parts<'a, 't> {
    types: &'a TypesRef<'t>,
    room: &'a mut Room,
}

impl Parts<'_, '_> {
    fn one(&mut self, ty: &ComponentValType) -> Result<Option<Type>, Error> {
        value(self.types, ty, self.room)
    }

    fn optional(&mut self, ty: Option<&ComponentValType>) -> Result<Option<Option<Type>>, Error> {
        ty.map_or(Ok(Some(None)), |ty| Ok(self.one(ty)?.map(Some)))
    }

    fn list(&mut self, element: &ComponentValType, length: Option<u32>) -> Result<Option<Type>, Error> {
        Ok(self.one(element)?.map(|item| Type::List(Arc::new(List { item, length }))))
    }

    fn named<'n, T, U>(
        &mut self,
        parts: impl IntoIterator<Item = (&'n str, T)>,
        part: impl Fn(&mut Self, T) -> Result<Option<U>, Error>,
    ) -> Result<Option<Named<U>>, Error> {
        let mut part = |(name, of): (&str, T)| {
            self.room.take(name)?;
            Ok(part(self, of)?.map(|part| (name.into(), part)))
        };
        parts.into_iter().map(&mut part).collect()
    }

    fn names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> Result<Option<Names>, Error> {
        let names = self.named(names.into_iter().map(|name| (name, ())), |_, ()| Ok(Some(())))?;
        Ok(names.and_then(Names::new))
    }
}
