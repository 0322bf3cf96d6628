//! Functions over bytes. Those of the commonest shapes are called with typed values, because the general way makes a
//! value of its own, some 32 bytes large, for each byte of a list.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use libhyperlight_guest::{Error, Kind, Result, Value, ValueRef};
use libhyperlight_wasm_contract::code;
use wasmtime::component::{ComponentNamedList, Func, Lift, Lower};

use crate::error;
use crate::state::Shared;

/// A function that can be published.
pub(super) type Call = Box<dyn Fn(&[ValueRef<'_>]) -> Result<Value>>;

/// The function, if it has such a shape.
pub(super) fn call(shared: &Shared, function: Func, params: &[Kind], returns: Kind) -> Option<Call> {
    match (params, returns) {
        ([Kind::Bytes], Kind::Bytes) => typed(shared, function, |values| Some((bytes(values)?,)), from_bytes),
        ([Kind::Bytes], Kind::String) => typed(shared, function, |values| Some((bytes(values)?,)), from_text),
        ([Kind::Bytes], Kind::Void) => {
            typed(shared, function, |values| Some((bytes(values)?,)), |()| Value::Void)
        }
        ([Kind::String], Kind::Bytes) => typed(shared, function, |values| Some((text(values)?,)), from_bytes),
        ([], Kind::Bytes) => typed(shared, function, |_| Some(()), from_bytes),
        _ => None,
    }
}

/// `None` if the types do not follow from the kinds: JSON is a string, too.
fn typed<P, R>(
    shared: &Shared,
    function: Func,
    enter: fn(&[ValueRef<'_>]) -> Option<P>,
    leave: fn(R) -> Value,
) -> Option<Call>
where
    P: ComponentNamedList + Lower + 'static,
    R: ComponentNamedList + Lift + 'static,
{
    let function = function.typed::<P, R>(&*shared.borrow()).ok()?;
    let shared = Rc::clone(shared);
    Some(Box::new(move |values: &[ValueRef<'_>]| {
        let arguments = enter(values)
            .ok_or_else(|| Error::new(code::VALUE, "an argument is not of the function's type"))?;
        let result = function.call(&mut *shared.borrow_mut(), arguments);
        result.map(leave).map_err(|error| error::call(&error))
    }))
}

fn bytes(values: &[ValueRef<'_>]) -> Option<Vec<u8>> {
    match values {
        [ValueRef::Bytes(bytes)] => Some(bytes.to_vec()),
        _ => None,
    }
}

fn text(values: &[ValueRef<'_>]) -> Option<String> {
    match values {
        [ValueRef::String(text)] => Some(String::from(*text)),
        _ => None,
    }
}

fn from_bytes((bytes,): (Vec<u8>,)) -> Value {
    Value::Bytes(bytes)
}

fn from_text((text,): (String,)) -> Value {
    Value::String(text)
}
