//! One call that runs on a worker thread: the exchange between that thread and JavaScript.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libhyperlight::{InterruptHandle, Value};

use crate::failure::{Failure, HostFailure, Thrown};
use crate::port::{Message, Port};
use crate::value::Loose;

/// A call in progress.
pub(crate) struct Job {
    /// The job's number in JavaScript.
    pub id: u32,
    pub port: Arc<Port>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    phase: Phase,
    is_cancelled: bool,
    answer: Option<Result<Loose, Thrown>>,
    interrupt: Option<InterruptHandle>,
    /// The deadline, and the time limit that it came from.
    deadline: Option<(Instant, Duration)>,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Phase {
    /// The call has not entered the engine.
    #[default]
    Waiting,
    Running,
    Done,
}

impl Job {
    pub fn new(id: u32, port: Arc<Port>) -> Self {
        Self { id, port, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Notes that the guest is about to run, for at most `limit`. Fails if the call was cancelled before.
    pub fn begin(&self, interrupt: Option<&InterruptHandle>, limit: Duration) -> Result<(), Failure> {
        let mut state = self.state();
        if state.is_cancelled {
            return Err(Failure::interrupted());
        }
        state.phase = Phase::Running;
        state.interrupt = interrupt.cloned();
        state.deadline = Instant::now().checked_add(limit).map(|at| (at, limit));
        Ok(())
    }

    /// Returns true if the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state().is_cancelled
    }

    /// Notes that the call has returned.
    pub fn finish(&self) {
        let mut state = self.state();
        state.phase = Phase::Done;
        // A pool gives the sandbox to another caller.
        state.interrupt = None;
    }

    /// Cancels the call. `false` means that it is between two steps, and must be cancelled again. A guest that cannot
    /// be stopped, because the program ignores the wake-up signal, returns `true`: its call ends at its next call of
    /// the host, if there is one.
    pub fn cancel(&self) -> bool {
        let mut state = self.state();
        state.is_cancelled = true;
        self.changed.notify_all();
        match state.phase {
            Phase::Waiting | Phase::Done => true,
            Phase::Running => state.interrupt.as_ref().is_none_or(InterruptHandle::interrupt),
        }
    }

    /// Makes JavaScript call a host function, and waits for the answer.
    pub fn ask(&self, slot: u32, arguments: Vec<Value>) -> Result<Loose, HostFailure> {
        let mut state = self.state();
        state.answer = None;
        if !state.is_cancelled && !self.port.post(Message::Ask { id: self.id, slot, arguments }) {
            return Err(HostFailure::Cancelled);
        }
        loop {
            if state.is_cancelled {
                return Err(HostFailure::Cancelled);
            }
            if let Some(answer) = state.answer.take() {
                return answer.map_err(HostFailure::Thrown);
            }
            state = match state.deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some((at, limit)) => {
                    let left = at.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(HostFailure::TimedOut(limit));
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Passes on the result or the exception of the host function.
    pub fn answer(&self, answer: Result<Loose, Thrown>) {
        self.state().answer = Some(answer);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before any code that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
