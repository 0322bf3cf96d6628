//! Components: their exports become guest functions, host functions become their imports.

mod bytes;
mod import;
mod value;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ptr::NonNull;

use libhyperlight_guest::{Kind, Result, Value, ValueRef};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Func, Linker, Type, Val};

use crate::error::{self, load};
use crate::export;
use crate::state::{self, Shared};
use crate::wasi::Wasi;

/// Instantiates the component and publishes its exports.
pub(crate) fn start(engine: &Engine, machine_code: &'static [u8]) -> Result<()> {
    // SAFETY: as for modules.
    let component =
        unsafe { Component::deserialize_raw(engine, NonNull::from(machine_code)) }.map_err(load)?;
    let ty = component.component_type();
    let mut linker = Linker::new(engine);
    for (name, import) in ty.imports(engine) {
        import::bind(engine, &mut linker, name, &import.ty)?;
    }
    let mut store = state::new(engine, Wasi::default());
    let instance = linker
        .instantiate(&mut store, &component)
        .map_err(|error| error::call(&error).context("instantiating the component failed"))?;
    let shared: Shared = Rc::new(RefCell::new(store));
    let find = |outer: Option<&ComponentExportIndex>, name: &str| {
        let index = component.get_export_index(outer, name)?;
        instance.get_func(&mut *shared.borrow_mut(), index)
    };
    for (name, export) in ty.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(ty) => {
                if let Some(function) = find(None, name) {
                    publish(&shared, String::from(name), function, &ty)?;
                }
            }
            ComponentItem::ComponentInstance(interface) => {
                let outer = component.get_export_index(None, name);
                for (inner, export) in interface.exports(engine) {
                    let ComponentItem::ComponentFunc(ty) = export.ty else {
                        continue;
                    };
                    if let Some(function) = find(outer.as_ref(), inner) {
                        publish(&shared, format!("{name}#{inner}"), function, &ty)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Publishes a function, if its values can be passed.
fn publish(shared: &Shared, name: String, function: Func, ty: &ComponentFunc) -> Result<()> {
    let types: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
    let result = ty.results().next();
    let shapes = (value::shapes(types.iter().cloned())?, value::shapes(result.clone())?);
    let (Some(shapes), Some(leaves)) = shapes else {
        return Ok(());
    };
    let params: Vec<Kind> = shapes.iter().map(|shape| shape.kind).collect();
    let returns = leaves.first().map_or(Kind::Void, |shape| shape.kind);
    if let Some(call) = bytes::call(shared, function, &params, returns) {
        return export::publish(&name, &params, returns, call);
    }
    let shared = Rc::clone(shared);
    let depth = shapes.iter().chain(&leaves).map(|shape| shape.depth).max().unwrap_or(0);
    export::publish(&name, &params, returns, move |arguments: &[ValueRef<'_>]| {
        value::check_stack(depth)?;
        let entering: Result<Vec<Val>> =
            arguments.iter().zip(&types).map(|(value, ty)| value::enter(*value, ty)).collect();
        let mut leaving: Vec<Val> = result.iter().map(|_| Val::Bool(false)).collect();
        let mut store = shared.borrow_mut();
        function.call(&mut *store, &entering?, &mut leaving).map_err(|error| error::call(&error))?;
        match (leaving.first(), &result) {
            (Some(value), Some(ty)) => value::leave(value, ty),
            _ => Ok(Value::Void),
        }
    })
}
