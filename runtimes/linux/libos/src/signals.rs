//! Signals: those that the program raises itself, its alarm, and the ends of pipes.
//!
//! They are delivered at the end of a system call. A handler runs on a frame like Linux's, so that what C libraries do
//! with it works; it returns by `rt_sigreturn`. The high halves of the vector registers are not in the frame.

use crate::errno::Errno;
use crate::frame::Frame;
use crate::threads::Thread;
use crate::user;

/// A set of signals; signal 1 is bit 0.
pub(crate) type Mask = u64;

pub(crate) const KILL: u32 = 9;
pub(crate) const PIPE: u32 = 13;
pub(crate) const ALARM: u32 = 14;
pub(crate) const STOP: u32 = 19;

/// Signals whose default is that nothing happens: `CHLD`, `CONT`, `URG`, `WINCH`.
const IGNORED: Mask = bit(17) | bit(18) | bit(23) | bit(28);

/// Signals whose default is to stop the process, which a sandbox cannot: `TSTP`, `TTIN`, `TTOU`, `STOP`.
const STOPPING: Mask = bit(19) | bit(20) | bit(21) | bit(22);

/// The number of signals.
pub(crate) const COUNT: u32 = 64;

const DEFAULT: u64 = 0;
const IGNORE: u64 = 1;

/// Flags of an action.
const RESTORER: u64 = 0x0400_0000;
const ON_STACK: u64 = 0x0800_0000;
const NO_DEFER: u64 = 0x4000_0000;
const RESET: u64 = 0x8000_0000;
pub(crate) const RESTART: u64 = 0x1000_0000;

/// Bytes below the stack pointer that belong to the program.
const RED_ZONE: u64 = 128;

/// Bytes of the frame on the stack: return address, context, information, and the saved vector registers.
const CONTEXT: u64 = 8;
const CONTEXT_WORDS: usize = 38;
const INFORMATION: u64 = CONTEXT + CONTEXT_WORDS as u64 * 8;
const VECTORS: u64 = (INFORMATION + 120).next_multiple_of(64) + 8;
const FRAME_LEN: u64 = VECTORS + 512;

/// The program's action for a signal: handler, flags, restorer, mask, as in Linux's structure.
pub(crate) type Action = [u64; 4];

/// The bit of a signal.
pub(crate) const fn bit(signal: u32) -> Mask {
    1 << (signal - 1)
}

/// The actions of all signals.
#[derive(Debug)]
pub(crate) struct Actions([Action; COUNT as usize]);

/// The consequence of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// Nothing happens.
    Nothing,
    /// The program ends by it.
    End(u32),
    /// Its handler runs. True if a system call that it interrupted is to be made again.
    Handler(bool),
}

impl Actions {
    pub fn new() -> Self {
        Self([[0; 4]; COUNT as usize])
    }

    pub fn get(&self, signal: u32) -> Result<Action, Errno> {
        self.0.get(place(signal)?).copied().ok_or(Errno::INVAL)
    }

    pub fn set(&mut self, signal: u32, action: Action) -> Result<(), Errno> {
        if matches!(signal, KILL | STOP) {
            return Err(Errno::INVAL);
        }
        *self.0.get_mut(place(signal)?).ok_or(Errno::INVAL)? = action;
        Ok(())
    }

    /// Returns true if the signal is to be thrown away when it is raised.
    pub fn ignores(&self, signal: u32) -> bool {
        let [handler, ..] = self.get(signal).unwrap_or_default();
        handler == IGNORE || handler == DEFAULT && (IGNORED | STOPPING) & bit(signal) != 0
    }

    /// Lets a thread, whose registers these are, take a signal.
    pub fn deliver(&mut self, signal: u32, thread: &mut Thread, frame: &mut Frame) -> Outcome {
        let action = self.get(signal).unwrap_or_default();
        let [handler, flags, ..] = action;
        if self.ignores(signal) {
            return Outcome::Nothing;
        }
        if handler == DEFAULT || flags & RESTORER == 0 {
            return Outcome::End(signal);
        }
        if enter(signal, action, thread, frame).is_err() {
            return Outcome::End(signal);
        }
        if flags & RESET != 0
            && let Some(action) = place(signal).ok().and_then(|place| self.0.get_mut(place))
        {
            *action = [0; 4];
        }
        Outcome::Handler(flags & RESTART != 0)
    }
}

/// Writes the frame for a handler onto the stack, and lets the thread continue in the handler.
fn enter(signal: u32, action: Action, thread: &mut Thread, frame: &mut Frame) -> Result<(), Errno> {
    /// Flags of the processor that are always set.
    const FLAGS: u64 = 0x202;
    /// Selectors of code and stack, as Linux has them.
    const SELECTORS: u64 = 0x33 | 0x2b << 48;
    let [handler, flags, restorer, mask] = action;
    let (stack, stack_len, stack_flags) = thread.signal_stack;
    let is_on_it = frame.rsp.wrapping_sub(stack) < stack_len;
    let top = if flags & ON_STACK != 0 && stack_flags & 2 == 0 && !is_on_it {
        stack + stack_len
    } else {
        frame.rsp.wrapping_sub(RED_ZONE)
    };
    // As after a call: 8 modulo 16. The vectors are at a multiple of 64.
    let at = (top.wrapping_sub(FRAME_LEN) & !63).wrapping_sub(8);
    let vectors = at.wrapping_add(VECTORS);
    let mut context = [0_u64; CONTEXT_WORDS];
    let old_mask = thread.suspended.take().unwrap_or(thread.blocked);
    let words = [
        // Flags and link, then the alternate stack.
        0,
        0,
        stack,
        u64::from(stack_flags),
        stack_len,
        frame.r8,
        frame.r9,
        frame.r10,
        frame.r11,
        frame.r12,
        frame.r13,
        frame.r14,
        frame.r15,
        frame.rdi,
        frame.rsi,
        frame.rbp,
        frame.rbx,
        frame.rdx,
        frame.rax,
        frame.rip,
        frame.rsp,
        frame.rip,
        FLAGS,
        SELECTORS,
        // Error, trap, old mask, fault address.
        0,
        0,
        old_mask,
        0,
        vectors,
    ];
    for (place, word) in context.iter_mut().zip(words) {
        *place = word;
    }
    if let Some(place) = context.get_mut(37) {
        *place = old_mask;
    }
    let mut information = [0_u32; 32];
    let [number, _, code, ..] = &mut information;
    // `SI_TKILL`.
    (*number, *code) = (signal, (-6_i32).cast_unsigned());
    user::write(at, restorer)?;
    user::write(at + CONTEXT, context)?;
    user::write(at + INFORMATION, information)?;
    user::zero(vectors, 512)?;
    // As `fxsave` has it: control words of a fresh unit, then the registers.
    user::write(vectors, 0x037f_u64)?;
    user::write(vectors + 24, 0x0000_ffff_0000_1f80_u64)?;
    for (number, register) in (0_u64..).zip(frame.xmm) {
        user::write(vectors + 160 + number * 16, register.to_le_bytes())?;
    }
    thread.blocked |= mask | if flags & NO_DEFER == 0 { bit(signal) } else { 0 };
    thread.blocked &= !(bit(KILL) | bit(STOP));
    frame.rsp = at;
    frame.rip = handler;
    frame.rdi = u64::from(signal);
    frame.rsi = at + INFORMATION;
    frame.rdx = at + CONTEXT;
    frame.rax = 0;
    Ok(())
}

/// Takes the registers from the frame of a handler that returns: the stack pointer is behind its return address.
pub(crate) fn leave(thread: &mut Thread, frame: &mut Frame) -> Result<(), Errno> {
    let at = frame.rsp.wrapping_sub(8);
    let context: [u64; CONTEXT_WORDS] = user::read(at + CONTEXT)?;
    let word = |number: usize| context.get(number).copied().unwrap_or(0);
    let vectors = word(28);
    if vectors != 0 {
        for (number, register) in (0_u64..).zip(&mut frame.xmm) {
            *register = u128::from_le_bytes(user::read(vectors + 160 + number * 16)?);
        }
    }
    frame.r8 = word(5);
    frame.r9 = word(6);
    frame.r10 = word(7);
    frame.r11 = word(8);
    frame.r12 = word(9);
    frame.r13 = word(10);
    frame.r14 = word(11);
    frame.r15 = word(12);
    frame.rdi = word(13);
    frame.rsi = word(14);
    frame.rbp = word(15);
    frame.rbx = word(16);
    frame.rdx = word(17);
    frame.rax = word(18);
    frame.rsp = word(20);
    frame.rip = word(21);
    thread.blocked = word(37) & !(bit(KILL) | bit(STOP));
    Ok(())
}

fn place(signal: u32) -> Result<usize, Errno> {
    if (1..=COUNT).contains(&signal) { Ok(signal as usize - 1) } else { Err(Errno::INVAL) }
}
