//! Snapshots.

use libhyperlight::{LoadOptions, Snapshot};
use napi::Env;
use napi::bindgen_prelude::{Object, ObjectFinalize};
use napi_derive::napi;

use crate::external_memory::ExternalMemory;
use crate::guard::contain;
use crate::options;
use crate::port::JsPort;
use crate::reply::{Made, Reply};

/// The immutable state of a sandbox.
#[napi(js_name = "Snapshot", custom_finalize)]
#[derive(Debug)]
pub struct JsSnapshot {
    pub(crate) snapshot: Snapshot,
    memory: ExternalMemory,
}

#[napi]
impl JsSnapshot {
    /// Loads a snapshot from a file, within the limits of the options.
    #[napi(catch_unwind)]
    pub fn load(env: Env, path: String, options: Object<'_>) -> Made<JsSnapshot> {
        Made(contain(|| {
            let options: LoadOptions = options::read(&options)?;
            Ok(Self::new(env, Snapshot::load_with(path, &options)?))
        }))
    }

    /// Writes the snapshot to a file, on a worker thread.
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
    /// Makes the object, on the thread of the JavaScript that gets it.
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
