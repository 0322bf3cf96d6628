//! From WebAssembly to machine code.

use std::fmt;
use std::sync::{Arc, OnceLock};

use libhyperlight_values::Description;
use libhyperlight_wasm_contract::{Config, ProgramKind, settings};
use libhyperlight_wasm_interface::status;
use wasmtime::{Engine, OptLevel};

use crate::cache;
use crate::deadline::Deadline;
use crate::inspect;
use crate::options::Options;
use crate::process::PerProcess;
use crate::threads::{self, Turn};

/// The reason why a program cannot be compiled.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The program is no WebAssembly, is invalid, uses something that is not supported, or is too large.
    Program(String),
    /// The program is larger than [`Options::max_program_size`]; the sizes.
    Large(String),
    /// The program has more of something than [`Options::compile_timeout`] allows; how much more.
    Heavy(String),
    /// The options are too large.
    Options(String),
    /// Compiling took longer than [`Options::compile_timeout`].
    Timeout,
}

impl Error {
    /// The number of the error's code in libhyperlight.
    pub fn status(&self) -> i32 {
        match self {
            Self::Program(_) => status::PROGRAM,
            Self::Large(_) => status::LARGE,
            Self::Heavy(_) => status::HEAVY,
            Self::Options(_) => status::OPTIONS,
            Self::Timeout => status::TIMEOUT,
        }
    }

    /// The text without advice, for readers whose language has other names for options.
    pub fn said(&self) -> &str {
        match self {
            Self::Program(text) | Self::Large(text) | Self::Heavy(text) | Self::Options(text) => text,
            Self::Timeout => "compiling took longer than allowed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(text) | Self::Options(text) => f.write_str(text),
            Self::Large(text) => write!(f, "{text}; raise max_program_size if it is trusted"),
            Self::Heavy(text) => write!(f, "{text}; raise compile_timeout if it is trusted"),
            Self::Timeout => write!(f, "{}; raise compile_timeout if the program is trusted", self.said()),
        }
    }
}

impl std::error::Error for Error {}

/// A program for the `wasm` guest.
#[derive(Clone, Debug)]
pub struct Compiled {
    artifact: Arc<Artifact>,
    config: Vec<u8>,
}

impl Compiled {
    pub(crate) fn new(artifact: Arc<Artifact>, options: &Options) -> Result<Self, Error> {
        let config = Config {
            kind: artifact.kind(),
            memories: artifact.memories,
            arguments: options.arguments().collect(),
            environment: options.environment().collect(),
            files: options.files().collect(),
        };
        let config = config.to_bytes().ok_or_else(|| {
            Error::Options("arguments, variables and files have less than 4 GiB each".to_owned())
        })?;
        Ok(Self { artifact, config })
    }

    pub(crate) fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The first payload: the machine code, which the guest must be allowed to execute.
    pub fn code(&self) -> &[u8] {
        &self.artifact.code
    }

    /// The second payload: data about the program for the guest.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The same program with other arguments, variables and files. The limits on compiling have no effect here.
    pub fn with_options(&self, options: &Options) -> Result<Self, Error> {
        Self::new(Arc::clone(&self.artifact), options)
    }

    /// The program's exports and imports.
    pub fn description(&self) -> &Description {
        &self.artifact.description
    }

    /// The description as bytes.
    #[doc(hidden)]
    pub fn described(&self) -> &[u8] {
        &self.artifact.described
    }
}

/// The result of compiling a program, independent of its options.
#[derive(Debug)]
pub(crate) struct Artifact {
    pub code: Vec<u8>,
    pub memories: u32,
    pub description: Description,
    /// The description as bytes.
    pub described: Vec<u8>,
}

impl Artifact {
    pub fn new(code: Vec<u8>, memories: u32, description: Description) -> Result<Self, Error> {
        let described = description.to_bytes().ok_or_else(|| {
            Error::Program("the names of what is exported and imported have less than 4 GiB each".to_owned())
        })?;
        Ok(Self { code, memories, description, described })
    }

    pub fn kind(&self) -> ProgramKind {
        if self.description.is_component { ProgramKind::Component } else { ProgramKind::Module }
    }

    pub fn size(&self) -> usize {
        // The tree of a type takes several times as much as its text.
        self.code.len() + 8 * self.described.len()
    }
}

/// Compiles a module or a component in its binary form. Results are cached by the program's content.
pub fn precompile(program: &[u8], options: &Options) -> Result<Compiled, Error> {
    let most = options.most();
    if program.len() > most {
        let found = program.len();
        return Err(Error::Large(format!("the program has {found} bytes, and at most {most} are compiled")));
    }
    let key = cache::key(program, options.links());
    let artifact = match cache::find(&key) {
        Some(artifact) => artifact,
        None => {
            let deadline = Deadline::after(options.time());
            let turn = Turn::wait(options.most_threads(), deadline)?;
            // Another thread may have compiled it meanwhile.
            match cache::find(&key) {
                Some(artifact) => artifact,
                None => {
                    let artifact = Arc::new(compile(program, options, &turn, deadline)?);
                    cache::keep(key, &artifact);
                    artifact
                }
            }
        }
    };
    Compiled::new(artifact, options)
}

fn compile(program: &[u8], options: &Options, turn: &Turn, deadline: Deadline) -> Result<Artifact, Error> {
    let found = inspect::inspect(program, options, deadline)?;
    let work = |engine: &Engine| match found.description.is_component {
        false => engine.precompile_module(program),
        true => engine.precompile_component(program),
    };
    let (alone, together) = (engine(false)?, engine(true)?);
    // Starting a thread takes longer than compiling a small program.
    let threads = if program.len() < SMALL { 1 } else { turn.threads() };
    let code = deadline.bound(|| {
        let shared = (threads > 1).then(|| threads::run(threads, deadline, || work(together))).flatten();
        shared.unwrap_or_else(|| work(alone))
    });
    let code =
        code.ok_or(Error::Timeout)?.map_err(|error| Error::Program(one_line(&format!("{error:#}"))))?;
    Artifact::new(code, found.memories, found.description)
}

/// A foreign text of several lines, on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes of a program up to which one thread compiles it.
const SMALL: usize = 64 << 10;

/// The compiler, configured for the guest on this processor: for the calling thread alone, or for the threads of the
/// pool around it.
pub(crate) fn engine(is_parallel: bool) -> Result<&'static Engine, Error> {
    static ENGINES: PerProcess<[OnceLock<Engine>; 2]> = PerProcess::new();
    // An inherited one may have locks inside that are held.
    let [alone, together] = ENGINES.get(|_| Default::default());
    let engine = if is_parallel { together } else { alone };
    if let Some(engine) = engine.get() {
        return Ok(engine);
    }
    let failed = |error: wasmtime::Error| Error::Program(format!("the compiler cannot be set up: {error:#}"));
    let mut config = settings::shared();
    // Naming the target switches off the detection of the host's features; the list of features is the guest's.
    config.target(settings::TARGET).map_err(failed)?;
    config.cranelift_opt_level(OptLevel::Speed).native_unwind_info(false).parallel_compilation(is_parallel);
    for (setting, feature) in settings::PROCESSOR_FEATURES {
        if processor_has(feature) {
            // SAFETY: code with the feature runs on this processor alone, which has it.
            unsafe { config.cranelift_flag_enable(setting) };
        }
    }
    let made = Engine::new(&config).map_err(failed)?;
    Ok(engine.get_or_init(|| made))
}

/// Returns true if the processor has that feature. The names are those of the contract.
pub(crate) fn processor_has(feature: &str) -> bool {
    match feature {
        "sse3" => is_x86_feature_detected!("sse3"),
        "ssse3" => is_x86_feature_detected!("ssse3"),
        "sse4.1" => is_x86_feature_detected!("sse4.1"),
        "sse4.2" => is_x86_feature_detected!("sse4.2"),
        "cmpxchg16b" => is_x86_feature_detected!("cmpxchg16b"),
        "popcnt" => is_x86_feature_detected!("popcnt"),
        "avx" => is_x86_feature_detected!("avx"),
        "avx2" => is_x86_feature_detected!("avx2"),
        "fma" => is_x86_feature_detected!("fma"),
        "bmi1" => is_x86_feature_detected!("bmi1"),
        "bmi2" => is_x86_feature_detected!("bmi2"),
        "lzcnt" => is_x86_feature_detected!("lzcnt"),
        _ => false,
    }
}
