//! Limits of a program's exports and imports, besides those of their types.

use libhyperlight_abi::limits::MAX_FUNCTIONS;
use libhyperlight_values::Description;
use libhyperlight_values::types::Full;
use libhyperlight_wasm_contract::memory;

use crate::compile::Error;

/// Guest functions that every module with memories has.
const OWN: [&str; 3] = [memory::SIZE, memory::READ, memory::WRITE];

/// Maximum number of functions that a program exports, and that it imports. Those of [`OWN`] are guest functions, too.
pub(crate) const MAX_EXPORTS: usize = MAX_FUNCTIONS - OWN.len();
pub(crate) const MAX_IMPORTS: usize = MAX_FUNCTIONS;

/// Returns true if the runtime itself has a guest function with that name.
pub(crate) fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// Returns true if a compiled program can have this description. For descriptions from elsewhere.
pub(crate) fn is_possible(description: &Description) -> bool {
    let Description { is_component, exports, imports, .. } = description;
    exports.len() <= MAX_EXPORTS
        && imports.len() <= MAX_IMPORTS
        && !exports.iter().any(|function| !is_component && is_own(function.name()))
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        Self::Program(full.to_string())
    }
}
