//! The pool's own thread: restores poisoned members, keeps the reserve, destroys members that are not needed.

use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::error::{Error, Result};
use crate::stop::signal;

/// An idle member beyond the reserve is kept this long, unless a test says otherwise.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(30);

/// Starts the thread, once. It ends with the pool.
pub(super) fn start(shared: &Arc<Shared>) -> Result<()> {
    if shared.keeper.get().is_some() {
        return Ok(());
    }
    // Under the lock, so that it is started once.
    let members = shared.members();
    if shared.keeper.get().is_none() {
        let weak = Arc::downgrade(shared);
        signal::without_signals(|| {
            std::thread::Builder::new().name("hl-pool".to_owned()).spawn(move || keep(&weak))
        })
        .map_err(|source| Error::resource("starting the pool's thread", source))?;
        let _ = shared.keeper.set(());
    }
    drop(members);
    Ok(())
}

fn keep(weak: &Weak<Shared>) {
    while let Some(shared) = weak.upgrade() {
        let mut members = shared.members();
        if members.is_closed() {
            return;
        }
        if let Some(sandbox) = members.take_soiled() {
            drop(members);
            clean(&shared, sandbox);
            continue;
        }
        // The waiters arrived when the pool was full; the reserve is for later acquisitions.
        if members.idle_len() < shared.min_idle && members.reserve(shared.max) {
            drop(members);
            if refill(&shared) {
                continue;
            }
            members = shared.members();
        } else if let Some(stale) = members.take_stale(shared.min_idle, shared.stale_after, Instant::now()) {
            drop(members);
            drop(stale);
            continue;
        }
        if members.is_closed() {
            return;
        }
        // The timeout is for stale members, and for a reserve that could not be made.
        let (members, _) = shared
            .work
            .wait_timeout(members, shared.stale_after / 10)
            .unwrap_or_else(PoisonError::into_inner);
        drop(members);
    }
}

fn clean(shared: &Shared, mut sandbox: crate::sandbox::Sandbox) {
    let is_clean = sandbox.forget_user().is_ok() && sandbox.restore(&shared.snapshot).is_ok();
    let mut members = shared.members();
    let left = if is_clean {
        members.put(sandbox, None)
    } else {
        members.count_replaced();
        members.give_up_place();
        Some(sandbox)
    };
    drop(members);
    drop(left);
}

/// Makes one member in reserve. Returns false if that is not possible at present.
fn refill(shared: &Shared) -> bool {
    let made = shared.make();
    let mut members = shared.members();
    let (left, is_made) = match made {
        Ok(sandbox) => {
            members.count_created();
            (members.put(sandbox, None), true)
        }
        Err(_) => {
            members.give_up_place();
            (None, false)
        }
    };
    drop(members);
    drop(left);
    is_made
}
