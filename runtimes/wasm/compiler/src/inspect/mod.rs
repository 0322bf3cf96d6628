//! What a program is, what it exports and imports, and how many memories it has; and whether it can be compiled in bounded time
//! and memory.

mod component;
mod components;
mod features;
mod module;
mod scope;
mod sections;
mod startup;
mod types;
mod weight;

use std::time::Duration;

use libhyperlight_wasm_contract::ProgramKind;
use wasmparser::types::{Types, TypesRef};
use wasmparser::{
    BinaryReaderError, Encoding, FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator,
    WasmFeatures,
};

use crate::compile::{Error, one_line};
use crate::deadline::Deadline;
use crate::description::{Description, MAX_EXPORTS, MAX_IMPORTS, Room};
use crate::inspect::components::{
    Components, MAX_DEPTH, MAX_ITEMS, MAX_LAID_OUT, MAX_PAIRS, MAX_PARTS, MAX_WEIGHT,
};
use crate::inspect::features::{SUPPORTED, UNSUPPORTED};
use crate::inspect::startup::{MAX_ENTRIES, Startup};
use crate::inspect::types::Excess;
use crate::options::Options;

/// What a function weighs at most: some ten seconds of the compiler's time, and two gigabytes of memory, for the worst that is known.
/// Half a megabyte of ordinary code weighs so much.
const MAX_FUNCTION_WEIGHT: u64 = 1 << 20;
/// What it weighs at most for each second that compiling may take, because it may be the last one that is begun in time; and what it may
/// weigh in any time.
const FUNCTION_WEIGHT_PER_SECOND: u64 = 1 << 16;
const MIN_FUNCTION_WEIGHT: u64 = 1 << 16;

/// What functions and their signatures count together at most: code for calls from outside may be made for each of them.
const MAX_SIGNATURES: u64 = 1 << 24;
/// What a function counts beside each of its parameters and results.
const FUNCTION: u64 = 64;

/// What there is to know about a program.
pub(crate) struct Inspected {
    pub kind: ProgramKind,
    pub memories: u32,
    pub description: Description,
}

/// Reads a program. It is checked here too, because types are known only of what is valid, and because the clock can be looked at
/// meanwhile; the compiler checks it again, without a look at the clock, in a time that [`Components`] has bounded.
pub(crate) fn inspect(program: &[u8], options: &Options, deadline: Deadline) -> Result<Inspected, Error> {
    if !program.starts_with(b"\0asm") {
        return Err(Error::Program("the program is no WebAssembly in its binary form".to_owned()));
    }
    let bounds =
        Bounds { heaviest: heaviest_function(options.time()), sections: sections::most(options.time()) };
    let read = match read(program, SUPPORTED, bounds, deadline) {
        Ok(read) => read,
        Err(Stop::Refused(error)) => return Err(error),
        Err(Stop::Invalid(error)) => return Err(why_invalid(program, &error, bounds, deadline)),
    };
    let types = read.types.as_ref().map(Types::as_ref);
    let description = match types {
        Some(types) => describe(program, read.kind, types, options.links())?,
        None => Description::default(),
    };
    Ok(Inspected { kind: read.kind, memories: read.memories, description })
}

/// What a program may have that is compiled in the time that there is for it.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// The weight of its heaviest function.
    heaviest: u64,
    /// Bytes of its sections, see [`sections`].
    sections: u64,
}

/// A program that was read to its end.
struct Read {
    kind: ProgramKind,
    memories: u32,
    types: Option<Types>,
}

/// Why a program was not read to its end.
enum Stop {
    Invalid(BinaryReaderError),
    Refused(Error),
}

impl From<BinaryReaderError> for Stop {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

fn read(program: &[u8], features: WasmFeatures, bounds: Bounds, deadline: Deadline) -> Result<Read, Stop> {
    let Bounds { heaviest, sections } = bounds;
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let (mut kind, mut memories, mut types, mut bytes) = (None, 0_u32, None, 0_u64);
    let (mut functions, mut signatures) = (Vec::new(), 0_u64);
    let (mut components, mut startup) = (Components::default(), Startup::default());
    for payload in parser.parse_all(program) {
        deadline.check()?;
        let payload = payload?;
        bytes = bytes.saturating_add(sections::bytes(&payload));
        at_most("bytes beside code and data", bytes, sections).map_err(if_trusted)?;
        if let Payload::Version { encoding, .. } = &payload
            && kind.is_none()
        {
            kind = Some(match encoding {
                Encoding::Module => ProgramKind::Module,
                Encoding::Component => ProgramKind::Component,
            });
        }
        if let Payload::MemorySection(section) = &payload {
            memories = memories.saturating_add(section.count());
        }
        // Before it is validated: how long that takes is what is found out here.
        startup.see(&payload)?;
        light("weight of what a module does when it starts", startup.weight, heaviest)?;
        at_most("entries of tables", startup.entries, MAX_ENTRIES)?;
        let excess = components.see(program, &payload)?;
        if excess == Some(Excess::Levels) {
            return Err(too_deep());
        }
        at_most("weight of what its components refer to", components.weight(), MAX_WEIGHT)?;
        at_most("modules and components", components.parts(), MAX_PARTS)?;
        if components.depth() > MAX_DEPTH {
            return Err(too_deep());
        }
        match validator.payload(&payload)? {
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
        debug_assert!(validator.types(0).is_none_or(|types| components.agrees(types)), "{payload:?}");
    }
    let Some(whole) = components.whole() else {
        return Err(Error::Program("components that import components are not supported".to_owned()).into());
    };
    at_most("instances, functions and names, with those inside instances,", whole.items, MAX_ITEMS)?;
    at_most("weight of what its instances refer to", whole.weight, MAX_LAID_OUT)?;
    at_most("pairs of instances and resources", whole.instances.saturating_mul(whole.resources), MAX_PAIRS)?;
    let mut allocations = FuncValidatorAllocations::default();
    for (function, body) in functions {
        let (index, mut validator) = (function.index, function.into_validator(allocations));
        let weight = weight::weigh(&mut validator, &body, heaviest, deadline)?;
        light(&format!("weight of function {index}"), weight, heaviest)?;
        allocations = validator.into_allocations();
    }
    Ok(Read { kind: kind.unwrap_or(ProgramKind::Module), memories, types })
}

/// A program that is valid with something that is not supported is refused for that.
fn why_invalid(program: &[u8], found: &BinaryReaderError, bounds: Bounds, deadline: Deadline) -> Error {
    for (features, what) in UNSUPPORTED {
        match read(program, features, bounds, deadline) {
            Err(Stop::Refused(Error::Timeout)) => return Error::Timeout,
            // It is no further.
            Err(Stop::Invalid(error)) if error.offset() <= found.offset() => {}
            _ => {
                return Error::Program(format!(
                    "the program uses what is not supported: {what}; see the runtime's documentation for what is"
                ));
            }
        }
    }
    Error::Program(format!("the program is not valid WebAssembly: {}", one_line(&found.to_string())))
}

/// What it exports and imports. `links` lets it import what no host has.
fn describe(
    program: &[u8],
    kind: ProgramKind,
    types: TypesRef<'_>,
    links: bool,
) -> Result<Description, Error> {
    let mut room = Room::default();
    let description = match kind {
        ProgramKind::Module => module::describe(types, links, &mut room)?,
        ProgramKind::Component => component::describe(program, types, &mut room)?,
    };
    at_most("exported functions", description.exports.len() as u64, MAX_EXPORTS as u64)?;
    at_most("imported functions", description.imports.len() as u64, MAX_IMPORTS as u64)?;
    Ok(description)
}

/// A name of the program's in a message of one line.
fn quoted(name: &str) -> String {
    const MOST: usize = 64;
    let mut text: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        text.push('…');
    }
    format!("`{text}`")
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

/// What a function may weigh that is compiled in that time.
fn heaviest_function(time: Duration) -> u64 {
    let weight =
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_mul(FUNCTION_WEIGHT_PER_SECOND) / 1000;
    weight.clamp(MIN_FUNCTION_WEIGHT, MAX_FUNCTION_WEIGHT)
}

/// The same for what is bounded by the time that is there for it.
fn light(what: &str, found: u64, most: u64) -> Result<(), Error> {
    at_most(what, found, most)
        .map_err(|error| if most < MAX_FUNCTION_WEIGHT { if_trusted(error) } else { error })
}

/// What mends it where more time lets a program have more.
fn if_trusted(error: Error) -> Error {
    Error::Program(format!("{error}; raise the compile timeout if it is trusted"))
}

fn too_deep() -> Stop {
    Error::Program(format!(
        "the program is too large to be compiled: types inside types are at most {MAX_DEPTH} levels deep"
    ))
    .into()
}
