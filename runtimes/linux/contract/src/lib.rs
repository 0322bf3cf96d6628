//! The contract between the builder, which lays out a Linux program's files on the host, and the libOS, which serves
//! them to the program inside the guest.
//!
//! The files are described by an index ([`index`]), which the builder writes and the libOS reads in place. Where things
//! lie in the guest's address space is fixed ([`address`]). A run starts with a [`request`]. The crate allocates
//! nothing, holds no `unsafe`, and never panics: the reader treats the index as bytes that anybody may have written.

#![no_std]
#![forbid(unsafe_code)]

pub mod address;
pub mod index;
pub mod limits;
pub mod request;

/// Bytes of a page.
pub const PAGE: u64 = 4096;
