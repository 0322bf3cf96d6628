//! Random files, code and operations, and what fuzzing has found.

mod code;
mod corpora;
mod files;
mod operations;
mod soak;
