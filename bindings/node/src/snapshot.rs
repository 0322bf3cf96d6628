//! Snapshots.

use hyperlight::Snapshot;
use napi_derive::napi;

use crate::guard::contain;
use crate::port::JsPort;
use crate::reply::{Made, Reply};

/// An immutable picture of a sandbox.
#[napi(js_name = "Snapshot")]
#[derive(Debug)]
pub struct JsSnapshot {
    pub(crate) snapshot: Snapshot,
}

#[napi]
impl JsSnapshot {
    /// The snapshot in that file.
    #[napi(catch_unwind)]
    pub fn load(path: String) -> Made<JsSnapshot> {
        Made(contain(|| Ok(Self { snapshot: Snapshot::load(path)? })))
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
