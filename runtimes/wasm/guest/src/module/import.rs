//! Imports of core modules: host functions.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libhyperlight_guest::{Kind, Result, Value, ValueRef, bail, declare_host_function, host_call};
use libhyperlight_wasm_contract::code;
use wasmtime::{ExternType, FuncType, ImportType, Linker};

use super::value;
use crate::error::load;
use crate::state::State;

/// The module of imports that are host functions of the plain name.
const PLAIN: &str = "env";

/// Binds an import to the host function with its name, and declares that.
pub(super) fn bind(linker: &mut Linker<State>, import: &ImportType<'_>) -> Result<()> {
    let (module, item) = (import.module(), import.name());
    let ExternType::Func(ty) = import.ty() else {
        bail!(code::LOAD, "the import `{module}` `{item}` is no function: only functions can be imported");
    };
    let name = if module == PLAIN { String::from(item) } else { format!("{module}.{item}") };
    let (params, returns) = signature(&ty, &name)?;
    declare_host_function(name.as_str(), &params, returns)?;
    // The same function may be imported twice.
    linker.allow_shadowing(true);
    linker
        .func_new(module, item, ty, move |_, arguments, results| {
            let values: Option<Vec<Value>> = arguments.iter().map(value::leave).collect();
            let values = values.unwrap_or_default();
            let borrowed: Vec<ValueRef<'_>> = values.iter().map(Value::borrow).collect();
            let answer = host_call(&name, &borrowed).map_err(wasmtime::Error::new)?;
            if answer.kind() != returns {
                wasmtime::bail!("the host function `{name}` returned {}, not {returns}", answer.kind());
            }
            if let (Some(place), Some(value)) = (results.first_mut(), value::enter(answer.borrow())) {
                *place = value;
            }
            Ok(())
        })
        .map_err(load)?;
    Ok(())
}

/// The signature of the host function for an import.
fn signature(ty: &FuncType, name: &str) -> Result<(Vec<Kind>, Kind)> {
    let params: Option<Vec<Kind>> = ty.params().map(|ty| value::kind(&ty)).collect();
    let mut results = ty.results();
    let returns = results.next().map_or(Some(Kind::Void), |ty| value::kind(&ty));
    match (params, returns, results.next()) {
        (Some(params), Some(returns), None) => Ok((params, returns)),
        _ => bail!(
            code::LOAD,
            "the import `{name}` has a type that host functions cannot have: parameters are i32, i64, f32 and f64, \
             and there is at most one result"
        ),
    }
}
