//! One script: all its modules are compiled first, then its steps are run.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::Duration;

use libhyperlight::{Guest, PayloadAccess, Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm_compiler::{Options, precompile};
use wast::core::{AbstractHeapType, HeapType, WastArgCore};
use wast::token::{Id, Span};
use wast::{QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, Wat};

use crate::expect;

/// Code is placed at multiples of a page.
const PAGE: usize = 4096;

/// The heap of a script's sandbox. Unused memory costs nothing.
const HEAP: u64 = 8 << 30;

/// The memory of the module that scripts import from; the guest has the rest of it. It is the first module.
const SPECTEST_MEMORY: &str = r#"(module (memory (export "memory") 1 2))"#;
const SPECTEST_MODULE: u32 = 0;

/// Refusals of version 2 of the specification that version 3 allows, as scripts of that time put them.
const SUPERSEDED: [&str; 3] = ["multiple memories", "zero byte expected", "integer representation too long"];

/// The counts of steps, by outcome.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub passed: usize,
    pub failures: Vec<String>,
    pub skipped: BTreeMap<String, usize>,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        for (reason, count) in other.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
    }
}

/// The reason why a step ends early.
enum Stop {
    Failed(String),
    Skipped(String),
}

type Step = Result<(), Stop>;

/// An instance in the guest, or the reason why there is none.
type Current = Result<u32, String>;

/// The state of a running script.
pub(crate) struct Script<'a> {
    name: &'a str,
    line: &'a dyn Fn(Span) -> usize,
    code: Vec<u8>,
    table: Vec<u8>,
    /// By the place of a directive: the number of its module, or the reason why it cannot be compiled.
    modules: HashMap<usize, Result<u32, String>>,
    definitions: HashMap<String, Result<u32, String>>,
    last_definition: Option<Result<u32, String>>,
    named: HashMap<String, Current>,
    last: Current,
    outcome: Outcome,
}

impl<'a> Script<'a> {
    pub fn new(name: &'a str, line: &'a dyn Fn(Span) -> usize) -> Self {
        Self {
            name,
            line,
            code: Vec::new(),
            table: Vec::new(),
            modules: HashMap::new(),
            definitions: HashMap::new(),
            last_definition: None,
            named: HashMap::new(),
            last: Err("there is no module yet".to_owned()),
            outcome: Outcome::default(),
        }
    }

    pub fn run(mut self, guest: &Guest, mut directives: Vec<WastDirective<'_>>) -> Outcome {
        if let Err(reason) = wat::parse_str(SPECTEST_MEMORY)
            .map_err(|error| error.to_string())
            .and_then(|wasm| self.compile(&wasm))
        {
            self.outcome.failures.push(format!("{}: {reason}", self.name));
        }
        for (place, directive) in directives.iter_mut().enumerate() {
            let wat = match directive {
                WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => module.encode(),
                WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. }
                | WastDirective::AssertUnlinkable { module, .. } => module.encode(),
                _ => continue,
            };
            let compiled = wat.map_err(|error| error.message()).and_then(|bytes| self.compile(&bytes));
            self.modules.insert(place, compiled);
        }
        let options = SandboxOptions::new().heap_size(HEAP).timeout(Duration::from_secs(60));
        let started = guest
            .with_payload(&self.code, PayloadAccess::ReadExecute)
            .and_then(|guest| guest.with_payload(&self.table, PayloadAccess::Read))
            .and_then(|guest| UninitializedSandbox::new(&guest, options)?.evolve());
        let started = started.and_then(|mut sandbox| {
            sandbox.call::<String>("instantiate", (SPECTEST_MODULE,))?;
            sandbox.call::<String>("register", (SPECTEST_MODULE, "spectest"))?;
            Ok(sandbox)
        });
        let mut sandbox = match started {
            Ok(sandbox) => sandbox,
            Err(error) => {
                self.outcome.failures.push(format!("{}: {error}", self.name));
                return self.outcome;
            }
        };
        for (place, directive) in directives.into_iter().enumerate() {
            let line = (self.line)(directive.span());
            match self.step(&mut sandbox, place, directive) {
                Ok(()) => self.outcome.passed += 1,
                Err(Stop::Failed(reason)) => {
                    self.outcome.failures.push(format!("{}:{line}: {reason}", self.name));
                }
                Err(Stop::Skipped(reason)) => *self.outcome.skipped.entry(reason).or_default() += 1,
            }
        }
        self.outcome
    }

    /// Compiles a module and places its code. Returns its number.
    fn compile(&mut self, wasm: &[u8]) -> Result<u32, String> {
        let compiled =
            precompile(wasm, &Options::new().link_to_others()).map_err(|error| error.to_string())?;
        let number = u32::try_from(self.table.len() / 16).map_err(|error| error.to_string())?;
        self.code.resize(self.code.len().next_multiple_of(PAGE), 0);
        for word in [self.code.len(), compiled.code().len()] {
            self.table.extend_from_slice(&(word as u64).to_le_bytes());
        }
        self.code.extend_from_slice(compiled.code());
        Ok(number)
    }

    fn step(&mut self, sandbox: &mut Sandbox, place: usize, directive: WastDirective<'_>) -> Step {
        match directive {
            WastDirective::Module(module) => {
                let compiled = self.modules.remove(&place).unwrap_or_else(|| Err(String::new()));
                let name = id_of(&module);
                self.start(sandbox, compiled, name)
            }
            WastDirective::ModuleDefinition(module) => {
                let compiled = self.modules.remove(&place).unwrap_or_else(|| Err(String::new()));
                if let Some(name) = id_of(&module) {
                    self.definitions.insert(name, compiled.clone());
                }
                self.last_definition = Some(compiled.clone());
                compiled.map(|_| ()).map_err(unsupported)
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let found = match module {
                    Some(id) => self.definitions.get(id.name()).cloned(),
                    None => self.last_definition.clone(),
                };
                let found = found.unwrap_or_else(|| Err("there is no such definition".to_owned()));
                self.start(sandbox, found, instance.map(|id| id.name().to_owned()))
            }
            WastDirective::AssertMalformed { module, message, .. }
            | WastDirective::AssertMalformedCustom { module, message, .. }
            | WastDirective::AssertInvalid { module, message, .. }
            | WastDirective::AssertInvalidCustom { module, message, .. } => refused(module, message),
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                expect::done(&call(sandbox, "register", |sandbox| {
                    sandbox.call("register", (instance, name))
                })?)
                .map_err(Stop::Failed)
            }
            WastDirective::Invoke(invoke) => {
                let answer = self.invoke(sandbox, invoke)?;
                expect::done(&answer).map_err(Stop::Failed)
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let answer = self.execute(sandbox, place, exec)?;
                expect::values(&answer, &results).map_err(Stop::Failed)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let answer = self.execute(sandbox, place, exec)?;
                expect::error(&answer, message).map_err(Stop::Failed)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let answer = self.invoke(sandbox, call)?;
                expect::error(&answer, message).map_err(Stop::Failed)
            }
            WastDirective::AssertUnlinkable { message, .. } => {
                let compiled = self.modules.remove(&place).unwrap_or_else(|| Err(String::new()));
                let number = compiled.map_err(unsupported)?;
                let answer = call(sandbox, "instantiate", |sandbox| sandbox.call("instantiate", (number,)))?;
                // The engine words the reason in its own way.
                if answer.starts_with("error ") {
                    Ok(())
                } else {
                    Err(Stop::Failed(format!("was linked: {message}")))
                }
            }
            WastDirective::AssertException { .. } => Err(Stop::Skipped("exceptions".to_owned())),
            WastDirective::AssertSuspension { .. } => Err(Stop::Skipped("stack switching".to_owned())),
            WastDirective::Thread(_) | WastDirective::Wait { .. } => Err(Stop::Skipped("threads".to_owned())),
        }
    }

    /// Makes an instance and keeps its number.
    fn start(&mut self, sandbox: &mut Sandbox, module: Result<u32, String>, name: Option<String>) -> Step {
        let number = match module {
            Ok(number) => number,
            Err(reason) => {
                self.remember(name, Err(reason.clone()));
                return Err(unsupported(reason));
            }
        };
        let answer = call(sandbox, "instantiate", |sandbox| sandbox.call("instantiate", (number,)))?;
        let made = answer.strip_prefix("ok ").and_then(|text| text.trim().parse().ok());
        match made {
            Some(instance) => {
                self.remember(name, Ok(instance));
                Ok(())
            }
            None => {
                self.remember(name, Err(answer.clone()));
                // Scripts link to modules that could not be compiled.
                Err(if answer.contains("unknown import") {
                    unsupported(answer)
                } else {
                    Stop::Failed(answer)
                })
            }
        }
    }

    fn remember(&mut self, name: Option<String>, instance: Current) {
        if let Some(name) = name {
            self.named.insert(name, instance.clone());
        }
        self.last = instance;
    }

    fn instance(&self, id: Option<Id<'_>>) -> Result<u32, Stop> {
        let found = match id {
            Some(id) => self.named.get(id.name()).unwrap_or(&self.last),
            None => &self.last,
        };
        found.clone().map_err(unsupported)
    }

    fn execute(
        &mut self,
        sandbox: &mut Sandbox,
        place: usize,
        exec: WastExecute<'_>,
    ) -> Result<String, Stop> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(sandbox, invoke),
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                call(sandbox, "get", |sandbox| sandbox.call("get", (instance, global)))
            }
            WastExecute::Wat(_) => {
                let compiled = self.modules.remove(&place).unwrap_or_else(|| Err(String::new()));
                let number = compiled.map_err(unsupported)?;
                call(sandbox, "instantiate", |sandbox| sandbox.call("instantiate", (number,)))
            }
        }
    }

    fn invoke(&self, sandbox: &mut Sandbox, invoke: WastInvoke<'_>) -> Result<String, Stop> {
        let instance = self.instance(invoke.module)?;
        let mut arguments = String::new();
        for argument in &invoke.args {
            let WastArg::Core(argument) = argument else {
                return Err(Stop::Skipped("components".to_owned()));
            };
            argument_text(&mut arguments, argument)?;
        }
        call(sandbox, "invoke", |sandbox| sandbox.call("invoke", (instance, invoke.name, &*arguments)))
    }
}

/// One step in the guest. A step that ends the sandbox has failed.
fn call(
    sandbox: &mut Sandbox,
    what: &str,
    run: impl FnOnce(&mut Sandbox) -> libhyperlight::Result<String>,
) -> Result<String, Stop> {
    run(sandbox).map_err(|error| Stop::Failed(format!("{what}: {error}")))
}

/// A module that must be refused.
fn refused(mut module: QuoteWat<'_>, message: &str) -> Step {
    let Ok(bytes) = module.encode() else {
        return Ok(());
    };
    match precompile(&bytes, &Options::new().link_to_others()) {
        Ok(_) if SUPERSEDED.contains(&message) => {
            Err(Stop::Skipped("forbidden by version 2 of the specification, allowed by version 3".to_owned()))
        }
        Ok(_) => Err(Stop::Failed(format!("was accepted: {message}"))),
        Err(_) => Ok(()),
    }
}

fn argument_text(out: &mut String, argument: &WastArgCore<'_>) -> Result<(), Stop> {
    let _ = match argument {
        WastArgCore::I32(value) => write!(out, "i32:{value:x} "),
        WastArgCore::I64(value) => write!(out, "i64:{value:x} "),
        WastArgCore::F32(value) => write!(out, "f32:{:x} ", value.bits),
        WastArgCore::F64(value) => write!(out, "f64:{:x} ", value.bits),
        WastArgCore::V128(value) => write!(out, "v128:{:x} ", u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => write!(out, "null "),
        _ => return Err(Stop::Skipped("references other than to functions".to_owned())),
    };
    Ok(())
}

/// A module that needs an unsupported feature; everything that depends on it is skipped with it.
fn unsupported(reason: String) -> Stop {
    const FEATURES: [(&str, &str); 9] = [
        ("exceptions", "exceptions"),
        ("gc", "garbage collection"),
        ("GC", "garbage collection"),
        ("externref", "references other than to functions"),
        ("threads", "threads"),
        ("shared", "threads"),
        ("function references", "garbage collection"),
        ("custom page sizes", "custom page sizes"),
        ("unknown import", "a module that another skipped one would export"),
    ];
    match FEATURES.iter().find(|(word, _)| reason.contains(word)) {
        Some((_, feature)) => Stop::Skipped((*feature).to_owned()),
        None => Stop::Failed(reason),
    }
}

fn id_of(module: &QuoteWat<'_>) -> Option<String> {
    match module {
        QuoteWat::Wat(Wat::Module(module)) => module.id.map(|id| id.name().to_owned()),
        _ => None,
    }
}
