//! The signal that cancels a running guest.
//!
//! No handler is ever installed. The signal is blocked while a call runs, and unblocked only inside `KVM_RUN`
//! (`KVM_SET_SIGNAL_MASK`): there a pending signal makes the system call return `EINTR`, and the mask is restored. The
//! signal stays in the queue, from which the runner takes it. A signal that was not ours goes back into the queue.
//!
//! A signal of the program's own may have the same number. It interrupts the guest, too; then the caller's mask is
//! restored for a moment, in which its handler runs. If the caller has it blocked, it is set [`Aside`] until the call
//! is over.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::error::{Error, Message, Number, OtherSignal, Result};

/// A set of signals as the kernel has it: bit n − 1 is signal n.
pub(super) type Mask = u64;

/// 0: the default.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Sets the real-time signal that stops a running guest, for calls of this process that start later.
///
/// The default is `SIGRTMIN + 9`. The program need not handle it and must not ignore it: a signal that is ignored or
/// not a real-time signal is [`crate::ErrorCode::InvalidArgument`]. The signal's disposition does not change. A signal
/// with this number that the program itself sends still reaches the program; if several are pending for a thread in a
/// call, their order may change.
pub fn set_interrupt_signal(signal: i32) -> Result<()> {
    check(signal)?;
    SIGNAL.store(signal, Ordering::Relaxed);
    Ok(())
}

/// The signal in use.
pub(super) fn current() -> i32 {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => libc::SIGRTMIN() + 9,
        signal => signal,
    }
}

/// Fails if the signal cannot stop a guest.
pub(super) fn check(signal: i32) -> Result<()> {
    if !(libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&signal) {
        let [signal, first, last] = [signal, libc::SIGRTMIN(), libc::SIGRTMAX()].map(Number);
        return Err(Message::NotRealTime { signal, first, last }.into());
    }
    // SAFETY: an all-zero `sigaction` is a valid value of that C struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a query only; the kernel writes one `sigaction` to the address given.
    if unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) } != 0 {
        return Err(Error::resource("sigaction", io::Error::last_os_error()));
    }
    if action.sa_sigaction == libc::SIG_IGN {
        return Err(Message::IgnoredSignal { signal: Number(signal), mend: OtherSignal }.into());
    }
    Ok(())
}

/// All signals except the two that the C library needs to change user ids and to cancel threads.
const ALL: Mask = !(0b11 << 31);

/// Runs a function that starts a thread, which inherits a mask with all signals blocked.
pub(crate) fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    let mask = block(ALL);
    let started = start();
    restore(mask);
    started
}

/// The set of that signal alone.
pub(super) fn only(signal: i32) -> Mask {
    1 << (signal - 1)
}

/// Adds to the thread's mask. Returns the mask before.
pub(super) fn block(mask: Mask) -> Mask {
    change(libc::SIG_BLOCK, mask)
}

/// Replaces the thread's mask.
pub(super) fn restore(mask: Mask) {
    change(libc::SIG_SETMASK, mask);
}

/// Queues the signal for a thread of this process, marked by `cookie`. Returns false if the user's signal queue is full
/// (`RLIMIT_SIGPENDING`).
pub(super) fn send(thread: i32, signal: i32, cookie: usize) -> bool {
    let info = Info::new(signal, cookie);
    queue(thread, signal, &info)
}

/// Takes this thread's signals of that number out of the queue until `count` with our cookie were found, and puts the
/// others back. The signal is blocked.
pub(super) fn take(signal: i32, cookie: usize, count: u32) {
    let mut others: Vec<Info> = Vec::new();
    let mut left = count;
    while left > 0 {
        match dequeue(signal) {
            Some(info) if info.is_ours(cookie) => left -= 1,
            Some(info) => others.push(info),
            None => break,
        }
    }
    let thread = thread_id();
    for info in others {
        queue(thread, signal, &info);
    }
}

/// The program's own signals of that number that arrived while the caller has it blocked. They are kept here: in the
/// queue they would interrupt the guest again and again.
#[derive(Debug, Default)]
pub(super) struct Aside {
    signals: Vec<(Info, Recipient)>,
}

/// The receiver of a signal.
#[derive(Clone, Copy, Debug)]
enum Recipient {
    Process,
    Thread,
}

impl Aside {
    /// Takes them out of the queue and drops those with our cookie. Returns the number of dropped ones. The signal is
    /// blocked.
    pub fn fill(&mut self, signal: i32, cookie: usize) -> u32 {
        let mut ours = 0;
        while is_pending(signal) {
            // The thread's own signals come first.
            let recipient =
                if is_pending_for_thread(signal) { Recipient::Thread } else { Recipient::Process };
            match dequeue(signal) {
                Some(info) if info.is_ours(cookie) => ours += 1,
                Some(info) => self.signals.push((info, recipient)),
                // Another thread was faster.
                None => break,
            }
        }
        ours
    }

    /// Puts them back.
    pub fn empty(&mut self, signal: i32) {
        for (info, recipient) in self.signals.drain(..) {
            match recipient {
                Recipient::Process => queue_to_process(signal, &info),
                Recipient::Thread => queue(thread_id(), signal, &info),
            };
        }
    }
}

/// The kernel's number of this thread.
pub(super) fn thread_id() -> i32 {
    // SAFETY: no arguments, no effects.
    unsafe { libc::gettid() }
}

/// The next signal of that number in the queue.
fn dequeue(signal: i32) -> Option<Info> {
    let mut info = Info::new(0, 0);
    let (set, now) = (only(signal), libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: the set is a live word of the size given, the kernel writes one `siginfo_t`, which `Info` is the size of,
    // and reads one timespec.
    let found = unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set,
            &raw mut info,
            &raw const now,
            size_of::<Mask>(),
        )
    };
    (found == i64::from(signal)).then_some(info)
}

/// Returns true if such a signal is pending for this thread or for the process. It is blocked.
fn is_pending(signal: i32) -> bool {
    let mut set: Mask = 0;
    // SAFETY: the kernel writes one word of the size given.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, size_of::<Mask>()) };
    set & only(signal) != 0
}

/// Returns true if such a signal is pending for this thread alone. The answer comes from `/proc`; without it, it is
/// true.
fn is_pending_for_thread(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let field = status.lines().find_map(|line| line.strip_prefix("SigPnd:"));
    let set = field.and_then(|set| Mask::from_str_radix(set.trim(), 16).ok());
    set.is_none_or(|set| set & only(signal) != 0)
}

fn queue_to_process(signal: i32, info: &Info) -> bool {
    // SAFETY: the kernel reads one `siginfo_t`, which `Info` is the size of.
    let done = unsafe {
        libc::syscall(libc::SYS_rt_sigqueueinfo, std::process::id(), signal, std::ptr::from_ref(info))
    };
    done == 0
}

fn queue(thread: i32, signal: i32, info: &Info) -> bool {
    // SAFETY: the kernel reads one `siginfo_t`, which `Info` is the size of.
    let done = unsafe {
        libc::syscall(
            libc::SYS_rt_tgsigqueueinfo,
            std::process::id(),
            thread,
            signal,
            std::ptr::from_ref(info),
        )
    };
    done == 0
}

fn change(how: i32, mask: Mask) -> Mask {
    let mut before: Mask = 0;
    // SAFETY: both words are alive and of the size given; the call cannot fail with a valid `how`.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const mask, &raw mut before, size_of::<Mask>())
    };
    before
}

/// A `siginfo_t` (sigaction(2)): number, error, code, sender's process and user, value; 128 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Info {
    signal: i32,
    error: i32,
    code: i32,
    _padding: i32,
    process: u32,
    user: u32,
    value: usize,
    _rest: [u64; 12],
}

const _: () = assert!(size_of::<Info>() == size_of::<libc::siginfo_t>());

impl Info {
    fn new(signal: i32, cookie: usize) -> Self {
        Self {
            signal,
            error: 0,
            code: libc::SI_QUEUE,
            _padding: 0,
            process: std::process::id(),
            user: 0,
            value: cookie,
            _rest: [0; 12],
        }
    }

    fn is_ours(&self, cookie: usize) -> bool {
        self.code == libc::SI_QUEUE && self.process == std::process::id() && self.value == cookie
    }
}
