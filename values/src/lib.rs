//! Values of scripts and WebAssembly components, passed between a host and its guests: one implementation for all
//! languages.
//!
//! Guests have more sorts of values than the wire's kinds. The others travel as JSON: [of the types](lower()) of a
//! WebAssembly program or, to scripts, [of any form](script). A language defines in a few lines
//! [how its values are read and made](host). Everything else is done here: the rules of types, the JSON text, and the
//! [`limits`]. Data from a guest is checked as strictly as data for it: every range, name, arity and length.
//!
//! The types are those of this crate for the compiler, too: [`Type`] is the only tree, with one parser and one printer,
//! and a program's exports and imports have [one form](description) as bytes.
//!
//! This crate knows nothing of virtual machines.

mod decimal;
pub mod description;
pub mod error;
pub mod host;
mod lift;
pub mod limits;
mod lower;
mod nothing;
mod scanner;
pub mod script;
#[cfg(feature = "serde")]
mod serde;
pub mod types;
mod value;
mod writer;

pub use description::{Description, Function};
pub use error::Error;
pub use lift::{is_json, lift};
pub use lower::{check, lower};
#[cfg(feature = "serde")]
pub use serde::{from_value, to_value};
pub use types::{ParseError, Type};
pub use value::{BigInt, Value};
