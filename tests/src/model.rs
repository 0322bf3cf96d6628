//! A sandbox with a model of it, which predicts the outcome of every operation.

use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, HostError, InterruptHandle, Kind, Result, Sandbox, Signature, Snapshot, State,
    UninitializedSandbox, Value,
};

use crate::fails_with;
use crate::random::Random;
use crate::stop::Inside;

/// A sandbox and its model: the guest's counter, and the poisoned state.
#[derive(Debug)]
pub struct Modelled {
    sandbox: Sandbox,
    handle: InterruptHandle,
    inside: Inside,
    guest: usize,
    /// The guest's counter; `None` if the sandbox is poisoned.
    count: Option<i32>,
}

/// A snapshot and its model.
#[derive(Debug)]
pub struct Picture {
    /// The snapshot itself.
    pub snapshot: Snapshot,
    /// The number of its guest.
    pub guest: usize,
    /// The counter at that time.
    pub count: i32,
}

impl Modelled {
    /// The one that this becomes, whose guest has counted so far.
    pub fn of(mut host: UninitializedSandbox, guest: usize, count: i32) -> Self {
        host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
        host.register("Fails", || Err::<(), _>("no")).unwrap();
        let nothing = Signature::new(&[], Kind::Void).unwrap();
        host.register_dynamic("Fatal", nothing.clone(), |_| Err(HostError::new("no").fatal())).unwrap();
        host.register_dynamic("Panics", nothing, |_| std::panic::resume_unwind(Box::new("no"))).unwrap();
        let handle = host.interrupt_handle().unwrap();
        let own = handle.clone();
        host.register("InterruptSelf", move || assert!(own.interrupt())).unwrap();
        let inside = Inside::default();
        inside.register(&mut host);
        Self { sandbox: host.evolve().unwrap(), handle, inside, guest, count: Some(count) }
    }

    /// Stops its calls.
    pub fn handle(&self) -> &InterruptHandle {
        &self.handle
    }

    /// Confirms that it is as the model says.
    pub fn check(&mut self) {
        match self.count {
            Some(count) => {
                assert_eq!(self.sandbox.state(), State::Ready);
                assert_eq!(self.sandbox.call::<i32>("GetStatic", ()).unwrap(), count);
            }
            None => {
                assert_eq!(self.sandbox.state(), State::Poisoned);
                fails_with(ErrorCode::Poisoned, self.sandbox.call::<i32>("GetStatic", ()));
            }
        }
    }

    /// Confirms that a call ends with this code, or with that of a poisoned sandbox; and what the model says then.
    fn ends_with<T: Debug>(&mut self, code: ErrorCode, poisons: bool, result: Result<T>) {
        fails_with(if self.count.is_some() { code } else { ErrorCode::Poisoned }, result);
        self.count = self.count.filter(|_| !poisons);
        self.check();
    }

    /// Makes a call that goes well.
    pub fn call(&mut self, random: &mut Random) {
        let Some(count) = &mut self.count else { return self.check() };
        match random.below(5) {
            0 => {
                let text = "x".repeat(random.below(5000));
                assert_eq!(self.sandbox.call::<String>("Echo", (&text,)).unwrap(), text);
            }
            1 => assert_eq!(self.sandbox.call::<u32>("HostCallLoop", ("Inside", 10_u32)).unwrap(), 10),
            2 => {
                let pages = u32::try_from(random.below(100)).unwrap();
                assert_eq!(self.sandbox.call::<u32>("DirtyPages", (pages,)).unwrap(), pages);
            }
            _ => {
                *count = count.wrapping_add(7);
                assert_eq!(self.sandbox.call::<i32>("AddToStatic", (7,)).unwrap(), *count);
            }
        }
    }

    /// Makes a call that is refused.
    pub fn refuse(&mut self, random: &mut Random) {
        let (name, arguments, code) = match random.below(3) {
            0 => ("NoSuchFunction", vec![], ErrorCode::FunctionNotFound),
            1 => ("Echo", vec![Value::I32(1)], ErrorCode::Signature),
            _ => ("Echo", vec![text(&"x".repeat(2 << 20))], ErrorCode::TooLarge),
        };
        let result = self.sandbox.call_values(name, &arguments);
        self.ends_with(code, false, result);
    }

    /// Makes a call that the guest answers with an error, its own or one of the host.
    pub fn fail(&mut self, random: &mut Random) {
        let (name, arguments, code, counts) = match random.below(3) {
            0 => ("ReturnError", vec![Value::I32(3), text("no")], ErrorCode::GuestError, 0),
            1 => ("AddToStaticAndFail", vec![], ErrorCode::GuestError, 10),
            _ => ("HostCallLoop", vec![text("Fails"), Value::U32(3)], ErrorCode::HostFunction, 0),
        };
        let result = self.sandbox.call_values(name, &arguments);
        self.count = self.count.map(|count| count.wrapping_add(counts));
        self.ends_with(code, false, result);
    }

    /// Makes a call that stops the guest in the middle.
    pub fn stop(&mut self, random: &mut Random) {
        let host_call = |name| vec![text(name), Value::U32(3)];
        // The last three are known to the Rust guest alone.
        let (name, arguments, code) = match random.below(if self.guest == 0 { 13 } else { 10 }) {
            0 => ("Panic", vec![text("no")], ErrorCode::GuestAbort),
            1 => ("GuestAbortWithCode", vec![Value::I32(1)], ErrorCode::GuestAbort),
            2 => ("TriggerException", vec![], ErrorCode::GuestFault),
            3 => ("DivideByZero", vec![], ErrorCode::GuestFault),
            4 => ("ReadAddress", vec![Value::U64(0)], ErrorCode::GuestFault),
            5 => ("InfiniteRecursion", vec![], ErrorCode::StackOverflow),
            6 => ("ExhaustHeap", vec![], ErrorCode::GuestOutOfMemory),
            7 => ("HostCallLoop", host_call("Panics"), ErrorCode::Internal),
            8 => ("HostCallLoop", host_call("Fatal"), ErrorCode::HostFunction),
            9 => ("HostCallLoop", host_call("InterruptSelf"), ErrorCode::Interrupted),
            10 => ("CorruptOutputMagic", vec![], ErrorCode::Protocol),
            11 => ("RingWithoutFrame", vec![], ErrorCode::Protocol),
            _ => ("OutbWithPort", vec![Value::U32(0x1234), Value::U32(1)], ErrorCode::GuestFault),
        };
        let result = self.sandbox.call_values(name, &arguments);
        self.ends_with(code, true, result);
    }

    /// Makes a call whose time runs out.
    pub fn time_out(&mut self, random: &mut Random) {
        let time = Duration::from_micros(random.number() % 1000);
        let options = match random.below(2) {
            0 => CallOptions::new().timeout(time),
            _ => CallOptions::new().cpu_time(time),
        };
        let result = self.sandbox.call_with::<()>(&options, "Spin", ());
        self.ends_with(ErrorCode::Timeout, true, result);
    }

    /// Makes a call that is interrupted from another thread.
    pub fn interrupt(&mut self) {
        if self.count.is_none() {
            return self.check();
        }
        let before = self.inside.count();
        let Self { sandbox, handle, inside, .. } = self;
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                inside.wait(before);
                assert!(handle.interrupt(), "a guest that does not end by itself");
            });
            sandbox.call::<()>("CallHostThenSpin", ("Inside",))
        });
        self.ends_with(ErrorCode::Interrupted, true, result);
    }

    /// Takes a snapshot, if it is not poisoned.
    pub fn picture(&mut self) -> Option<Picture> {
        let result = self.sandbox.snapshot();
        let Some(count) = self.count else {
            fails_with(ErrorCode::Poisoned, result);
            return None;
        };
        Some(Picture { snapshot: result.unwrap(), guest: self.guest, count })
    }

    /// Goes back to a snapshot; one of another guest is refused.
    pub fn restore(&mut self, picture: &Picture) {
        let result = self.sandbox.restore(&picture.snapshot);
        if picture.guest == self.guest {
            result.unwrap();
            self.count = Some(picture.count);
        } else {
            fails_with(ErrorCode::SnapshotMismatch, result);
        }
        self.check();
    }
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}
