//! Core modules: their exports become guest functions, host functions become their imports.

mod import;
mod memories;
mod value;

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ptr::NonNull;

use libhyperlight_guest::{Kind, Result, Value, ValueRef};
use libhyperlight_wasm_contract::Config;
use wasmtime::{Engine, ExternType, Func, FuncType, Linker, Module, Store, Val};

use crate::error::{self, Said, load};
use crate::export;
use crate::state::{self, Shared, State};
use crate::wasi::{self, Exit, Wasi};

/// The name of a command's entry. It takes no arguments and returns its exit code.
const COMMAND: &str = "_start";

/// The name of a library's function that must run before all others.
const INITIALISER: &str = "_initialize";

/// Instantiates the module and publishes its exports.
pub(crate) fn start(engine: &Engine, machine_code: &'static [u8], config: Config<'static>) -> Result<()> {
    // SAFETY: the payload was made by the compiler that belongs to this runtime, or by a host program that can make the
    // guest execute anything anyway. It stays as it is for as long as the guest lives.
    let module = unsafe { Module::deserialize_raw(engine, NonNull::from(machine_code)) }.map_err(load)?;
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        if !wasi::bind(&mut linker, &import)? {
            import::bind(&mut linker, &import)?;
        }
    }
    let mut store = state::new(engine, Wasi::new(config));
    let outcome = linker.instantiate(&mut store, &module);
    let instance = end(&mut store, false, outcome)
        .map_err(|error| error::call(&error).context("instantiating the module failed"))?;
    if let Ok(initialise) = instance.get_typed_func::<(), ()>(&mut store, INITIALISER) {
        let outcome = initialise.call(&mut store, ());
        end(&mut store, false, outcome).map_err(|error| error::call(&error).context(INITIALISER))?;
    }
    let shared: Shared = Rc::new(RefCell::new(store));
    let mut memories = Vec::new();
    for export in module.exports() {
        let found = instance.get_export(&mut *shared.borrow_mut(), export.name());
        match (export.ty(), found) {
            (ExternType::Func(ty), Some(found)) if export.name() != INITIALISER => {
                if let Some(function) = found.into_func() {
                    publish(&shared, export.name(), function, &ty)?;
                }
            }
            (ExternType::Memory(_), Some(found)) => {
                memories.extend(found.into_memory().map(|memory| (export.name().into(), memory)));
            }
            _ => {}
        }
    }
    memories::publish(&shared, memories)
}

/// Publishes a function, if its values can be passed.
fn publish(shared: &Shared, name: &str, function: Func, ty: &FuncType) -> Result<()> {
    let params: Option<Vec<Kind>> = ty.params().map(|ty| value::kind(&ty)).collect();
    let results: Option<Vec<Kind>> = ty.results().map(|ty| value::kind(&ty)).collect();
    let (Some(params), Some(results)) = (params, results) else {
        return Ok(());
    };
    let shared = Rc::clone(shared);
    let count = results.len();
    if name == COMMAND && params.is_empty() && count == 0 {
        return export::publish(name, &[], Kind::I32, move |_| command(&shared, function));
    }
    let returns = match results[..] {
        [] => Kind::Void,
        [one] => one,
        _ => Kind::String,
    };
    export::publish(name, &params, returns, move |arguments: &[ValueRef<'_>]| {
        let entering: Option<Vec<Val>> = arguments.iter().map(|value| value::enter(*value)).collect();
        let mut leaving = vec![Val::I32(0); count];
        call(&shared, function, false, &entering.unwrap_or_default(), &mut leaving)
            .map_err(|error| error::call(&error))?;
        Ok(match &leaving[..] {
            [] => Value::Void,
            [one] => value::leave(one).unwrap_or_default(),
            many => Value::String(value::to_json(many)),
        })
    })
}

/// Runs a command to its end.
fn command(shared: &Shared, function: Func) -> Result<Value> {
    match call(shared, function, true, &[], &mut []) {
        Ok(()) => Ok(Value::I32(0)),
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(exit) => Ok(Value::I32(exit.0)),
            None => Err(error::call(&error)),
        },
    }
}

fn call(
    shared: &Shared,
    function: Func,
    is_last: bool,
    entering: &[Val],
    leaving: &mut [Val],
) -> wasmtime::Result<()> {
    let mut store = shared.borrow_mut();
    store.data_mut().wasi.begin_call();
    let outcome = function.call(&mut *store, entering, leaving);
    end(&mut store, is_last, outcome)
}

/// The outcome of a program's run. An error carries the program's last output about it.
fn end<T>(store: &mut Store<State>, is_last: bool, outcome: wasmtime::Result<T>) -> wasmtime::Result<T> {
    let wasi = &mut store.data_mut().wasi;
    wasi.end_call(is_last);
    outcome.map_err(|error| error.context(Said(wasi.said())))
}
