//! WebAssembly programs, compiled by a library of its own that is loaded for the first one.
//!
//! The compiler is several times as large as everything else together, and many programs never need it. It is carried in
//! the package beside the addon, knows nothing of sandboxes, and makes two payloads for the guest `wasm`.
#![expect(unsafe_code, reason = "calls a library of another crate by the C interface that it has for this")]

use std::ffi::c_void;
use std::path::Path;
use std::ptr;
use std::slice;
use std::sync::{Mutex, PoisonError};

use libhyperlight::{ErrorCode, Guest, PayloadAccess};
use libloading::Library;
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

/// A program as a guest.
#[napi(js_name = "Program")]
#[derive(Debug)]
pub struct JsProgram {
    program: Program,
}

#[napi]
impl JsProgram {
    /// The guest that runs it.
    #[napi(catch_unwind)]
    pub fn guest(&self) -> JsGuest {
        JsGuest { guest: self.program.guest.clone() }
    }

    /// What it exports and imports, as JSON.
    #[napi(catch_unwind)]
    pub fn description(&self) -> String {
        self.program.description.clone()
    }
}

/// Compiles a program on this thread, by the compiler in that file.
#[napi(catch_unwind)]
pub fn compile_sync(compiler: String, program: Uint8Array, wasi: JsWasi) -> Made<JsProgram> {
    Made(contain(|| Ok(JsProgram { program: compile(&compiler, &program, &Surroundings::of(wasi))? })))
}

/// Compiles it on a thread of ours.
#[napi(catch_unwind, js_name = "compile")]
pub fn compile_elsewhere(
    port: &JsPort,
    id: u32,
    compiler: String,
    program: Uint8Array,
    wasi: JsWasi,
) -> Made<()> {
    Made(contain(|| {
        let (program, surroundings) = (program.to_vec(), Surroundings::of(wasi));
        port.start(id, 0, move |_| Ok(Reply::Program(compile(&compiler, &program, &surroundings)?)))
    }))
}

impl JsProgram {
    pub(crate) fn new(program: Program) -> Self {
        Self { program }
    }
}

/// A program that was compiled.
#[derive(Debug)]
pub(crate) struct Program {
    guest: Guest,
    description: String,
}

/// The same without JavaScript.
struct Surroundings {
    args: Vec<String>,
    env: Vec<JsVariable>,
    files: Vec<(String, Vec<u8>)>,
    max_program_size: u64,
    compile_timeout_ns: u64,
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

fn compile(compiler: &str, program: &[u8], surroundings: &Surroundings) -> Result<Program, Failure> {
    let compiled = Compiler::at(Path::new(compiler))?.compile(program, surroundings)?;
    let guest = Guest::builtin("wasm")?
        .with_payload(compiled.part(compiled.compiler.code), PayloadAccess::ReadExecute)?
        .with_payload(compiled.part(compiled.compiler.config), PayloadAccess::Read)?;
    let description = String::from_utf8_lossy(compiled.part(compiled.compiler.description)).into_owned();
    Ok(Program { guest, description })
}

/// The interface that is spoken here.
const VERSION: u32 = 3;

/// Statuses of the compiler.
const OK: i32 = 0;
const PROGRAM: i32 = 1;
const OPTIONS: i32 = 2;
const TIMEOUT: i32 = 4;

/// `hlwm_bytes`
#[derive(Clone, Copy)]
#[repr(C)]
struct Bytes {
    data: *const u8,
    len: usize,
}

/// `hlwm_pair`
#[repr(C)]
struct Pair {
    name: Bytes,
    value: Bytes,
}

/// `hlwm_options`
#[repr(C)]
struct Options {
    arguments: *const Bytes,
    argument_count: usize,
    environment: *const Pair,
    variable_count: usize,
    files: *const Pair,
    file_count: usize,
    max_program_size: u64,
    compile_timeout_ns: u64,
    compile_threads: u64,
}

/// Of a program of the compiler, which is opaque.
type Part = unsafe extern "C" fn(*const c_void) -> Bytes;

/// The functions of the compiler. Its library stays loaded for as long as the process lives.
#[derive(Clone, Copy)]
struct Compiler {
    compile: unsafe extern "C" fn(Bytes, *const Options) -> *mut c_void,
    status: unsafe extern "C" fn(*const c_void) -> i32,
    message: Part,
    code: Part,
    config: Part,
    description: Part,
    free: unsafe extern "C" fn(*mut c_void),
}

/// What the compiler made of a program, or why it made nothing.
struct Compiled {
    compiler: Compiler,
    program: *mut c_void,
}

impl Compiler {
    /// The compiler in that file, loaded when it is first wanted.
    fn at(path: &Path) -> Result<Self, Failure> {
        static LOADED: Mutex<Option<Compiler>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiler) = *loaded {
            return Ok(compiler);
        }
        let failed = |error: libloading::Error| {
            let message = format!("the WebAssembly compiler {} cannot be loaded: {error}", path.display());
            Failure::new(ErrorCode::Io, format!("{message}; install the package again"))
        };
        // SAFETY: a Rust library, whose initialisation does nothing; the file is the package's.
        let library = unsafe { Library::new(path) }.map_err(failed)?;
        // SAFETY: this function never changes its type; the others have the types of this version of the interface.
        let (version, compiler) = unsafe {
            let version: unsafe extern "C" fn() -> u32 = *library.get(c"hlwm_version").map_err(failed)?;
            let compiler = Self {
                compile: *library.get(c"hlwm_compile").map_err(failed)?,
                status: *library.get(c"hlwm_status").map_err(failed)?,
                message: *library.get(c"hlwm_message").map_err(failed)?,
                code: *library.get(c"hlwm_code").map_err(failed)?,
                config: *library.get(c"hlwm_config").map_err(failed)?,
                description: *library.get(c"hlwm_description").map_err(failed)?,
                free: *library.get(c"hlwm_free").map_err(failed)?,
            };
            (version(), compiler)
        };
        if version != VERSION {
            let message = format!("{} has interface {version}, this addon {VERSION}", path.display());
            return Err(Failure::new(ErrorCode::Io, format!("{message}; install the package again")));
        }
        // Never unloaded: its functions are used from any thread, and its own threads may be running.
        std::mem::forget(library);
        *loaded = Some(compiler);
        Ok(compiler)
    }

    fn compile(self, program: &[u8], surroundings: &Surroundings) -> Result<Compiled, Failure> {
        let arguments: Vec<_> = surroundings.args.iter().map(|text| Bytes::of(text.as_bytes())).collect();
        let environment: Vec<_> = surroundings
            .env
            .iter()
            .map(|variable| Pair {
                name: Bytes::of(variable.name.as_bytes()),
                value: Bytes::of(variable.value.as_bytes()),
            })
            .collect();
        let files: Vec<_> = surroundings
            .files
            .iter()
            .map(|(path, contents)| Pair { name: Bytes::of(path.as_bytes()), value: Bytes::of(contents) })
            .collect();
        let options = Options {
            arguments: arguments.as_ptr(),
            argument_count: arguments.len(),
            environment: environment.as_ptr(),
            variable_count: environment.len(),
            files: files.as_ptr(),
            file_count: files.len(),
            max_program_size: surroundings.max_program_size,
            compile_timeout_ns: surroundings.compile_timeout_ns,
            compile_threads: 0,
        };
        // SAFETY: all that is pointed to lives until the end of this function, and nothing of it is kept.
        let program = unsafe { (self.compile)(Bytes::of(program), &raw const options) };
        let compiled = Compiled { compiler: self, program };
        // SAFETY: the program was just made.
        match unsafe { (self.status)(program) } {
            OK => Ok(compiled),
            status => {
                let code = match status {
                    PROGRAM => ErrorCode::GuestBinary,
                    OPTIONS => ErrorCode::InvalidArgument,
                    TIMEOUT => ErrorCode::Timeout,
                    _ => ErrorCode::Internal,
                };
                Err(Failure::of_compiler(code, &String::from_utf8_lossy(compiled.part(self.message))))
            }
        }
    }
}

impl Compiled {
    fn part(&self, part: Part) -> &[u8] {
        // SAFETY: the program is there until it is dropped, and what is lent lives as long.
        let Bytes { data, len } = unsafe { part(self.program) };
        if len == 0 {
            return &[];
        }
        // SAFETY: as above.
        unsafe { slice::from_raw_parts(data, len) }
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        // SAFETY: made by the compiler, and given back once.
        unsafe { (self.compiler.free)(self.program) };
        self.program = ptr::null_mut();
    }
}

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }
}
