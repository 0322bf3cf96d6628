//! Core modules.

use wasmparser::ValType;
use wasmparser::types::{CoreTypeId, EntityType, TypesRef};

use crate::description::{Description, Function, Slot};

pub(super) fn describe(types: TypesRef<'_>) -> Description {
    let mut description = Description::default();
    for (name, entity) in types.core_exports().into_iter().flatten() {
        match entity {
            // What cannot cross the wall is no guest function.
            EntityType::Func(id) | EntityType::FuncExact(id) => {
                description.exports.extend(function(types, name, id));
            }
            EntityType::Memory(_) => description.memories.push(name.to_owned()),
            _ => {}
        }
    }
    for (module, item, entity) in types.core_imports().into_iter().flatten() {
        if let EntityType::Func(id) | EntityType::FuncExact(id) = entity {
            let name = if module == "env" { item.to_owned() } else { format!("{module}.{item}") };
            description.imports.extend(function(types, &name, id));
        }
    }
    description
}

fn function(types: TypesRef<'_>, name: &str, id: CoreTypeId) -> Option<Function> {
    let ty = types[id].unwrap_func();
    let parameters: Option<Vec<_>> = ty.params().iter().map(|ty| Some((String::new(), slot(*ty)?))).collect();
    let results: Option<Vec<_>> = ty.results().iter().map(|ty| slot(*ty)).collect();
    let mut results = results?;
    let result = match results.len() {
        0 | 1 => results.pop(),
        _ => {
            let types: Vec<_> = results.into_iter().map(|slot| slot.ty).collect();
            Some(Slot::json(format!("({})", types.join(", "))))
        }
    };
    Some(Function { name: name.to_owned(), parameters: parameters?, result })
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
