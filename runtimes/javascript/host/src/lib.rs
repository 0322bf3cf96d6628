//! Scripts in libhyperlight's sandboxes, called with values.
//!
//! ```
//! use libhyperlight::{SandboxOptions, UninitializedSandbox};
//! use libhyperlight_javascript::{CallScript, RegisterForScripts, Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut host = UninitializedSandbox::new(&libhyperlight_builtin::javascript()?, SandboxOptions::new())?;
//! host.register_for_scripts("price", 1, |arguments| Ok(Value::from(arguments[0].as_str().map_or(0, str::len) as u64)))?;
//! let mut script = host.evolve()?;
//! script.load_script("shop.js", "function total(order) { return order.items.map(item => host.price(item)).reduce((a, b) => a + b) }")?;
//! let order = Value::object([("items", vec!["tea".into(), "cake".into()].into())]);
//! assert_eq!(script.call_script("total", &[order])?.as_integer(), Some(7));
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `serde`, any type that serde can write is a value, and back: `to_value`, `from_value`.

use libhyperlight::{
    CallOptions, ErrorCode, HostError, Kind, Pool, Result, Sandbox, Signature, UninitializedSandbox, ValueRef,
};
use libhyperlight_values::Error;

/// Reads a value as any type that serde can read.
///
/// ```
/// # use libhyperlight::{SandboxOptions, UninitializedSandbox};
/// use libhyperlight_javascript::{CallScript, from_value, to_value};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize)]
/// struct Order {
///     items: Vec<String>,
///     express: bool,
/// }
///
/// #[derive(Debug, Deserialize, PartialEq)]
/// struct Bill {
///     total: f64,
///     note: Option<String>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let host = UninitializedSandbox::new(&libhyperlight_builtin::javascript()?, SandboxOptions::new())?;
/// # let mut script = host.evolve()?;
/// script.load_script("shop.js", "function bill(order) { return { total: order.items.length * 2.5, note: null } }")?;
/// let order = Order { items: vec!["tea".to_owned(), "cake".to_owned()], express: false };
/// let bill: Bill = from_value(script.call_script("bill", &[to_value(&order)?])?)?;
/// assert_eq!(bill, Bill { total: 5.0, note: None });
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "serde")]
pub use libhyperlight_values::from_value;
#[cfg(feature = "serde")]
pub use libhyperlight_values::to_value;
pub use libhyperlight_values::{BigInt, Value};

/// The prefix by which the guest finds a host function of any values.
const PREFIX: &str = "json:";

/// Calls into a sandbox of the `javascript` guest, or into a pool's member.
///
/// The error of a value that cannot be passed has a [`libhyperlight_values::Error`] as its source. If it is an
/// argument, nothing was called.
pub trait CallScript {
    /// Runs a script. The guest's errors call it by this name.
    fn load_script(&mut self, name: &str, source: &str) -> Result<()> {
        self.load_script_with(&CallOptions::new(), name, source)
    }

    /// [`Self::load_script`] with options of its own.
    fn load_script_with(&mut self, options: &CallOptions, name: &str, source: &str) -> Result<()>;

    /// Calls a function that the script exports, or a global one. A promise is awaited.
    fn call_script(&mut self, function: &str, arguments: &[Value]) -> Result<Value> {
        self.call_script_with(&CallOptions::new(), function, arguments)
    }

    /// [`Self::call_script`] with options of its own.
    fn call_script_with(
        &mut self,
        options: &CallOptions,
        function: &str,
        arguments: &[Value],
    ) -> Result<Value>;

    /// Runs a text in the script's global scope. Returns the value of its last statement; a promise is awaited.
    fn eval_script(&mut self, source: &str) -> Result<Value> {
        self.eval_script_with(&CallOptions::new(), source)
    }

    /// [`Self::eval_script`] with options of its own.
    fn eval_script_with(&mut self, options: &CallOptions, source: &str) -> Result<Value>;
}

/// Registers host functions of any values.
pub trait RegisterForScripts {
    /// Registers a host function with at most this number of arguments. Missing arguments are [`Value::Undefined`].
    fn register_for_scripts<F>(&mut self, name: &str, arity: usize, function: F) -> Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static;
}

impl CallScript for Sandbox {
    fn load_script_with(&mut self, options: &CallOptions, name: &str, source: &str) -> Result<()> {
        self.call_with(options, "load", (name, source))
    }

    fn call_script_with(
        &mut self,
        options: &CallOptions,
        function: &str,
        arguments: &[Value],
    ) -> Result<Value> {
        let arguments = Value::all_to_script(arguments, &format!("an argument of `{function}`"))?;
        let result: String = self.call_with(options, "call", (function, &*arguments))?;
        Ok(Value::of_script(&result, "the result")?)
    }

    fn eval_script_with(&mut self, options: &CallOptions, source: &str) -> Result<Value> {
        let result: String = self.call_with(options, "eval", (source,))?;
        Ok(Value::of_script(&result, "the value")?)
    }
}

impl RegisterForScripts for UninitializedSandbox {
    fn register_for_scripts<F>(&mut self, name: &str, arity: usize, function: F) -> Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static,
    {
        self.register_dynamic(&format!("{PREFIX}{name}"), signature()?, over_text(name, arity, function))
    }
}

impl RegisterForScripts for Pool {
    fn register_for_scripts<F>(&mut self, name: &str, arity: usize, function: F) -> Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static,
    {
        self.register_dynamic(&format!("{PREFIX}{name}"), signature()?, over_text(name, arity, function))
    }
}

/// The signature of such a function on the wire.
fn signature() -> Result<Signature> {
    Signature::new(&[Kind::String], Kind::String)
}

/// The function on strings instead of values.
fn over_text<F>(
    name: &str,
    arity: usize,
    function: F,
) -> impl Fn(&[ValueRef<'_>]) -> Result<libhyperlight::Value, HostError> + Send + Sync + 'static
where
    F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static,
{
    let name = name.to_owned();
    move |values| {
        let text = match values {
            [ValueRef::String(text)] => *text,
            // The engine lets nothing else through.
            _ => "[]",
        };
        let mut arguments = Value::all_of_script(text, &format!("the arguments of `{name}`"))
            .map_err(Error::into_host_error)?;
        if arguments.len() > arity {
            let found = arguments.len();
            return Err(HostError::new(format!(
                "`{name}` takes at most {arity} arguments, the guest gave {found}"
            ))
            .with_status(ErrorCode::Signature.number()));
        }
        arguments.resize(arity, Value::Undefined);
        let result = function(&arguments)?;
        let text = result.to_script(&format!("the result of the host function `{name}`"));
        text.map(libhyperlight::Value::String).map_err(Error::into_host_error)
    }
}
