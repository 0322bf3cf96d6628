//! Third-party crates with the features that any program of this workspace asks for.
//!
//! Cargo builds a crate with the features that the packages of one command ask for, and so once for each command that
//! asks for others; with it everything that needs it, which is nearly all. Programs that depend on this crate get the
//! same features whichever of them is built. Published crates do not: what they need is theirs to say.
//!
//! A test in `xtask/src/features.rs` names what is missing here.
