//! Modules that are JSON: `import value from "name" with { type: "json" }`.
//!
//! To the engine such a module is one of the host's: it has one export, whose value is there before anything runs.

use alloc::format;
use alloc::string::String;
use core::ffi::{CStr, c_int, c_void};

use rquickjs_sys as qjs;

use crate::engine::{context, out_of_memory};
use crate::error::{Js, Thrown};
use crate::json;
use crate::value::Value;

const TYPE: &str = "type";

const EXPORT: &CStr = c"default";

/// Whether an import wants JSON, by its attributes, which are an object or `undefined`.
pub(crate) fn is_meant(attributes: &Value) -> Js<bool> {
    if !attributes.is_object() {
        return Ok(false);
    }
    let wanted = attributes.get(TYPE)?;
    if wanted.is_undefined() {
        return Ok(false);
    }
    let wanted = wanted.text()?;
    match wanted.as_str() {
        "json" => Ok(true),
        other => Err(Thrown::type_error(&format!("there are no modules of the type \"{other}\""))),
    }
}

/// The module that a text is.
pub(crate) fn make(text: &mut String, name: &CStr) -> Js<*mut qjs::JSModuleDef> {
    let value = json::parse(text, name)?;
    // SAFETY: the context exists, the strings are C strings, and the function has the type that the engine calls. The
    // context keeps the module, and the module the value, whose reference it takes over.
    unsafe {
        let module = qjs::JS_NewCModule(context(), name.as_ptr(), Some(initialise));
        if module.is_null() {
            return Err(out_of_memory());
        }
        Thrown::check(qjs::JS_AddModuleExport(context(), module, EXPORT.as_ptr()))?;
        Thrown::check(qjs::JS_SetModulePrivateValue(context(), module, value.into_raw()))?;
        Ok(module)
    }
}

/// Refuses attributes that mean nothing here.
pub(crate) unsafe extern "C" fn check_attributes(
    _context: *mut qjs::JSContext,
    _opaque: *mut c_void,
    attributes: qjs::JSValue,
) -> c_int {
    // SAFETY: the engine lends the attributes for the time of this call.
    let attributes = unsafe { Value::share(attributes) };
    match find_unknown(&attributes) {
        Ok(None) => 0,
        Ok(Some(name)) => {
            // What the standard has for declarations. The engine does not say whether it is one.
            Thrown::syntax_error(&format!("there is no import attribute \"{name}\"")).keep();
            -1
        }
        // The exception waits in the context already.
        Err(_) => -1,
    }
}

fn find_unknown(attributes: &Value) -> Js<Option<String>> {
    for key in attributes.keys()?.iter() {
        let name = key.text()?;
        if name.as_str() != TYPE {
            return Ok(Some(name.as_str().into()));
        }
    }
    Ok(None)
}

/// Gives a module's export its value.
unsafe extern "C" fn initialise(context: *mut qjs::JSContext, module: *mut qjs::JSModuleDef) -> c_int {
    // SAFETY: the engine calls this for modules that were made here; it takes the new reference over.
    unsafe {
        let value = qjs::JS_GetModulePrivateValue(context, module);
        qjs::JS_SetModuleExport(context, module, EXPORT.as_ptr(), value)
    }
}
