//! One call that runs on a thread of ours: what its thread and JavaScript say to each other.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libhyperlight::{InterruptHandle, Value};

use crate::failure::{Failure, HostFailure, Thrown};
use crate::port::{Message, Port};
use crate::value::Loose;

/// A call in progress.
pub(crate) struct Job {
    /// By which JavaScript knows it.
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
    /// When the time is up, and how long it was.
    deadline: Option<(Instant, Duration)>,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Phase {
    /// It has not entered the engine.
    #[default]
    Waiting,
    Running,
    Done,
}

impl Job {
    pub fn new(id: u32, port: Arc<Port>) -> Self {
        Self { id, port, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The guest is about to run, for so long at most. An error if the call was cancelled before.
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

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state().is_cancelled
    }

    /// The call has returned.
    pub fn finish(&self) {
        let mut state = self.state();
        state.phase = Phase::Done;
        // A pool gives the sandbox to somebody else.
        state.interrupt = None;
    }

    /// Ends the call soon. `false`: ask again, it is between two steps. A guest that nothing can stop, because the program
    /// ignores the signal that would, is not asked again: its call ends where it next calls the host, if it does.
    pub fn cancel(&self) -> bool {
        let mut state = self.state();
        state.is_cancelled = true;
        self.changed.notify_all();
        match state.phase {
            Phase::Waiting | Phase::Done => true,
            Phase::Running => state.interrupt.as_ref().is_none_or(InterruptHandle::interrupt),
        }
    }

    /// Has JavaScript call a host function, and waits for what it says.
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

    /// What the host function returned or threw.
    pub fn answer(&self, answer: Result<Loose, Thrown>) {
        self.state().answer = Some(answer);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
