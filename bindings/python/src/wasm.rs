//! WebAssembly programs. A separate library compiles them; it is loaded for the first program.

use libhyperlight_values::{self as values, Function};
use libhyperlight_wasm_loader::{Options, Program};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{contain, raise};
use crate::json::Type;

/// A compiled program.
#[pyclass(frozen, name = "_WasmProgram", module = "libhyperlight")]
#[derive(Debug)]
pub struct WasmProgram {
    program: Program,
}

/// The WASI environment of a program: arguments, environment variables and files.
type Surroundings<'py> = (Vec<String>, Vec<(String, String)>, Vec<(String, Bound<'py, PyBytes>)>);

#[pymethods]
impl WasmProgram {
    /// Compiles a module or a component in its binary form. A limit of 0 is the compiler's own.
    #[staticmethod]
    fn compile(
        wasm: &Bound<'_, PyBytes>,
        wasi: Surroundings<'_>,
        max_program_size: u64,
        compile_timeout_ns: u64,
        compile_threads: u64,
    ) -> PyResult<Self> {
        let options = Options { max_program_size, compile_timeout_ns, compile_threads, ..options(&wasi) };
        Self::make(wasm.py(), wasm.as_bytes(), &options, Program::compile)
    }

    /// Loads a program from its saved bytes.
    #[staticmethod]
    fn load(saved: &Bound<'_, PyBytes>) -> PyResult<Self> {
        Self::make(saved.py(), saved.as_bytes(), &Options::default(), Program::from_bytes)
    }

    /// Makes a copy of the program with another WASI environment.
    fn with_wasi(&self, py: Python<'_>, wasi: Surroundings<'_>) -> PyResult<Self> {
        Self::make(py, &[], &options(&wasi), |_, options| self.program.with_options(options))
    }

    /// Returns bytes for `load`.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        contain(|| {
            let saved = py.detach(|| self.program.to_bytes()).map_err(|error| raise(py, error))?;
            Ok(PyBytes::new(py, &saved))
        })
    }

    /// Returns the machine code, an executable payload of the guest.
    fn code<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.program.code())
    }

    /// Returns the program's description for the guest.
    fn config<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.program.config())
    }

    /// Returns the exports, the imports and the names of the exported memories.
    fn description(&self, py: Python<'_>) -> PyResult<(Vec<Typed>, Vec<Typed>, Vec<String>)> {
        contain(|| {
            let described = self.program.description().map_err(|error| raise(py, error))?;
            let typed = |functions: Vec<Function>| functions.iter().map(typed).collect();
            Ok((typed(described.exports), typed(described.imports), described.memories))
        })
    }
}

impl WasmProgram {
    fn make(
        py: Python<'_>,
        bytes: &[u8],
        options: &Options<'_>,
        make: impl FnOnce(&[u8], &Options<'_>) -> libhyperlight::Result<Program> + Send,
    ) -> PyResult<Self> {
        contain(|| {
            let program = py.detach(|| make(bytes, options)).map_err(|error| raise(py, error))?;
            Ok(Self { program })
        })
    }
}

/// A function of a program: its name, its signature without it, its parameters, and its result, if there is one.
type Typed = (String, String, Vec<Slot>, Option<Slot>);

/// A parameter or a result: its kind as a number, whether it travels as JSON, and its type, if it does, or if its kind
/// has more values.
type Slot = (u32, bool, Option<Type>);

fn typed(function: &Function) -> Typed {
    let slot = |ty: &values::Type| {
        let is_json = ty.kind().is_none();
        (ty.wire().code(), is_json, (is_json || ty.is_narrow()).then(|| Type::new(ty.clone())))
    };
    (
        function.name().to_owned(),
        function.signature(),
        function.parameters().map(|(_, ty)| slot(ty)).collect(),
        function.result().map(slot),
    )
}

fn options<'a>((arguments, environment, files): &'a Surroundings<'_>) -> Options<'a> {
    Options {
        arguments: arguments.iter().map(String::as_bytes).collect(),
        environment: environment.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect(),
        files: files.iter().map(|(path, contents)| (path.as_bytes(), contents.as_bytes())).collect(),
        ..Options::default()
    }
}
