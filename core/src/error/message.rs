//! The sentences of errors: one template for each, with its subjects as data.
//!
//! A name in braces is a field, or one of this library's options and functions that are listed behind the message's
//! name. Options and functions are written with the names of the reader's language. A text that names none of them
//! needs no entry here.

use std::fmt;
use std::time::Duration;

use libhyperlight_abi::Kind;

use super::ErrorCode;
use super::spelling::{Function, Spelled, Spelling, Subject};
use crate::fault::Fault;
use crate::options::table::Info;
use crate::signature::Signature;

/// The options and functions that stand behind the names of messages, and others that messages speak of.
mod terms {
    pub(super) use crate::error::spelling::Function::Evolve as evolve;
    pub(super) use crate::options::compile::{compile_timeout, max_program_size};
    pub(super) use crate::options::load::{max_heap_size, max_size};
    pub(super) use crate::options::pool::{acquire_timeout, max, min_idle};
    pub(super) use crate::options::sandbox::{
        cpu_time, heap_size, input_size, max_host_calls, max_print_bytes, stack_size, timeout,
    };
}

macro_rules! messages {
    ($($message:ident $(($($term:ident),*))? $({$($field:ident: $part:ty),*})? $code:ident $template:literal;)*) => {
        /// The reason of a failure.
        #[derive(Debug)]
        pub(crate) enum Message {
            /// A text that is the same in every language.
            Text { code: ErrorCode, text: String },
            /// The text of a host function's error. Without one, the source is an engine error and its text is used.
            HostFailed { said: Option<String> },
            $(#[doc = $template] $message $({$($field: $part),*})?,)*
        }

        impl Message {
            /// The code of the error.
            pub fn code(&self) -> ErrorCode {
                match self {
                    Self::Text { code, .. } => *code,
                    Self::HostFailed { .. } => ErrorCode::HostFunction,
                    $(Self::$message { .. } => ErrorCode::$code,)*
                }
            }

            /// Writes the sentence.
            pub fn write(&self, spelling: &dyn Spelling, out: &mut dyn fmt::Write) -> fmt::Result {
                match self {
                    Self::Text { text, .. } => out.write_str(text),
                    Self::HostFailed { said } => out.write_str(said.as_deref().unwrap_or_default()),
                    $(Self::$message $({$($field),*})? => {
                        $($(let $term = Subject::from(&terms::$term); let $term = Spelled(&$term, spelling);)*)?
                        $($(let $field = Spelled($field, spelling);)*)?
                        write!(out, $template)
                    })*
                }
            }

            /// The subjects of the message, in the order of the table.
            pub fn subjects(&self) -> Vec<Subject<'_>> {
                let mut found = Vec::new();
                match self {
                    Self::Text { text, .. } => found.push(Subject::Text(text)),
                    Self::HostFailed { said } => found.extend(said.as_deref().map(Subject::Text)),
                    $(Self::$message $({$($field),*})? => {
                        $($(found.push(Subject::from(&terms::$term));)*)?
                        $($($field.add_to(&mut found);)*)?
                    })*
                }
                found
            }

            /// One sample of each message that has a template.
            pub fn samples() -> Vec<Self> {
                vec![$(Self::$message $({$($field: Part::sample()),*})?,)*]
            }
        }
    };
}

messages! {
    // Options.
    AboveMaximum { option: Opt, max: Size, found: Size } InvalidArgument
        "{option} is at most {max} bytes, found {found}";
    TooMany { option: Opt, max: Count, found: Count } InvalidArgument
        "{option} is at most {max}, found {found}";
    OtherSize { option: Opt, asked: Size, has: Size } InvalidArgument
        "{option} is {asked}, but what goes on from this snapshot has {has}, like the sandbox that it was taken of; ask for {has}, \
         or take a snapshot of a sandbox with {asked}";
    TooManyIdle(min_idle, max) { most: Count, found: Count } InvalidArgument
        "{min_idle} is at most {max}, which is {most}, found {found}";
    HookTooOften { shortest: Time, found: Time } InvalidArgument
        "the signal hook is asked at most every {shortest}, found {found}";
    NotRealTime { signal: Number, first: Number, last: Number } InvalidArgument
        "signal {signal} is not a real-time signal; those are {first} to {last}";
    IgnoredSignal { signal: Number, mend: OtherSignal } InvalidArgument
        "signal {signal} is ignored by the program, so that it cannot stop a guest; {mend}";

    ManyPayloads { most: Count } InvalidArgument
        "a guest has at most {most} payloads";

    // Names and signatures.
    LongName { most: Count, found: Count } InvalidArgument
        "a function's name has 1 to {most} bytes, found {found}";
    ManyParameters { most: Count, found: Count } InvalidArgument
        "a function has at most {most} parameters, found {found}";
    NoGuestFunction { name: Name } FunctionNotFound
        "the guest has no function `{name}`";
    NoHostFunction(evolve) { name: Name } FunctionNotFound
        "the host has no function `{name}`; register it before {evolve}";
    ManyArguments { most: Count, found: Count } Signature
        "a call has at most {most} arguments, found {found}";
    WrongArguments { name: Name, signature: Signature, found: Text, advice: Text } Signature
        "`{name}` is {signature}, but was called with ({found}){advice}";
    OtherResultExpected { name: Name, signature: Signature, expected: Kind } Signature
        "`{name}` is {signature}, but {expected} was expected of it";
    WrongHostResult { name: Name, found: Kind, returns: Kind } Signature
        "the host function `{name}` returned {found}, its signature says {returns}";
    WrongGuestResult { name: Name, found: Kind, returns: Kind } Protocol
        "the guest function `{name}` returned {found}, its signature says {returns}";
    HostPanicked { name: Name, said: Text } Internal
        "the host function `{name}` panicked: {said}";

    // Limits.
    NoRoomForArguments(input_size) { needed: Size, room: Size } TooLarge
        "no room for the arguments: more than {needed} bytes, {input_size} is {room}, raise it";
    NoRoomForHostResult(input_size) { name: Name, needed: Size, room: Size } TooLarge
        "no room for the result of the host function `{name}`: more than {needed} bytes, {input_size} is {room}, raise it";
    ManyHostCalls(max_host_calls) TooLarge
        "the call has made as many host calls as {max_host_calls} allows";
    ManyRequests(max_host_calls) { others: Count } TooLarge
        "the call has asked the host for more than {max_host_calls} and {others} other things";
    PrintedTooMuch(max_print_bytes) TooLarge
        "the call has printed more than {max_print_bytes} allows";
    TimedOut(timeout) { limit: Time } Timeout
        "the call took longer than its {timeout} of {limit}";
    OutOfCpuTime(cpu_time) { limit: Time } Timeout
        "the call used more processor time than its {cpu_time} of {limit}";
    NoMemberInTime(acquire_timeout) { limit: Time, members: Count } PoolTimeout
        "no member of the pool came free within {acquire_timeout}, {limit}; all {members} are in use";

    LargePayloads { most: Size } TooLarge
        "payloads have at most {most} bytes together";

    // What a guest did.
    OutOfMemory(heap_size) { said: Text } GuestOutOfMemory
        "the guest is out of memory{said}; raise {heap_size}";
    Faulted { fault: Fault } GuestFault
        "the guest faulted: {fault}";
    StackOverflow { fault: Fault } StackOverflow
        "the guest faulted: {fault}";

    // Guest files.
    NotRegularFile { path: Text } GuestBinary
        "{path} is not a regular file";
    LargeGuestFile { most: Size } GuestBinary
        "a guest file has at most {most} bytes";
    NotLoadable { reason: Text } GuestBinary
        "not a loadable ELF file: {reason}";
    ManyHeaders { most: Count, found: Count } GuestBinary
        "not a loadable ELF file: it has {found} program headers; a file has at most {most}";
    ManyNotes { most: Count } GuestBinary
        "a file has at most {most} note segments";
    LongNotes { most: Size, found: Size } GuestBinary
        "a file's note segments have at most {most} bytes together, found {found}";
    NoAbi { section: Name, low: Count, high: Count } GuestBinary
        "the file has no guest ABI note ({section}); this library accepts ABI {low} to {high}; link the guest SDK";
    OtherAbi { found: Count, low: Count, high: Count } GuestBinary
        "the guest was built for ABI {found}, this library accepts {low} to {high}; build it with the matching guest SDK";

    // Programs that the host compiles.
    CompileTimedOut(compile_timeout) Timeout
        "compiling took longer than allowed; raise {compile_timeout} if the program is trusted";
    LargeProgram(max_program_size) { said: Text } GuestBinary
        "{said}; raise {max_program_size} if it is trusted";
    HeavyProgram(compile_timeout) { said: Text } GuestBinary
        "{said}; raise {compile_timeout} if it is trusted";

    // Snapshots.
    UnusableFile { reason: Text } SnapshotFile
        "the snapshot file cannot be used: {reason}";
    OtherFormat { found: Count, by: Text, expected: Count, placed: Count, mends: Text } SnapshotFile
        "the snapshot file cannot be used: its format is {found}, that of {by}; expected {expected} or {placed}; {mends}";
    FileOfOtherAbi { found: Count, low: Count, high: Count } SnapshotFile
        "the snapshot file cannot be used: its guest has ABI {found}, this library accepts {low} to {high}";
    FileNeedsFeatures { lacking: Text } SnapshotFile
        "the snapshot file cannot be used: it needs processor features that are not here: {lacking}";
    FilePlacedTooLarge(max_heap_size) { found: Size, bound: Size } SnapshotFile
        "the snapshot file cannot be used: its arena and stacks are {found} bytes, {max_heap_size} is {bound}; raise {max_heap_size} if the \
         file can be trusted";
    FileMemoryTooLarge(max_size) { what: Text, found: Size, bound: Size } SnapshotFile
        "the snapshot file cannot be used: {what} is {found} bytes, {max_size} is {bound}; raise {max_size} if the file can be trusted";
    FileSizeTooLarge(max_heap_size) { option: Opt, found: Size, bound: Size } SnapshotFile
        "the snapshot file cannot be used: its {option} is {found} bytes, {max_heap_size} is {bound}; raise {max_heap_size} if the file \
         can be trusted";
    OtherSandbox { differs: Vec<Difference> } SnapshotMismatch
        "the snapshot is not of a sandbox like this one: {differs}";
    HostFunctionsLack { wrong: Vec<HostMismatch> } SnapshotMismatch
        "the snapshot needs host functions that the sandbox does not have: {wrong}";

    // States.
    Poisoned Poisoned
        "an earlier call stopped the guest in the middle; restore the sandbox or make a new one";
    InUse Busy
        "the sandbox is in use: by another thread, or by the call that this came from";
    Interrupted Interrupted
        "the call was interrupted";
    NotStarted(evolve) State
        "the sandbox has not started: {evolve} must come first";
    Started State
        "the sandbox has evolved already";
    TooLate(evolve) State
        "host functions are registered and removed before {evolve}; the sandbox has started";
    TooLateForTwins State
        "host functions are registered before the first sandbox is started";
    StartFailed Poisoned
        "the sandbox has failed to start and is of no more use; make a new one";
    PreparationFailed Closed
        "the sandbox has failed to start and is of no more use; make a new one";
    Suspended State
        "a call of the sandbox waits for host functions: resume it, or restore the sandbox";
    NotSuspended State
        "no call of the sandbox waits to be resumed";
    Closed Closed
        "the sandbox was closed; make a new one";
    PoolClosed Closed
        "the pool was closed; make a new one";
    OfParent State
        "the sandbox belongs to the process that this one was forked from; make a new one here";
    PoolOfParent State
        "the pool belongs to the process that this one was forked from; make a new one here";
}

/// A piece of a message.
pub(super) trait Part {
    /// Writes it as the reader's language does.
    fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Adds what it speaks of.
    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>);

    /// Any one.
    fn sample() -> Self;
}

impl<T: Part> fmt::Display for Spelled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(self.1, f)
    }
}

/// A part that is one subject.
macro_rules! subjects {
    ($($(#[$doc:meta])* $part:ident($inner:ty) = $subject:expr, $sample:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $part(pub $inner);

        impl Part for $part {
            fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Spelled(&$subject(&self.0), spelling).fmt(f)
            }

            fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
                subjects.push($subject(&self.0));
            }

            fn sample() -> Self {
                Self($sample)
            }
        }
    )*};
}

use fmt::Display as _;

subjects! {
    /// A number of things.
    Count(u64) = |count: &u64| Subject::Count(*count), 2;
    /// A function's name.
    Name(String) = Subject::Name, "json:name".to_owned();
    /// A number that counts nothing.
    Number(i32) = |number: &i32| Subject::Number(*number), 34;
    /// An option.
    Opt(&'static Info) = |option: &&'static Info| Subject::Option(option), &terms::heap_size;
    /// Bytes.
    Size(u64) = |size: &u64| Subject::Size(*size), 4096;
    /// Words that are the same in every language.
    Text(String) = Subject::Text, "text".to_owned();
    /// The value of a limit.
    Time(Duration) = |time: &Duration| Subject::Time(*time), Duration::from_millis(20);
}

impl Part for Kind {
    fn write(&self, _: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt(f)
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        subjects.push(Subject::Text(self.name()));
    }

    fn sample() -> Self {
        Self::String
    }
}

impl Part for Signature {
    fn write(&self, _: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt(f)
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        subjects.push(Subject::Signature(self));
    }

    fn sample() -> Self {
        Self::from_kinds(&[Kind::String], Kind::String)
    }
}

impl Part for Fault {
    fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(&spelling.option(&terms::stack_size), f)
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        if self.kind == crate::FaultKind::StackOverflow {
            subjects.push(Subject::Option(&terms::stack_size));
        }
    }

    fn sample() -> Self {
        Self::example()
    }
}

impl<T: Part> Part for Vec<T> {
    fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            part.write(spelling, f)?;
        }
        Ok(())
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        self.iter().for_each(|part| part.add_to(subjects));
    }

    fn sample() -> Self {
        vec![T::sample(), T::sample()]
    }
}

/// The remedy for a program that ignores the signal that stops guests.
#[derive(Debug)]
pub(crate) struct OtherSignal;

impl Part for OtherSignal {
    fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match spelling.function(Function::SetInterruptSignal) {
            Some(function) => write!(f, "choose another by {function}"),
            None => f.write_str("let the program not ignore it"),
        }
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        subjects.push(Subject::Function(Function::SetInterruptSignal));
    }

    fn sample() -> Self {
        Self
    }
}

/// In what a snapshot differs from a sandbox.
#[derive(Debug)]
pub(crate) enum Difference {
    Guest(String),
    Size { option: &'static Info, ours: u64, theirs: u64 },
}

impl Part for Difference {
    fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(text) => f.write_str(text),
            Self::Size { option, ours, theirs } => {
                let option = spelling.option(option);
                write!(f, "its {option} is {ours}, that of the sandbox is {theirs}")
            }
        }
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        match self {
            Self::Guest(text) => subjects.push(Subject::Text(text)),
            Self::Size { option, ours, theirs } => {
                subjects.extend([Subject::Option(option), Subject::Size(*ours), Subject::Size(*theirs)]);
            }
        }
    }

    fn sample() -> Self {
        Self::Size { option: &terms::heap_size, ours: 4096, theirs: 8192 }
    }
}

/// A host function that a snapshot needs, and what there is in its place.
#[derive(Debug)]
pub(crate) struct HostMismatch {
    pub name: String,
    pub needed: Signature,
    pub found: Option<Signature>,
}

impl Part for HostMismatch {
    fn write(&self, spelling: &dyn Spelling, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, needed, found } = self;
        let own = own_name(name, spelling);
        let written = |signature: &Signature| match own {
            Some(_) if signature.is_unsigned() => "(any values)".to_owned(),
            _ => signature.to_string(),
        };
        let (name, needed) = (own.unwrap_or(name), written(needed));
        match found {
            None => write!(f, "`{name}` {needed} is missing"),
            Some(found) => {
                let advice = found.advice(self.needed.params().len());
                write!(f, "`{name}` is {}, expected {needed}{advice}", written(found))
            }
        }
    }

    fn add_to<'e>(&'e self, subjects: &mut Vec<Subject<'e>>) {
        subjects.extend([Subject::Name(&self.name), Subject::Signature(&self.needed)]);
        subjects.extend(self.found.as_ref().map(Subject::Signature));
    }

    fn sample() -> Self {
        Self { name: Name::sample().0, needed: Signature::sample(), found: None }
    }
}

/// The name that a host function without a signature was given, if it is one and the language has them.
pub(super) fn own_name<'n>(name: &'n str, spelling: &dyn Spelling) -> Option<&'n str> {
    if spelling.has_unsigned_functions() { name.strip_prefix("json:") } else { None }
}
