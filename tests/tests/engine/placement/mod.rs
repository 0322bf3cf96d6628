//! Memory that a host program lays out beside a guest's program.

mod memory;
mod rules;
mod snapshots;
mod system_calls;
