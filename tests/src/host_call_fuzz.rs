//! The host decodes, dispatches and answers any frame of a guest, or ends the call; the machine is a real one.
//!
//! An input is a sequence of the guest's frames. The guest sends the bytes as they are (`Converse` of the demo guest)
//! and returns the host's answers. So the path is that of a real program: the copy out of shared memory, the sequence
//! numbers, the limits, and the answer in the guest's own memory. A model of a page of code predicts the outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, HostError, Kind, Sandbox, SandboxOptions, Signature, Snapshot, State, Value,
    ValueRef,
};
use libhyperlight_abi::frame::HEADER_LEN;
use libhyperlight_abi::limits::BUFFER_OVERHEAD;
use libhyperlight_abi::{ErrorKind, Frame, FrameKind, ToGuest, ToHost, mailbox};

use crate::{demo, fails_with, sandbox, uninitialized_with};

/// Host calls that one call may make.
const MAX_HOST_CALLS: u64 = 24;
/// Bytes that it may print.
const MAX_PRINT: u64 = 256;
/// Bytes of a host function's result that fit.
const INPUT: u64 = 16 << 10;
const OUTPUT: u64 = 1 << 20;
/// A time on the guest's clock that no machine has reached.
const LATER: u64 = 1 << 63;
/// The longest script, so that it fits, too.
const MAX_SCRIPT: usize = 12 << 10;

/// A guest that sends what it is told, and host functions that confirm what they are called with.
pub struct HostCalls {
    sandbox: Sandbox,
    fresh: Snapshot,
    neighbour: Sandbox,
    functions: Vec<Function>,
    /// Calls that reached a host function.
    reached: Arc<AtomicU64>,
    inputs: u64,
}

/// The host's reaction to an input.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Made {
    /// The answers, while the call goes on to its end.
    pub answers: Vec<FrameKind>,
    /// Host functions that are called.
    pub reached: u64,
    /// The error of the call, if it does not end with the guest's own result.
    pub error: Option<ErrorCode>,
}

impl HostCalls {
    /// Starts the guest.
    pub fn new() -> Self {
        let options = SandboxOptions::new()
            .heap_size(4 << 20)
            .input_size(INPUT)
            .output_size(OUTPUT)
            .max_host_calls(MAX_HOST_CALLS)
            .max_print_bytes(MAX_PRINT);
        let mut host = uninitialized_with(&demo(), options);
        let (functions, reached) = (functions(), Arc::new(AtomicU64::new(0)));
        for function in functions.clone() {
            let signature = Signature::new(&function.params, function.returns).unwrap();
            let reached = Arc::clone(&reached);
            let name = function.name;
            let call = move |arguments: &[ValueRef<'_>]| {
                assert!(function.takes(arguments), "{name} was called with {arguments:?}");
                reached.fetch_add(1, Ordering::Relaxed);
                (function.call)(arguments)
            };
            host.register_dynamic(name, signature, call).unwrap();
        }
        let mut started = host.evolve().unwrap();
        let fresh = started.snapshot().unwrap();
        Self { sandbox: started, fresh, neighbour: sandbox(&demo()), functions, reached, inputs: 0 }
    }

    /// Lets the guest send an input, and confirms that the host does what it must.
    pub fn run(&mut self, input: &[u8]) -> Made {
        let frames = frames(input);
        let script: Vec<u8> = frames.iter().flat_map(|frame| on_the_wire(frame)).collect();
        let (expected, end) = self.expected(&frames);
        let is_late = expected.error == Some(ErrorCode::Timeout);
        let time = if is_late { Duration::from_millis(5) } else { Duration::MAX };
        let options = CallOptions::new().timeout(time);
        let before = self.reached.load(Ordering::Relaxed);
        let result =
            self.sandbox.call_ref_with(&options, "Converse", &[ValueRef::Bytes(&script)]).map(Value::from);
        let reached = self.reached.load(Ordering::Relaxed) - before;
        let state = self.sandbox.state();
        match (result, end) {
            (Ok(Value::Bytes(answers)), End::Guest) => {
                let made = Made { answers: kinds(&answers), reached, error: None };
                assert_eq!(made, expected);
                assert_eq!(state, State::Ready);
            }
            (Ok(Value::Bytes(bytes)), End::Result(expected)) => assert_eq!(bytes, expected),
            (Err(error), End::Error { state: expected_state }) => {
                let code = error.code();
                // An error of the guest's own may say nothing.
                if !error.message().is_empty() {
                    fails_with::<()>(code, Err(error));
                }
                assert_eq!((Some(code), reached, state), (expected.error, expected.reached, expected_state));
            }
            (result, end) => panic!("{result:?}, expected {end:?}"),
        }
        self.sandbox.restore(&self.fresh).unwrap();
        self.inputs += 1;
        if self.inputs.is_multiple_of(256) {
            assert_eq!(self.neighbour.call::<i32>("EchoI32", (7,)).unwrap(), 7);
            assert_eq!(self.neighbour.call::<i32>("GetStatic", ()).unwrap(), 0);
        }
        expected
    }

    /// The predicted outcome of these frames.
    fn expected(&self, frames: &[Vec<u8>]) -> (Made, End) {
        let mut made = Made::default();
        let (mut calls, mut print) = (MAX_HOST_CALLS, MAX_PRINT);
        // What the guest does not write is what it wrote before.
        let mut buffer = vec![0; usize::try_from(OUTPUT + BUFFER_OVERHEAD - mailbox::SIZE).unwrap()];
        let fails = |made: Made, code, state| (Made { error: Some(code), ..made }, End::Error { state });
        for frame in frames {
            buffer[..frame.len()].copy_from_slice(frame);
            let broken = |made| fails(made, ErrorCode::Protocol, State::Poisoned);
            let header = buffer.first_chunk::<HEADER_LEN>().unwrap();
            let Ok(len) = Frame::stated_len(header, buffer.len()) else {
                return broken(made);
            };
            match ToHost::decode(&buffer[..len]) {
                Err(_) | Ok(ToHost::Ready(_)) => return broken(made),
                Ok(ToHost::Result(ValueRef::Bytes(bytes))) => return (made, End::Result(bytes.to_vec())),
                Ok(ToHost::Result(_)) => return broken(made),
                Ok(ToHost::Error { kind, .. }) => {
                    let code = match kind {
                        ErrorKind::FunctionNotFound => ErrorCode::FunctionNotFound,
                        ErrorKind::TooLarge => ErrorCode::TooLarge,
                        _ => ErrorCode::GuestError,
                    };
                    return fails(made, code, State::Ready);
                }
                Ok(ToHost::Abort { reason, .. }) => {
                    let code = match reason {
                        libhyperlight_abi::AbortReason::OutOfMemory => ErrorCode::GuestOutOfMemory,
                        _ => ErrorCode::GuestAbort,
                    };
                    return fails(made, code, State::Poisoned);
                }
                Ok(ToHost::ContextRequest) => made.answers.push(FrameKind::Context),
                Ok(ToHost::Wait { deadline }) if deadline >= LATER => {
                    return fails(made, ErrorCode::Timeout, State::Poisoned);
                }
                Ok(ToHost::Wait { .. }) => made.answers.push(FrameKind::Context),
                Ok(ToHost::HostCall { name, arguments }) => {
                    let arguments = arguments.as_slice();
                    match self.admitted(name, arguments, &mut calls, &mut print) {
                        None => made.answers.push(FrameKind::HostError),
                        Some(function) => {
                            made.reached += 1;
                            match (function.call)(arguments) {
                                Err(_) if function.name == "stops" => {
                                    return fails(made, ErrorCode::HostFunction, State::Poisoned);
                                }
                                Ok(value) if value.kind() == function.returns && fits(&value) => {
                                    made.answers.push(FrameKind::HostResult);
                                }
                                _ => made.answers.push(FrameKind::HostError),
                            }
                        }
                    }
                }
            }
        }
        (made, End::Guest)
    }

    /// The function that a host call must reach.
    fn admitted(
        &self,
        name: &str,
        arguments: &[ValueRef<'_>],
        calls: &mut u64,
        print: &mut u64,
    ) -> Option<&Function> {
        *calls = calls.checked_sub(1)?;
        let function = self.functions.iter().find(|function| function.name == name)?;
        if !function.takes(arguments) {
            return None;
        }
        if let ("HostPrint", [ValueRef::String(text)]) = (name, arguments) {
            *print = print.checked_sub(text.len() as u64)?;
        }
        Some(function)
    }
}

impl Default for HostCalls {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for HostCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostCalls").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

/// The end of the call.
#[derive(Debug)]
enum End {
    /// The guest's function, by what the host has answered.
    Guest,
    /// A result among the frames.
    Result(Vec<u8>),
    /// An error, which leaves this behind.
    Error { state: State },
}

/// A host function.
#[derive(Clone, Debug)]
struct Function {
    name: &'static str,
    params: Vec<Kind>,
    returns: Kind,
    call: fn(&[ValueRef<'_>]) -> Result<Value, HostError>,
}

impl Function {
    fn takes(&self, arguments: &[ValueRef<'_>]) -> bool {
        arguments.iter().map(ValueRef::kind).eq(self.params.iter().copied())
    }
}

/// Host functions of every shape: each kind there and back, none and as many parameters as there may be, failures,
/// results of the wrong kind, and results that do not fit.
fn functions() -> Vec<Function> {
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Void).collect();
    let mut functions = vec![
        Function {
            name: "HostPrint",
            params: vec![Kind::String],
            returns: Kind::I32,
            call: |_| Ok(Value::I32(0)),
        },
        Function { name: "n", params: vec![], returns: Kind::Void, call: |_| Ok(Value::Void) },
        Function { name: "all", params: kinds.clone(), returns: Kind::Bool, call: |_| Ok(Value::Bool(true)) },
        Function {
            name: "32",
            params: vec![Kind::U32; 32],
            returns: Kind::U32,
            call: |_| Ok(Value::U32(32)),
        },
        Function {
            name: "fails",
            params: vec![Kind::String],
            returns: Kind::Void,
            call: |arguments| match arguments {
                [ValueRef::String(text)] => Err(HostError::new((*text).to_owned()).with_status(-7)),
                _ => Ok(Value::Void),
            },
        },
        Function {
            name: "lies",
            params: vec![],
            returns: Kind::I32,
            call: |_| Ok(Value::String("no number".to_owned())),
        },
        Function {
            name: "large",
            params: vec![Kind::U32],
            returns: Kind::Bytes,
            call: |arguments| match arguments {
                [ValueRef::U32(len)] => Ok(Value::Bytes(vec![7; *len as usize % 32_768])),
                _ => Ok(Value::Void),
            },
        },
        Function {
            name: "stops",
            params: vec![],
            returns: Kind::Void,
            call: |_| Err(HostError::new("enough").fatal()),
        },
    ];
    const ECHOES: [&str; 9] = ["bool", "i32", "u32", "i64", "u64", "f32", "f64", "text", "raw"];
    for (name, kind) in ECHOES.into_iter().zip(kinds) {
        functions.push(Function {
            name,
            params: vec![kind],
            returns: kind,
            call: |arguments| Ok(arguments.first().copied().map(Value::from).unwrap_or_default()),
        });
    }
    functions
}

/// The frames of an input: each behind its length in two bytes, of which the highest bit says that the frame's magic
/// number and length are to be mended. Few random frames have the right ones.
fn frames(input: &[u8]) -> Vec<Vec<u8>> {
    let (mut frames, mut rest, mut room) = (Vec::new(), input, MAX_SCRIPT);
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let head = u16::from_le_bytes(*head);
        let (bytes, tail) = tail.split_at(tail.len().min(usize::from(head & 0x7fff)));
        let mut frame = bytes.to_vec();
        if head & 0x8000 != 0 {
            frame.resize(frame.len().max(HEADER_LEN).next_multiple_of(8), 0);
            let len = u32::try_from(frame.len()).unwrap();
            frame[..4].copy_from_slice(b"HLF1");
            frame[8..12].copy_from_slice(&len.to_le_bytes());
        }
        let Some(left) = room.checked_sub(2 + frame.len()) else {
            break;
        };
        (room, rest) = (left, tail);
        frames.push(frame);
    }
    frames
}

/// A frame as `Converse` takes it.
fn on_the_wire(frame: &[u8]) -> Vec<u8> {
    let len = u16::try_from(frame.len()).unwrap();
    [&len.to_le_bytes()[..], frame].concat()
}

/// The kinds of the host's answers, from the frames.
fn kinds(mut answers: &[u8]) -> Vec<FrameKind> {
    let mut kinds = Vec::new();
    while let Some(header) = answers.first_chunk::<HEADER_LEN>() {
        let len = Frame::stated_len(header, answers.len()).unwrap();
        let (frame, rest) = answers.split_at(len);
        kinds.push(match ToGuest::decode(frame).unwrap() {
            ToGuest::Call { .. } => FrameKind::Call,
            ToGuest::HostResult(_) => FrameKind::HostResult,
            ToGuest::HostError { .. } => FrameKind::HostError,
            ToGuest::Context(_) => FrameKind::Context,
        });
        answers = rest;
    }
    assert!(answers.is_empty(), "half an answer");
    kinds
}

/// Returns true if the host function's result fits into the guest's buffer: a frame with one item.
fn fits(value: &Value) -> bool {
    let value = value.borrow();
    let len = HEADER_LEN + 8 + value.wire_len().next_multiple_of(8);
    len as u64 <= INPUT + BUFFER_OVERHEAD - mailbox::SIZE
}

/// Inputs to begin with: every message that a guest may send, well formed, and every host function.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    use FrameKind::{Abort, ContextRequest, Error, HostCall, Result, Wait};
    let mended = |frame: Vec<u8>| {
        let head = u16::try_from(frame.len()).unwrap() | 0x8000;
        [&head.to_le_bytes()[..], &frame].concat()
    };
    let name = ValueRef::String;
    let call = |items: &[ValueRef<'_>]| mended(crate::script::frame(HostCall, items));
    let every: Vec<u8> = [
        call(&[name("HostPrint"), name("text")]),
        call(&[name("n")]),
        call(&[name("fails"), name("no")]),
        call(&[name("lies")]),
        call(&[name("large"), ValueRef::U32(9)]),
        call(&[name("large"), ValueRef::U32(32_767)]),
        call(&[name("i64"), ValueRef::I64(-1)]),
        call(&[name("f64"), ValueRef::F64(f64::NAN)]),
        call(&[name("text"), name("text")]),
        call(&[name("raw"), ValueRef::Bytes(&[0xff; 9])]),
        call(&[name("absent")]),
    ]
    .concat();
    let mut all: Vec<_> = vec![name("all"), ValueRef::Bool(true), ValueRef::I32(1), ValueRef::U32(2)];
    all.extend([ValueRef::I64(3), ValueRef::U64(4), ValueRef::F32(5.0), ValueRef::F64(6.0)]);
    all.extend([name("seven"), ValueRef::Bytes(b"eight")]);
    let mut most = vec![name("32")];
    most.resize(33, ValueRef::U32(7));
    let text = name("why");
    vec![
        ("every", every),
        ("all", call(&all)),
        ("most", call(&most)),
        ("stops", call(&[name("stops")])),
        ("storm", call(&[name("n")]).repeat(30)),
        ("print", call(&[name("HostPrint"), name(&"x".repeat(100))]).repeat(3)),
        ("context", mended(crate::script::frame(ContextRequest, &[]))),
        ("wait", mended(crate::script::frame(Wait, &[ValueRef::U64(1)])).repeat(3)),
        ("wait_for_ever", mended(crate::script::frame(Wait, &[ValueRef::U64(u64::MAX)]))),
        ("result", mended(crate::script::frame(Result, &[ValueRef::Bytes(b"done")]))),
        ("error", mended(crate::script::frame(Error, &[ValueRef::I32(1), text, ValueRef::U64(1)]))),
        ("abort", mended(crate::script::frame(Abort, &[ValueRef::U32(2), ValueRef::I32(1), text]))),
    ]
}
