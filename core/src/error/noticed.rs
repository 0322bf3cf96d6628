//! Errors that are noticed around the engine: by bindings, which wait and call in parts, and by the loader of the
//! WebAssembly compiler. They are here so that each sentence stands once, and is written with the reader's names.

use std::sync::OnceLock;
use std::time::Duration;

use libhyperlight_abi::limits::MAX_PARAMETERS;

use super::{Count, Error, Message, Name, Text, Time};
use crate::signature::Signature;

#[doc(hidden)]
impl Error {
    /// The error of a call that exceeded this limit.
    pub fn timed_out(limit: Duration) -> Self {
        Message::TimedOut { limit: Time(limit) }.into()
    }

    /// The error of a call that was interrupted.
    pub fn interrupted() -> Self {
        Message::Interrupted.into()
    }

    /// The error of a call with that many arguments, where their kinds cannot be told.
    pub fn wrong_count(name: &str, signature: &Signature, found: usize) -> Self {
        let found = Text(format!("{found} arguments"));
        let (name, signature) = (Name(name.to_owned()), signature.clone());
        Message::WrongArguments { name, signature, found, advice: Text(String::new()) }.into()
    }

    /// The error of a signature with more parameters than there can be.
    pub fn many_parameters(found: usize) -> Self {
        Message::ManyParameters { most: Count(MAX_PARAMETERS as u64), found: Count(found as u64) }.into()
    }

    /// The error of a call with more arguments than there can be parameters.
    pub fn many_arguments(found: usize) -> Self {
        Message::ManyArguments { most: Count(MAX_PARAMETERS as u64), found: Count(found as u64) }.into()
    }

    /// The error for the use of a closed pool.
    pub fn pool_closed() -> Self {
        Message::PoolClosed.into()
    }

    /// The error for the use of a parent's pool in a forked child.
    pub fn pool_of_parent() -> Self {
        Message::PoolOfParent.into()
    }

    /// The error of a wait for a member of a pool with that many members.
    pub fn no_member_in_time(limit: Duration, members: u64) -> Self {
        Message::NoMemberInTime { limit: Time(limit), members: Count(members) }.into()
    }

    /// The same error of a wait for a member with the limit of the whole wait, of which this was a part.
    #[must_use]
    pub fn of_whole_wait(mut self, whole: Duration) -> Self {
        if let Message::NoMemberInTime { limit, .. } = &mut self.0.message {
            *limit = Time(whole);
            self.0.line = OnceLock::new();
        }
        self
    }

    /// The error of a program that took too long to compile.
    pub fn compile_timed_out() -> Self {
        Message::CompileTimedOut.into()
    }

    /// The error of a program that is larger than may be compiled; the compiler's text has the sizes.
    pub fn large_program(said: String) -> Self {
        Message::LargeProgram { said: Text(said) }.into()
    }

    /// The error of a program that could be compiled in more time; the compiler's text says what it has too much of.
    pub fn heavy_program(said: String) -> Self {
        Message::HeavyProgram { said: Text(said) }.into()
    }
}
