//! WebAssembly programs as guests.
//!
//! The compiler is a separate shared library in the same folder as this one. It is loaded when the first program is
//! compiled, so that programs without WebAssembly do not carry it.

use std::slice;
use std::sync::{Arc, OnceLock};

use libhyperlight_values::Description;
use libhyperlight_wasm_loader::{Error, Options, Program};

use crate::description::Described;
use crate::error::{hl_error, hl_status};
use crate::guard;
use crate::guest::hl_guest;
use crate::options::read_sized;
use crate::value::hl_bytes;

/// A variable of the environment, or a file: its path (relative, `/` between names) and its contents.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_wasm_pair {
    /// The variable's name, or the path.
    pub name: hl_bytes,
    /// The value, or the contents.
    pub value: hl_bytes,
}

/// The WASI environment of a program, and the limits of the compiler. Texts are UTF-8. The first argument is by custom
/// the program's name. Start from `HL_WASM_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_wasm_options {
    /// `sizeof(hl_wasm_options)`.
    pub size: usize,
    /// The program's arguments.
    pub arguments: *const hl_bytes,
    /// Number of elements.
    pub argument_count: usize,
    /// Variables of the environment.
    pub environment: *const hl_wasm_pair,
    /// Number of elements.
    pub variable_count: usize,
    /// Read-only files.
    pub files: *const hl_wasm_pair,
    /// Number of elements.
    pub file_count: usize,
    /// Maximum size of the program in bytes; 0 for 64 MiB.
    pub max_program_size: u64,
    /// Time limit of the compilation, including the wait for other compilations of the process; 0 for a minute. A
    /// program designed to be slow to compile may take twice as long.
    pub compile_timeout_ns: u64,
    /// Maximum number of processors for the compilation; 0 for all that are available to the process. All compilations
    /// together never use more than those.
    pub compile_threads: u64,
}

/// A compiled program, which can be described and saved. Threads may share a `const hl_wasm_program *`.
#[derive(Debug)]
pub struct hl_wasm_program {
    program: Program,
    saved: Vec<u8>,
    /// The functions and types, once they are needed.
    description: OnceLock<Arc<Description>>,
}

/// `bool`
pub const HL_WASM_BOOL: u32 = 1;
/// `s8`
pub const HL_WASM_S8: u32 = 2;
/// `u8`
pub const HL_WASM_U8: u32 = 3;
/// `s16`
pub const HL_WASM_S16: u32 = 4;
/// `u16`
pub const HL_WASM_U16: u32 = 5;
/// `s32`
pub const HL_WASM_S32: u32 = 6;
/// `u32`
pub const HL_WASM_U32: u32 = 7;
/// `s64`
pub const HL_WASM_S64: u32 = 8;
/// `u64`
pub const HL_WASM_U64: u32 = 9;
/// `f32`, of modules too.
pub const HL_WASM_F32: u32 = 10;
/// `f64`, of modules too.
pub const HL_WASM_F64: u32 = 11;
/// `char`
pub const HL_WASM_CHAR: u32 = 12;
/// `string`
pub const HL_WASM_STRING: u32 = 13;
/// `list<T>`: one member, the type of the elements.
pub const HL_WASM_LIST: u32 = 14;
/// `list<T, N>`: the same, with a `length`.
pub const HL_WASM_FIXED_LIST: u32 = 15;
/// `map<K, V>`: two members.
pub const HL_WASM_MAP: u32 = 16;
/// A record: a member with a name for each field.
pub const HL_WASM_RECORD: u32 = 17;
/// A variant: a member with a name for each case; its `type` may be NULL.
pub const HL_WASM_VARIANT: u32 = 18;
/// `tuple<…>`: a member for each element.
pub const HL_WASM_TUPLE: u32 = 19;
/// Flags: a member with a name for each, whose `type` is NULL.
pub const HL_WASM_FLAGS: u32 = 20;
/// An enum: a member with a name for each case, whose `type` is NULL.
pub const HL_WASM_ENUM: u32 = 21;
/// `option<T>`: one member.
pub const HL_WASM_OPTION: u32 = 22;
/// `result<T, E>`: two members, each of whose `type` may be NULL.
pub const HL_WASM_RESULT: u32 = 23;
/// `i32` of modules.
pub const HL_WASM_I32: u32 = 24;
/// `i64` of modules.
pub const HL_WASM_I64: u32 = 25;
/// Several results of a module's function: a member for each.
pub const HL_WASM_RESULTS: u32 = 26;

/// A parameter of a function, or a part of a type: a field, a case, an element.
#[derive(Debug)]
#[repr(C)]
pub struct hl_wasm_member {
    /// Its name, UTF-8; empty where there is none.
    pub name: hl_bytes,
    /// Its type, or NULL.
    pub r#type: *const hl_wasm_type,
}

/// A type, as a tree of at most 110 levels.
#[derive(Debug)]
#[repr(C)]
pub struct hl_wasm_type {
    /// One of `HL_WASM_BOOL` to `HL_WASM_RESULTS`. New ones may appear.
    pub shape: u32,
    /// The kind of the value that a call takes or gives: `HL_I32` and so on.
    pub kind: u32,
    /// 1 if that kind is a string that holds JSON, else 0.
    pub is_json: u32,
    /// The number of elements of an `HL_WASM_FIXED_LIST`, else 0.
    pub length: u32,
    /// The parts of the type.
    pub members: *const hl_wasm_member,
    /// Number of elements.
    pub member_count: usize,
}

/// A function that a program exports or imports.
#[derive(Debug)]
#[repr(C)]
pub struct hl_wasm_function {
    /// The name of the guest function, or of the host function to register.
    pub name: hl_bytes,
    /// Its parameters. Those of modules have no names.
    pub parameters: *const hl_wasm_member,
    /// Number of elements.
    pub parameter_count: usize,
    /// The type of its result, or NULL.
    pub result: *const hl_wasm_type,
}

/// The exports and imports of a program. All data behind it lives as long as the description.
#[derive(Debug)]
#[repr(C)]
pub struct hl_wasm_description {
    /// 1 for a component, 0 for a module.
    pub is_component: u32,
    /// Always 0.
    pub reserved: u32,
    /// The exported functions.
    pub exports: *const hl_wasm_function,
    /// Number of elements.
    pub export_count: usize,
    /// The imported functions, including those of WASI, which the runtime provides.
    pub imports: *const hl_wasm_function,
    /// Number of elements.
    pub import_count: usize,
    /// The names of the exported memories.
    pub memories: *const hl_bytes,
    /// Number of elements.
    pub memory_count: usize,
}

/// Compiles a module or a component in its binary form into a guest, whose guest functions are the program's exports.
/// `options` may be NULL. Compiled programs are cached by their content.
///
/// `HL_ERR_GUEST_BINARY` if the program is not WebAssembly, not valid, too large, or uses unsupported features.
/// `HL_ERR_TIMEOUT` if it takes too long. `HL_ERR_IO` if the compiler, libhyperlight_wasm.so, is missing from this
/// library's folder, or is of another version.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_compile(
    wasm: hl_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    // SAFETY: passed on, here and below.
    unsafe { guard::create(out, err, || guest(&compile(wasm, options)?)) }
}

/// Makes a guest from the bytes of a program that `hl_wasm_precompile` has compiled, with the arguments, environment
/// and files of these options. The limits on compiling are ignored. The bytes may be untrusted: the program can do only
/// what its sandbox allows.
///
/// `HL_ERR_GUEST_BINARY` if the bytes are damaged, or were made by another version of the library or for a processor
/// with other features. The program must then be compiled again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_load(
    saved: hl_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    // SAFETY: passed on, here and below.
    unsafe {
        guard::create(out, err, || {
            let options = hl_wasm_options::read(options)?;
            guest(&Program::from_bytes(bytes(saved, "saved.data")?, &options)?)
        })
    }
}

/// Compiles as `hl_wasm_compile` does, into a program that can be described and saved. Arguments, environment and files
/// of the options are ignored.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_precompile(
    wasm: hl_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut hl_wasm_program,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let program = unsafe { compile(wasm, options) }?;
        Ok(hl_wasm_program::new(program.to_bytes()?, program))
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Loads a program that `hl_wasm_precompile` has compiled from its bytes, under the conditions of `hl_wasm_load`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_program_load(
    saved: hl_bytes,
    out: *mut *mut hl_wasm_program,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let saved = unsafe { bytes(saved, "saved.data") }?;
        let program = Program::from_bytes(saved, &Options::default())?;
        Ok(hl_wasm_program::new(saved.to_vec(), program))
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Makes a guest from a program, with the arguments, environment and files of these options. The limits on compiling
/// are ignored. The program may be freed before the guest.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_program_guest(
    program: *const hl_wasm_program,
    options: *const hl_wasm_options,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on, here and below.
        let program = unsafe { guard::deref(program, "program") }?;
        // SAFETY: as above.
        let options = unsafe { hl_wasm_options::read(options) }?;
        guest(&program.program.with_options(&options)?)
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// The bytes to save to a file. They live as long as the program. Empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_program_bytes(program: *const hl_wasm_program) -> hl_bytes {
    guard::plain(hl_bytes::EMPTY, || {
        // SAFETY: passed on.
        let program = unsafe { guard::deref(program, "program") };
        program.map_or(hl_bytes::EMPTY, |program| hl_bytes::of(&program.saved))
    })
}

/// Describes the exports and imports of a program, with all types. The description may outlive the program.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_describe(
    program: *const hl_wasm_program,
    out: *mut *mut hl_wasm_description,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        if out.is_null() {
            return Err(hl_error::null("out"));
        }
        // SAFETY: not NULL, so, by the header's rules, a place of its type; here and below.
        unsafe { out.write(std::ptr::null_mut()) };
        // SAFETY: passed on.
        let description = unsafe { guard::deref(program, "program") }?.description()?;
        // SAFETY: as above.
        unsafe { out.write(Described::new(description).into_raw()) };
        Ok(())
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Frees a description. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_description_free(description: *mut hl_wasm_description) {
    if !description.is_null() {
        // SAFETY: by the header's rules `hl_wasm_describe` gave it, and it is freed once.
        guard::plain((), || drop(unsafe { Described::from_raw(description) }));
    }
}

/// Frees a program. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_program_free(program: *mut hl_wasm_program) {
    // SAFETY: passed on.
    unsafe { guard::free(program) };
}

impl hl_wasm_program {
    fn new(saved: Vec<u8>, program: Program) -> Self {
        Self { program, saved, description: OnceLock::new() }
    }

    /// Its functions with their types.
    pub(crate) fn description(&self) -> Result<&Arc<Description>, hl_error> {
        if let Some(description) = self.description.get() {
            return Ok(description);
        }
        let description = Arc::new(self.program.description()?);
        Ok(self.description.get_or_init(|| description))
    }
}

impl From<Error> for hl_error {
    fn from(error: Error) -> Self {
        Self::new(error.code().number(), error.message())
    }
}

impl Default for hl_wasm_options {
    fn default() -> Self {
        Self {
            size: 0,
            arguments: std::ptr::null(),
            argument_count: 0,
            environment: std::ptr::null(),
            variable_count: 0,
            files: std::ptr::null(),
            file_count: 0,
            max_program_size: 0,
            compile_timeout_ns: 0,
            compile_threads: 0,
        }
    }
}

impl hl_wasm_options {
    /// Reads the compiler's options. NULL means the defaults.
    unsafe fn read<'a>(options: *const Self) -> Result<Options<'a>, hl_error> {
        // SAFETY: passed on; the structure consists of words of 64 bits, of which any are valid.
        let given: Self = unsafe { read_sized(options, "hl_wasm_options", "HL_WASM_OPTIONS_INIT") }?;
        // SAFETY: by the header's rules the pointers hold what the numbers say, here and below.
        let (arguments, environment, files) = unsafe {
            (
                array(given.arguments, given.argument_count, "arguments")?,
                array(given.environment, given.variable_count, "environment")?,
                array(given.files, given.file_count, "files")?,
            )
        };
        let pairs = |pairs: &[hl_wasm_pair], name| {
            // SAFETY: as above.
            let pair =
                |pair: &hl_wasm_pair| unsafe { Ok((bytes(pair.name, name)?, bytes(pair.value, name)?)) };
            pairs.iter().map(pair).collect::<Result<_, hl_error>>()
        };
        // SAFETY: as above.
        let text = |text: &hl_bytes| unsafe { bytes(*text, "arguments") };
        Ok(Options {
            arguments: arguments.iter().map(text).collect::<Result<_, _>>()?,
            environment: pairs(environment, "environment")?,
            files: pairs(files, "files")?,
            max_program_size: given.max_program_size,
            compile_timeout_ns: given.compile_timeout_ns,
            compile_threads: given.compile_threads,
        })
    }
}

unsafe fn compile(wasm: hl_bytes, options: *const hl_wasm_options) -> Result<Program, hl_error> {
    // SAFETY: passed on, here and below.
    let options = unsafe { hl_wasm_options::read(options) }?;
    // SAFETY: as above.
    Ok(Program::compile(unsafe { bytes(wasm, "wasm.data") }?, &options)?)
}

fn guest(program: &Program) -> Result<hl_guest, hl_error> {
    Ok(hl_guest { guest: program.guest(&libhyperlight_builtin::by_name("wasm")?)? })
}

unsafe fn bytes<'a>(given: hl_bytes, name: &str) -> Result<&'a [u8], hl_error> {
    // SAFETY: passed on.
    unsafe { given.as_slice() }.ok_or_else(|| hl_error::null(name))
}

unsafe fn array<'a, T>(start: *const T, count: usize, name: &str) -> Result<&'a [T], hl_error> {
    if count == 0 {
        return Ok(&[]);
    }
    let is_possible = count.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if start.is_null() || !is_possible {
        return Err(hl_error::null(name));
    }
    // SAFETY: not NULL, so, by the header's rules, so many values that nobody changes meanwhile.
    Ok(unsafe { slice::from_raw_parts(start, count) })
}

const _: () = assert!(size_of::<hl_wasm_options>() == 80 && size_of::<hl_wasm_pair>() == 32);
