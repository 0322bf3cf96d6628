//! Calls between host and guest: values, names, errors, output, and the options that bound them.

mod errors;
mod guest_errors;
mod host_errors;
mod host_functions;
mod log;
mod options;
mod payloads;
mod print;
mod signatures;
mod sizes;
mod spellings;
mod state;
mod success;
mod values;
mod wait;
