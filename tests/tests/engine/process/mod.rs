//! The process that holds the sandboxes, and the machine that it runs on.

mod hypervisor;
mod scale;
mod system_calls;
mod unchanged;
