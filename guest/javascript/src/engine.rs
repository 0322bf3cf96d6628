//! The engine: one runtime and one context, made when the guest starts and never given back.
//!
//! Both limits are the sandbox's own sizes, so that a script meets them as JavaScript errors and not as faults of the
//! guest: memory, less what is kept for everything that is not JavaScript ([`crate::reserve`]), and the stack, less what
//! the engine's own functions need below the place where it looks.

use alloc::ffi::CString;
use alloc::string::String;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr;

use rquickjs_sys as qjs;
use sdk::{Error, Result, boot_info, heap, stack};

use crate::error::{Js, OUT_OF_MEMORY, Thrown};
use crate::libc::single::Single;
use crate::reserve;
use crate::value::Value;

static CONTEXT: Single<Cell<*mut qjs::JSContext>> = Single::new(Cell::new(ptr::null_mut()));

/// The most of the stack that is left to functions of the engine and of this guest, which look no further.
const STACK_MARGIN: u64 = 64 << 10;

/// What a source is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// A script in the global scope.
    Script,
    /// The same with `await` outside functions; its result is a promise of an object with the `value`.
    AsyncScript,
    /// A module.
    Module,
}

/// The one context. Null before [`start`].
pub(crate) fn context() -> *mut qjs::JSContext {
    CONTEXT.get()
}

/// The one runtime.
pub(crate) fn runtime() -> *mut qjs::JSRuntime {
    // SAFETY: the context exists when anything asks for its runtime.
    unsafe { qjs::JS_GetRuntime(context()) }
}

/// Makes the runtime and the context, with everything that ECMAScript has.
pub(crate) fn start() -> Result<()> {
    let functions = qjs::JSMallocFunctions {
        js_calloc: Some(js_calloc),
        js_malloc: Some(js_malloc),
        js_free: Some(js_free),
        js_realloc: Some(js_realloc),
        js_malloc_usable_size: Some(js_malloc_usable_size),
    };
    // SAFETY: the functions keep C's contract of an allocator; the engine copies the struct.
    let runtime = unsafe { qjs::JS_NewRuntime2(&raw const functions, ptr::null_mut()) };
    if runtime.is_null() {
        return Err(too_small());
    }
    let shared = qjs::JSSharedArrayBufferFunctions {
        sab_alloc: Some(sab_alloc),
        sab_free: Some(js_free),
        sab_dup: Some(sab_dup),
        sab_opaque: ptr::null_mut(),
    };
    // SAFETY: the runtime has just been made, and copies the struct. Every intrinsic is added once, to a new context.
    unsafe {
        qjs::JS_SetSharedArrayBufferFunctions(runtime, &raw const shared);
        qjs::JS_SetMemoryLimit(runtime, boot_info().heap.size.saturating_sub(reserve::size()));
        limit_stack(runtime);
        let context = qjs::JS_NewContextRaw(runtime);
        if context.is_null() {
            return Err(too_small());
        }
        CONTEXT.set(context);
        let intrinsics = [
            qjs::JS_AddIntrinsicBaseObjects,
            qjs::JS_AddIntrinsicDate,
            qjs::JS_AddIntrinsicEval,
            qjs::JS_AddIntrinsicRegExp,
            qjs::JS_AddIntrinsicJSON,
            qjs::JS_AddIntrinsicProxy,
            qjs::JS_AddIntrinsicMapSet,
            qjs::JS_AddIntrinsicTypedArrays,
            qjs::JS_AddIntrinsicPromise,
            qjs::JS_AddIntrinsicWeakRef,
            qjs::JS_AddIntrinsicDOMException,
            qjs::JS_AddIntrinsicAToB,
        ];
        if intrinsics.iter().any(|add| add(context) != 0) {
            return Err(too_small());
        }
    }
    Ok(())
}

/// Compiles a source without running it. The text gets the NUL that the engine wants behind it.
pub(crate) fn compile(source: &mut String, name: &str, goal: Goal) -> Js<Value> {
    let kind = match goal {
        Goal::Script => qjs::JS_EVAL_TYPE_GLOBAL,
        Goal::AsyncScript => qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_ASYNC,
        Goal::Module => qjs::JS_EVAL_TYPE_MODULE,
    };
    let flags = (kind | qjs::JS_EVAL_FLAG_COMPILE_ONLY).cast_signed();
    let name = file_name(name);
    let len = source.len();
    source.push('\0');
    // SAFETY: a NUL follows the text, and both strings live longer than the call.
    let code = unsafe {
        Value::own(qjs::JS_Eval(context(), source.as_ptr().cast(), len as qjs::size_t, name.as_ptr(), flags))
    };
    source.truncate(len);
    code
}

/// Runs what [`compile`] gave.
pub(crate) fn run(code: Value) -> Js<Value> {
    // SAFETY: the engine takes the code over.
    unsafe { Value::own(qjs::JS_EvalFunction(context(), code.into_raw())) }
}

/// The global object.
pub(crate) fn globals() -> Value {
    // SAFETY: the context exists; the result is ours.
    unsafe { Value::adopt(qjs::JS_GetGlobalObject(context())) }
}

/// The name of a source as the engine shows it in stacks. A C string ends at a NUL.
pub(crate) fn file_name(name: &str) -> CString {
    let text = name.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// Throws what the engine throws when there is no memory.
pub(crate) fn out_of_memory() -> Thrown {
    // SAFETY: the context exists.
    unsafe { Thrown::from_raw(qjs::JS_ThrowOutOfMemory(context())) }
}

fn too_small() -> Error {
    Error::new(OUT_OF_MEMORY, "the heap is too small for the engine: raise heap_size")
}

/// Tells the engine how far the stack reaches from here.
///
/// # Safety
/// The runtime is a new one.
unsafe fn limit_stack(runtime: *mut qjs::JSRuntime) {
    let here = 0_u8;
    let top = (&raw const here).addr() as u64;
    let span = stack();
    let usable = top.saturating_sub(span.address).saturating_sub(STACK_MARGIN.min(span.size / 4));
    // SAFETY: the caller gives the runtime. The engine takes this frame for the top, and turns that into an address
    // that holds from then on.
    unsafe {
        qjs::JS_UpdateStackTop(runtime);
        // 0 would mean no limit.
        qjs::JS_SetMaxStackSize(runtime, usable.max(1));
    }
}

// ---- memory -------------------------------------------------------------------------------------------------

/// A size as this guest's allocator counts. The engine's type is as wide.
const fn bytes(size: qjs::size_t) -> usize {
    const { assert!(size_of::<usize>() == size_of::<qjs::size_t>()) };
    #[expect(clippy::cast_possible_truncation, reason = "the two types have the same size, asserted above")]
    {
        size as usize
    }
}

unsafe extern "C" fn js_malloc(_: *mut c_void, size: qjs::size_t) -> *mut c_void {
    heap::malloc(bytes(size)).cast()
}

unsafe extern "C" fn js_calloc(_: *mut c_void, count: qjs::size_t, size: qjs::size_t) -> *mut c_void {
    heap::calloc(bytes(count), bytes(size)).cast()
}

unsafe extern "C" fn js_realloc(_: *mut c_void, block: *mut c_void, size: qjs::size_t) -> *mut c_void {
    // SAFETY: the engine gives a block that came from here, or null.
    unsafe { heap::realloc(block.cast(), bytes(size)).cast() }
}

unsafe extern "C" fn js_free(_: *mut c_void, block: *mut c_void) {
    // SAFETY: the engine gives a block that came from here and that it no longer uses, or null.
    unsafe { heap::free(block.cast()) };
}

unsafe extern "C" fn js_malloc_usable_size(block: *const c_void) -> qjs::size_t {
    // SAFETY: the engine gives a block that came from here, or null.
    unsafe { heap::usable_size(block.cast()) as qjs::size_t }
}

/// Memory of a `SharedArrayBuffer`.
unsafe extern "C" fn sab_alloc(_: *mut c_void, size: qjs::size_t) -> *mut c_void {
    heap::calloc(1, bytes(size)).cast()
}

/// One more owner of such memory. There is one agent, so nobody ever shares it.
unsafe extern "C" fn sab_dup(_: *mut c_void, _block: *mut c_void) {}

/// A length that the engine wants as an `int`. What does not fit would be more arguments than the stack has room for.
pub(crate) fn count(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}
