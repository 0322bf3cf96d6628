//! Calls with typed arguments: tuples of up to 32 arguments, closures of up to 32 parameters.

use libhyperlight_abi::limits::MAX_PARAMETERS;
use libhyperlight_abi::{Kind, Value, ValueRef};

use crate::error::Result;
use crate::host::{HostError, HostFunction, Outcome};
use crate::value::{Argument, Typed};

/// A tuple of arguments: `()`, `(a,)`, `(a, b)`, … up to 32 of them.
pub trait Arguments {
    /// Hands the arguments over, in order.
    fn with_values<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R;
}

macro_rules! tuples {
    (@one $($name:ident)*) => {
        impl<$($name: Argument),*> Arguments for ($($name,)*) {
            #[allow(non_snake_case, reason = "the type's name names the variable of that type")]
            fn with_values<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R {
                let ($($name,)*) = self;
                then(&[$($name.to_value()),*])
            }
        }

        impl<F, O, $($name),*> HostFunction<($($name,)*)> for F
        where
            F: Fn($($name),*) -> O + Send + Sync + 'static,
            O: Outcome,
            $($name: Typed,)*
        {
            const PARAMS: &'static [Kind] = {
                let params: &[Kind] = &[$($name::KIND),*];
                assert!(params.len() <= MAX_PARAMETERS, "more parameters than the wire format carries");
                params
            };
            const RETURNS: Kind = O::KIND;

            #[allow(non_snake_case, unused_mut, unused_variables, reason = "one body for every number of parameters")]
            fn invoke(&self, arguments: &[ValueRef<'_>]) -> Result<Value, HostError> {
                let mut arguments = arguments.iter();
                $(
                    let $name = arguments
                        .next()
                        .and_then(|value| $name::from_value(*value))
                        .ok_or_else(|| HostError::new("the arguments are not those of the signature"))?;
                )*
                self($($name),*).into_outcome()
            }
        }
    };
    (@each [$($done:ident)*]) => { tuples!(@one $($done)*); };
    (@each [$($done:ident)*] $next:ident $($rest:ident)*) => {
        tuples!(@one $($done)*);
        tuples!(@each [$($done)* $next] $($rest)*);
    };
    ($($name:ident)*) => {
        // The longest tuple is the wire format's longest list, neither more nor less.
        const _: () = assert!([$(stringify!($name)),*].len() == MAX_PARAMETERS);
        tuples!(@each [] $($name)*);
    };
}

tuples!(
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16
    A17 A18 A19 A20 A21 A22 A23 A24 A25 A26 A27 A28 A29 A30 A31 A32
);
