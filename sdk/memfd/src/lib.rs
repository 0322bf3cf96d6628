//! An empty crate, in place of one that guests do not use.

#![no_std]
