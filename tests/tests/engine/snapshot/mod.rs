//! Snapshots, restores, clones, and snapshot files.

mod buffers;
mod clones;
mod cycles;
mod failures;
mod files;
mod forged_guest;
mod forged_registers;
mod histories;
mod hostile_files;
mod paths;
mod places;
mod poisoned;
mod refusals;
mod registers;
mod secrets;
mod state;
mod time_and_entropy;
