//! The JavaScript guest.

mod console;
mod errors;
mod host;
mod language;
mod limits;
mod memory;
mod pages;
mod state;
mod values;
