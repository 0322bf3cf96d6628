//! x86-64: the tables, code and registers of a guest, what it is told about its processor, and the exceptions that it takes.

pub(crate) mod cpuid;
pub(crate) mod descriptors;
pub(crate) mod exceptions;
pub(crate) mod features;
pub(crate) mod page_table;
pub(crate) mod registers;
