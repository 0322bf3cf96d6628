//! Guest functions: a shim that decodes the arguments, and an entry that names it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, Result, Type};

use crate::function;

/// `#[guest_function]`
pub fn function(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let item: ItemFn = syn::parse2(item)?;
    let name = function::name(attribute, &item.sig.ident)?;
    let parameters = function::parameters(&item.sig)?;
    let own_name = &item.sig.ident;
    let count = parameters.len();

    let result = outcome(&item);
    let mut kinds = vec![quote_spanned!(result.span()=>
        <<#result as sdk::Outcome>::Value as sdk::Returned>::KIND
    )];
    let (mut takes, mut passes) = (Vec::new(), Vec::new());
    for (index, parameter) in parameters.iter().enumerate() {
        let place = format_ident!("argument_{index}");
        let (ty, span) = (&parameter.ty, parameter.ty.span());
        let role = match parameter.referent() {
            Some(referent) => {
                passes.push(quote_spanned!(span=> ::core::borrow::Borrow::<#referent>::borrow(&#place)));
                quote_spanned!(span=> <#referent as sdk::Borrowed>)
            }
            None => {
                passes.push(quote!(#place));
                quote_spanned!(span=> <#ty as sdk::Parameter>)
            }
        };
        kinds.push(quote_spanned!(span=> #role::KIND));
        takes.push(quote_spanned!(span=>
            let #place = arguments.next(#role::KIND, #role::take)?;
        ));
    }
    let mutable = (count > 0).then(|| quote!(mut));

    Ok(quote! {
        #item

        const _: () = {
            use ::libhyperlight_guest::__private as sdk;

            fn call(
                #mutable arguments: sdk::Arguments<'_>,
            ) -> ::libhyperlight_guest::Result<::libhyperlight_guest::Value> {
                arguments.expect(#count)?;
                #(#takes)*
                let result = sdk::Outcome::into_result(#own_name(#(#passes),*))?;
                ::core::result::Result::Ok(sdk::Returned::into_value(result))
            }

            #[used]
            #[unsafe(link_section = "hyperlight_items")]
            static ITEM: sdk::Item = sdk::Item::GuestFunction(sdk::Function::new(
                sdk::Declaration::new(#name, &sdk::signature([#(#kinds),*])),
                call,
            ));
        };
    })
}

/// `#[guest_main]`
pub fn main(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    function::no_arguments(&attribute)?;
    let item: ItemFn = syn::parse2(item)?;
    if !function::parameters(&item.sig)?.is_empty() {
        return Err(Error::new(item.sig.inputs.span(), "a main hook takes nothing"));
    }
    let own_name = &item.sig.ident;
    let result = outcome(&item);
    let nothing = quote_spanned!(result.span()=> sdk::Outcome<Value = ()>);

    Ok(quote! {
        #item

        const _: () = {
            use ::libhyperlight_guest::__private as sdk;

            fn run() -> ::libhyperlight_guest::Result<()> {
                fn nothing(outcome: impl #nothing) -> ::libhyperlight_guest::Result<()> {
                    sdk::Outcome::into_result(outcome)
                }
                nothing(#own_name())
            }

            #[used]
            #[unsafe(link_section = "hyperlight_items")]
            static ITEM: sdk::Item = sdk::Item::Main(run);
        };
    })
}

/// Returns the type of the function's result.
fn outcome(item: &ItemFn) -> Type {
    function::result(&item.sig).cloned().unwrap_or_else(|| syn::parse_quote!(()))
}
