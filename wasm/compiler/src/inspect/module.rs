//! Core modules.

use wasmparser::ValType;
use wasmparser::types::{CoreTypeId, EntityType, TypesRef};

use crate::description::{Description, Function, Room, Slot};

/// Nothing if there is no room for it.
pub(super) fn describe(types: TypesRef<'_>, room: &mut Room) -> Option<Description> {
    let mut description = Description::default();
    for (name, entity) in types.core_exports().into_iter().flatten() {
        match entity {
            // What cannot cross the wall is no guest function.
            EntityType::Func(id) | EntityType::FuncExact(id) => {
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
        if let EntityType::Func(id) | EntityType::FuncExact(id) = entity {
            let name = if module == "env" { item.to_owned() } else { format!("{module}.{item}") };
            description.imports.extend(function(types, &name, id, room)?);
        }
    }
    Some(description)
}

/// Nothing if there is no room; a function that cannot cross the wall is none.
fn function(types: TypesRef<'_>, name: &str, id: CoreTypeId, room: &mut Room) -> Option<Option<Function>> {
    room.take(name)?;
    let ty = types[id].unwrap_func();
    let (Some(parameters), Some(mut results)) = (slots(ty.params(), room)?, slots(ty.results(), room)?)
    else {
        return Some(None);
    };
    let parameters = parameters.into_iter().map(|slot| (String::new(), slot)).collect();
    let result = match results.len() {
        0 | 1 => results.pop(),
        _ => {
            let types: Vec<_> = results.into_iter().map(|slot| slot.ty).collect();
            Some(Slot::json(format!("({})", types.join(", "))))
        }
    };
    Some(Some(Function { name: name.to_owned(), parameters, result }))
}

fn slots(types: &[ValType], room: &mut Room) -> Option<Option<Vec<Slot>>> {
    types.iter().try_for_each(|_| room.take("i32"))?;
    Some(types.iter().map(|ty| slot(*ty)).collect())
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
