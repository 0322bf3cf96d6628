//! The process's signals, as a program sees them: masks, handlers that count, signals that it sends itself.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A set of signals: bit n − 1 is signal n.
pub type Set = u64;

/// The signal that stops guests unless the program chooses another.
pub fn interrupt_signal() -> i32 {
    libc::SIGRTMIN() + 9
}

/// The set with that signal alone.
pub fn only(signal: i32) -> Set {
    1 << (signal - 1)
}

/// The calling thread's mask.
pub fn mask() -> Set {
    change(libc::SIG_BLOCK, 0)
}

/// Blocks these signals too; the result is the mask before.
pub fn block(set: Set) -> Set {
    change(libc::SIG_BLOCK, set)
}

/// Replaces the calling thread's mask.
pub fn set_mask(set: Set) {
    change(libc::SIG_SETMASK, set);
}

/// The signals that wait for the calling thread, its own and the process's.
pub fn pending() -> Set {
    let mut set: Set = 0;
    // SAFETY: the kernel writes the word, whose size is given.
    let failed = unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, size_of::<Set>()) };
    assert_eq!(failed, 0);
    set
}

/// The kernel's number of the calling thread.
pub fn thread_id() -> i32 {
    // SAFETY: no arguments, no effects.
    unsafe { libc::gettid() }
}

/// Sends a signal to a thread of this process.
pub fn send(thread: i32, signal: i32) {
    // SAFETY: integers only.
    let failed = unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, signal) };
    assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
}

/// Sends a signal with a value to the process, as sigqueue(3) does. `false` if the queue is full.
pub fn queue(signal: i32, value: usize) -> bool {
    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(value) };
    // SAFETY: integers only; the value is not used as a pointer by anybody.
    unsafe { libc::sigqueue(std::process::id().cast_signed(), signal, value) == 0 }
}

/// Sends a signal with a value to a thread of this process, as pthread_sigqueue(3) does. `false` if the queue is full.
pub fn queue_to(thread: i32, signal: i32, value: usize) -> bool {
    // SAFETY: an all-zero `siginfo_t` is a valid value of that C struct.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    (info.si_signo, info.si_code) = (signal, libc::SI_QUEUE);
    // The value lies behind the sender's process and user (sigaction(2)).
    // SAFETY: the place is inside the struct, which is 128 bytes long, and aligned for the word.
    unsafe { (&raw mut info).cast::<usize>().add(3).write(value) };
    let (call, process) = (libc::SYS_rt_tgsigqueueinfo, std::process::id());
    // SAFETY: the kernel reads the struct.
    unsafe { libc::syscall(call, process, thread, signal, &raw const info) == 0 }
}

/// Lets a handler count a signal from now on. It is installed with `SA_RESTART`, as most are.
pub fn count(signal: i32) {
    handle(signal, counter);
}

/// The number of times that a counted signal has reached its handler.
pub fn counted(signal: i32) -> u64 {
    slot(signal).load(Ordering::SeqCst)
}

/// Installs a handler. It must do nothing that a handler may not do.
pub fn handle(signal: i32, handler: extern "C" fn(i32)) {
    act(signal, handler as *const () as usize);
}

/// Sets the action of a signal: `SIG_DFL`, `SIG_IGN`.
pub fn act(signal: i32, action: usize) {
    // SAFETY: an all-zero action is a valid value of that C struct: no flags, an empty mask.
    let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
    new.sa_sigaction = action;
    new.sa_flags = libc::SA_RESTART;
    // SAFETY: the kernel reads the action. Its handler is a function with the signature of one, or a constant.
    let failed = unsafe { libc::sigaction(signal, &raw const new, std::ptr::null_mut()) };
    assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
}

/// Sends the process a signal, `SIGALRM` by the clock on the wall or `SIGPROF` by processor time, again and again while
/// it is alive.
#[derive(Debug)]
pub struct Ticking(libc::c_int);

impl Ticking {
    /// One each `period`.
    pub fn every(which: libc::c_int, period: Duration) -> Self {
        Self::set(which, period);
        Self(which)
    }

    fn set(which: libc::c_int, period: Duration) {
        let micros = libc::suseconds_t::try_from(period.as_micros()).expect("less than a second");
        let time = libc::timeval { tv_sec: 0, tv_usec: micros };
        let timer = libc::itimerval { it_interval: time, it_value: time };
        // SAFETY: the kernel reads the timer.
        assert_eq!(unsafe { libc::setitimer(which, &raw const timer, std::ptr::null_mut()) }, 0);
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        Self::set(self.0, Duration::ZERO);
    }
}

/// A thread of this process, as `/proc` tells of it.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its number.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// The blocked signals.
    pub blocked: Set,
}

/// The threads of this process that have that name.
pub fn threads_named(name: &str) -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc").flatten();
    let found = tasks.filter_map(|task| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let field = |field: &str| status.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
        Some(Thread {
            id: task.file_name().to_str()?.parse().ok()?,
            name: field("Name:")?.to_owned(),
            blocked: Set::from_str_radix(field("SigBlk:")?, 16).ok()?,
        })
    });
    // The kernel would keep no more of it.
    assert!(name.len() <= 15, "{name}");
    found.filter(|thread| thread.name == name).collect()
}

/// Returns true if a thread of this process sleeps: waits for something, or is stopped.
pub fn is_asleep(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).expect("/proc");
    // The name, in parentheses, may hold anything.
    stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('S'))
}

/// Waits until something is so; panics after ten seconds.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

static COUNTS: [AtomicU64; 65] = [const { AtomicU64::new(0) }; 65];

extern "C" fn counter(signal: i32) {
    slot(signal).fetch_add(1, Ordering::SeqCst);
}

fn slot(signal: i32) -> &'static AtomicU64 {
    &COUNTS[usize::try_from(signal).unwrap_or(0).min(64)]
}

fn change(how: i32, set: Set) -> Set {
    let mut before: Set = 0;
    // SAFETY: both words are alive, and of the size given.
    let failed = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, &raw mut before, size_of::<Set>())
    };
    assert_eq!(failed, 0);
    before
}
