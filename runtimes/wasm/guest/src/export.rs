//! Exports as guest functions.

use libhyperlight_guest::{Kind, Result, Value, ValueRef, limits, register};
use libhyperlight_wasm_contract::memory;

/// Publishes a function, unless no guest function can have its name or types: then it stays inside.
pub(crate) fn publish(
    name: &str,
    params: &[Kind],
    returns: Kind,
    call: impl Fn(&[ValueRef<'_>]) -> Result<Value> + 'static,
) -> Result<()> {
    let is_named = (1..=limits::MAX_NAME_LEN).contains(&name.len());
    // The runtime's own functions have the same names in every program.
    let is_ours = [memory::SIZE, memory::READ, memory::WRITE].contains(&name);
    if !is_named || is_ours || params.len() > limits::MAX_PARAMETERS {
        return Ok(());
    }
    register(name, params, returns, call)
}
