//! What a program is, what it exports and imports, and how many memories it has.

mod component;
mod module;

use hyperlight_wasm_contract::ProgramKind;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::compile::Error;

/// What there is to know about a program.
pub(crate) struct Inspected {
    pub kind: ProgramKind,
    pub memories: u32,
    pub description: String,
}

/// Reads a program. It is checked here too, because types are known only of what is valid; what the compiler supports
/// is for the compiler to say.
pub(crate) fn inspect(program: &[u8]) -> Result<Inspected, Error> {
    if !program.starts_with(b"\0asm") {
        return Err(Error::Program("the program is no WebAssembly in its binary form".to_owned()));
    }
    let failed = |error: wasmparser::BinaryReaderError| {
        Error::Program(format!("the program is not valid WebAssembly: {error}"))
    };
    let (mut kind, mut memories) = (None, 0);
    for payload in Parser::new(0).parse_all(program) {
        match payload.map_err(failed)? {
            Payload::Version { encoding, .. } if kind.is_none() => {
                kind = Some(match encoding {
                    Encoding::Module => ProgramKind::Module,
                    Encoding::Component => ProgramKind::Component,
                });
            }
            Payload::MemorySection(section) => memories += section.count(),
            _ => {}
        }
    }
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(program).map_err(failed)?;
    let kind = kind.unwrap_or(ProgramKind::Module);
    let description = match kind {
        ProgramKind::Module => module::describe(types.as_ref()).to_json("module"),
        ProgramKind::Component => component::describe(program, types.as_ref())?.to_json("component"),
    };
    Ok(Inspected { kind, memories, description })
}
