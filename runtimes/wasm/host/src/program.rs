//! A program with its types: its functions take and return Rust values, which are checked against the types.

use std::sync::Arc;

use libhyperlight::{
    CallOptions, ErrorCode, Guest, HostError, Kind, MAX_PARAMETERS, Sandbox, Signature, UninitializedSandbox,
    Value as Wire, ValueRef,
};
use libhyperlight_values::{Function, Type, Value};
use libhyperlight_wasm_compiler::{Options, precompile};

use crate::{Error, attach};

/// A compiled program, ready for any number of sandboxes.
///
/// ```
/// use libhyperlight::{SandboxOptions, UninitializedSandbox};
/// use libhyperlight_wasm::{Options, Program};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let wasm = wat::parse_str(r#"(module
///     (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0)))"#)?;
/// let program = Program::compile(&wasm, &Options::new())?;
/// let mut sandbox = UninitializedSandbox::new(program.guest(), SandboxOptions::new())?.evolve()?;
/// let swapped = program.call(&mut sandbox, "swap", &[1.into(), 2.into()])?;
/// assert_eq!(swapped.as_slice(), Some(&[2.into(), 1.into()][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    guest: Guest,
    exports: Arc<[Function]>,
    imports: Arc<[Function]>,
}

impl Program {
    /// Compiles a module or a component in its binary form.
    pub fn compile(program: &[u8], options: &Options) -> Result<Self, Error> {
        let compiled = precompile(program, options).map_err(Error::Compile)?;
        let guest = attach(&libhyperlight_builtin::wasm().map_err(Error::Guest)?, &compiled);
        let described = compiled.description();
        Ok(Self {
            guest: guest.map_err(Error::Guest)?,
            exports: described.exports.clone().into(),
            imports: described.imports.clone().into(),
        })
    }

    /// The guest that runs the program.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// The exported functions.
    pub fn exports(&self) -> &[Function] {
        &self.exports
    }

    /// The imported functions.
    pub fn imports(&self) -> &[Function] {
        &self.imports
    }

    /// Calls an exported function of a sandbox of this program. A function without a result returns
    /// [`Value::Undefined`], but a command's `_start` its exit code.
    ///
    /// Arguments that do not fit the signature are an [`ErrorCode::Signature`], and nothing is called. The error of a
    /// value has a [`libhyperlight_values::Error`] as its source.
    pub fn call(
        &self,
        sandbox: &mut Sandbox,
        name: &str,
        arguments: &[Value],
    ) -> libhyperlight::Result<Value> {
        self.call_with(&CallOptions::new(), sandbox, name, arguments)
    }

    /// [`Self::call`] with options of its own.
    pub fn call_with(
        &self,
        options: &CallOptions,
        sandbox: &mut Sandbox,
        name: &str,
        arguments: &[Value],
    ) -> libhyperlight::Result<Value> {
        let Some(function) = self.exports.iter().find(|function| function.name() == name) else {
            // Of types that are not known nothing can be given. The engine's error lists the functions.
            let arguments = vec![ValueRef::Void; arguments.len().min(MAX_PARAMETERS)];
            return sandbox.call_ref_with(options, name, &arguments).map(plain);
        };
        let (wanted, found) = (function.parameters().len(), arguments.len());
        if wanted != found {
            let s = if wanted == 1 { "" } else { "s" };
            let text = format!("`{function}` takes {wanted} argument{s}, found {found}");
            return Err(libhyperlight::Error::new(ErrorCode::Signature, text));
        }
        let arguments = function
            .parameters()
            .zip(arguments)
            .enumerate()
            .map(|(at, ((_, ty), value))| lowered(ty, value, &format!("argument {} of `{name}`", at + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        let arguments: Vec<_> = arguments.iter().map(Wire::borrow).collect();
        let result = sandbox.call_ref_with(options, name, &arguments)?;
        match function.result() {
            Some(ty) => Ok(lifted(ty, result, &format!("the result of `{name}`"))?),
            None => Ok(plain(result)),
        }
    }

    /// Registers a host function that the program imports, by its name in [`imports`](Self::imports). Its arguments and
    /// its result are values of the import's types. Another name is an [`ErrorCode::InvalidArgument`].
    pub fn register<F>(
        &self,
        sandbox: &mut UninitializedSandbox,
        name: &str,
        function: F,
    ) -> libhyperlight::Result<()>
    where
        F: Fn(&[Value]) -> Result<Value, HostError> + Send + Sync + 'static,
    {
        let Some(import) = self.imports.iter().find(|import| import.name() == name) else {
            let text = format!("the program does not import {name:?}");
            return Err(libhyperlight::Error::new(ErrorCode::InvalidArgument, text));
        };
        let kinds: Vec<_> = import.parameters().map(|(_, ty)| ty.wire()).collect();
        let returns = import.result().map_or(Kind::Void, Type::wire);
        let import = import.clone();
        let call = move |arguments: &[ValueRef<'_>]| {
            let name = import.name();
            let arguments = import.parameters().zip(arguments).enumerate().map(|(at, ((_, ty), value))| {
                lifted(ty, *value, &format!("argument {} of the host function `{name}`", at + 1))
            });
            let arguments = arguments
                .collect::<Result<Vec<_>, _>>()
                .map_err(libhyperlight_values::Error::into_host_error)?;
            let result = function(&arguments)?;
            match import.result() {
                Some(ty) => lowered(ty, &result, &format!("the result of the host function `{name}`"))
                    .map_err(libhyperlight_values::Error::into_host_error),
                None => Ok(Wire::Void),
            }
        };
        sandbox.register_dynamic(name, Signature::new(&kinds, returns)?, call)
    }
}

/// The message's value for a Rust value.
fn lowered(ty: &Type, value: &Value, what: &str) -> Result<Wire, libhyperlight_values::Error> {
    let Some(kind) = ty.kind() else {
        return Ok(Wire::String(value.lower(ty, what)?));
    };
    if !is_met(ty, value) {
        // The text is not wanted: only whether there is one, and why not.
        value.lower(ty, what)?;
    }
    // A value that fits the type fits the kind: only these cases are left.
    let number = value.as_integer().unwrap_or_default();
    Ok(match kind {
        Kind::Bool => Wire::Bool(*value == Value::Bool(true)),
        Kind::I32 => Wire::I32(number.try_into().unwrap_or_default()),
        Kind::U32 => Wire::U32(number.try_into().unwrap_or_default()),
        Kind::I64 => Wire::I64(number.try_into().unwrap_or_default()),
        Kind::U64 => Wire::U64(number.try_into().unwrap_or_default()),
        #[expect(clippy::cast_possible_truncation, reason = "the type rounds")]
        Kind::F32 => Wire::F32(value.as_f64().unwrap_or_default() as f32),
        Kind::F64 => Wire::F64(value.as_f64().unwrap_or_default()),
        Kind::Bytes => Wire::Bytes(match value {
            Value::Bytes(bytes) => bytes.clone(),
            list => {
                let byte = |item: &Value| u8::try_from(item.as_integer()?).ok();
                list.as_slice().unwrap_or_default().iter().filter_map(byte).collect()
            }
        }),
        _ => Wire::String(match value {
            Value::Char(character) => character.to_string(),
            value => value.as_str().unwrap_or_default().to_owned(),
        }),
    })
}

/// True for what nearly all values are: of a type that has a kind, without further questions.
fn is_met(ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Bool, Value::Bool(_))
        | (Type::Char, Value::Char(_))
        | (Type::List(_), Value::Bytes(_))
        | (Type::String, Value::Text(_)) => true,
        (Type::Float(float), Value::Float(number)) => float.nearest(*number).is_some(),
        (Type::Integer(integer), Value::Integer(number)) => integer.has(*number),
        _ => false,
    }
}

/// The Rust value of a message's value, as the guest sent it.
fn lifted(ty: &Type, value: ValueRef<'_>, what: &str) -> Result<Value, libhyperlight_values::Error> {
    // A kind may have more values than the type; and a guest that was taken over may send any kind.
    let is_to_check = ty.is_narrow() || ty.kind() != Some(value.kind());
    if let (ValueRef::String(text), None) = (value, ty.kind()) {
        return Value::lift(ty, text, what);
    }
    let value = plain(value);
    if is_to_check {
        value.check(ty, what)?;
    }
    Ok(match (ty, value) {
        (Type::Char, Value::Text(text)) => text.chars().next().map_or(Value::Text(text), Value::Char),
        (_, value) => value,
    })
}

/// The Rust value of a message's value, whatever its type.
fn plain(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Bool(value) => value.into(),
        ValueRef::I32(value) => value.into(),
        ValueRef::U32(value) => value.into(),
        ValueRef::I64(value) => value.into(),
        ValueRef::U64(value) => value.into(),
        ValueRef::F32(value) => value.into(),
        ValueRef::F64(value) => value.into(),
        ValueRef::String(text) => text.into(),
        ValueRef::Bytes(bytes) => bytes.into(),
        _ => Value::Undefined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(text: &str) -> Type {
        text.parse().unwrap()
    }

    #[test]
    fn values_of_plain_kinds_are_held_to_their_types() {
        for (text, kind, fits, unfit) in [
            ("bool", Kind::Bool, Value::Bool(true), Value::Integer(1)),
            ("char", Kind::String, Value::Char('é'), Value::from("ab")),
            ("f32", Kind::F32, Value::Float(0.5), Value::Float(1e300)),
            ("f64", Kind::F64, Value::Float(f64::INFINITY), Value::from("1")),
            ("list<u8>", Kind::Bytes, Value::Bytes(vec![0, 255]), Value::from("x")),
            ("s64", Kind::I64, Value::Integer(i64::MIN.into()), Value::Integer(1 << 63)),
            ("string", Kind::String, Value::from("\"\0"), Value::Integer(1)),
            ("u8", Kind::U32, Value::Integer(255), Value::Integer(256)),
        ] {
            let ty = ty(text);
            let wire = lowered(&ty, &fits, "it").unwrap();
            assert_eq!(wire.kind(), kind);
            assert_eq!(lifted(&ty, wire.borrow(), "it").unwrap(), fits);
            assert!(lowered(&ty, &unfit, "it").is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_guest_sends_is_held_to_its_type() {
        assert!(lifted(&ty("u8"), ValueRef::U32(256), "it").is_err());
        assert!(lifted(&ty("char"), ValueRef::String("ab"), "it").is_err());
        // Another kind than the type's.
        assert!(lifted(&ty("string"), ValueRef::U32(1), "it").is_err());
        assert!(lifted(&ty("u32"), ValueRef::I64(-1), "it").is_err());
    }
}
