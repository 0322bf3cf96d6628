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

use std::fmt;

use libhyperlight::{ErrorCode, HostError, Kind, Pool, Sandbox, Signature, UninitializedSandbox, ValueRef};

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
pub trait CallScript {
    /// Runs a script. The guest's errors call it by this name.
    fn load_script(&mut self, name: &str, source: &str) -> Result<(), Error>;

    /// Calls a function that the script exports, or a global one. A promise is awaited.
    fn call_script(&mut self, function: &str, arguments: &[Value]) -> Result<Value, Error>;

    /// Runs a text in the script's global scope. Returns the value of its last statement; a promise is awaited.
    fn eval_script(&mut self, source: &str) -> Result<Value, Error>;
}

/// Registers host functions of any values.
pub trait RegisterForScripts {
    /// Registers a host function with at most this number of arguments. Missing arguments are [`Value::Undefined`].
    fn register_for_scripts<F>(&mut self, name: &str, arity: usize, function: F) -> libhyperlight::Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static;
}

impl CallScript for Sandbox {
    fn load_script(&mut self, name: &str, source: &str) -> Result<(), Error> {
        Ok(self.call::<()>("load", (name, source))?)
    }

    fn call_script(&mut self, function: &str, arguments: &[Value]) -> Result<Value, Error> {
        let arguments = Value::all_to_script(arguments, &format!("an argument of `{function}`"))?;
        let result: String = self.call("call", (function, &*arguments))?;
        Ok(Value::of_script(&result, "the result")?)
    }

    fn eval_script(&mut self, source: &str) -> Result<Value, Error> {
        let result: String = self.call("eval", (source,))?;
        Ok(Value::of_script(&result, "the value")?)
    }
}

impl RegisterForScripts for UninitializedSandbox {
    fn register_for_scripts<F>(&mut self, name: &str, arity: usize, function: F) -> libhyperlight::Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static,
    {
        self.register_dynamic(&format!("{PREFIX}{name}"), signature()?, over_text(name, arity, function))
    }
}

impl RegisterForScripts for Pool {
    fn register_for_scripts<F>(&mut self, name: &str, arity: usize, function: F) -> libhyperlight::Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static,
    {
        self.register_dynamic(&format!("{PREFIX}{name}"), signature()?, over_text(name, arity, function))
    }
}

/// The signature of such a function on the wire.
fn signature() -> libhyperlight::Result<Signature> {
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
        let mut arguments =
            Value::all_of_script(text, &format!("the arguments of `{name}`")).map_err(refused)?;
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
        text.map(libhyperlight::Value::String).map_err(refused)
    }
}

fn refused(error: libhyperlight_values::Error) -> HostError {
    let status = code(&error).number();
    HostError::new(Box::new(error) as Box<dyn std::error::Error + Send + Sync>).with_status(status)
}

fn code(error: &libhyperlight_values::Error) -> ErrorCode {
    use libhyperlight_values::error::Reason;
    match error.reason() {
        Reason::Protocol => ErrorCode::Protocol,
        Reason::TooLarge => ErrorCode::TooLarge,
        _ => ErrorCode::InvalidArgument,
    }
}

/// The reason why a call has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The call failed.
    Call(libhyperlight::Error),
    /// A value that cannot be passed. If it is an argument, nothing was called.
    Value(libhyperlight_values::Error),
}

impl Error {
    /// The same as in the other languages.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Call(error) => error.code(),
            Self::Value(error) => code(error),
        }
    }
}

impl From<libhyperlight::Error> for Error {
    fn from(error: libhyperlight::Error) -> Self {
        Self::Call(error)
    }
}

impl From<libhyperlight_values::Error> for Error {
    fn from(error: libhyperlight_values::Error) -> Self {
        Self::Value(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Value(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Call(error) => Some(error),
            Self::Value(error) => Some(error),
        }
    }
}
