//! Host functions: a body that calls them, and an entry that declares them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Result, Signature, Token, Visibility, token};

use crate::function;

/// A function without a body.
struct Declaration {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        if input.peek(token::Brace) {
            return Err(input.error("a host function has its body on the host: end the declaration with `;`"));
        }
        input.parse::<Token![;]>()?;
        Ok(Self { attributes, visibility, signature })
    }
}

/// `#[host_function]`
pub fn function(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Declaration { attributes, visibility, mut signature } = syn::parse2(item)?;
    let name = function::name(attribute, &signature.ident)?;
    let parameters = function::parameters(&signature)?;
    let Some(result) = function::result(&signature).cloned() else {
        let message =
            "a host function can fail: it returns `libhyperlight_guest::Result`, of `()` if of nothing";
        return Err(Error::new(signature.span(), message));
    };

    let mut kinds = vec![quote_spanned!(result.span()=> <#result as sdk::HostResult>::KIND)];
    let mut values = Vec::new();
    for (parameter, input) in parameters.iter().zip(&mut signature.inputs) {
        let (ident, span) = (&parameter.name, parameter.ty.span());
        if let syn::FnArg::Typed(typed) = input {
            // A pattern has no meaning without a body.
            *typed.pat = syn::parse_quote!(#ident);
        }
        let ty = &parameter.ty;
        kinds.push(quote_spanned!(span=> <#ty as sdk::Argument>::KIND));
        values.push(quote_spanned!(span=> sdk::Argument::value(&#ident)));
    }

    Ok(quote! {
        #(#attributes)*
        #[allow(non_snake_case, reason = "the name is the host's")]
        #visibility #signature {
            use ::libhyperlight_guest::__private as sdk;

            #[used]
            #[unsafe(link_section = "hyperlight_items")]
            static ITEM: sdk::Item =
                sdk::Item::HostFunction(sdk::Declaration::new(#name, &sdk::signature([#(#kinds),*])));

            <#result as sdk::HostResult>::call(#name, &[#(#values),*])
        }
    })
}
