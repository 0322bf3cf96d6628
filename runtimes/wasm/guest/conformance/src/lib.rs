//! Runs the steps of an official WebAssembly test script: many modules in one store, linked to each other.
//!
//! The engine, its memories and its limits are those of the `wasm` guest, file by file. The caller differs: payload 0
//! holds the code of all modules, payload 1 the place of each, and the host gives the steps. Values travel as text:
//! `i32:`, `i64:`, `f32:`, `f64:` and `v128:` with their bits in hexadecimal, `null` and `func`.

#![no_std]

extern crate alloc;

#[path = "../../src/engine.rs"]
mod engine;
#[path = "../../src/limits.rs"]
mod limits;
#[path = "../../src/memory.rs"]
mod memory;
mod spectest;
mod value;

/// The names that the shared files expect.
mod error {
    use alloc::format;

    use libhyperlight_guest::Error;
    use libhyperlight_wasm_contract::code;

    pub(crate) fn load(error: wasmtime::Error) -> Error {
        Error::new(code::LOAD, format!("{error:#}"))
    }
}

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ptr::NonNull;

use libhyperlight_guest::{Error, Kind, Result, Value, ValueRef, guest_main, payload, register};
use libhyperlight_wasm_contract::{CODE_PAYLOAD, CONFIG_PAYLOAD, Config, ProgramKind, code};
use wasmtime::{Engine, Instance, Linker, Module, Store, Val};

use limits::HeapLimits;

/// Maximum number of memories of a script: each gets so small a share that all scripts fit.
const MEMORIES: u32 = 128;

/// The state of a script.
struct Script {
    engine: Engine,
    store: Store<HeapLimits>,
    linker: Linker<HeapLimits>,
    instances: Vec<Option<Instance>>,
}

#[guest_main]
fn start() -> Result<()> {
    let config = Config {
        kind: ProgramKind::Module,
        memories: MEMORIES,
        arguments: Vec::new(),
        environment: Vec::new(),
        files: Vec::new(),
    };
    let engine = engine::new(&config)?;
    let mut store = Store::new(&engine, HeapLimits);
    store.limiter(|limits| limits);
    let mut linker = Linker::new(&engine);
    linker.allow_shadowing(true);
    spectest::define(&mut linker, &mut store).map_err(error::load)?;
    let script = Rc::new(RefCell::new(Script { engine, store, linker, instances: Vec::new() }));
    step(&script, "instantiate", &[Kind::U32], |script, arguments| match arguments {
        [ValueRef::U32(module)] => script.instantiate(*module),
        _ => Err(wrong()),
    })?;
    step(&script, "register", &[Kind::U32, Kind::String], |script, arguments| match arguments {
        [ValueRef::U32(instance), ValueRef::String(name)] => script.register(*instance, name),
        _ => Err(wrong()),
    })?;
    step(&script, "invoke", &[Kind::U32, Kind::String, Kind::String], |script, arguments| match arguments {
        [ValueRef::U32(instance), ValueRef::String(name), ValueRef::String(values)] => {
            script.invoke(*instance, name, values)
        }
        _ => Err(wrong()),
    })?;
    step(&script, "get", &[Kind::U32, Kind::String], |script, arguments| match arguments {
        [ValueRef::U32(instance), ValueRef::String(name)] => script.get(*instance, name),
        _ => Err(wrong()),
    })
}

/// Publishes a step. Its result is `ok` and values, or `error` and the reason.
fn step(
    script: &Rc<RefCell<Script>>,
    name: &str,
    params: &[Kind],
    run: fn(&mut Script, &[ValueRef<'_>]) -> wasmtime::Result<String>,
) -> Result<()> {
    let script = Rc::clone(script);
    register(name, params, Kind::String, move |arguments: &[ValueRef<'_>]| {
        Ok(Value::String(match run(&mut script.borrow_mut(), arguments) {
            Ok(values) => format!("ok {values}"),
            Err(error) => format!("error {}", error.root_cause().to_string().replace('\n', " ")),
        }))
    })
}

impl Script {
    /// Makes an instance of the module with that number. Returns the instance's number.
    fn instantiate(&mut self, module: u32) -> wasmtime::Result<String> {
        let number = self.instances.len();
        self.instances.push(None);
        let code = code_of(module).ok_or_else(wrong)?;
        // SAFETY: the compiler that belongs to this runtime made it, and it stays as it is.
        let module = unsafe { Module::deserialize_raw(&self.engine, NonNull::from(code)) }?;
        let instance = self.linker.instantiate(&mut self.store, &module)?;
        if let Some(place) = self.instances.get_mut(number) {
            *place = Some(instance);
        }
        Ok(number.to_string())
    }

    fn register(&mut self, instance: u32, name: &str) -> wasmtime::Result<String> {
        let instance = self.instance(instance)?;
        self.linker.instance(&mut self.store, name, instance)?;
        Ok(String::new())
    }

    fn invoke(&mut self, instance: u32, name: &str, values: &str) -> wasmtime::Result<String> {
        let instance = self.instance(instance)?;
        let function = instance.get_func(&mut self.store, name).ok_or_else(wrong)?;
        let ty = function.ty(&self.store);
        let arguments: Option<Vec<Val>> = values.split_whitespace().map(value::read).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        function.call(&mut self.store, &arguments.ok_or_else(wrong)?, &mut results)?;
        Ok(value::write(&results))
    }

    fn get(&mut self, instance: u32, name: &str) -> wasmtime::Result<String> {
        let instance = self.instance(instance)?;
        let global = instance.get_global(&mut self.store, name).ok_or_else(wrong)?;
        Ok(value::write(&[global.get(&mut self.store)]))
    }

    fn instance(&self, number: u32) -> wasmtime::Result<Instance> {
        let place = usize::try_from(number).ok().and_then(|number| self.instances.get(number));
        place.copied().flatten().ok_or_else(wrong)
    }
}

/// The code of the module with that number: payload 1 has 16 bytes for each, its start and its length.
fn code_of(module: u32) -> Option<&'static [u8]> {
    let table = payload(CONFIG_PAYLOAD)?;
    let entry = usize::try_from(module).ok()?.checked_mul(16)?;
    let (start, len) = table.get(entry..entry + 16)?.split_at(8);
    let start = usize::try_from(u64::from_le_bytes(start.try_into().ok()?)).ok()?;
    let len = usize::try_from(u64::from_le_bytes(len.try_into().ok()?)).ok()?;
    payload(CODE_PAYLOAD)?.get(start..start.checked_add(len)?)
}

fn wrong() -> wasmtime::Error {
    wasmtime::Error::new(Error::new(code::VALUE, "the step is not one that can be done"))
}
