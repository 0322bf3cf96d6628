//! Inspection of a program: its kind, its exports and imports, its number of memories, and the bounds on the time and
//! memory to compile it.

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

use libhyperlight_values::Description;
use libhyperlight_values::types::Room;
use libhyperlight_wasm_contract::ProgramKind;
use wasmparser::types::{Types, TypesRef};
use wasmparser::{
    BinaryReaderError, Encoding, FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator,
    WasmFeatures,
};

use crate::compile::{Error, one_line};
use crate::deadline::Deadline;
use crate::description::{MAX_EXPORTS, MAX_IMPORTS};
use crate::inspect::components::{
    Components, MAX_DEPTH, MAX_ITEMS, MAX_LAID_OUT, MAX_PAIRS, MAX_PARTS, MAX_WEIGHT,
};
use crate::inspect::features::{SUPPORTED, UNSUPPORTED};
use crate::inspect::startup::{MAX_ENTRIES, Startup};
use crate::inspect::types::Excess;
use crate::options::Options;

/// Maximum weight of a function: some ten seconds of the compiler's time, and two gigabytes of memory, in the worst
/// known case. Half a megabyte of ordinary code has this weight.
const MAX_FUNCTION_WEIGHT: u64 = 1 << 20;
/// Maximum weight of a function for each second of the time limit, because it may be the last one that is begun in
/// time; and the weight that is always allowed.
const FUNCTION_WEIGHT_PER_SECOND: u64 = 1 << 16;
const MIN_FUNCTION_WEIGHT: u64 = 1 << 16;

/// Maximum count of functions and their signatures: code for calls from outside may be made for each of them.
const MAX_SIGNATURES: u64 = 1 << 24;
/// Count of a function beside its parameters and results.
const FUNCTION: u64 = 64;

/// The properties of a program.
pub(crate) struct Inspected {
    pub memories: u32,
    pub description: Description,
}

/// Reads a program. It is validated here, too, because only valid programs have known types, and because the clock can
/// be checked meanwhile. The compiler validates it again, without checking the clock, in a time that [`Components`] has
/// bounded.
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
    let description = Description { is_component: read.kind == ProgramKind::Component, ..description };
    Ok(Inspected { memories: read.memories, description })
}

/// The bounds on a program that is compiled within a time limit.
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

/// The reason why a program was not read to its end.
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
        // Before validation: this bounds the time of validation.
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
            // The last end is the program's.
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

/// Refuses a program that is valid only with an unsupported proposal, and names that.
fn why_invalid(program: &[u8], found: &BinaryReaderError, bounds: Bounds, deadline: Deadline) -> Error {
    for (features, what) in UNSUPPORTED {
        match read(program, features, bounds, deadline) {
            Err(Stop::Refused(Error::Timeout)) => return Error::Timeout,
            // Validation got no further.
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

/// Describes exports and imports. `links` allows imports that no host provides.
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

/// A name from the program in a message of one line.
fn quoted(name: &str) -> String {
    const MOST: usize = 64;
    let mut text: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}

/// Refuses a program that has too much of something.
fn at_most(what: &str, found: u64, most: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Error::Program(format!(
        "the program is too large to be compiled: {what} count {found}, at most {most}"
    )))
}

/// The maximum weight of a function within that time.
fn heaviest_function(time: Duration) -> u64 {
    let weight =
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_mul(FUNCTION_WEIGHT_PER_SECOND) / 1000;
    weight.clamp(MIN_FUNCTION_WEIGHT, MAX_FUNCTION_WEIGHT)
}

/// Refuses a program beyond a bound that depends on the time limit.
fn light(what: &str, found: u64, most: u64) -> Result<(), Error> {
    at_most(what, found, most)
        .map_err(|error| if most < MAX_FUNCTION_WEIGHT { if_trusted(error) } else { error })
}

/// The same refusal where more time allows a larger program.
fn if_trusted(error: Error) -> Error {
    Error::Heavy(error.said().to_owned())
}

fn too_deep() -> Stop {
    Error::Program(format!(
        "the program is too large to be compiled: types inside types are at most {MAX_DEPTH} levels deep"
    ))
    .into()
}
