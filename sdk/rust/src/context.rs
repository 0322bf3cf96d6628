//! Time and entropy from the host's last context.
//!
//! Each call brings a context. While the guest initialises there is none, and the first use asks the host for one. A
//! new context wakes a sleeping guest. A guest that uses neither time nor entropy keeps no trace of a context, so that
//! its initialised image can be shared.

use core::arch::x86_64::_rdtsc;
use core::cell::Cell;

use libhyperlight_abi::message::Context;
use libhyperlight_abi::{AbortReason, FrameKind, ValueRef};

use crate::channel;
use crate::error::code;
use crate::incoming::Incoming;
use crate::panic::give_up;
use crate::single::Single;

/// A context, and the value of the time-stamp counter when it arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Arrival {
    pub(crate) context: Context,
    pub(crate) ticks: u64,
}

static LAST: Single<Cell<Option<Arrival>>> = Single::new(Cell::new(None));

/// Stores a call's context, with its entropy until it is taken.
pub(crate) fn arrived(mut context: Context) {
    let ticks = if context.tsc_hz == 0 { 0 } else { ticks() };
    context.entropy = context.entropy.or_else(|| LAST.get()?.context.entropy);
    LAST.set(Some(Arrival { context, ticks }));
}

/// Takes the entropy of a new generation; only the first call gets it.
pub(crate) fn take_entropy() -> Option<[u8; 32]> {
    let mut arrival = current();
    let entropy = arrival.context.entropy.take()?;
    LAST.set(Some(arrival));
    Some(entropy)
}

/// Returns the last context; asks the host if there has been none.
pub(crate) fn current() -> Arrival {
    if let Some(arrival) = LAST.get() {
        return arrival;
    }
    request();
    LAST.get().unwrap_or_default()
}

/// Sleeps until a time of the host's monotonic clock. If the time has passed, the host counts the request as a call of
/// its own.
pub(crate) fn wait(deadline: u64) {
    ask(FrameKind::Wait, &[ValueRef::U64(deadline)]);
}

/// Asks the host for a context.
fn request() {
    ask(FrameKind::ContextRequest, &[]);
}

fn ask(kind: FrameKind, items: &[ValueRef<'_>]) {
    if channel::post(kind, items, &[]).is_err() {
        give_up(AbortReason::Abort, code::TOO_LARGE, "the output size is too small for any frame");
    }
    channel::exchange(|message| match message {
        Incoming::Context(context) => arrived(context),
        _ => give_up(AbortReason::Abort, code::PROTOCOL, "the host did not answer a request for context"),
    });
}

/// Reads the time-stamp counter.
pub(crate) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and guests may use it.
    unsafe { _rdtsc() }
}
