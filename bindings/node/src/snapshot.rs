//! Snapshots.

use libhyperlight::{LoadOptions, Snapshot};
use napi::Env;
use napi::bindgen_prelude::ObjectFinalize;
use napi_derive::napi;

use crate::external_memory::ExternalMemory;
use crate::guard::contain;
use crate::options::integer;
use crate::port::JsPort;
use crate::reply::{Made, Reply};

/// An immutable picture of a sandbox.
#[napi(js_name = "Snapshot", custom_finalize)]
#[derive(Debug)]
pub struct JsSnapshot {
    pub(crate) snapshot: Snapshot,
    memory: ExternalMemory,
}

#[napi]
impl JsSnapshot {
    /// The snapshot in that file, which may bring so many bytes.
    #[napi(catch_unwind)]
    pub fn load(
        env: Env,
        path: String,
        max_size: Option<f64>,
        max_heap_size: Option<f64>,
    ) -> Made<JsSnapshot> {
        let options = LoadOptions::new().max_size(integer(max_size)).max_heap_size(integer(max_heap_size));
        Made(contain(|| Ok(Self::new(env, Snapshot::load_with(path, &options)?))))
    }

    /// Writes it into a file, on a thread of ours.
    #[napi(catch_unwind)]
    pub fn save(&self, port: &JsPort, id: u32, path: String) -> Made<()> {
        let snapshot = self.snapshot.clone();
        Made(contain(|| {
            port.start(id, 0, move |_| {
                snapshot.save(path)?;
                Ok(Reply::NOTHING)
            })
        }))
    }
}

impl JsSnapshot {
    /// On the thread of the JavaScript that gets it.
    pub(crate) fn new(env: Env, snapshot: Snapshot) -> Self {
        Self { snapshot, memory: ExternalMemory::report(env) }
    }
}

impl ObjectFinalize for JsSnapshot {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.memory.take_back(env);
        Ok(())
    }
}
