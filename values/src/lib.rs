//! Values of scripts and WebAssembly components, as they cross between a host and its guests: once for all languages.
//!
//! Guests have more sorts of values than cross the wall as they are. Those travel as JSON: [of the types](lower()) that a
//! WebAssembly program has, or, to scripts, [of any form](script). A language says in a few lines [how a value of its own is
//! read, and how one is made](host); everything else is decided here: what a type allows, how a value is written, and the
//! [limits](limits). What a guest wrote is checked as strictly as what it is given: every range, name, arity and length.
//!
//! This crate knows nothing of virtual machines.

mod decimal;
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
