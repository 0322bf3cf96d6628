//! The names of options and functions in error messages, by language.
//!
//! A message names options and functions of this library. Languages have different names for them, and lack some. So an
//! error keeps its subjects, and [`Error::render`](crate::Error::render) writes the sentence with the reader's names.
//! The default is Rust's.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::message::own_name;
use crate::options::face::Face;
use crate::options::table::Info;
use crate::signature::Signature;

/// The names of one language. Every method has Rust's as its default.
pub trait Spelling {
    /// That option.
    fn option(&self, option: &'static Info) -> Cow<'static, str> {
        Cow::Borrowed(option.name)
    }

    /// The name of a function of this library; `None` if the language has no equivalent.
    fn function(&self, function: Function) -> Option<&'static str> {
        Some(function.name())
    }

    /// A length of time, as the value of an option.
    fn time(&self, time: Duration) -> String {
        format!("{time:?}")
    }

    /// True if host functions without a signature are registered under their own names, and not as `json:NAME` with the
    /// signature `(string) -> string`.
    fn has_unsigned_functions(&self) -> bool {
        false
    }
}

impl Spelling for Face {
    fn option(&self, option: &'static Info) -> Cow<'static, str> {
        self.name(option)
    }

    fn function(&self, function: Function) -> Option<&'static str> {
        match (self, function) {
            (Self::Rust, _) => Some(function.name()),
            (_, Function::SetInterruptSignal) => None,
            (Self::C, Function::Evolve) => Some("hl_sandbox_evolve"),
            (Self::C, Function::Register) => Some("hl_sandbox_register"),
            (Self::C, Function::Restore) => Some("hl_sandbox_restore"),
            (Self::Python, Function::Evolve) => Some("evolve()"),
            (Self::Python, Function::Register) => Some("register()"),
            (Self::Python, Function::Restore) => Some("restore()"),
            (Self::JavaScript, same) => Some(same.name()),
        }
    }

    /// JavaScript gives a number of its unit, which is in the option's name.
    fn time(&self, time: Duration) -> String {
        match self {
            Self::JavaScript => (time.as_secs_f64() * 1000.0).to_string(),
            _ => format!("{time:?}"),
        }
    }

    fn has_unsigned_functions(&self) -> bool {
        matches!(self, Self::JavaScript | Self::Python)
    }
}

/// Plain words for readers who do not see the library's interface: a guest may show them to users of any language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words;

impl Spelling for Words {
    fn option(&self, option: &'static Info) -> Cow<'static, str> {
        Cow::Owned(option.name.replace('_', " "))
    }

    fn function(&self, function: Function) -> Option<&'static str> {
        match function {
            Function::Evolve => Some("the start"),
            _ => None,
        }
    }

    fn has_unsigned_functions(&self) -> bool {
        true
    }
}

/// A function of this library that messages name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Function {
    /// [`UninitializedSandbox::evolve`](crate::UninitializedSandbox::evolve).
    Evolve,
    /// [`UninitializedSandbox::register`](crate::UninitializedSandbox::register).
    Register,
    /// [`Sandbox::restore`](crate::Sandbox::restore).
    Restore,
    /// [`set_interrupt_signal`](crate::set_interrupt_signal).
    SetInterruptSignal,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Evolve, Self::Register, Self::Restore, Self::SetInterruptSignal];

    /// The name in Rust.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evolve => "evolve",
            Self::Register => "register",
            Self::Restore => "restore",
            Self::SetInterruptSignal => "set_interrupt_signal",
        }
    }
}

/// Something that a message speaks of.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Subject<'e> {
    /// Bytes.
    Size(u64),
    /// A number of things.
    Count(u64),
    /// A function of this library.
    Function(Function),
    /// A function of the guest's, or a host function, by name.
    Name(&'e str),
    /// A number that counts nothing, such as a signal's.
    Number(i32),
    /// An option.
    Option(&'static Info),
    /// The kinds that a function takes and returns.
    Signature(&'e Signature),
    /// Anything else, in words that are the same in every language.
    Text(&'e str),
    /// The value of a limit of time.
    Time(Duration),
}

/// Something as one language writes it.
pub(super) struct Spelled<'s, T: ?Sized>(pub &'s T, pub &'s dyn Spelling);

impl From<&'static Info> for Subject<'static> {
    fn from(option: &'static Info) -> Self {
        Self::Option(option)
    }
}

impl From<&'static Function> for Subject<'static> {
    fn from(function: &'static Function) -> Self {
        Self::Function(*function)
    }
}

impl fmt::Display for Spelled<'_, Subject<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(subject, spelling) = self;
        match subject {
            Subject::Size(number) | Subject::Count(number) => number.fmt(f),
            Subject::Function(function) => f.write_str(spelling.function(*function).unwrap_or_default()),
            Subject::Name(name) => f.write_str(own_name(name, *spelling).unwrap_or(name)),
            Subject::Number(number) => number.fmt(f),
            Subject::Option(option) => f.write_str(&spelling.option(option)),
            Subject::Signature(signature) => signature.fmt(f),
            Subject::Text(text) => f.write_str(text),
            Subject::Time(time) => f.write_str(&spelling.time(*time)),
        }
    }
}
