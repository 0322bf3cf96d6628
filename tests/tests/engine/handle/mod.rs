//! Handles: sandboxes that any thread may use, query and close at any time.

mod close;
mod operations;
mod start;
