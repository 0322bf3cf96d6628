//! Host functions: the functions that the guest may call.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use libhyperlight_abi::limits::MAX_NAME_LEN;
use libhyperlight_abi::message::RESERVED_PREFIX;
use libhyperlight_abi::{Kind, Value, ValueRef};

use crate::error::{BoxError, Count, Error, ErrorCode, Message, Result};
use crate::signature::Signature;
use crate::value::Typed;

/// The name of the host function that every sandbox has unless the host removes or replaces it.
pub const HOST_PRINT: &str = "HostPrint";

/// The failure of a host function.
///
/// Any error converts into one. The guest receives its text and its status as a value. If the guest passes it on, the
/// caller gets the boxed original back, as the source of an [`ErrorCode::HostFunction`].
#[derive(Debug)]
pub struct HostError {
    pub(crate) source: BoxError,
    pub(crate) status: i32,
    pub(crate) is_fatal: bool,
}

impl HostError {
    /// An error with that text, or any boxed error.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self { source: error.into(), status: ErrorCode::HostFunction.number(), is_fatal: false }
    }

    /// Sets the number that the guest sees with it. A positive one is also the caller's [`Error::guest_code`].
    pub fn with_status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }

    /// Makes this error end the call at once: the guest does not run again, and the sandbox is poisoned. For errors
    /// that no guest may catch, such as a keyboard interrupt.
    pub fn fatal(mut self) -> Self {
        self.is_fatal = true;
        self
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for HostError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// A panic of a host function, contained: the source of an [`ErrorCode::Internal`].
pub struct HostPanic {
    text: String,
    payload: std::sync::Mutex<Box<dyn std::any::Any + Send>>,
}

impl HostPanic {
    pub(crate) fn new(payload: Box<dyn std::any::Any + Send>) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a value that is no text".to_owned());
        Self { text, payload: std::sync::Mutex::new(payload) }
    }

    /// The panic's own payload, for callers that want to raise it again.
    pub fn into_payload(self) -> Box<dyn std::any::Any + Send> {
        self.payload.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Display for HostPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for HostPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostPanic").field(&self.text).finish()
    }
}

impl std::error::Error for HostPanic {}

/// A result type of host functions: a [`Typed`] value, or a [`std::result::Result`] of one.
pub trait Outcome {
    /// The kind of the value.
    const KIND: Kind;

    /// The value, or the error.
    fn into_outcome(self) -> Result<Value, HostError>;
}

/// A closure that can be a host function, with up to 32 owned parameters of [`Typed`] types.
pub trait HostFunction<Parameters>: Send + Sync + 'static {
    /// The kinds of the parameters, in order.
    const PARAMS: &'static [Kind];
    /// The kind of the result.
    const RETURNS: Kind;

    /// Calls the closure. The values are of the right kinds.
    fn invoke(&self, arguments: &[ValueRef<'_>]) -> Result<Value, HostError>;
}

macro_rules! outcome {
    ($($type:ty),*) => {$(
        impl Outcome for $type {
            const KIND: Kind = <$type as Typed>::KIND;

            fn into_outcome(self) -> Result<Value, HostError> {
                Ok(self.into_value())
            }
        }
    )*};
}

outcome!((), bool, i32, u32, i64, u64, f32, f64, String, Vec<u8>);

impl<T: Typed, E: Into<BoxError>> Outcome for std::result::Result<T, E> {
    const KIND: Kind = T::KIND;

    fn into_outcome(self) -> Result<Value, HostError> {
        self.map(Typed::into_value).map_err(HostError::new)
    }
}

type Callback = dyn Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync;

/// A registered host function.
pub(crate) struct Registered {
    pub signature: Signature,
    pub call: Box<Callback>,
}

/// The identity of a sandbox's host functions while they live. Sandboxes that were started together share it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct HostIdentity(usize);

impl HostIdentity {
    pub fn of(functions: &Arc<HostFunctions>) -> Self {
        Self(Arc::as_ptr(functions).addr())
    }
}

/// The host functions of a sandbox, by name.
#[derive(Default)]
pub(crate) struct HostFunctions {
    by_name: HashMap<Box<str>, Registered>,
}

impl HostFunctions {
    /// `HostPrint` alone.
    pub fn new() -> Self {
        let mut functions = Self::default();
        functions.by_name.insert(
            HOST_PRINT.into(),
            Registered {
                signature: Signature::from_kinds(<PrintFn as HostFunction<(String,)>>::PARAMS, Kind::I32),
                call: Box::new(|arguments| (print as PrintFn).invoke(arguments)),
            },
        );
        functions
    }

    /// Adds a function, in place of an existing one with that name.
    pub fn insert(&mut self, name: &str, function: Registered) -> Result<()> {
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            let (most, found) = (Count(MAX_NAME_LEN as u64), Count(name.len() as u64));
            return Err(Message::LongName { most, found }.into());
        }
        if name.starts_with(RESERVED_PREFIX) {
            return Err(Error::invalid_argument(format!(
                "names that start with {RESERVED_PREFIX:?} are the engine's own, found {name:?}"
            )));
        }
        self.by_name.insert(name.into(), function);
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    /// Names and signatures, in no order.
    pub fn signatures(&self) -> impl Iterator<Item = (&str, &Signature)> {
        self.by_name.iter().map(|(name, entry)| (&**name, &entry.signature))
    }

    pub fn find(&self, name: &str) -> Option<&Registered> {
        self.by_name.get(name)
    }
}

impl fmt::Debug for HostFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.by_name.iter().map(|(name, entry)| (name, &entry.signature))).finish()
    }
}

type PrintFn = fn(String) -> std::io::Result<i32>;

/// The default `HostPrint`: standard output, flushed, because later output may come by other means.
fn print(text: String) -> std::io::Result<i32> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(i32::try_from(text.len()).unwrap_or(i32::MAX))
}
