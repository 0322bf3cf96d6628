//! Core modules.

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_wasm_contract::memory;
use wasmparser::ValType;
use wasmparser::types::{CoreTypeId, EntityType, TypesRef};

use super::{can_be_named, quoted};
use crate::compile::Error;
use crate::description::{Description, Function, Room, Slot};

/// The module whose functions have host functions of the plain name.
const PLAIN: &str = "env";

/// The module whose functions the runtime has, or answers itself.
const WASI: &str = "wasi_snapshot_preview1";

/// Guest functions that every module with memories has.
const OWN: [&str; 3] = [memory::SIZE, memory::READ, memory::WRITE];

/// What is exported and imported. What cannot be imported is refused here, before anything is compiled, unless the module is linked to
/// others.
pub(super) fn describe(types: TypesRef<'_>, links: bool, room: &mut Room) -> Result<Description, Error> {
    let mut description = Description::default();
    for (name, entity) in types.core_exports().into_iter().flatten() {
        match entity {
            // What cannot cross the wall is no guest function, nor is what no guest function could be called, or what is called like
            // the runtime's own.
            EntityType::Func(id) | EntityType::FuncExact(id)
                if can_be_named(name) && !OWN.contains(&name) =>
            {
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

/// Whether the host can have a function for that import.
fn check(name: &str, function: Option<&Function>) -> Result<(), Error> {
    if !can_be_named(name) {
        return Err(Error::Program(format!(
            "the import {} has a name of {} bytes, and a host function's has 1 to {MAX_NAME_LEN}",
            quoted(name),
            name.len()
        )));
    }
    if function.is_some_and(|function| function.result.as_ref().is_none_or(|result| !result.json)) {
        return Ok(());
    }
    Err(Error::Program(format!(
        "the import {} has a type that host functions cannot have: parameters are i32, i64, f32 and f64, at most {MAX_PARAMETERS}, \
         and there is at most one result",
        quoted(name)
    )))
}

/// Nothing if it cannot cross the wall.
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
    let (Some(parameters), Some(mut results)) = (slots(ty.params(), room)?, slots(ty.results(), room)?)
    else {
        return Ok(None);
    };
    let parameters = parameters.into_iter().map(|slot| (String::new(), slot)).collect();
    let result = match results.len() {
        0 | 1 => results.pop(),
        _ => {
            let types: Vec<_> = results.into_iter().map(|slot| slot.ty).collect();
            Some(Slot::json(format!("({})", types.join(", "))))
        }
    };
    Ok(Some(Function { name: name.to_owned(), parameters, result }))
}

fn slots(types: &[ValType], room: &mut Room) -> Result<Option<Vec<Slot>>, Error> {
    types.iter().try_for_each(|_| room.take("i32"))?;
    Ok(types.iter().map(|ty| slot(*ty)).collect())
}

fn slot(ty: ValType) -> Option<Slot> {
    let name = match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 | ValType::Ref(_) => return None,
    };
    Some(Slot::plain(name, name))
}
