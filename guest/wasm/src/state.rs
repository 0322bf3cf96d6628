//! What the functions of a program share while it lives.

use alloc::rc::Rc;
use core::cell::RefCell;

use wasmtime::{Engine, Store};

use crate::wasi::Wasi;

/// What host functions find in the store.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub wasi: Wasi,
}

/// The store, shared by the closures of all exports. A guest function never runs inside another one.
pub(crate) type Shared = Rc<RefCell<Store<State>>>;

pub(crate) fn new(engine: &Engine, state: State) -> Store<State> {
    Store::new(engine, state)
}
