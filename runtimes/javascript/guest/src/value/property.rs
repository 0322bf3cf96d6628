//! The properties of objects, and their names.

use core::ptr;

use rquickjs_sys as qjs;

use super::{Text, Value};
use crate::engine::{context, runtime};
use crate::error::{Js, Thrown};

impl Value {
    pub(crate) fn get(&self, name: &str) -> Js<Self> {
        self.get_atom(&Atom::new(name)?)
    }

    pub(crate) fn get_atom(&self, name: &Atom) -> Js<Self> {
        // SAFETY: both are alive; the result is ours.
        unsafe { Self::own(qjs::JS_GetProperty(context(), self.0, name.0)) }
    }

    pub(crate) fn get_index(&self, index: u32) -> Js<Self> {
        // SAFETY: the value is alive; the result is ours.
        unsafe { Self::own(qjs::JS_GetPropertyUint32(context(), self.0, index)) }
    }

    pub(crate) fn has(&self, name: &str) -> Js<bool> {
        let name = Atom::new(name)?;
        // SAFETY: both are alive.
        Thrown::check(unsafe { qjs::JS_HasProperty(context(), self.0, name.0) }).map(|found| found != 0)
    }

    /// Makes an own property, whatever the prototypes say. One that scripts may change and that is enumerated.
    pub(crate) fn define(&self, name: &str, value: Self) -> Js<()> {
        self.define_with(&Atom::new(name)?, value, qjs::JS_PROP_C_W_E)
    }

    /// The same, not enumerated: as what belongs to the language is.
    pub(crate) fn define_hidden(&self, name: &str, value: Self) -> Js<()> {
        self.define_with(&Atom::new(name)?, value, qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_WRITABLE)
    }

    pub(crate) fn define_atom(&self, name: &Atom, value: Self) -> Js<()> {
        self.define_with(name, value, qjs::JS_PROP_C_W_E)
    }

    fn define_with(&self, name: &Atom, value: Self, flags: u32) -> Js<()> {
        let flags = (flags | qjs::JS_PROP_THROW).cast_signed();
        // SAFETY: all are alive; the engine takes the value over.
        Thrown::check(unsafe {
            qjs::JS_DefinePropertyValue(context(), self.0, name.0, value.into_raw(), flags)
        })?;
        Ok(())
    }

    /// The name of what the engine takes an object for.
    pub(crate) fn class_name(&self) -> Js<Text> {
        // SAFETY: the runtime exists; the result is ours, and no name at all for what is no object.
        Atom(unsafe { qjs::JS_GetClassName(runtime(), self.class()) }).text()
    }

    /// The names of the own enumerable properties that are strings.
    pub(crate) fn keys(&self) -> Js<Keys> {
        let (mut table, mut len) = (ptr::null_mut(), 0);
        let flags = (qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_ENUM_ONLY).cast_signed();
        // SAFETY: the value is alive; the table is ours.
        Thrown::check(unsafe {
            qjs::JS_GetOwnPropertyNames(context(), &raw mut table, &raw mut len, self.0, flags)
        })?;
        Ok(Keys { table, len })
    }
}

/// A name of a property.
pub(crate) struct Atom(qjs::JSAtom);

impl Atom {
    pub(crate) fn new(name: &str) -> Js<Self> {
        // SAFETY: the engine copies the text; the result is ours.
        let atom = unsafe { qjs::JS_NewAtomLen(context(), name.as_ptr().cast(), name.len() as qjs::size_t) };
        if atom == 0 {
            // SAFETY: the engine has thrown.
            return Err(unsafe { Thrown::from_raw(qjs::JS_EXCEPTION) });
        }
        Ok(Self(atom))
    }

    pub(crate) fn text(&self) -> Js<Text> {
        self.value()?.text()
    }

    /// As a string of the language.
    pub(crate) fn value(&self) -> Js<Value> {
        // SAFETY: the atom is alive; the result is ours.
        unsafe { Value::own(qjs::JS_AtomToString(context(), self.0)) }
    }
}

impl Drop for Atom {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and not used again.
        unsafe { qjs::JS_FreeAtom(context(), self.0) };
    }
}

/// The names of an object's properties.
pub(crate) struct Keys {
    table: *mut qjs::JSPropertyEnum,
    len: u32,
}

impl Keys {
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn get(&self, index: u32) -> Option<Atom> {
        if index >= self.len {
            return None;
        }
        // SAFETY: the table has `len` entries, which are alive; the new reference is ours.
        Some(unsafe { Atom(qjs::JS_DupAtom(context(), (*self.table.add(index as usize)).atom)) })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Atom> {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // SAFETY: the table is ours and not used again.
        unsafe { qjs::JS_FreePropertyEnum(context(), self.table, self.len) };
    }
}
