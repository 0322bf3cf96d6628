//! Core modules.

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_values::description::can_be_named;
use libhyperlight_values::types::{Float, Integer, Room};
use libhyperlight_values::{Description, Function, Type};
use wasmparser::ValType;
use wasmparser::types::{CoreTypeId, EntityType, TypesRef};

use super::quoted;
use crate::compile::Error;
use crate::description::is_own;

/// The module of imports that are host functions of the plain name.
const PLAIN: &str = "env";

/// The module of imports that the runtime provides, or answers itself.
const WASI: &str = "wasi_snapshot_preview1";

/// Describes exports and imports. Impossible imports are refused here, before anything is compiled, unless the module
/// is linked to others.
pub(super) fn describe(types: TypesRef<'_>, links: bool, room: &mut Room) -> Result<Description, Error> {
    let mut description = Description::default();
    for (name, entity) in types.core_exports().into_iter().flatten() {
        match entity {
            // Left out are functions whose values cannot be passed, whose names no guest function can have, or whose
            // names are the runtime's own.
            EntityType::Func(id) | EntityType::FuncExact(id) if can_be_named(name) && !is_own(name) => {
                description.exports.extend(function(types, name, id, room)?);
            }
            EntityType::Memory(_) => {
                room.take(name)?;
                description.memories.push(name.to_owned());
            }
            _ => {}
        }
    }
    for (module, item, entity) in types.core_imports().into_iter().flatten() {
        let kind = match entity {
            EntityType::Func(id) | EntityType::FuncExact(id) => {
                let name = if module == PLAIN { item.to_owned() } else { format!("{module}.{item}") };
                let found = function(types, &name, id, room)?;
                if !links && module != WASI {
                    check(&name, found.as_ref())?;
                }
                description.imports.extend(found);
                continue;
            }
            EntityType::Table(_) => "table",
            EntityType::Memory(_) => "memory",
            EntityType::Global(_) => "global",
            EntityType::Tag(_) => "tag",
        };
        if !links {
            let (module, item) = (quoted(module), quoted(item));
            return Err(Error::Program(format!(
                "the import {item} of {module} is a {kind}, and only functions can be imported; let the module have its own"
            )));
        }
    }
    Ok(description)
}

/// Fails unless the host can have a function for that import.
fn check(name: &str, function: Option<&Function>) -> Result<(), Error> {
    if !can_be_named(name) {
        return Err(Error::Program(format!(
            "the import {} has a name of {} bytes, and a host function's has 1 to {MAX_NAME_LEN}",
            quoted(name),
            name.len()
        )));
    }
    if function.is_some_and(|function| !matches!(function.result(), Some(Type::Results(_)))) {
        return Ok(());
    }
    Err(Error::Program(format!(
        "the import {} has a type that host functions cannot have: parameters are i32, i64, f32 and f64, at most {MAX_PARAMETERS}, \
         and there is at most one result",
        quoted(name)
    )))
}

/// `None` if its values cannot be passed.
fn function(
    types: TypesRef<'_>,
    name: &str,
    id: CoreTypeId,
    room: &mut Room,
) -> Result<Option<Function>, Error> {
    room.take(name)?;
    let ty = types[id].unwrap_func();
    if ty.params().len() > MAX_PARAMETERS {
        return Ok(None);
    }
    let (Some(parameters), Some(mut results)) = (numbers(ty.params(), room)?, numbers(ty.results(), room)?)
    else {
        return Ok(None);
    };
    let parameters = parameters.into_iter().map(|ty| (String::new(), ty)).collect();
    let result = match results.len() {
        0 | 1 => results.pop(),
        _ => {
            // As it is counted where the description is read.
            room.take("")?;
            Some(Type::Results(results.into()))
        }
    };
    Ok(Some(Function::new(name.to_owned(), parameters, result)))
}

fn numbers(types: &[ValType], room: &mut Room) -> Result<Option<Vec<Type>>, Error> {
    types.iter().try_for_each(|_| room.take("").map_err(Error::from))?;
    Ok(types.iter().map(|ty| number(*ty)).collect())
}

fn number(ty: ValType) -> Option<Type> {
    Some(match ty {
        ValType::I32 => Type::Integer(Integer::I32),
        ValType::I64 => Type::Integer(Integer::I64),
        ValType::F32 => Type::Float(Float::F32),
        ValType::F64 => Type::Float(Float::F64),
        ValType::V128 | ValType::Ref(_) => return None,
    })
}
