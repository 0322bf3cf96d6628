//! Guest programs and where they come from.

mod builtin;
mod c;
mod fixtures;
mod paths;
