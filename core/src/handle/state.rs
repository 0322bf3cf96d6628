//! The states of a handle, and the answer of each to every operation: one table, as plain data.
//!
//! A [`Word`] is the complete state of a handle at one moment. Its transitions have no effects: the handle applies them
//! to an atomic cell. So the table can be tested without a machine and without threads.

use crate::error::{Error, Message};

/// The state of a sandbox, as everybody sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// It was closed, or will be when its user leaves.
    Closed,
    /// Its guest was stopped in the middle of a call, and a restore mends it; or its start failed, and nothing does.
    Poisoned,
    /// Its guest is parked and serves calls.
    Ready,
    /// It is in use.
    Running,
    /// A call waits for results of host functions, and nobody uses the sandbox meanwhile.
    Suspended,
    /// It takes host functions; its guest has not started.
    Uninitialized,
}

impl State {
    /// The name of the state, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Poisoned => "poisoned",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Uninitialized => "uninitialized",
        }
    }
}

/// The purpose for which a sandbox is entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Call a function of a guest that has started.
    Call,
    /// Call a function of a guest, which is started before if it has not started.
    CallFromStart,
    /// Start the guest.
    Evolve,
    /// Ask for the guest's functions.
    Inspect,
    /// Change what belongs to the start: host functions, and the calls that prepare the sandbox.
    Register,
    /// Bring the guest back to a snapshot.
    Restore,
    /// Go on with the call that is suspended.
    Resume,
    /// Take a snapshot.
    Snapshot,
}

/// The reason why an operation is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    Busy,
    Closed,
    /// The start failed, and the machine is gone.
    Discarded,
    /// The start failed.
    Failed,
    NotStarted,
    NotSuspended,
    Poisoned,
    Started,
    Suspended,
    TooLate,
}

impl Refusal {
    /// The error that says it.
    pub fn error(self) -> Error {
        Error::from(match self {
            Self::Busy => Message::InUse,
            Self::Closed => Message::Closed,
            Self::Discarded => Message::PreparationFailed,
            Self::Failed => Message::StartFailed,
            Self::NotStarted => Message::NotStarted,
            Self::NotSuspended => Message::NotSuspended,
            Self::Poisoned => Message::Poisoned,
            Self::Started => Message::Started,
            Self::Suspended => Message::Suspended,
            Self::TooLate => Message::TooLate,
        })
    }
}

/// The state of a handle at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Word {
    phase: Phase,
    /// True if the user closes it on leaving.
    is_closing: bool,
}

/// The phase of a handle's life. The numbers are those in the atomic cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Phase {
    Uninitialized,
    Ready,
    Poisoned,
    /// The start failed. The registered functions live until the handle is closed.
    Failed,
    /// The start failed, and nothing is left.
    Discarded,
    Suspended,
    /// In use by the thread that entered. A thread that finds this may be called by the user itself, and must not wait.
    Running,
    /// In use by another thread than the one that entered; waiting for it is no deadlock.
    RunningElsewhere,
    Closed,
}

/// The party that takes the contents of a closed handle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Closing {
    /// The caller, now.
    Now,
    /// The user inside, on leaving.
    Later,
    /// Nobody any more.
    Done,
}

impl Word {
    pub const fn new(phase: Phase) -> Self {
        Self { phase, is_closing: false }
    }

    /// Somebody enters.
    pub fn enter(self, operation: Operation) -> Result<Self, Refusal> {
        use Operation as Op;
        match (self.phase, operation) {
            (Phase::Closed, _) => Err(Refusal::Closed),
            (Phase::Running | Phase::RunningElsewhere, _) if self.is_closing => Err(Refusal::Closed),
            (Phase::Running | Phase::RunningElsewhere, _) => Err(Refusal::Busy),
            (Phase::Discarded, _) => Err(Refusal::Discarded),
            (Phase::Failed, _) => Err(Refusal::Failed),

            (Phase::Uninitialized, Op::CallFromStart | Op::Evolve | Op::Register)
            | (Phase::Ready, Op::Call | Op::CallFromStart | Op::Inspect | Op::Restore | Op::Snapshot)
            | (Phase::Poisoned, Op::Inspect | Op::Restore)
            | (Phase::Suspended, Op::Inspect | Op::Restore | Op::Resume) => Ok(Self::new(Phase::Running)),

            (Phase::Uninitialized, _) => Err(Refusal::NotStarted),
            (_, Op::Evolve) => Err(Refusal::Started),
            (_, Op::Register) => Err(Refusal::TooLate),
            (Phase::Poisoned, _) => Err(Refusal::Poisoned),
            (Phase::Ready, _) => Err(Refusal::NotSuspended),
            (Phase::Suspended, _) => Err(Refusal::Suspended),
        }
    }

    /// The user goes on on another thread.
    pub fn hand_over(self) -> Self {
        match self.phase {
            Phase::Running => Self { phase: Phase::RunningElsewhere, ..self },
            _ => self,
        }
    }

    /// The user leaves the sandbox as `left`.
    pub fn leave(self, left: Phase) -> Self {
        Self::new(if self.is_closing { Phase::Closed } else { left })
    }

    /// Somebody closes it.
    pub fn close(self) -> (Self, Closing) {
        match self.phase {
            Phase::Running | Phase::RunningElsewhere => (Self { is_closing: true, ..self }, Closing::Later),
            Phase::Closed => (self, Closing::Done),
            _ => (Self::new(Phase::Closed), Closing::Now),
        }
    }

    pub fn is_closed(self) -> bool {
        self.phase == Phase::Closed
    }

    pub fn state(self) -> State {
        match self.phase {
            _ if self.is_closing => State::Closed,
            Phase::Closed | Phase::Discarded => State::Closed,
            Phase::Failed | Phase::Poisoned => State::Poisoned,
            Phase::Ready => State::Ready,
            Phase::Running | Phase::RunningElsewhere => State::Running,
            Phase::Suspended => State::Suspended,
            Phase::Uninitialized => State::Uninitialized,
        }
    }

    /// For the atomic cell.
    pub const fn to_bits(self) -> u8 {
        self.phase as u8 | if self.is_closing { CLOSING } else { 0 }
    }

    pub const fn from_bits(bits: u8) -> Self {
        let phase = match bits & !CLOSING {
            0 => Phase::Uninitialized,
            1 => Phase::Ready,
            2 => Phase::Poisoned,
            3 => Phase::Failed,
            4 => Phase::Discarded,
            5 => Phase::Suspended,
            6 => Phase::Running,
            7 => Phase::RunningElsewhere,
            _ => Phase::Closed,
        };
        Self { phase, is_closing: bits & CLOSING != 0 }
    }
}

const CLOSING: u8 = 0x80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const OPERATIONS: [Operation; 8] = [
        Operation::Call,
        Operation::CallFromStart,
        Operation::Evolve,
        Operation::Inspect,
        Operation::Register,
        Operation::Restore,
        Operation::Resume,
        Operation::Snapshot,
    ];

    const PHASES: [Phase; 9] = [
        Phase::Uninitialized,
        Phase::Ready,
        Phase::Poisoned,
        Phase::Failed,
        Phase::Discarded,
        Phase::Suspended,
        Phase::Running,
        Phase::RunningElsewhere,
        Phase::Closed,
    ];

    /// The table of the module's documentation, cell by cell: `+` is admitted, else the first letters of the code.
    const TABLE: [(Phase, [&str; 8]); 9] = [
        //                       call    from s. evolve  inspect regist. restore resume  snapshot
        (Phase::Uninitialized, ["STATE", "+", "+", "STATE", "+", "STATE", "STATE", "STATE"]),
        (Phase::Ready, ["+", "+", "STATE", "+", "STATE", "+", "STATE", "+"]),
        (Phase::Poisoned, ["POISONED", "POISONED", "STATE", "+", "STATE", "+", "POISONED", "POISONED"]),
        (Phase::Suspended, ["STATE", "STATE", "STATE", "+", "STATE", "+", "+", "STATE"]),
        (Phase::Failed, ["POISONED"; 8]),
        (Phase::Discarded, ["CLOSED"; 8]),
        (Phase::Running, ["BUSY"; 8]),
        (Phase::RunningElsewhere, ["BUSY"; 8]),
        (Phase::Closed, ["CLOSED"; 8]),
    ];

    fn answer(entered: Result<Word, Refusal>) -> String {
        match entered {
            Ok(_) => "+".to_owned(),
            Err(refusal) => refusal.error().code().name().trim_start_matches("HL_ERR_").to_owned(),
        }
    }

    #[test]
    fn every_operation_is_answered_as_the_table_says() {
        for (phase, answers) in TABLE {
            for (operation, expected) in OPERATIONS.into_iter().zip(answers) {
                assert_eq!(answer(Word::new(phase).enter(operation)), expected, "{phase:?}, {operation:?}");
            }
        }
    }

    #[test]
    fn a_failed_start_is_told_by_one_sentence() {
        let told = |refusal: Refusal| refusal.error().message().to_owned();
        assert_eq!(told(Refusal::Failed), told(Refusal::Discarded));
        assert!(told(Refusal::Failed).ends_with("of no more use; make a new one"));
    }

    #[test]
    fn a_word_survives_its_atomic_cell() {
        for phase in PHASES {
            for is_closing in [false, true] {
                let word = Word { phase, is_closing };
                assert_eq!(Word::from_bits(word.to_bits()), word);
            }
        }
    }

    /// Something that happens to a handle.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Enter(Operation),
        HandOver,
        Leave(Phase),
        Close,
    }

    fn event() -> impl Strategy<Value = Event> {
        let left = [
            Phase::Uninitialized,
            Phase::Ready,
            Phase::Poisoned,
            Phase::Failed,
            Phase::Discarded,
            Phase::Suspended,
        ];
        prop_oneof![
            4 => select(&OPERATIONS).prop_map(Event::Enter),
            1 => Just(Event::HandOver),
            4 => select(left.to_vec()).prop_map(Event::Leave),
            1 => Just(Event::Close),
        ]
    }

    /// A second model of the same: the user of the sandbox, its remains, and the number of times that they were taken.
    #[derive(Debug)]
    struct Model {
        user: Option<Operation>,
        is_elsewhere: bool,
        is_wanted: bool,
        at_rest: Phase,
        taken: u32,
    }

    proptest! {
        #[test]
        fn a_handle_goes_as_its_model_does(events in prop::collection::vec(event(), 0..64)) {
            let mut word = Word::new(Phase::Uninitialized);
            let mut model = Model {
                user: None, is_elsewhere: false, is_wanted: true, at_rest: Phase::Uninitialized, taken: 0,
            };
            for event in events {
                match event {
                    Event::Enter(operation) => {
                        let entered = word.enter(operation);
                        let row = TABLE.iter().find(|(phase, _)| *phase == model.at_rest).unwrap().1;
                        let column = OPERATIONS.iter().position(|one| *one == operation).unwrap();
                        let expected = match (model.is_wanted, model.user) {
                            (false, _) => "CLOSED",
                            (true, Some(_)) => "BUSY",
                            (true, None) => row[column],
                        };
                        prop_assert_eq!(answer(entered), expected);
                        if let Ok(entered) = entered {
                            word = entered;
                            (model.user, model.is_elsewhere) = (Some(operation), false);
                        }
                    }
                    Event::HandOver => {
                        word = word.hand_over();
                        model.is_elsewhere |= model.user.is_some();
                    }
                    Event::Leave(left) => {
                        // Only a user who is inside leaves.
                        if model.user.take().is_some() {
                            word = word.leave(left);
                            model.is_elsewhere = false;
                            model.at_rest = left;
                            model.taken += u32::from(!model.is_wanted);
                            prop_assert_eq!(word.is_closed(), !model.is_wanted);
                        }
                    }
                    Event::Close => {
                        let (closed, closing) = word.close();
                        let expected = match (model.is_wanted, model.user) {
                            (_, Some(_)) => Closing::Later,
                            (true, None) => Closing::Now,
                            (false, None) => Closing::Done,
                        };
                        prop_assert_eq!(closing, expected);
                        model.taken += u32::from(closing == Closing::Now);
                        (word, model.is_wanted) = (closed, false);
                    }
                }
                let state = match (model.is_wanted, model.user, model.at_rest) {
                    (false, ..) | (true, None, Phase::Discarded) => State::Closed,
                    (true, Some(_), _) => State::Running,
                    (true, None, Phase::Failed | Phase::Poisoned) => State::Poisoned,
                    (true, None, Phase::Ready) => State::Ready,
                    (true, None, Phase::Suspended) => State::Suspended,
                    (true, None, _) => State::Uninitialized,
                };
                prop_assert_eq!(word.state(), state);
                prop_assert_eq!(word.phase == Phase::RunningElsewhere, model.is_elsewhere);
                // What it was made of is taken away once, when it was closed and nobody is inside.
                prop_assert_eq!(model.taken, u32::from(!model.is_wanted && model.user.is_none()));
                prop_assert_eq!(Word::from_bits(word.to_bits()), word);
            }
        }
    }
}
