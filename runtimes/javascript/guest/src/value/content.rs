//! The kinds of values, and their contents. Nothing here runs JavaScript.

use core::ffi::c_int;
use core::{ptr, slice};

use rquickjs_sys as qjs;

use super::Value;
use crate::engine::context;
use crate::error::Thrown;

/// The state of a promise.
pub(crate) enum PromiseState {
    Pending,
    Fulfilled(Value),
    Rejected(Value),
}

impl Value {
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

    /// Returns true if both are the same object.
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

    /// The bytes of an `ArrayBuffer` or of a view of one, where and as many as they are at the moment: no JavaScript
    /// may run while the slice is in use. `None` of anything else, and where the buffer was taken away or made too
    /// small.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        match self.memory(false)? {
            (_, 0) => Some(&[]),
            // SAFETY: the engine has just said where the bytes are, and whoever uses the slice runs no JavaScript.
            (start, len) => Some(unsafe { slice::from_raw_parts(start, len) }),
        }
    }

    /// The same, for writing. `None` also where a script has made the buffer immutable.
    pub(crate) fn as_bytes_mut(&mut self) -> Option<&mut [u8]> {
        match self.memory(true)? {
            (_, 0) => Some(&mut []),
            // SAFETY: as for `as_bytes`.
            (start, len) => Some(unsafe { slice::from_raw_parts_mut(start, len) }),
        }
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

    pub(crate) fn is_data_view(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_IsDataView(self.0) }
    }

    /// The engine's own class of an object, whatever scripts say that it is.
    pub(crate) fn class(&self) -> qjs::JSClassID {
        // SAFETY: the value is alive.
        unsafe { qjs::JS_GetClassID(self.0) }
    }

    fn memory(&self, for_writing: bool) -> Option<(*mut u8, usize)> {
        let (mut start, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the value is alive; the engine writes both only if it answers 1.
        let found = unsafe { JS_GetBytes(self.0, for_writing, &raw mut start, &raw mut len) };
        if found == 1 { Some((start, usize::try_from(len).ok()?)) } else { None }
    }
}

unsafe extern "C" {
    /// The place of the bytes of a buffer or a view: of `patches/bytes.patch`.
    fn JS_GetBytes(
        value: qjs::JSValue,
        for_writing: bool,
        start: *mut *mut u8,
        len: *mut qjs::size_t,
    ) -> c_int;
}
