//! A call from the first frame to the last: the conversation between host and guest.
//!
//! The host writes a frame and lets the guest run. The guest answers with the result, an error, or a request: a host
//! function, the time, or to be woken later. The host serves a request before it lets the guest run on. Each direction
//! costs one `KVM_RUN`. A guest that stops anywhere else ends the conversation for good.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use libhyperlight_abi::limits::MAX_MESSAGE_LEN;
use libhyperlight_abi::message::Context;
use libhyperlight_abi::{
    ABI_ERROR_KINDS, AbortReason, DecodeError, ErrorKind, Frame, FrameKind, Full, ToHost, ValueRef, message,
};

use super::channel::{Channel, ReceiveError};
use super::failures::{Failure, Failures};
use super::guest_log::GuestLog;
use super::host_call::{HostCall, engine_error, host_error, panicked};
use crate::bounds::{Quota, Sizes};
use crate::clock;
use crate::entropy;
use crate::error::{Error, ErrorCode, Message, Name, Result, Size, Text, told};
use crate::fault::FaultKind;
use crate::functions::Functions;
use crate::guest::origin::Origin;
use crate::host::{HostError, HostFunctions, HostIdentity};
use crate::image::layout::Layout;
use crate::int::to_usize;
use crate::process::forked;
use crate::signature::Signature;
use crate::snapshot::{Frozen, Subject};
use crate::stop::{Cause, Stopper, TimeLimits, Waited, stopped};
use crate::text::{printable, said};
use crate::vm::arch::FaultReport;
use crate::vm::memory::GuestMemory;
use crate::vm::{Exit, Vm};

/// The failure that ended a conversation.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The guest is parked and can be called again.
    Ready(Error),
    /// The guest was stopped in the middle.
    Poisoned(Error),
    /// A canceller stopped the guest; [`Stopper::end`] knows why.
    Stopped,
}

impl Ended {
    /// The error for the caller.
    pub fn into_error(self) -> Error {
        match self {
            Self::Ready(error) | Self::Poisoned(error) => error,
            Self::Stopped => stopped(Cause::Interrupt, &TimeLimits::NONE),
        }
    }
}

/// The signal hook: called when a signal of the program's own has interrupted the guest. An error ends the call.
pub(crate) type SignalHook = dyn Fn() -> Result<(), HostError> + Send + Sync;

/// The program's parts of one sandbox.
pub(crate) struct User {
    pub host: Arc<HostFunctions>,
    pub stopper: Stopper,
    pub on_signal: Option<Arc<SignalHook>>,
}

/// A virtual machine, and the means to talk to its guest.
pub(crate) struct Conversation {
    vm: Vm,
    origin: Origin,
    host: Arc<HostFunctions>,
    channel: Channel,
    log: GuestLog,
    stopper: Stopper,
    on_signal: Option<Arc<SignalHook>>,
    quota: Quota,
    /// The guest's last frame, copied out.
    frame: Vec<u8>,
    generation: u64,
    /// True if the guest has received entropy in this generation.
    has_entropy: bool,
    /// Numbers the failures of host functions.
    tokens: u64,
}

impl Conversation {
    /// A conversation with a guest that continues from a snapshot, or has not started yet.
    pub fn new(vm: Vm, origin: Origin, user: User, quota: Quota) -> Self {
        let User { host, stopper, on_signal } = user;
        let layout = &vm.image().layout;
        let (channel, log) = (Channel::new(layout), GuestLog::new(layout));
        Self {
            vm,
            origin,
            host,
            channel,
            log,
            stopper,
            on_signal,
            quota,
            frame: Vec::new(),
            generation: 0,
            has_entropy: false,
            tokens: 0,
        }
    }

    /// A snapshot of the guest, which is parked.
    pub fn freeze(&self, functions: &Arc<Functions>, sizes: Sizes) -> Result<Frozen> {
        let (registers, extended_state) = self.vm.registers()?;
        Frozen::take(&Subject {
            memory: self.vm.memory(),
            image: self.vm.image(),
            registers,
            extended_state,
            origin: &self.origin,
            sizes,
            functions,
            host: &self.host,
            sent: self.channel.sent(),
        })
    }

    /// A copy of the guest's memory.
    pub fn dump_memory(&self) -> Result<Vec<u8>> {
        let (memory, mut copy) = (self.vm.memory(), Vec::new());
        memory
            .read_into(0, to_usize(memory.size()), &mut copy)
            .ok_or_else(|| Error::new(ErrorCode::Internal, "the guest's memory has no end"))?;
        Ok(copy)
    }

    /// Brings the guest back to the snapshot. After a failure it must not run.
    pub fn restore(&mut self, frozen: &Frozen) -> Result<()> {
        /// Bytes of the buffer that are kept for the next frames.
        const KEPT: usize = 64 << 10;

        // Memory that one tenant needed must not stay with the next ones: a frame may be as large as the output buffer.
        self.frame.clear();
        self.frame.shrink_to(KEPT);
        self.vm.restore(frozen)?;
        self.resume(frozen);
        Ok(())
    }

    /// Continues the conversation from the snapshot; the guest is there already.
    pub fn resume(&mut self, frozen: &Frozen) {
        self.channel.reset(frozen.sent);
        self.log = GuestLog::new(&self.vm.image().layout);
        self.has_entropy = false;
    }

    /// The guest that the sandbox was made of.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The layout of the guest's memory.
    pub fn layout(&self) -> &Layout {
        &self.vm.image().layout
    }

    /// The machine.
    #[cfg(test)]
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }

    /// The host functions.
    pub fn host(&self) -> &HostFunctions {
        &self.host
    }

    /// The identity of the host functions.
    pub fn host_identity(&self) -> HostIdentity {
        HostIdentity::of(&self.host)
    }

    /// Lets the guest start. On success its list of functions is in [`Self::frame`].
    pub fn start(&mut self, limits: &TimeLimits) -> Result<(), Ended> {
        self.log.announce_level(self.vm.memory());
        self.converse(FrameKind::Ready, limits)
    }

    /// Calls a function whose arguments were checked. On success its result is in [`Self::frame`].
    pub fn call(&mut self, name: &str, arguments: &[ValueRef<'_>], limits: &TimeLimits) -> Result<(), Ended> {
        let context = self.context().map_err(Ended::Ready)?;
        let lead = [ValueRef::Bytes(&context.to_bytes()), ValueRef::String(name)];
        self.channel.send(self.vm.memory(), FrameKind::Call, &lead, arguments).map_err(|full| {
            let (needed, room) = (needed(&full), Size(self.channel.input_room()));
            Ended::Ready(Message::NoRoomForArguments { needed, room }.into())
        })?;
        self.has_entropy = true;
        self.log.announce_level(self.vm.memory());
        self.converse(FrameKind::Result, limits)?;
        self.vm.record_hint();
        Ok(())
    }

    /// The frame that the last conversation ended with.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The means to stop a call.
    pub fn stopper(&mut self) -> &mut Stopper {
        &mut self.stopper
    }

    /// Detaches the interrupt handles and removes the signal hook.
    pub fn forget_user(&mut self) -> Result<()> {
        if self.stopper.is_shared() {
            self.stopper = Stopper::new()?;
        }
        self.stopper.set_wakeup_interval(Duration::MAX);
        self.on_signal = None;
        Ok(())
    }

    /// Sets the signal hook.
    pub fn set_signal_hook(&mut self, hook: Arc<SignalHook>) {
        self.on_signal = Some(hook);
    }

    /// [`Self::serve`] within the limits of a call.
    fn converse(&mut self, until: FrameKind, limits: &TimeLimits) -> Result<(), Ended> {
        let served = match self.stopper.begin(limits) {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| {
                let served = self.serve(until);
                if self.vm.memory().is_mapped() {
                    self.log.sum_up();
                }
                // The logger may have forked.
                in_the_parent(self.vm.memory()).and(served)
            })),
            Err(error) => {
                // The guest has not seen the frame: entropy must come with the next call.
                self.has_entropy = false;
                Ok(Err(Ended::Ready(error)))
            }
        };
        let cause = self.stopper.end();
        // The program's logger panicked. The call is over before the panic goes on.
        let served = served.unwrap_or_else(|panic| resume_unwind(panic));
        match (cause, served) {
            // A canceller that claimed the call was told that it stops. So it does, even if the guest's answer was on
            // its way.
            (Some(cause), Ok(()) | Err(Ended::Ready(_) | Ended::Stopped)) => {
                Err(Ended::Poisoned(stopped(cause, limits)))
            }
            (_, served) => served,
        }
    }

    /// Runs the guest, serving its requests, until it sends a frame of the kind `until`.
    fn serve(&mut self, until: FrameKind) -> Result<(), Ended> {
        let mut quota = self.quota;
        let mut failures = Failures::default();
        loop {
            self.run(&mut quota)?;
            self.log.drain(self.vm.memory(), &mut quota.log_bytes).map_err(|_| {
                Ended::Poisoned(Error::protocol("the guest's log ring holds something that is no log record"))
            })?;
            // The logger may have forked.
            in_the_parent(self.vm.memory())?;
            self.channel
                .receive(self.vm.memory(), &mut self.frame)
                .map_err(|error| Ended::Poisoned(broken(&error)))?;

            // The last frame is decoded by its receiver, once.
            if Frame::decode(&self.frame).is_ok_and(|frame| frame.kind() == until) {
                return Ok(());
            }
            let message = ToHost::decode(&self.frame)
                .map_err(|error| Ended::Poisoned(broken(&ReceiveError::Malformed(error))))?;
            match message {
                ToHost::HostCall { name, arguments } => {
                    let asked = self.frame.len();
                    let call = HostCall { name, arguments: arguments.as_slice(), host: &self.host };
                    let room = Size(self.channel.input_room());
                    let (vm, channel) = (&self.vm, &mut self.channel);
                    let outcome = self.stopper.host(|| call.run(&mut quota)).ok_or(Ended::Stopped)?;
                    // The host function may have forked.
                    in_the_parent(vm.memory())?;
                    // A fatal error takes precedence over a cancel: nothing may hide it.
                    let outcome = outcome?;
                    if self.stopper.is_cancelled() {
                        return Err(Ended::Stopped);
                    }
                    let failed = match outcome {
                        Ok(value) => {
                            match channel.send(vm.memory(), FrameKind::HostResult, &[value.borrow()], &[]) {
                                Ok(()) => continue,
                                Err(full) => {
                                    let (name, needed) = (Name(printable(name, 256)), needed(&full));
                                    engine_error(Message::NoRoomForHostResult { name, needed, room }.into())
                                }
                            }
                        }
                        Err(failed) => failed,
                    };
                    self.tokens = self.tokens.wrapping_add(1).max(1);
                    let text = told(&failed.source);
                    let items = [
                        ValueRef::U64(self.tokens),
                        ValueRef::I32(failed.status),
                        ValueRef::String(message::cut(&text, MAX_MESSAGE_LEN.min(1024))),
                    ];
                    channel.send(vm.memory(), FrameKind::HostError, &items, &[]).map_err(|_| {
                        Ended::Poisoned(Error::new(
                            ErrorCode::Internal,
                            "an error message does not fit the input buffer",
                        ))
                    })?;
                    failures.keep(Failure {
                        token: self.tokens,
                        status: failed.status,
                        source: failed.source,
                        // A program's error may hold the arguments of the call: a traceback does.
                        bytes: text.len().saturating_add(asked),
                    });
                }
                ToHost::ContextRequest => {
                    quota.request().map_err(Ended::Poisoned)?;
                    self.send_context()?;
                }
                ToHost::Wait { deadline } => {
                    if deadline <= clock::now(libc::CLOCK_MONOTONIC) {
                        quota.request().map_err(Ended::Poisoned)?;
                    } else {
                        self.wait(deadline)?;
                    }
                    self.send_context()?;
                }
                ToHost::Error { code, message, token, kind, details } if until == FrameKind::Result => {
                    let kind = if self.origin.abi() < ABI_ERROR_KINDS { kind_of(code) } else { kind };
                    let error = match (failures.take(token), kind) {
                        (Some(failure), ErrorKind::Caused) => {
                            guest_error(code, message, kind).with_source(failure.source)
                        }
                        (Some(failure), _) => host_error(failure.status, failure.source),
                        (None, _) => guest_error(code, message, kind),
                    };
                    return Err(Ended::Ready(error.with_details(details)));
                }
                ToHost::Abort { reason, code, message } => {
                    return Err(Ended::Poisoned(abort_error(reason, code, message)));
                }
                ToHost::Ready(_) | ToHost::Result(_) | ToHost::Error { .. } => {
                    return Err(Ended::Poisoned(Error::protocol(
                        "the guest sent a frame that is no answer to what it was asked",
                    )));
                }
            }
        }
    }

    /// Runs the guest until it rings the doorbell. System calls of the programs that it serves go back to it.
    fn run(&mut self, quota: &mut Quota) -> Result<(), Ended> {
        loop {
            if let Some(mask) = self.stopper.run_mask() {
                self.vm.set_run_mask(mask).map_err(Ended::Poisoned)?;
            }
            match self.vm.run() {
                Exit::Doorbell => return Ok(()),
                Exit::Interrupted => {
                    if let Err(ended) = self.interrupted() {
                        self.vm.drain();
                        return Err(ended);
                    }
                }
                Exit::Fault => {
                    self.vm.drain();
                    let report = self.vm.fault();
                    let Some(call) = report.as_ref().and_then(|report| self.vm.system_call(report)) else {
                        return Err(Ended::Poisoned(self.fault_error(report)));
                    };
                    if self.stopper.is_cancelled() {
                        return Err(Ended::Stopped);
                    }
                    let count = quota.system_call().map_err(Ended::Poisoned)?;
                    self.vm.pass_on(&call, count).map_err(Ended::Poisoned)?;
                }
                Exit::OutOfMemory(source) => {
                    self.vm.drain();
                    return Err(Ended::Poisoned(Error::resource("running the guest", source)));
                }
                Exit::Unexpected(what) => {
                    self.vm.drain();
                    return Err(Ended::Poisoned(Error::protocol(format!("the guest stopped at {what}"))));
                }
            }
        }
    }

    /// Lets the guest sleep until the deadline, unless something stops the call.
    fn wait(&mut self, deadline: u64) -> Result<(), Ended> {
        loop {
            match self.stopper.wait(deadline) {
                Waited::Over => return in_the_parent(self.vm.memory()),
                Waited::Interrupted => self.interrupted()?,
                Waited::Stopped => return Err(Ended::Stopped),
            }
        }
    }

    /// Sends the guest the time and, where it is due, entropy.
    fn send_context(&mut self) -> Result<(), Ended> {
        let context = self.context().map_err(Ended::Poisoned)?;
        let items = [ValueRef::Bytes(&context.to_bytes())];
        self.channel.send(self.vm.memory(), FrameKind::Context, &items, &[]).map_err(|_| {
            Ended::Poisoned(Error::new(ErrorCode::Internal, "a context does not fit the input buffer"))
        })?;
        self.has_entropy = true;
        Ok(())
    }

    /// Handles a signal that interrupted the guest: a canceller's, the timer's wake-up, or one of the program's own. Ok
    /// lets the guest go on.
    fn interrupted(&mut self) -> Result<(), Ended> {
        let hook = self.on_signal.as_deref();
        let ask = || catch_unwind(AssertUnwindSafe(|| hook.map_or(Ok(()), |hook| hook())));
        // The caller's mask is in force here: by the end of it the signal's handler has run.
        let asked = self.stopper.host(ask).ok_or(Ended::Stopped)?;
        // The hook may have forked.
        in_the_parent(self.vm.memory())?;
        match asked {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let stopped = Error::new(ErrorCode::Interrupted, "the program's signal hook ended the call");
                return Err(Ended::Poisoned(stopped.with_source(error.source)));
            }
            Err(payload) => {
                return Err(panicked(payload, |said| {
                    Error::new(ErrorCode::Internal, format!("the signal hook panicked: {said}"))
                }));
            }
        }
        self.stopper.set_aside();
        // After that, not before: a signal that was set aside may have been a canceller's, and no second one comes.
        if self.stopper.is_cancelled() {
            return Err(Ended::Stopped);
        }
        Ok(())
    }

    fn fault_error(&self, report: Option<FaultReport>) -> Error {
        let Some(report) = report else {
            return Error::protocol("the guest's fault report is not one that the engine's stubs make");
        };
        let (layout, memory) = (&self.vm.image().layout, self.vm.memory());
        let fault = report.classify(layout, memory, |address| self.origin.function_at(address));
        match fault.kind {
            FaultKind::StackOverflow => Message::StackOverflow { fault }.into(),
            _ => Message::Faulted { fault }.into(),
        }
    }

    /// The time, and entropy if the guest has none in this generation.
    fn context(&mut self) -> Result<Context> {
        let entropy = if self.has_entropy {
            None
        } else {
            let fresh: [u8; 40] = entropy::fresh()?;
            let (entropy, generation) = fresh.split_at(32);
            // A random number, which no other generation has, in this process or another.
            self.generation = generation.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            // Random tokens hide the number of earlier failures.
            self.tokens = self.generation;
            entropy.try_into().ok()
        };
        Ok(Context {
            generation: self.generation,
            monotonic_ns: clock::now(libc::CLOCK_MONOTONIC),
            wall_ns: clock::now(libc::CLOCK_REALTIME),
            tsc_hz: crate::vm::hypervisor::Hypervisor::get()?.processor().counter_hz(),
            entropy,
        })
    }
}

/// Fails in a forked child, which has none of the guest's memory: the program's own code has run, and may have forked.
fn in_the_parent(memory: &GuestMemory) -> Result<(), Ended> {
    if memory.is_mapped() { Ok(()) } else { Err(Ended::Poisoned(forked())) }
}

/// The result frame's value, checked against the signature.
pub(crate) fn result<'f>(frame: &'f [u8], name: &str, signature: &Signature) -> Result<ValueRef<'f>> {
    match ToHost::decode(frame) {
        Ok(ToHost::Result(value)) if value.kind() == signature.returns() => Ok(value),
        Ok(ToHost::Result(value)) => {
            let (name, found, returns) = (Name(name.to_owned()), value.kind(), signature.returns());
            Err(Message::WrongGuestResult { name, found, returns }.into())
        }
        Ok(_) => Err(broken(&ReceiveError::Malformed(DecodeError::UnknownFrame))),
        Err(error) => Err(broken(&ReceiveError::Malformed(error))),
    }
}

/// Gives errors that host and guest both detect the same code on both sides.
fn guest_error(code: i32, message: &str, kind: ErrorKind) -> Error {
    let its_code = match kind {
        ErrorKind::FunctionNotFound => ErrorCode::FunctionNotFound,
        ErrorKind::TooLarge => ErrorCode::TooLarge,
        _ => ErrorCode::GuestError,
    };
    let message = said(message, || format!("the guest function failed with code {code}"));
    Error::new(its_code, message).with_guest_code(code)
}

/// The kind of an error, from its code, for guests of an ABI that does not send the kind.
fn kind_of(code: i32) -> ErrorKind {
    if code == ErrorCode::FunctionNotFound.number() {
        ErrorKind::FunctionNotFound
    } else if code == ErrorCode::TooLarge.number() {
        ErrorKind::TooLarge
    } else {
        ErrorKind::Own
    }
}

fn abort_error(reason: AbortReason, code: i32, message: &str) -> Error {
    let colon = if message.is_empty() { "" } else { ": " };
    let said = format!("{colon}{}", printable(message, MAX_MESSAGE_LEN));
    let error = match reason {
        AbortReason::OutOfMemory => Message::OutOfMemory { said: Text(said) }.into(),
        AbortReason::Panic => Error::new(ErrorCode::GuestAbort, format!("the guest panicked{said}")),
        _ => Error::new(ErrorCode::GuestAbort, format!("the guest aborted with code {code}{said}")),
    };
    error.with_guest_code(code)
}

fn broken(error: &ReceiveError) -> Error {
    Error::protocol(match error {
        ReceiveError::Sequence { expected, found } => {
            format!("the guest rang for frame {expected}, but its mailbox says {found}")
        }
        ReceiveError::Malformed(error) => format!("the guest sent a malformed frame: {error}"),
    })
}

/// The least number of bytes that a frame takes.
fn needed(full: &Full) -> Size {
    Size(full.needed.min(full.capacity) as u64)
}
