//! The functions that a guest lists.

use std::ptr;
use std::sync::Arc;

use libhyperlight::Sandbox;

use crate::error::{Text, hl_error, hl_status};
use crate::guard;
use crate::sandbox::hl_sandbox;
use crate::value::hl_bytes;

/// A guest function. Everything lives as long as the sandbox.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_function_info {
    /// Its name. A NUL follows, which the length does not count.
    pub name: hl_bytes,
    /// The kinds of its parameters, in order.
    pub param_kinds: *const u32,
    /// Number of parameters.
    pub n_params: usize,
    /// The kind of its result.
    pub return_kind: u32,
}

/// The number of the guest's functions; 0 before evolve. May be called from any thread, also while a call runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_function_count(sandbox: *const hl_sandbox) -> usize {
    guard::plain(0, || {
        // SAFETY: passed on.
        let functions = unsafe { guard::deref(sandbox, "sandbox") }.ok().and_then(hl_sandbox::functions);
        functions.map_or(0, <[Function]>::len)
    })
}

/// Gets the guest function at `index`, counted from 0 in the guest's own order. Before evolve it fails with
/// `HL_ERR_STATE`, during evolve with `HL_ERR_BUSY`, and past the last function with `HL_ERR_INVALID_ARGUMENT`. On
/// failure `*out` is all zeros.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_function(
    sandbox: *const hl_sandbox,
    index: usize,
    out: *mut hl_function_info,
) -> hl_status {
    let work = || {
        if out.is_null() {
            return Err(hl_error::null("out"));
        }
        let nothing =
            hl_function_info { name: hl_bytes::EMPTY, param_kinds: ptr::null(), n_params: 0, return_kind: 0 };
        // SAFETY: not NULL, so, by the header's rules, a place of its type.
        unsafe { out.write(nothing) };
        // SAFETY: passed on.
        let functions = unsafe { guard::deref(sandbox, "sandbox") }?.known_functions()?;
        let function = functions.get(index).ok_or_else(|| {
            hl_error::invalid(format!("the guest has {} functions, none at {index}", functions.len()))
        })?;
        // SAFETY: as before.
        unsafe { out.write(function.info()) };
        Ok(())
    };
    // SAFETY: NULL is allowed.
    unsafe { guard::status(ptr::null_mut(), work) }
}

/// A function in the form that C reads.
#[derive(Debug)]
pub(crate) struct Function {
    name: Text,
    params: Box<[u32]>,
    returns: u32,
}

impl Function {
    /// Lists the functions of a sandbox whose guest has started.
    pub fn list(sandbox: &Sandbox) -> Arc<[Self]> {
        let function = |(name, signature): (&str, &libhyperlight::Signature)| Self {
            name: Text::new(name.to_owned()),
            params: signature.params().iter().map(|kind| kind.code()).collect(),
            returns: signature.returns().code(),
        };
        sandbox.functions().map(function).collect()
    }

    fn info(&self) -> hl_function_info {
        hl_function_info {
            name: self.name.view(),
            param_kinds: self.params.as_ptr(),
            n_params: self.params.len(),
            return_kind: self.returns,
        }
    }
}

const _: () = {
    assert!(size_of::<hl_function_info>() == 40);
    assert!(std::mem::offset_of!(hl_function_info, param_kinds) == 16);
    assert!(std::mem::offset_of!(hl_function_info, return_kind) == 32);
};
