//! WebAssembly programs, called with values of their types: without the JSON in which most of them cross.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use libhyperlight::handle::Operation;
use libhyperlight::{HostError, Kind, MAX_PARAMETERS, Signature, Value as Wire, ValueRef};
use libhyperlight_values::host::{Build, Read, View};
use libhyperlight_values::types::{Float, Integer, Type};
use libhyperlight_values::{Description, Function, check, lift, lower};

use crate::any::build::{Builder, Tree};
use crate::any::read::{Handle, Reader};
use crate::any::{hl_any, hl_any_fn, refused};
use crate::error::{HL_ERR_INTERNAL, HL_ERR_PROTOCOL, HL_ERR_SIGNATURE, hl_error, hl_status};
use crate::guard;
use crate::host::{Callback, UserData, hl_free_fn};
use crate::options::{Structure, hl_call_options};
use crate::sandbox::{Inside, hl_sandbox};
use crate::wasm::hl_wasm_program;

/// Calls an exported function of a sandbox of this program, with values instead of JSON. `options` may be NULL, `args`
/// where `n_args` is 0. `*out` is the result, to be freed by `hl_any_free`, of the kind of its type;
/// `HL_ANY_UNDEFINED` if the function has none, but of a command's `_start` the exit code, an `HL_ANY_S32`. It depends
/// neither on the sandbox nor on the program.
///
/// `HL_ERR_SIGNATURE` if the number of arguments or a value does not fit, and `HL_ERR_TOO_LARGE` beyond the limits of
/// `hl_any`: nothing was called then. `HL_ERR_PROTOCOL` if the guest sent what its types do not allow.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_call(
    program: *const hl_wasm_program,
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    function: *const c_char,
    args: *const hl_any,
    n_args: usize,
    out: *mut *mut hl_any,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on, here and below.
        let description = unsafe { guard::deref(program, "program") }?.description()?;
        // SAFETY: as above.
        let name = unsafe { guard::text(function, "function") }?;
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: as above.
        let options = unsafe { hl_call_options::read(options) }?;
        let function = description.exports.iter().find(|function| function.name() == name);
        let arguments = match function {
            // SAFETY: by the header's rules `args` points to `n_args` values, which live as long as the call.
            Some(function) => unsafe { arguments(function, args, n_args) }?,
            // Of types that are not known nothing can be given. The engine's error lists the functions.
            None => vec![Wire::Void; n_args.min(MAX_PARAMETERS)],
        };
        let arguments: Vec<_> = arguments.iter().map(Wire::borrow).collect();
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Call) }?;
        let result = inside.inside().sandbox()?.call_ref_with(&options, name, &arguments)?;
        let mut builder = Builder::default();
        let value = match function.and_then(Function::result) {
            Some(ty) => lifted(ty, result, &format!("the result of `{name}`"), &mut builder)?,
            None => plain(result, &mut builder)?,
        };
        Ok(Tree::into_raw(value, builder))
    };
    // SAFETY: passed on.
    unsafe { guard::give(out, err, work) }
}

/// Registers a host function that the program imports, before evolve, by its name in the description: its arguments and
/// its result are values of the import's types. Everything else is as with `hl_sandbox_register`. The program may be
/// freed before the sandbox. `HL_ERR_INVALID_ARGUMENT` if the program does not import the function.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_register(
    program: *const hl_wasm_program,
    sandbox: *mut hl_sandbox,
    name: *const c_char,
    function: hl_any_fn,
    user_data: *mut c_void,
    free_fn: hl_free_fn,
    err: *mut *mut hl_error,
) -> hl_status {
    // First of all, so that every way out frees it.
    let user_data = UserData { data: user_data, free: free_fn };
    let work = move || {
        // SAFETY: passed on, here and below.
        let description = unsafe { guard::deref(program, "program") }?.description()?;
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: as above.
        let name = unsafe { guard::text(name, "name") }?;
        let function = function.ok_or_else(|| hl_error::null("function"))?;
        let Some(at) = description.imports.iter().position(|import| import.name() == name) else {
            return Err(hl_error::invalid(format!("the program does not import {name:?}")));
        };
        // SAFETY: as above.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Register) }?;
        let engine = inside.inside().uninitialized()?;
        let callback = Callback { name: name.into(), function, user_data };
        let import = Import { description: Arc::clone(description), at };
        Ok(engine.register_dynamic(name, import.signature()?, over_wire(callback, import))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// An imported function of a description.
struct Import {
    description: Arc<Description>,
    at: usize,
}

impl Import {
    fn parameters(&self) -> impl Iterator<Item = &Type> {
        let function = self.description.imports.get(self.at);
        function.into_iter().flat_map(Function::parameters).map(|(_, ty)| ty)
    }

    fn result(&self) -> Option<&Type> {
        self.description.imports.get(self.at).and_then(Function::result)
    }

    /// The signature on the wire.
    fn signature(&self) -> libhyperlight::Result<Signature> {
        let kinds: Vec<_> = self.parameters().map(Type::wire).collect();
        Signature::new(&kinds, self.result().map_or(Kind::Void, Type::wire))
    }
}

/// The function on the values of messages.
fn over_wire(
    callback: Callback<hl_any>,
    import: Import,
) -> impl Fn(&[ValueRef<'_>]) -> Result<Wire, HostError> + Send + Sync + 'static {
    move |values| {
        let mut builder = Builder::default();
        let name = &callback.name;
        let arguments = import.parameters().zip(values).enumerate().map(|(at, (ty, value))| {
            lifted(ty, *value, &format!("argument {} of the host function `{name}`", at + 1), &mut builder)
        });
        let arguments = arguments.collect::<Result<Vec<_>, _>>().map_err(refused)?;
        callback.call_any(&arguments, |result| match import.result() {
            Some(ty) => lowered(ty, result, &mut Reader::new(callback.result())),
            None => Ok(Wire::Void),
        })
    }
}

/// Lowers the arguments of a call.
unsafe fn arguments(function: &Function, args: *const hl_any, n_args: usize) -> Result<Vec<Wire>, hl_error> {
    let (name, wanted) = (function.name(), function.parameters().len());
    if wanted != n_args {
        let text = format!("`{function}` takes {wanted} arguments, but `n_args` is {n_args}");
        return Err(hl_error::new(HL_ERR_SIGNATURE, text));
    }
    // SAFETY: the caller's promise.
    let handles = unsafe { Reader::new(format!("`args` of `{name}`")).items(args, n_args) }?;
    let lowered = function.parameters().zip(handles).enumerate().map(|(at, ((_, ty), handle))| {
        lowered(ty, handle, &mut Reader::new(format!("argument {} of `{name}`", at + 1)))
    });
    lowered.collect()
}

/// The message's value for a value of the caller's.
fn lowered(ty: &Type, value: Handle, reader: &mut Reader) -> Result<Wire, hl_error> {
    let what = reader.what().to_owned();
    let Some(kind) = ty.kind() else {
        return Ok(Wire::String(lower(ty, value, &what, reader)?));
    };
    let wire = match (ty, reader.view(&value)?) {
        (Type::Bool, View::Bool(value)) => Some(Wire::Bool(value)),
        (Type::Integer(integer), View::Integer(number)) if integer.has(number) => whole(kind, number),
        // Fewer bits than these no big integer stands for.
        (Type::Integer(integer), View::BigInt(digits)) if integer.is_wide() => {
            digits.parse().ok().and_then(|number| whole(kind, number))
        }
        #[expect(clippy::cast_possible_truncation, reason = "the type rounds")]
        (Type::Float(float), View::Float(number)) if float.nearest(number).is_some() => match kind {
            Kind::F32 => Some(Wire::F32(number as f32)),
            _ => Some(Wire::F64(number)),
        },
        (Type::String, View::Text(text)) => Some(Wire::String(text.into_owned())),
        (Type::Char, View::Text(text)) if text.chars().count() == 1 => Some(Wire::String(text.into_owned())),
        (Type::List(_), View::Bytes(bytes)) => Some(Wire::Bytes(bytes.into_owned())),
        _ => None,
    };
    if let Some(wire) = wire {
        return Ok(wire);
    }
    // The text is not wanted: only the reason why there is none.
    lower(ty, value, &what, reader)?;
    Err(hl_error::new(HL_ERR_INTERNAL, format!("{what} fits its type, but has no form in a message")))
}

/// The message's value for a number that is in the type's range.
fn whole(kind: Kind, number: i128) -> Option<Wire> {
    match kind {
        Kind::I32 => number.try_into().ok().map(Wire::I32),
        Kind::U32 => number.try_into().ok().map(Wire::U32),
        Kind::I64 => number.try_into().ok().map(Wire::I64),
        Kind::U64 => number.try_into().ok().map(Wire::U64),
        _ => None,
    }
}

/// The value of a message's value, as the guest sent it.
fn lifted(ty: &Type, value: ValueRef<'_>, what: &str, builder: &mut Builder) -> Result<hl_any, hl_error> {
    if let (None, ValueRef::String(text)) = (ty.kind(), value) {
        return lift(ty, text, what, builder);
    }
    let number = match value {
        ValueRef::I32(number) => Some(number.into()),
        ValueRef::U32(number) => Some(number.into()),
        ValueRef::I64(number) => Some(number.into()),
        ValueRef::U64(number) => Some(number.into()),
        _ => None,
    };
    match (ty, value) {
        (Type::Bool, ValueRef::Bool(value)) => return builder.bool(value),
        (Type::Float(float @ Float::F32), ValueRef::F32(number)) => {
            return builder.float(*float, number.into());
        }
        (Type::Float(float @ Float::F64), ValueRef::F64(number)) => return builder.float(*float, number),
        (Type::String, ValueRef::String(text)) => return builder.text(text),
        (Type::List(_), ValueRef::Bytes(bytes)) if ty.kind() == Some(Kind::Bytes) => {
            return Build::bytes(builder, bytes.to_vec());
        }
        (Type::Integer(integer), _) if number.is_some_and(|number| integer.has(number)) => {
            return builder.integer(*integer, number.unwrap_or_default());
        }
        (Type::Char, ValueRef::String(text)) => {
            let mut characters = text.chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                return builder.char(character);
            }
        }
        _ => {}
    }
    // What it is instead, so that the error can say it.
    let found = plain(value, builder)?;
    check(ty, Handle::Value(&raw const found), what, &mut Reader::new(what.to_owned()))?;
    let text = format!("{what} has the kind {}; expected {}, the kind of its type", value.kind(), ty.wire());
    Err(hl_error::new(HL_ERR_PROTOCOL, text))
}

/// The value of a message's value, whatever its type.
fn plain(value: ValueRef<'_>, builder: &mut Builder) -> Result<hl_any, hl_error> {
    match value {
        ValueRef::Bool(value) => builder.bool(value),
        ValueRef::I32(number) => builder.integer(Integer::S32, number.into()),
        ValueRef::U32(number) => builder.integer(Integer::U32, number.into()),
        ValueRef::I64(number) => builder.integer(Integer::S64, number.into()),
        ValueRef::U64(number) => builder.integer(Integer::U64, number.into()),
        ValueRef::F32(number) => builder.float(Float::F32, number.into()),
        ValueRef::F64(number) => builder.float(Float::F64, number),
        ValueRef::String(text) => builder.text(text),
        ValueRef::Bytes(bytes) => Build::bytes(builder, bytes.to_vec()),
        _ => Ok(hl_any::UNDEFINED),
    }
}

#[cfg(test)]
mod tests {
    use libhyperlight_values::BigInt;

    use super::*;
    use crate::any::{HL_ANY_BIGINT, hl_any_as};
    use crate::value::hl_bytes;

    fn bigint(ty: &str, digits: &BigInt) -> Result<Wire, hl_error> {
        let ty = ty.parse().unwrap();
        let digits = hl_bytes::of(digits.as_str().as_bytes());
        let any = hl_any { kind: HL_ANY_BIGINT, reserved: 0, r#as: hl_any_as { bytes: digits } };
        lowered(&ty, Handle::Value(&raw const any), &mut Reader::new("it".to_owned()))
    }

    #[test]
    fn a_big_integer_stands_for_whole_numbers_of_sixty_four_bits() {
        for (ty, number, wire) in [
            ("s64", i128::from(i64::MIN), Wire::I64(i64::MIN)),
            ("i64", i64::MAX.into(), Wire::I64(i64::MAX)),
            ("u64", u64::MAX.into(), Wire::U64(u64::MAX)),
        ] {
            assert_eq!(bigint(ty, &number.into()).ok(), Some(wire), "{ty}");
        }
        for (ty, number) in [("s64", 1 << 63), ("u64", -1), ("u64", 1 << 64), ("i64", i128::MIN), ("s32", 1)]
        {
            assert_eq!(bigint(ty, &number.into()).unwrap_err().status(), HL_ERR_SIGNATURE, "{ty} {number}");
        }
    }
}
