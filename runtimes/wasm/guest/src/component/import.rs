//! Imports of components: host functions, named `function` or `interface#function`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libhyperlight_guest::{Kind, Result, Value, ValueRef, bail, declare_host_function, host_call};
use libhyperlight_wasm_contract::code;
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Linker, LinkerInstance};

use super::value;
use crate::error::load;
use crate::state::State;

/// Binds a function, or those of an interface.
pub(super) fn bind(
    engine: &Engine,
    linker: &mut Linker<State>,
    name: &str,
    item: &ComponentItem,
) -> Result<()> {
    match item {
        ComponentItem::ComponentFunc(ty) => bind_function(&mut linker.root(), name, String::from(name), ty),
        ComponentItem::ComponentInstance(interface) => {
            let mut place = linker.instance(name).map_err(load)?;
            for (inner, item) in interface.exports(engine) {
                match item.ty {
                    ComponentItem::ComponentFunc(ty) => {
                        bind_function(&mut place, inner, format!("{name}#{inner}"), &ty)?;
                    }
                    ComponentItem::Type(_) => {}
                    _ => bail!(code::LOAD, "the import `{name}` has `{inner}`, which is no function"),
                }
            }
            Ok(())
        }
        ComponentItem::Type(_) => Ok(()),
        _ => bail!(code::LOAD, "the import `{name}` is no function or interface of functions"),
    }
}

fn bind_function(
    place: &mut LinkerInstance<'_, State>,
    item: &str,
    name: String,
    ty: &ComponentFunc,
) -> Result<()> {
    let shapes = (value::shapes(ty.params().map(|(_, ty)| ty))?, value::shapes(ty.results())?);
    let (Some(shapes), Some(results)) = shapes else {
        bail!(code::LOAD, "the import `{name}` takes or gives a resource, a stream or a future");
    };
    let params: Vec<Kind> = shapes.iter().map(|shape| shape.kind).collect();
    let returns = results.first().map_or(Kind::Void, |shape| shape.kind);
    let depth = shapes.iter().chain(&results).map(|shape| shape.depth).max().unwrap_or(0);
    declare_host_function(name.as_str(), &params, returns)?;
    place
        .func_new(item, move |_, ty, arguments, results| {
            value::check_stack(depth).map_err(wasmtime::Error::new)?;
            let values: Result<Vec<Value>> =
                arguments.iter().zip(ty.params()).map(|(value, (_, ty))| value::leave(value, &ty)).collect();
            let values = values.map_err(wasmtime::Error::new)?;
            let borrowed: Vec<ValueRef<'_>> = values.iter().map(Value::borrow).collect();
            let answer = host_call(&name, &borrowed).map_err(wasmtime::Error::new)?;
            if answer.kind() != returns {
                wasmtime::bail!("the host function `{name}` returned {}, not {returns}", answer.kind());
            }
            if let (Some(place), Some(ty)) = (results.first_mut(), ty.results().next()) {
                *place = value::enter(answer.borrow(), &ty).map_err(|error| {
                    wasmtime::Error::new(error.context(format!("the result of the host function `{name}`")))
                })?;
            }
            Ok(())
        })
        .map_err(load)
}
