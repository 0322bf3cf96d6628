//! Handles: sandboxes that anybody may use, ask and close at any time.

mod close;
mod operations;
mod start;
