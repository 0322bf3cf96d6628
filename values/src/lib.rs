//! Values of scripts and WebAssembly components, passed between a host and its guests: one implementation for all
//! languages.
//!
//! Guests have more sorts of values than the wire's kinds. The others travel as JSON: [of the types](lower()) of a
//! WebAssembly program or, to scripts, [of any form](script). A language defines in a few lines
//! [how its values are read and made](host). Everything else is done here: the rules of types, the JSON text, and the
//! [`limits`]. Data from a guest is checked as strictly as data for it: every range, name, arity and length.
//!
//! This crate knows nothing of virtual machines. With its feature `engine`, its errors convert into the engine's.

mod decimal;
#[cfg(feature = "engine")]
mod engine;
pub mod error;
pub mod host;
mod lift;
pub mod limits;
mod lower;
mod scanner;
pub mod script;
pub mod types;
mod value;
mod writer;

pub use error::Error;
pub use lift::lift;
pub use lower::{check, lower};
pub use types::{ParseError, Type};
pub use value::{BigInt, Value};
