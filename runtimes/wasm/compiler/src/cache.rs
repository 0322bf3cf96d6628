//! Compiled programs, by the hash of their input.
//!
//! Compiling takes a thousand times as long as a look-up, and programs are often compiled again: by each worker of a
//! server, or with other arguments. The cache lives in memory and is bounded.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use sha2::{Digest, Sha256};

use crate::compile::Artifact;
use crate::process::PerProcess;

/// Maximum bytes of code and descriptions in the cache.
const MAX_BYTES: usize = 64 << 20;

/// Maximum number of programs in the cache.
const MAX_PROGRAMS: usize = 64;

pub(crate) type Key = [u8; 32];

/// Most recently used last.
type Programs = Vec<(Key, Arc<Artifact>)>;

static CACHE: PerProcess<Mutex<Programs>> = PerProcess::new();

/// The key of a program: its bytes, and the options that matter.
pub(crate) fn key(program: &[u8], links: bool) -> Key {
    Sha256::new_with_prefix([links.into()]).chain_update(program).finalize().into()
}

pub(crate) fn find(key: &Key) -> Option<Arc<Artifact>> {
    let mut cache = lock();
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
    let mut cache = lock();
    // Two threads may have compiled the same program.
    cache.retain(|(kept, _)| *kept != key);
    cache.push((key, Arc::clone(artifact)));
    while cache.len() > MAX_PROGRAMS || cache.iter().map(|(_, kept)| kept.size()).sum::<usize>() > MAX_BYTES {
        cache.remove(0);
    }
}

fn lock() -> MutexGuard<'static, Programs> {
    let cache = CACHE.get(|inherited| Mutex::new(inherited.map(leave).unwrap_or_default()));
    // A panic while the list is locked cannot leave it half-changed.
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cache that a forked child inherits. Empty if a thread that the child does not have was about to change it.
fn leave(cache: &Mutex<Programs>) -> Programs {
    match cache.try_lock() {
        Ok(mut programs) => mem::take(&mut *programs),
        Err(TryLockError::Poisoned(programs)) => mem::take(&mut *programs.into_inner()),
        Err(TryLockError::WouldBlock) => Programs::new(),
    }
}
