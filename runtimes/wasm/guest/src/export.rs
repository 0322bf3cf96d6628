//! Exports as guest functions.

use libhyperlight_guest::{Kind, Result, Value, ValueRef, limits, register};
use libhyperlight_wasm_contract::memory;

/// Publishes a function, unless it is one that no guest function can be: that stays inside, as one with other types
/// does.
pub(crate) fn publish(
    name: &str,
    params: &[Kind],
    returns: Kind,
    call: impl Fn(&[ValueRef<'_>]) -> Result<Value> + 'static,
) -> Result<()> {
    let is_named = (1..=limits::MAX_NAME_LEN).contains(&name.len());
    // What the runtime itself publishes has the same names in every program.
    let is_ours = [memory::SIZE, memory::READ, memory::WRITE].contains(&name);
    if !is_named || is_ours || params.len() > limits::MAX_PARAMETERS {
        return Ok(());
    }
    register(name, params, returns, call)
}
