//! The module that the scripts import from, as in the specification's own interpreter. Its memory, however, comes from
//! a module of the script, because only the memories of modules can grow here.

use wasmtime::{
    FuncType, Global, GlobalType, Linker, Mutability, Ref, RefType, Store, Table, TableType, Val, ValType,
};

use crate::limits::HeapLimits;

/// Its name.
const SPECTEST: &str = "spectest";

pub(crate) fn define(linker: &mut Linker<HeapLimits>, store: &mut Store<HeapLimits>) -> wasmtime::Result<()> {
    for (name, params) in [
        ("print", &[][..]),
        ("print_i32", &[ValType::I32]),
        ("print_i64", &[ValType::I64]),
        ("print_f32", &[ValType::F32]),
        ("print_f64", &[ValType::F64]),
        ("print_i32_f32", &[ValType::I32, ValType::F32]),
        ("print_f64_f64", &[ValType::F64, ValType::F64]),
    ] {
        let ty = FuncType::new(store.engine(), params.iter().cloned(), []);
        linker.func_new(SPECTEST, name, ty, |_, _, _| Ok(()))?;
    }
    for (name, ty, value) in [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ] {
        let global = Global::new(&mut *store, GlobalType::new(ty, Mutability::Const), value)?;
        linker.define(&mut *store, SPECTEST, name, global)?;
    }
    let table = Table::new(&mut *store, TableType::new(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, SPECTEST, "table", table)?;
    let table = Table::new(&mut *store, TableType::new64(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, SPECTEST, "table64", table)?;
    Ok(())
}
