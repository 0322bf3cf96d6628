//! x86-64: the tables, stubs and code of the engine's own pages, and the format of guest programs.

mod descriptors;
mod extended_state;
mod page_table;
mod program;
mod trampoline;

pub(crate) use descriptors::{Places, stubs, tables};
pub(crate) use extended_state::{initial as initial_extended_state, sanitize as sanitize_extended_state};
pub(crate) use page_table::{LARGE_PAGE, PageTables, Permissions};
pub(crate) use program::{MACHINE, MACHINE_NAME, RELOCATIONS, Relocation, relocation, thread_page};
pub(crate) use trampoline::{DOORBELL_OFFSET, trampoline};

/// Items that the hypervisor's side of this processor also needs.
pub(crate) mod x86 {
    pub(crate) use super::descriptors::{
        GDT_LIMIT, IDT_LIMIT, STUB_OUT, STUB_STRIDE, TASK, TSS_LIMIT, USER_CODE, USER_DATA, VECTORS,
        table_addresses,
    };
    pub(crate) use super::extended_state::{EXTENDED_STATE, host_xcr0};
    pub(crate) use super::trampoline::{ENTRY_OFFSET, RESUME_OFFSET};
}
