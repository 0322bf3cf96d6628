//! Host functions that are Python callables.
//!
//! The engine's closures hold the *number* of a callable, never the callable. The Python object that owns the sandbox
//! holds all callables. So the garbage collector sees them, and can collect a sandbox that its own callbacks refer to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libhyperlight::{HostError, Kind, Signature, Value, ValueRef};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::ending::Kept;
use crate::errors::Raised;
use crate::signature::{self, Annotation};
use crate::value;

/// The callables of a sandbox or a pool. The lock is held only briefly, and never while Python code runs.
#[derive(Debug, Default)]
pub struct Callbacks(Mutex<Vec<Option<Py<PyAny>>>>);

/// The slot of one callable, owned by a host function and released with it.
#[derive(Debug)]
struct Registered {
    callbacks: Arc<Callbacks>,
    at: usize,
}

type HostFunction = Box<dyn Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync>;

impl Callbacks {
    /// Makes a host function that calls a callable. Its signature is the given one, or that of its annotations.
    pub fn host_function<'py>(
        self: &Arc<Self>,
        name: &str,
        function: &Bound<'py, PyAny>,
        params: Annotation<'py>,
        returns: Annotation<'py>,
        open_arity: bool,
    ) -> PyResult<(Signature, HostFunction)> {
        check_callable(name, function)?;
        let signature = signature::of_function(function, params, returns, open_arity)?;
        let slot = self.add(function);
        let (name, returns) = (name.to_owned(), signature.returns());
        let call = move |arguments: &[ValueRef<'_>]| {
            attached(|py| {
                let result = slot.call(py, arguments)?;
                close_coroutine(&result);
                let described = result.clone();
                value::own(result, returns).map_err(|unfit| {
                    unfit.exception(&format!("the result of the host function `{name}`"), returns, &described)
                })
            })
        };
        Ok((signature, Box::new(call)))
    }

    /// Makes `HostPrint`, which writes to a callable, or to the current `sys.stdout`.
    pub fn host_print(
        self: &Arc<Self>,
        print: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Signature, HostFunction)> {
        let slot = match print {
            Some(print) => {
                check_callable("print", print)?;
                Some(self.add(print))
            }
            None => None,
        };
        let call = move |arguments: &[ValueRef<'_>]| {
            let written = arguments.first().map_or(0, |text| text.wire_len());
            attached(|py| {
                match &slot {
                    Some(slot) => close_coroutine(&slot.call(py, arguments)?),
                    None => {
                        let stdout = py.import("sys")?.getattr("stdout")?;
                        // `sys.stdout` is None in programs without a console.
                        if !stdout.is_none() {
                            write(&stdout, tuple(py, arguments)?)?;
                        }
                    }
                }
                Ok(Value::I32(i32::try_from(written).unwrap_or(i32::MAX)))
            })
        };
        let signature = Signature::new(&[Kind::String], Kind::I32)
            .map_err(|error| PyTypeError::new_err(error.to_string()))?;
        Ok((signature, Box::new(call)))
    }

    /// Visits the callables, for the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // If the lock is taken, a host function is being dropped: unvisited objects are just not collected this time.
        let Ok(callables) = self.0.try_lock() else { return Ok(()) };
        callables.iter().flatten().try_for_each(|callable| visit.call(callable))
    }

    /// Drops the callables, for the garbage collector. The sandbox cannot be called any more.
    pub fn clear(&self) {
        let _kept = Kept::new();
        let callables = self.0.try_lock().map(|mut callables| std::mem::take(&mut *callables));
        // Without the lock: dropping the callables may run Python code.
        drop(callables);
    }

    fn add(self: &Arc<Self>, callable: &Bound<'_, PyAny>) -> Registered {
        let mut callables = self.lock();
        let at = callables.iter().position(Option::is_none).unwrap_or(callables.len());
        if at == callables.len() {
            callables.push(None);
        }
        callables[at] = Some(callable.clone().unbind());
        Registered { callbacks: Arc::clone(self), at }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Py<PyAny>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Registered {
    fn call<'py>(&self, py: Python<'py>, arguments: &[ValueRef<'_>]) -> PyResult<Bound<'py, PyAny>> {
        let callable = {
            let callables = self.callbacks.lock();
            callables.get(self.at).and_then(Option::as_ref).map(|callable| callable.bind(py).clone())
        };
        let gone = || PyTypeError::new_err("the host function was collected as garbage");
        callable.ok_or_else(gone)?.call1(tuple(py, arguments)?)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let _kept = Kept::new();
        let callable = self.callbacks.lock().get_mut(self.at).and_then(Option::take);
        // Without the lock, as above.
        drop(callable);
    }
}

/// Makes a decorator, which receives its function later.
pub fn decorator<'py>(
    owner: &Bound<'py, PyAny>,
    name: Option<String>,
    params: Annotation<'py>,
    returns: Annotation<'py>,
    open_arity: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = owner.py();
    let keywords = PyDict::new(py);
    keywords.set_item("name", name)?;
    keywords.set_item("params", params.into_object(py))?;
    keywords.set_item("returns", returns.into_object(py))?;
    keywords.set_item("open_arity", open_arity)?;
    let method = owner.getattr("host_function")?;
    py.import("functools")?.getattr("partial")?.call((method,), Some(&keywords))
}

/// Runs a callback in the interpreter.
fn attached(work: impl FnOnce(Python<'_>) -> PyResult<Value>) -> Result<Value, HostError> {
    let _kept = Kept::new();
    Python::try_attach(|py| work(py).map_err(|error| Raised::host_error(py, error)))
        .unwrap_or_else(|| Err(HostError::new("the Python interpreter is shutting down").fatal()))
}

fn tuple<'py>(py: Python<'py>, arguments: &[ValueRef<'_>]) -> PyResult<Bound<'py, PyTuple>> {
    let objects =
        arguments.iter().map(|argument| value::object(py, *argument)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, objects)
}

/// Writes a text. Characters that the file's encoding lacks are written as `sys.stderr` writes them, so that such
/// output does not make a call fail.
fn write<'py>(file: &Bound<'py, PyAny>, text: Bound<'py, PyTuple>) -> PyResult<()> {
    match file.call_method1("write", &text) {
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(file.py()) => {
            let encoding = file.getattr("encoding")?;
            let bytes = text.get_item(0)?.call_method1("encode", (&encoding, "backslashreplace"))?;
            file.call_method1("write", (bytes.call_method1("decode", (&encoding,))?,))?;
        }
        written => {
            written?;
        }
    }
    Ok(())
}

/// Refuses objects that cannot be called, or not like this.
fn check_callable(name: &str, function: &Bound<'_, PyAny>) -> PyResult<()> {
    if !function.is_callable() {
        let found = function.get_type().name()?;
        return Err(PyTypeError::new_err(format!("`{name}` must be callable, not {found}")));
    }
    let inspect = function.py().import("inspect")?;
    for is_async in ["iscoroutinefunction", "isasyncgenfunction"] {
        if inspect.getattr(is_async)?.call1((function,))?.is_truthy()? {
            return Err(PyTypeError::new_err(format!(
                "`{name}` is `async def`, but the guest waits for its result: use a plain function, which can hand \
                 work to an event loop by asyncio.run_coroutine_threadsafe(…).result()"
            )));
        }
    }
    Ok(())
}

/// Closes a coroutine that a plain callable returned. It is refused as any other object that is not a value; unless it
/// is closed, Python also warns that it was never awaited.
fn close_coroutine(result: &Bound<'_, PyAny>) {
    if result.get_type().name().is_ok_and(|name| name == "coroutine") {
        let _ = result.call_method0("close");
    }
}
