//! Nothing, in the place of a crate that guests do not use.

#![no_std]
