//! What a program is, what it exports and imports, and how many memories it has; and whether it can be compiled in bounded time
//! and memory.

mod component;
mod instances;
mod module;
mod weight;

use hyperlight_wasm_contract::ProgramKind;
use wasmparser::types::TypesRef;
use wasmparser::{
    Encoding, FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};

use crate::compile::Error;
use crate::deadline::Deadline;
use crate::description::Room;
use crate::inspect::instances::Instances;

/// What a function weighs at most: some ten seconds of the compiler's time, and two gigabytes of memory, for the worst that is known.
/// Half a megabyte of ordinary code weighs so much.
const MAX_FUNCTION_WEIGHT: u64 = 1 << 20;

/// What functions and their signatures count together at most: code for calls from outside may be made for each of them.
const MAX_SIGNATURES: u64 = 1 << 24;
/// What a function counts beside each of its parameters and results.
const FUNCTION: u64 = 64;

/// Instances, functions and names that instances are made of, with those of all instances inside.
const MAX_ITEMS: u64 = 100_000;

/// What there is to know about a program.
pub(crate) struct Inspected {
    pub kind: ProgramKind,
    pub memories: u32,
    pub description: String,
}

/// Reads a program. It is checked here too, because types are known only of what is valid; what the compiler supports
/// is for the compiler to say.
pub(crate) fn inspect(program: &[u8], deadline: Deadline) -> Result<Inspected, Error> {
    if !program.starts_with(b"\0asm") {
        return Err(Error::Program("the program is no WebAssembly in its binary form".to_owned()));
    }
    let failed = |error: wasmparser::BinaryReaderError| {
        Error::Program(format!("the program is not valid WebAssembly: {error}"))
    };
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let (mut kind, mut memories, mut types) = (None, 0_u32, None);
    let (mut functions, mut signatures, mut instances) = (Vec::new(), 0_u64, Instances::default());
    for payload in Parser::new(0).parse_all(program) {
        let payload = payload.map_err(failed)?;
        match validator.payload(&payload).map_err(failed)? {
            ValidPayload::Func(function, body) => {
                let (parameters, results) = weight::signature(&function.resources, function.ty);
                signatures += FUNCTION + (parameters + results) as u64;
                at_most("functions and their parameters", signatures, MAX_SIGNATURES)?;
                functions.push((function, body));
            }
            // The last one is that of the program.
            ValidPayload::End(found) => types = Some(found),
            _ => {}
        }
        match &payload {
            Payload::Version { encoding, .. } if kind.is_none() => {
                kind = Some(match encoding {
                    Encoding::Module => ProgramKind::Module,
                    Encoding::Component => ProgramKind::Component,
                });
            }
            Payload::MemorySection(section) => memories = memories.saturating_add(section.count()),
            _ => {}
        }
        instances.see(&payload).map_err(failed)?;
    }
    match instances.size() {
        Some(items) => {
            at_most("instances, functions and names, with those inside instances,", items, MAX_ITEMS)?
        }
        None => return Err(Error::Program("components that import components are not supported".to_owned())),
    }
    let mut allocations = FuncValidatorAllocations::default();
    for (function, body) in functions {
        let (index, mut validator) = (function.index, function.into_validator(allocations));
        let weight = weight::weigh(&mut validator, &body).map_err(failed)?;
        at_most(&format!("weight of function {index}"), weight, MAX_FUNCTION_WEIGHT)?;
        if deadline.has_passed() {
            return Err(Error::Timeout);
        }
        allocations = validator.into_allocations();
    }
    let kind = kind.unwrap_or(ProgramKind::Module);
    let types = types.as_ref().map(|types| types.as_ref());
    let description = types.map_or_else(|| Some(String::new()), |types| describe(program, kind, types));
    let description = description.ok_or_else(|| {
        Error::Program(format!(
            "the types of what is exported and imported fill more than {} bytes",
            Room::MAX
        ))
    })?;
    Ok(Inspected { kind, memories, description })
}

/// The program's description, unless it is too long.
fn describe(program: &[u8], kind: ProgramKind, types: TypesRef<'_>) -> Option<String> {
    let mut room = Room::default();
    match kind {
        ProgramKind::Module => module::describe(types, &mut room)?.to_json("module"),
        ProgramKind::Component => component::describe(program, types, &mut room)?.to_json("component"),
    }
    .into()
}

/// A program is refused for what it has too much of.
fn at_most(what: &str, found: u64, most: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Error::Program(format!(
        "the program is too large to be compiled: {what} count {found}, at most {most}"
    )))
}
