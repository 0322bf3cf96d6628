//! Values of core modules and values in messages.

use alloc::string::String;

use libhyperlight_guest::{Kind, Value, ValueRef};
use wasmtime::{Val, ValType};

use crate::json;

/// The kind of a type; `None` if its values cannot leave the program.
pub(super) fn kind(ty: &ValType) -> Option<Kind> {
    Some(match ty {
        ValType::I32 => Kind::I32,
        ValType::I64 => Kind::I64,
        ValType::F32 => Kind::F32,
        ValType::F64 => Kind::F64,
        ValType::V128 | ValType::Ref(_) => return None,
    })
}

/// A value on its way into the program; `None` if no type has its kind.
pub(super) fn enter(value: ValueRef<'_>) -> Option<Val> {
    Some(match value {
        ValueRef::I32(value) => Val::I32(value),
        ValueRef::I64(value) => Val::I64(value),
        ValueRef::F32(value) => Val::F32(value.to_bits()),
        ValueRef::F64(value) => Val::F64(value.to_bits()),
        _ => return None,
    })
}

/// A value on its way out of the program.
pub(super) fn leave(value: &Val) -> Option<Value> {
    Some(match value {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(bits) => Value::F32(f32::from_bits(*bits)),
        Val::F64(bits) => Value::F64(f64::from_bits(*bits)),
        _ => return None,
    })
}

/// Several results, as an array.
pub(super) fn to_json(values: &[Val]) -> String {
    let mut out = String::from("[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match value {
            Val::I32(value) => json::put_display(&mut out, value),
            Val::I64(value) => json::put_display(&mut out, value),
            Val::F32(bits) => json::put_float(&mut out, f64::from(f32::from_bits(*bits))),
            Val::F64(bits) => json::put_float(&mut out, f64::from_bits(*bits)),
            _ => out.push_str("null"),
        }
    }
    out.push(']');
    out
}
