//! The attributes of the `libhyperlight-guest` SDK.
//!
//! Each turns a plain Rust function into an entry of the section that the SDK reads when a guest starts. They decide
//! nothing about types: the SDK's traits do, so that aliases work.

mod function;
mod guest;
mod host;

use proc_macro::TokenStream;

/// Publishes a function: the host can call it by its name, or by the one given as `#[guest_function("Name")]`.
///
/// Parameters are `bool`, `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `String`, `&str`, `Vec<u8>` and `&[u8]`; the
/// result is one of the owned types, nothing, or `libhyperlight_guest::Result` of these.
#[proc_macro_attribute]
pub fn guest_function(attribute: TokenStream, item: TokenStream) -> TokenStream {
    finish(guest::function(attribute.into(), item.into()))
}

/// Runs a function once, before the guest is ready. It takes no arguments, and returns nothing or
/// `libhyperlight_guest::Result<()>`; an error ends the guest.
#[proc_macro_attribute]
pub fn guest_main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    finish(guest::main(attribute.into(), item.into()))
}

/// Declares a host function, by its name or by the one given as `#[host_function("Name")]`, and gives it a body that
/// calls it: `fn HostAdd(a: i32, b: i32) -> Result<i32>;`.
#[proc_macro_attribute]
pub fn host_function(attribute: TokenStream, item: TokenStream) -> TokenStream {
    finish(host::function(attribute.into(), item.into()))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}
