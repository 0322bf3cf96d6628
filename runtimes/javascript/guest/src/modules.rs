//! Modules: the sources that can be imported, and the exports that can be called.
//!
//! The source's provider names a module. An import uses that name, or a path relative to the importing module. Nothing
//! else can be imported.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use rquickjs_sys as qjs;
use sdk::{Error, Result, code};

use crate::engine::{self, Goal, context, runtime};
use crate::error::{Failure, Js, Thrown};
use crate::libc::single::Single;
use crate::value::Value;
use crate::{jobs, json_modules};

static MODULES: Single<RefCell<Modules>> =
    Single::new(RefCell::new(Modules { sources: BTreeMap::new(), exports: Vec::new() }));

struct Modules {
    /// By name; `None` once the engine has it.
    sources: BTreeMap<String, Option<String>>,
    /// The namespaces of modules that were loaded, the last one at the end.
    exports: Vec<(String, Value)>,
}

/// Makes the engine ask here for modules.
pub(crate) fn start() {
    // SAFETY: the runtime exists; the functions have the types that the engine calls.
    unsafe {
        qjs::JS_SetModuleLoaderFunc2(
            runtime(),
            Some(normalize),
            Some(load),
            Some(json_modules::check_attributes),
            ptr::null_mut(),
        );
    };
}

/// Makes a module importable by that name.
pub(crate) fn add(name: &str, source: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::new(code::INVALID_ARGUMENT, "a module's name must not be empty or contain NUL"));
    }
    match MODULES.borrow_mut().sources.entry(name.into()) {
        alloc::collections::btree_map::Entry::Occupied(mut known) if known.get().is_some() => {
            known.insert(Some(source.into()));
        }
        alloc::collections::btree_map::Entry::Occupied(_) => {
            let message = format!("the module `{name}` was imported already");
            return Err(Error::new(code::INVALID_ARGUMENT, message));
        }
        alloc::collections::btree_map::Entry::Vacant(place) => {
            place.insert(Some(source.into()));
        }
    }
    Ok(())
}

/// Runs a module that was compiled, waits for it, and makes its exports callable.
pub(crate) fn run(name: &str, code: Value) -> core::result::Result<(), Failure> {
    // SAFETY: what compiling a module gives is a module, which the context keeps.
    let module = unsafe { qjs::JS_VALUE_GET_PTR(code.raw()) }.cast::<qjs::JSModuleDef>();
    describe(module, name)?;
    jobs::settle(engine::run(code)?)?;
    // SAFETY: the context keeps the module; the result is ours.
    let namespace = unsafe { Value::own(qjs::JS_GetModuleNamespace(context(), module)) }?;
    let mut modules = MODULES.borrow_mut();
    let place = modules.exports.iter().position(|(loaded, _)| loaded == name);
    let replaced = place.map(|place| modules.exports.remove(place));
    modules.exports.push((name.into(), namespace));
    drop(modules);
    drop(replaced);
    Ok(())
}

/// The namespace in which `name` is exported; of several, the one that was loaded last.
pub(crate) fn exporting(name: &str) -> Js<Option<Value>> {
    // Looking for a name in a namespace runs no JavaScript, but may need memory.
    for (_, namespace) in MODULES.borrow().exports.iter().rev() {
        if namespace.has(name)? {
            return Ok(Some(namespace.clone()));
        }
    }
    Ok(None)
}

/// Sets what a module sees as `import.meta`.
fn describe(module: *mut qjs::JSModuleDef, name: &str) -> Js<()> {
    // SAFETY: the caller has a module that the context keeps; the result is ours.
    let meta = unsafe { Value::own(qjs::JS_GetImportMeta(context(), module)) }?;
    meta.define("url", Value::string(name)?)
}

/// The name that an import means, in memory of the engine.
unsafe extern "C" fn normalize(
    context: *mut qjs::JSContext,
    base: *const c_char,
    name: *const c_char,
    _opaque: *mut c_void,
) -> *mut c_char {
    // SAFETY: the engine gives two strings.
    let (base, name) = unsafe { (CStr::from_ptr(base), CStr::from_ptr(name)) };
    let name = resolve(&base.to_string_lossy(), &name.to_string_lossy());
    // SAFETY: the engine copies the name into memory of its own, or throws.
    unsafe { qjs::js_strndup(context, name.as_ptr().cast(), name.len() as qjs::size_t) }
}

/// Loads a module by its full name.
unsafe extern "C" fn load(
    _context: *mut qjs::JSContext,
    c_name: *const c_char,
    _opaque: *mut c_void,
    attributes: qjs::JSValue,
) -> *mut qjs::JSModuleDef {
    // SAFETY: the engine gives a string, and lends the attributes.
    let (c_name, attributes) = unsafe { (CStr::from_ptr(c_name), Value::share(attributes)) };
    let Ok(is_json) = json_modules::is_meant(&attributes) else {
        return ptr::null_mut();
    };
    let name = c_name.to_string_lossy();
    let source = MODULES.borrow_mut().sources.get_mut(&*name).and_then(Option::take);
    let Some(mut source) = source else {
        // The engine cannot retry a module that did not compile.
        Thrown::type_error(&format!("there is no module `{name}`")).keep();
        return ptr::null_mut();
    };
    if is_json {
        return json_modules::make(&mut source, c_name).unwrap_or(ptr::null_mut());
    }
    let Ok(code) = engine::compile(&mut source, &name, Goal::Module) else {
        return ptr::null_mut();
    };
    // SAFETY: what compiling a module gives is a module. The context keeps it; the reference may be dropped.
    let module = unsafe { qjs::JS_VALUE_GET_PTR(code.raw()) }.cast();
    match describe(module, &name) {
        Ok(()) => module,
        Err(_) => ptr::null_mut(),
    }
}

/// The name that `name` means in the module `base`: itself, or a path from there.
fn resolve(base: &str, name: &str) -> String {
    if !name.starts_with("./") && !name.starts_with("../") {
        return name.into();
    }
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Runs a source: as a script, or as a module if only modules allow its syntax.
pub(crate) fn load_source(name: &str, mut source: String) -> core::result::Result<(), Failure> {
    match compile_any(&mut source, name)? {
        (code, Goal::Module) => {
            drop(source);
            run(name, code)
        }
        (code, _) => {
            drop(source);
            jobs::settle(engine::run(code)?).map(|_| ())
        }
    }
}

/// Runs a source for its completion value.
pub(crate) fn evaluate(mut source: String) -> core::result::Result<Value, Failure> {
    const NAME: &str = "<eval>";
    match compile_any(&mut source, NAME)? {
        (code, Goal::Script) => jobs::resolve(engine::run(code)?),
        (code, Goal::AsyncScript) => jobs::resolve(jobs::settle(engine::run(code)?)?.get("value")?),
        (code, Goal::Module) => run(NAME, code).map(|()| Value::UNDEFINED),
    }
}

/// Compiles a source as the first goal that accepts it. A script with `await` is tried with `await` as an operator
/// before `await` as a name. If no goal fits, the error is that of the most probable goal.
fn compile_any(source: &mut String, name: &str) -> Js<(Value, Goal)> {
    let goals: [(Goal, &[&str]); 3] =
        [(Goal::AsyncScript, &["await"]), (Goal::Script, &[""]), (Goal::Module, &["import", "export"])];
    let mut meant = Value::UNDEFINED;
    for (goal, words) in goals {
        if !words.iter().any(|word| source.contains(word)) {
            continue;
        }
        match engine::compile(source, name, goal) {
            Ok(code) => return Ok((code, goal)),
            Err(thrown) => meant = thrown.take(),
        }
    }
    Err(Thrown::throw(meant))
}
