//! What has been compiled, by the hash of what it was compiled from.
//!
//! Compiling takes a thousand times as long as looking, and programs are often compiled again: by each worker of a
//! server, or with other arguments. The cache lives in memory and is bounded.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::compile::Artifact;

/// Bytes of code and description that are kept at most.
const MAX_BYTES: usize = 64 << 20;

/// Programs that are kept at most.
const MAX_PROGRAMS: usize = 64;

pub(crate) type Key = [u8; 32];

/// Most recently used last.
static CACHE: Mutex<Vec<(Key, Arc<Artifact>)>> = Mutex::new(Vec::new());

/// What tells programs apart: their bytes, and what was asked of them.
pub(crate) fn key(program: &[u8], links: bool) -> Key {
    Sha256::new_with_prefix([links.into()]).chain_update(program).finalize().into()
}

pub(crate) fn find(key: &Key) -> Option<Arc<Artifact>> {
    // A panic while the list is locked cannot leave it half-changed.
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let at = cache.iter().position(|(kept, _)| kept == key)?;
    let found = cache.remove(at);
    let artifact = Arc::clone(&found.1);
    cache.push(found);
    Some(artifact)
}

pub(crate) fn keep(key: Key, artifact: &Arc<Artifact>) {
    if artifact.size() > MAX_BYTES {
        return;
    }
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    // Two threads may have compiled the same.
    cache.retain(|(kept, _)| *kept != key);
    cache.push((key, Arc::clone(artifact)));
    while cache.len() > MAX_PROGRAMS || cache.iter().map(|(_, kept)| kept.size()).sum::<usize>() > MAX_BYTES {
        cache.remove(0);
    }
}
