//! WebAssembly programs, compiled by a library of its own that is loaded for the first one. It lies beside the addon.

use libhyperlight_wasm_loader::{Error, Options, Program};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::failure::Failure;
use crate::guard::contain;
use crate::guest::JsGuest;
use crate::port::JsPort;
use crate::reply::{Made, Reply};

/// What a program finds around itself, and what it may ask of the compiler.
#[napi(object, object_to_js = false)]
pub struct JsWasi {
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<JsVariable>,
    /// Its files.
    pub files: Vec<JsFile>,
    /// Bytes of the program at most; 0 for the compiler's own limit.
    pub max_program_size: f64,
    /// How long compiling takes at most; 0 for the compiler's own limit.
    pub compile_timeout_ms: f64,
    /// Processors that compile at most; 0 for all that are available to the process.
    pub compile_threads: f64,
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
pub struct JsFile {
    /// Names between `/`.
    pub path: String,
    /// What is in it.
    pub contents: Uint8Array,
}

/// A program that was compiled.
#[napi(js_name = "Program")]
#[derive(Debug)]
pub struct JsProgram {
    program: Program,
}

#[napi]
impl JsProgram {
    /// The guest that runs it.
    #[napi(catch_unwind)]
    pub fn guest(&self) -> Made<JsGuest> {
        Made(contain(|| Ok(JsGuest { guest: self.program.guest(&libhyperlight_builtin::wasm()?)? })))
    }

    /// The same program with other surroundings; limits mean nothing.
    #[napi(catch_unwind)]
    pub fn with_wasi(&self, wasi: JsWasi) -> Made<JsProgram> {
        let surroundings = Surroundings::of(wasi);
        Made(contain(|| Ok(Self { program: self.program.with_options(&surroundings.options())? })))
    }

    /// The bytes that `loadProgram` takes.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Made<Uint8Array> {
        Made(contain(|| Ok(self.program.to_bytes()?.into())))
    }

    /// What it exports and imports, as JSON.
    #[napi(catch_unwind)]
    pub fn description(&self) -> String {
        self.program.description()
    }
}

/// Compiles a program on this thread.
#[napi(catch_unwind)]
pub fn compile_sync(program: Uint8Array, wasi: JsWasi) -> Made<JsProgram> {
    let surroundings = Surroundings::of(wasi);
    Made(contain(|| Ok(JsProgram { program: Program::compile(&program, &surroundings.options())? })))
}

/// Compiles it on a thread of ours.
#[napi(catch_unwind, js_name = "compile")]
pub fn compile_elsewhere(port: &JsPort, id: u32, program: Uint8Array, wasi: JsWasi) -> Made<()> {
    Made(contain(|| {
        let (program, surroundings) = (program.to_vec(), Surroundings::of(wasi));
        port.start(id, 0, move |_| Ok(Reply::Program(Program::compile(&program, &surroundings.options())?)))
    }))
}

/// Takes a program from the bytes that it was kept as.
#[napi(catch_unwind)]
pub fn load_program(saved: Uint8Array) -> Made<JsProgram> {
    Made(contain(|| Ok(JsProgram { program: Program::from_bytes(&saved, &Options::default())? })))
}

impl JsProgram {
    pub(crate) fn new(program: Program) -> Self {
        Self { program }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of_compiler(error.code(), error.message())
    }
}

/// The same without JavaScript.
struct Surroundings {
    args: Vec<String>,
    env: Vec<JsVariable>,
    files: Vec<(String, Vec<u8>)>,
    max_program_size: u64,
    compile_timeout_ns: u64,
    compile_threads: u64,
}

impl Surroundings {
    fn of(wasi: JsWasi) -> Self {
        let files = wasi.files.into_iter().map(|file| (file.path, file.contents.to_vec())).collect();
        Self {
            args: wasi.args,
            env: wasi.env,
            files,
            max_program_size: whole(wasi.max_program_size),
            compile_timeout_ns: whole(wasi.compile_timeout_ms * 1e6),
            compile_threads: whole(wasi.compile_threads),
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

/// A number that is not negative, which the package has seen to. What is more than 0 stays so, and what is too large is the largest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats keep to what there is"
)]
fn whole(number: f64) -> u64 {
    number.ceil() as u64
}
