//! WebAssembly programs. A separate library beside the addon compiles them; it is loaded for the first program.

use libhyperlight::options::CompileOptions;
use libhyperlight::options::table::{Options as _, Setting};
use libhyperlight_values::{Function, Type};
use libhyperlight_wasm_loader::{Options, Program};
use napi::bindgen_prelude::{Object, Uint8Array};
use napi_derive::napi;

use crate::guard::contain;
use crate::guest::JsGuest;
use crate::options;
use crate::port::JsPort;
use crate::reply::{Made, Reply};
use crate::values::JsType;

/// The WASI environment of a program.
#[napi(object, object_to_js = false)]
#[expect(missing_debug_implementations, reason = "Node's arrays have none")]
pub struct JsWasi {
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<JsVariable>,
    /// Its files.
    pub files: Vec<JsFile>,
}

/// A variable of the environment.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct JsVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A file.
#[napi(object, object_to_js = false)]
#[expect(missing_debug_implementations, reason = "Node's arrays have none")]
pub struct JsFile {
    /// The path, with `/` between names.
    pub path: String,
    /// The file's contents.
    pub contents: Uint8Array,
}

/// A compiled program.
#[napi(js_name = "Program")]
#[derive(Debug)]
pub struct JsProgram {
    program: Program,
}

#[napi]
impl JsProgram {
    /// Makes the guest that runs the program.
    #[napi(catch_unwind)]
    pub fn guest(&self) -> Made<JsGuest> {
        Made(contain(|| Ok(JsGuest { guest: self.program.guest(&libhyperlight_builtin::wasm()?)? })))
    }

    /// Makes a copy of the program with another WASI environment; limits are ignored.
    #[napi(catch_unwind)]
    pub fn with_wasi(&self, wasi: JsWasi) -> Made<JsProgram> {
        let surroundings = Surroundings::of(wasi, &CompileOptions::new());
        Made(contain(|| Ok(JsProgram { program: self.program.with_options(&surroundings.options())? })))
    }

    /// The bytes that `loadProgram` takes.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Made<Uint8Array> {
        Made(contain(|| Ok(self.program.to_bytes()?.into())))
    }

    /// The exports and imports.
    #[napi(catch_unwind)]
    pub fn description(&self) -> Made<JsDescription> {
        Made(contain(|| {
            let described = self.program.description()?;
            Ok(JsDescription {
                exports: described.exports.iter().map(JsTyped::of).collect(),
                imports: described.imports.iter().map(JsTyped::of).collect(),
                memories: described.memories,
            })
        }))
    }
}

/// The exports and imports of a program.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct JsDescription {
    /// The exported functions.
    pub exports: Vec<JsTyped>,
    /// The imported functions.
    pub imports: Vec<JsTyped>,
    /// The names of the exported memories.
    pub memories: Vec<String>,
}

/// A function of a program, with its types.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct JsTyped {
    /// Its name.
    pub name: String,
    /// Its name, parameters and result, as in the program.
    pub signature: String,
    /// Its parameters.
    pub parameters: Vec<JsSlot>,
    /// Its result, if there is one.
    pub result: Option<JsSlot>,
}

/// A parameter or a result.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct JsSlot {
    /// The kind on the wire.
    pub kind: &'static str,
    /// True for a type that travels as JSON.
    pub json: bool,
    /// The type, if it travels as JSON, or if its kind has more values.
    #[napi(js_name = "type")]
    pub ty: Option<JsType>,
}

impl JsTyped {
    fn of(function: &Function) -> Self {
        Self {
            name: function.name().to_owned(),
            signature: function.to_string(),
            parameters: function.parameters().map(|(_, ty)| JsSlot::of(ty)).collect(),
            result: function.result().map(JsSlot::of),
        }
    }
}

impl JsSlot {
    fn of(ty: &Type) -> Self {
        let json = ty.kind().is_none();
        Self { kind: ty.wire().name(), json, ty: (json || ty.is_narrow()).then(|| JsType::new(ty.clone())) }
    }
}

/// Compiles a program on this thread.
#[napi(catch_unwind)]
pub fn compile_sync(program: Uint8Array, wasi: JsWasi, bounds: Object<'_>) -> Made<JsProgram> {
    Made(contain(|| {
        let surroundings = Surroundings::of(wasi, &options::read(&bounds)?);
        Ok(JsProgram { program: Program::compile(&program, &surroundings.options())? })
    }))
}

/// Compiles a program on a worker thread.
#[napi(catch_unwind, js_name = "compile")]
pub fn compile_elsewhere(
    port: &JsPort,
    id: u32,
    program: Uint8Array,
    wasi: JsWasi,
    bounds: Object<'_>,
) -> Made<()> {
    Made(contain(|| {
        let surroundings = Surroundings::of(wasi, &options::read(&bounds)?);
        let program = program.to_vec();
        port.start(id, 0, move |_| Ok(Reply::Program(Program::compile(&program, &surroundings.options())?)))
    }))
}

/// Loads a program from its saved bytes.
#[napi(catch_unwind)]
pub fn load_program(saved: Uint8Array) -> Made<JsProgram> {
    Made(contain(|| Ok(JsProgram { program: Program::from_bytes(&saved, &Options::default())? })))
}

impl JsProgram {
    pub(crate) fn new(program: Program) -> Self {
        Self { program }
    }
}

/// The WASI environment, without JavaScript types.
struct Surroundings {
    args: Vec<String>,
    env: Vec<JsVariable>,
    files: Vec<(String, Vec<u8>)>,
    max_program_size: u64,
    compile_timeout_ns: u64,
    compile_threads: u64,
}

impl Surroundings {
    fn of(wasi: JsWasi, bounds: &CompileOptions) -> Self {
        let bound = |name| bounds.setting(name).map_or(0, Setting::or_default);
        let files = wasi.files.into_iter().map(|file| (file.path, file.contents.to_vec())).collect();
        Self {
            args: wasi.args,
            env: wasi.env,
            files,
            max_program_size: bound("max_program_size"),
            compile_timeout_ns: bound("compile_timeout"),
            compile_threads: bound("compile_threads"),
        }
    }

    fn options(&self) -> Options<'_> {
        let env = self.env.iter().map(|variable| (variable.name.as_bytes(), variable.value.as_bytes()));
        Options {
            arguments: self.args.iter().map(String::as_bytes).collect(),
            environment: env.collect(),
            files: self.files.iter().map(|(path, contents)| (path.as_bytes(), &**contents)).collect(),
            max_program_size: self.max_program_size,
            compile_timeout_ns: self.compile_timeout_ns,
            compile_threads: self.compile_threads,
        }
    }
}
