//! The engine: one runtime and one context, made when the guest starts and never freed.
//!
//! Both limits come from the sandbox's sizes, so that a script meets them as JavaScript errors and not as faults of the
//! guest. They are the memory, without the reserve for everything that is not JavaScript ([`crate::reserve`]), and the
//! stack, without the part that the engine's own functions need below their check.

use alloc::ffi::CString;
use alloc::string::String;
use core::cell::Cell;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

use rquickjs_sys as qjs;
use sdk::{Error, Result, boot_info, stack};

use crate::error::{Js, OUT_OF_MEMORY, Thrown};
use crate::libc::single::Single;
use crate::value::Value;
use crate::{memory, reserve};

static CONTEXT: Single<Cell<*mut qjs::JSContext>> = Single::new(Cell::new(ptr::null_mut()));

/// Maximum part of the stack that is left to functions of the engine and of this guest that do not check it.
const STACK_MARGIN: u64 = 64 << 10;

/// The least memory in use at which the engine collects garbage: the value that it starts with.
const GC_THRESHOLD: qjs::size_t = 256 << 10;

/// The kind of a source.
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

/// Makes the runtime and the context, with all of ECMAScript.
pub(crate) fn start() -> Result<()> {
    // SAFETY: the functions keep C's contract of an allocator; the engine copies the struct.
    let runtime = unsafe { qjs::JS_NewRuntime2(&memory::FUNCTIONS, ptr::null_mut()) };
    if runtime.is_null() {
        return Err(too_small());
    }
    // SAFETY: the runtime has just been made, and copies the struct. Every intrinsic is added once, to a new context.
    unsafe {
        qjs::JS_SetSharedArrayBufferFunctions(runtime, &memory::SHARED_FUNCTIONS);
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
        let error = qjs::JS_NewInternalError(context, c"out of memory: raise the heap size".as_ptr());
        if qjs::JS_IsException(error) {
            return Err(too_small());
        }
        JS_SetOutOfMemoryError(context, error);
    }
    Ok(())
}

unsafe extern "C" {
    /// Sets the error that is thrown where there is no memory to make one: of `patches/out-of-memory.patch`.
    fn JS_SetOutOfMemoryError(context: *mut qjs::JSContext, error: qjs::JSValue);

    /// Ends the state in which every allocation fails because one has: of the same patch.
    fn JS_ForgetOutOfMemory(runtime: *mut qjs::JSRuntime);
}

/// Called before a call: ends the out-of-memory state of a former one.
pub(crate) fn begin() {
    // SAFETY: the runtime exists.
    unsafe { JS_ForgetOutOfMemory(runtime()) };
}

/// Compiles a source without running it. Adds the NUL that the engine requires behind it.
pub(crate) fn compile(source: &mut String, name: &str, goal: Goal) -> Js<Value> {
    let kind = match goal {
        Goal::Script => qjs::JS_EVAL_TYPE_GLOBAL,
        Goal::AsyncScript => qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_ASYNC,
        Goal::Module => qjs::JS_EVAL_TYPE_MODULE,
    };
    let flags = (kind | qjs::JS_EVAL_FLAG_COMPILE_ONLY).cast_signed();
    let name = file_name(name);
    let len = source.len();
    terminate(source)?;
    // SAFETY: a NUL follows the text, and both strings live longer than the call.
    let code = unsafe {
        Value::own(qjs::JS_Eval(context(), source.as_ptr().cast(), len as qjs::size_t, name.as_ptr(), flags))
    };
    source.truncate(len);
    code
}

/// Adds the NUL that the engine requires behind a text.
pub(crate) fn terminate(text: &mut String) -> Js<()> {
    text.try_reserve_exact(1).map_err(|_| out_of_memory())?;
    text.push('\0');
    Ok(())
}

/// Runs the result of [`compile`].
pub(crate) fn run(code: Value) -> Js<Value> {
    // SAFETY: the engine takes the code over.
    unsafe { Value::own(qjs::JS_EvalFunction(context(), code.into_raw())) }
}

/// Called before the first calls: collects garbage, so that the calls need not do so soon, and makes their allocations
/// lie together. A collection writes to every object, and a restore after a call copies back every written page.
pub(crate) fn settle() {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: the runtime exists, and the engine fills the numbers in.
    unsafe {
        qjs::JS_RunGC(runtime());
        qjs::JS_ComputeMemoryUsage(runtime(), usage.as_mut_ptr());
        let used = qjs::size_t::try_from(usage.assume_init().malloc_size).unwrap_or(0);
        // As the engine does it after a collection of its own.
        qjs::JS_SetGCThreshold(runtime(), (used + used / 2).max(GC_THRESHOLD));
    }
    memory::settle();
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
    Error::new(OUT_OF_MEMORY, "the heap is too small for the engine: raise the heap size")
}

/// Tells the engine the end of the stack, seen from here.
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

/// A length as the `int` that the engine takes. A larger one would be more arguments than the stack has room for.
pub(crate) fn count(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}
