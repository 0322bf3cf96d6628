//! Values as text.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasmtime::{Ref, V128, Val};

pub(crate) fn read(text: &str) -> Option<Val> {
    let Some((ty, bits)) = text.split_once(':') else {
        return (text == "null").then_some(Val::FuncRef(None));
    };
    Some(match ty {
        "i32" => Val::I32(u32::from_str_radix(bits, 16).ok()?.cast_signed()),
        "i64" => Val::I64(u64::from_str_radix(bits, 16).ok()?.cast_signed()),
        "f32" => Val::F32(u32::from_str_radix(bits, 16).ok()?),
        "f64" => Val::F64(u64::from_str_radix(bits, 16).ok()?),
        "v128" => Val::V128(V128::from(u128::from_str_radix(bits, 16).ok()?)),
        _ => return None,
    })
}

pub(crate) fn write(values: &[Val]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|value| match value {
            Val::I32(value) => format!("i32:{:x}", value.cast_unsigned()),
            Val::I64(value) => format!("i64:{:x}", value.cast_unsigned()),
            Val::F32(bits) => format!("f32:{bits:x}"),
            Val::F64(bits) => format!("f64:{bits:x}"),
            Val::V128(value) => format!("v128:{:x}", value.as_u128()),
            value => match value.ref_() {
                Some(Ref::Func(Some(_))) => "func".to_string(),
                _ => "null".to_string(),
            },
        })
        .collect();
    texts.join(" ")
}
