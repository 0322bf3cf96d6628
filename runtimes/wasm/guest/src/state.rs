//! What the functions of a program share while it lives.

use alloc::rc::Rc;
use core::cell::RefCell;

use wasmtime::{Engine, Store};

use crate::limits::HeapLimits;
use crate::wasi::Wasi;

/// What host functions find in the store.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub wasi: Wasi,
    limits: HeapLimits,
}

/// The store, shared by the closures of all exports. A guest function never runs inside another one.
pub(crate) type Shared = Rc<RefCell<Store<State>>>;

/// A store for a program.
pub(crate) fn new(engine: &Engine, wasi: Wasi) -> Store<State> {
    let mut store = Store::new(engine, State { wasi, limits: HeapLimits });
    store.limiter(|state| &mut state.limits);
    store
}
