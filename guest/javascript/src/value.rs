//! JavaScript values, owned.
//!
//! A [`Value`] holds one reference and gives it back when it is dropped. Everything that can run JavaScript, and
//! everything that allocates, can throw: such functions return [`Js`], and the exception waits in the context until
//! [`Thrown::take`].

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::c_char;
use core::mem::ManuallyDrop;
use core::{ptr, slice, str};

use rquickjs_sys as qjs;

use crate::engine::{context, count, out_of_memory};
use crate::error::{Js, Thrown};
use crate::libc::single::Single;

/// One reference to a JavaScript value.
#[repr(transparent)]
pub(crate) struct Value(qjs::JSValue);

impl Value {
    pub(crate) const UNDEFINED: Self = Self(qjs::JS_UNDEFINED);

    /// `undefined`, for those who want a reference.
    pub(crate) fn undefined() -> &'static Self {
        static UNDEFINED: Single<Value> = Single::new(Value::UNDEFINED);
        &UNDEFINED
    }

    /// Takes a result of the engine over, which may be an exception.
    ///
    /// # Safety
    /// The engine has just given this reference to its caller.
    pub(crate) unsafe fn own(raw: qjs::JSValue) -> Js<Self> {
        // SAFETY: looking at a tag is always allowed.
        if unsafe { qjs::JS_IsException(raw) } {
            // SAFETY: it is the sign of an exception.
            return Err(unsafe { Thrown::from_raw(raw) });
        }
        Ok(Self(raw))
    }

    /// Takes a reference over that is no exception.
    ///
    /// # Safety
    /// The engine has just given this reference to its caller.
    pub(crate) const unsafe fn adopt(raw: qjs::JSValue) -> Self {
        Self(raw)
    }

    /// One more reference to what belongs to somebody else.
    ///
    /// # Safety
    /// The value is alive.
    pub(crate) unsafe fn share(raw: qjs::JSValue) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { qjs::JS_DupValue(context(), raw) })
    }

    pub(crate) const fn bool(value: bool) -> Self {
        Self(if value { qjs::JS_TRUE } else { qjs::JS_FALSE })
    }

    pub(crate) fn number(value: f64) -> Self {
        Self(qjs::JS_NewFloat64(value))
    }

    pub(crate) fn big_i64(value: i64) -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewBigInt64(context(), value)) }
    }

    pub(crate) fn big_u64(value: u64) -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewBigUint64(context(), value)) }
    }

    pub(crate) fn string(text: &str) -> Js<Self> {
        // SAFETY: the engine copies the text; the result is ours.
        unsafe { Self::own(qjs::JS_NewStringLen(context(), text.as_ptr().cast(), text.len() as qjs::size_t)) }
    }

    /// A `Uint8Array` with a copy of the bytes.
    pub(crate) fn bytes(bytes: &[u8]) -> Js<Self> {
        // SAFETY: the engine copies the bytes; the result is ours.
        unsafe { Self::own(qjs::JS_NewUint8ArrayCopy(context(), bytes.as_ptr(), bytes.len() as qjs::size_t)) }
    }

    pub(crate) fn object() -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewObject(context())) }
    }

    pub(crate) fn array() -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewArray(context())) }
    }

    /// The reference, lent to the engine.
    pub(crate) const fn raw(&self) -> qjs::JSValue {
        self.0
    }

    /// The reference, given to the engine.
    pub(crate) fn into_raw(self) -> qjs::JSValue {
        ManuallyDrop::new(self).0
    }

    // ---- what it is ---------------------------------------------------------------------------------------

    pub(crate) fn is_undefined(&self) -> bool {
        // SAFETY: as for all of these, looking at a tag is always allowed.
        unsafe { qjs::JS_IsUndefined(self.0) }
    }

    pub(crate) fn is_null(&self) -> bool {
        // SAFETY: see above.
        unsafe { qjs::JS_IsNull(self.0) }
    }

    pub(crate) fn is_object(&self) -> bool {
        // SAFETY: see above.
        unsafe { qjs::JS_IsObject(self.0) }
    }

    pub(crate) fn is_string(&self) -> bool {
        // SAFETY: see above.
        unsafe { qjs::JS_IsString(self.0) }
    }

    pub(crate) fn is_symbol(&self) -> bool {
        // SAFETY: see above.
        unsafe { qjs::JS_IsSymbol(self.0) }
    }

    pub(crate) fn is_big_int(&self) -> bool {
        // SAFETY: see above.
        unsafe { qjs::JS_IsBigInt(self.0) }
    }

    pub(crate) fn is_function(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsFunction(context(), self.0) }
    }

    pub(crate) fn is_array(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsArray(self.0) }
    }

    pub(crate) fn is_error(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsError(self.0) }
    }

    pub(crate) fn is_map(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsMap(self.0) }
    }

    pub(crate) fn is_set(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsSet(self.0) }
    }

    pub(crate) fn is_date(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsDate(self.0) }
    }

    pub(crate) fn is_reg_exp(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsRegExp(self.0) }
    }

    pub(crate) fn is_proxy(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsProxy(self.0) }
    }

    /// Whether both are the same object.
    pub(crate) fn is_same_object(&self, other: &Self) -> bool {
        // SAFETY: of an object, the pointer is the identity.
        self.is_object()
            && other.is_object()
            && unsafe { qjs::JS_VALUE_GET_PTR(self.0) == qjs::JS_VALUE_GET_PTR(other.0) }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        // SAFETY: the tag is looked at first.
        unsafe { qjs::JS_IsBool(self.0).then(|| qjs::JS_VALUE_GET_BOOL(self.0)) }
    }

    /// The number that it is, without conversion.
    pub(crate) fn as_number(&self) -> Option<f64> {
        // SAFETY: the tag is looked at first.
        unsafe {
            if qjs::JS_IsInt(self.0) {
                Some(qjs::JS_VALUE_GET_INT(self.0).into())
            } else {
                qjs::JS_IsNumber(self.0).then(|| qjs::JS_VALUE_GET_FLOAT64(self.0))
            }
        }
    }

    /// The integer that a `BigInt` is, if it has 64 bits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        let mut number = 0;
        // SAFETY: the value is alive. The engine wraps numbers around, so what comes out is compared.
        unsafe {
            Thrown::check(qjs::JS_ToBigInt64(context(), &raw mut number, self.0))
                .map_err(Thrown::forget)
                .ok()?;
        }
        let same = Self::big_i64(number).map_err(Thrown::forget).ok()?;
        self.is_strictly(&same).then_some(number)
    }

    /// The same, without a sign.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        let mut number = 0;
        // SAFETY: as above.
        unsafe {
            Thrown::check(qjs::JS_ToBigUint64(context(), &raw mut number, self.0))
                .map_err(Thrown::forget)
                .ok()?;
        }
        let same = Self::big_u64(number).map_err(Thrown::forget).ok()?;
        self.is_strictly(&same).then_some(number)
    }

    /// As `Boolean(value)`.
    pub(crate) fn is_truthy(&self) -> bool {
        // SAFETY: the value is alive; for a value that is no exception the engine answers 0 or 1.
        unsafe { qjs::JS_ToBool(context(), self.0) > 0 }
    }

    /// As `===`.
    fn is_strictly(&self, other: &Self) -> bool {
        // SAFETY: both are alive.
        unsafe { qjs::JS_IsStrictEqual(context(), self.0, other.0) }
    }

    /// The state of a promise, and `None` of anything else.
    pub(crate) fn promise_state(&self) -> Option<PromiseState> {
        // SAFETY: the value is alive; the engine answers for anything.
        let state = unsafe { qjs::JS_PromiseState(context(), self.0) };
        // SAFETY: it is only called for a promise; the result is ours.
        let result = || unsafe { Self::adopt(qjs::JS_PromiseResult(context(), self.0)) };
        Some(match state {
            qjs::JSPromiseStateEnum_JS_PROMISE_PENDING => PromiseState::Pending,
            qjs::JSPromiseStateEnum_JS_PROMISE_FULFILLED => PromiseState::Fulfilled(result()),
            qjs::JSPromiseStateEnum_JS_PROMISE_REJECTED => PromiseState::Rejected(result()),
            _ => return None,
        })
    }

    /// The bytes of a typed array or of an `ArrayBuffer`, where they are at the moment: no JavaScript may run while the
    /// slice is in use. `None` of anything else, and of a buffer that was taken away.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        let (start, len) = self.memory()?;
        if len == 0 {
            return Some(&[]);
        }
        // SAFETY: the engine has just said where the bytes are, and whoever uses the slice runs no JavaScript.
        Some(unsafe { slice::from_raw_parts(start, len) })
    }

    /// The same, for writing.
    pub(crate) fn as_bytes_mut(&mut self) -> Option<&mut [u8]> {
        let (start, len) = self.memory()?;
        if len == 0 {
            return Some(&mut []);
        }
        // SAFETY: as for `as_bytes`.
        Some(unsafe { slice::from_raw_parts_mut(start, len) })
    }

    /// The kind of a typed array.
    pub(crate) fn typed_array(&self) -> Option<u32> {
        // SAFETY: the value is alive; the engine answers -1 for anything else.
        u32::try_from(unsafe { qjs::JS_GetTypedArrayType(self.0) }).ok()
    }

    pub(crate) fn is_array_buffer(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsArrayBuffer(self.0) }
    }

    fn memory(&self) -> Option<(*mut u8, usize)> {
        let (mut offset, mut len, mut size) = (0, 0, 0);
        // SAFETY: the value is alive; the engine writes the three numbers only for a typed array.
        unsafe {
            let start = if self.is_array_buffer() {
                qjs::JS_GetArrayBuffer(context(), &raw mut len, self.0)
            } else {
                self.typed_array()?;
                let buffer = Self::own(qjs::JS_GetTypedArrayBuffer(
                    context(),
                    self.0,
                    &raw mut offset,
                    &raw mut len,
                    ptr::null_mut(),
                ))
                .map_err(Thrown::forget)
                .ok()?;
                qjs::JS_GetArrayBuffer(context(), &raw mut size, buffer.0)
            };
            if start.is_null() {
                // An empty buffer has no address; one that was taken away has thrown.
                if qjs::JS_HasException(context()) {
                    Thrown::from_raw(qjs::JS_EXCEPTION).forget();
                    return None;
                }
                return Some((ptr::null_mut(), 0));
            }
            if self.is_array_buffer() {
                size = len;
            }
            // A buffer that was made smaller may end before the array does.
            let end = offset.checked_add(len).filter(|end| *end <= size)?;
            Some((start.wrapping_add(usize::try_from(offset).ok()?), usize::try_from(end - offset).ok()?))
        }
    }

    // ---- conversions that may run JavaScript ----------------------------------------------------------------

    /// As `String(value)`, but that symbols throw.
    pub(crate) fn text(&self) -> Js<Text> {
        let mut len = 0;
        // SAFETY: the value is alive; the text is ours.
        let start = unsafe { qjs::JS_ToCStringLen2(context(), &raw mut len, self.0, false) };
        if start.is_null() {
            // SAFETY: the engine has thrown.
            return Err(unsafe { Thrown::from_raw(qjs::JS_EXCEPTION) });
        }
        Text::new(EngineText { start, len: usize::try_from(len).unwrap_or(0) })
    }

    // ---- properties -----------------------------------------------------------------------------------------

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

    // ---- calls ----------------------------------------------------------------------------------------------

    pub(crate) fn call(&self, this: &Self, arguments: &[Self]) -> Js<Self> {
        let start = arguments.as_ptr().cast_mut().cast();
        // SAFETY: all are alive. A `Value` is nothing but the engine's own struct, and the engine changes no argument.
        unsafe { Self::own(qjs::JS_Call(context(), self.0, this.0, count(arguments.len()), start)) }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        // SAFETY: this reference keeps the value alive.
        unsafe { Self::share(self.0) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and not used again.
        unsafe { qjs::JS_FreeValue(context(), self.0) };
    }
}

/// How far a promise is.
pub(crate) enum PromiseState {
    Pending,
    Fulfilled(Value),
    Rejected(Value),
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
        // SAFETY: the atom is alive; the result is ours.
        unsafe { Value::own(qjs::JS_AtomToString(context(), self.0)) }?.text()
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

/// Text, in the engine's memory wherever it can stay there.
pub(crate) enum Text {
    Engine(EngineText),
    Own(String),
}

impl Text {
    /// The text of a C string that the engine has made. JavaScript strings may hold halves of surrogate pairs, which have no
    /// UTF-8: each becomes U+FFFD.
    fn new(text: EngineText) -> Js<Self> {
        if str::from_utf8(text.bytes()).is_ok() {
            return Ok(Self::Engine(text));
        }
        well_formed(text.bytes()).map(Self::Own).ok_or_else(out_of_memory)
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // It was confirmed when this was made, and has not changed since.
            Self::Engine(text) => str::from_utf8(text.bytes()).unwrap_or_default(),
            Self::Own(text) => text,
        }
    }
}

/// A C string of the engine.
pub(crate) struct EngineText {
    start: *const c_char,
    len: usize,
}

impl EngineText {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the engine gave that many bytes, and keeps them until this is dropped.
        unsafe { slice::from_raw_parts(self.start.cast(), self.len) }
    }
}

impl Drop for EngineText {
    fn drop(&mut self) {
        // SAFETY: the text is ours and not used again.
        unsafe { qjs::JS_FreeCString(context(), self.start) };
    }
}

/// Replaces halves of surrogate pairs, which the engine writes in three bytes as if they were characters. `None` where there
/// is no memory for it.
fn well_formed(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    out.try_reserve_exact(bytes.len()).ok()?;
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        match rest {
            [0xed, 0xa0..=0xbf, _, after @ ..] => {
                out.extend_from_slice("\u{fffd}".as_bytes());
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Some(String::from_utf8(out).unwrap_or_default())
}
