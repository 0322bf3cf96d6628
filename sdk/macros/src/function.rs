//! The common part of guest and host functions: a name and a plain signature.

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, LitStr, Pat, Result, ReturnType, Safety, Signature, Type, TypeReference};

/// A parameter's name and type.
pub struct Parameter {
    pub name: Ident,
    pub ty: Type,
}

impl Parameter {
    /// Returns the type behind a reference: such an argument is copied and lent to the function.
    pub fn referent(&self) -> Option<&Type> {
        match &self.ty {
            Type::Reference(TypeReference { elem, .. }) => Some(elem),
            _ => None,
        }
    }
}

/// Returns the name on the wire: the one in the attribute, or the function's own.
pub fn name(attribute: TokenStream, own: &Ident) -> Result<String> {
    let (name, span) = if attribute.is_empty() {
        // The mark of a raw identifier belongs to Rust, not to the name.
        (syn::ext::IdentExt::unraw(own).to_string(), own.span())
    } else {
        let literal: LitStr = syn::parse2(attribute)
            .map_err(|error| Error::new(error.span(), "expected the function's name as a string literal"))?;
        (literal.value(), literal.span())
    };
    if name.is_empty() || name.len() > MAX_NAME_LEN {
        let message = format!("a function's name must have 1 to {MAX_NAME_LEN} bytes, not {}", name.len());
        return Err(Error::new(span, message));
    }
    Ok(name)
}

/// Refuses an attribute that has arguments where it takes none.
pub fn no_arguments(attribute: &TokenStream) -> Result<()> {
    if attribute.is_empty() {
        return Ok(());
    }
    Err(Error::new(attribute.span(), "this attribute takes no arguments"))
}

/// Returns the parameters; fails if the signature cannot be called across the VM boundary.
pub fn parameters(signature: &Signature) -> Result<Vec<Parameter>> {
    let refuse = |span: Span, what: &str| {
        Err(Error::new(span, format!("a function that is called across the wall cannot {what}")))
    };
    if let Some(token) = &signature.asyncness {
        return refuse(token.span(), "be async");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        return refuse(token.span(), "be unsafe");
    }
    if let Some(variadic) = &signature.variadic {
        return refuse(variadic.span(), "have a variable number of parameters");
    }
    if !signature.generics.params.is_empty() {
        return refuse(signature.generics.span(), "be generic");
    }
    if signature.inputs.len() > MAX_PARAMETERS {
        let message =
            format!("a function can have {MAX_PARAMETERS} parameters, not {}", signature.inputs.len());
        return Err(Error::new(signature.inputs.span(), message));
    }
    let mut parameters = Vec::with_capacity(signature.inputs.len());
    for (index, input) in signature.inputs.iter().enumerate() {
        let typed = match input {
            FnArg::Typed(typed) => typed,
            FnArg::Receiver(receiver) => return refuse(receiver.span(), "be a method"),
        };
        if let Type::Reference(reference) = &*typed.ty {
            if let Some(mutable) = &reference.mutability {
                return refuse(mutable.span(), "change its arguments in place");
            }
            if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident != "_") {
                return refuse(lifetime.span(), "keep its arguments: they live as long as the call");
            }
        }
        if let Type::ImplTrait(_) = &*typed.ty {
            return refuse(typed.ty.span(), "be generic");
        }
        let name = match &*typed.pat {
            Pat::Ident(pattern) => pattern.ident.clone(),
            _ => Ident::new(&format!("argument_{index}"), typed.pat.span()),
        };
        parameters.push(Parameter { name, ty: (*typed.ty).clone() });
    }
    Ok(parameters)
}

/// Returns the result's type; `None` for a function that states none.
pub fn result(signature: &Signature) -> Option<&Type> {
    match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    }
}
