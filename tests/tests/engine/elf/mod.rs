//! Guest files, number by number: each may lie.

mod abi_note;
mod costs;
mod files;
mod relocations;
mod segments;
mod system_call_note;
