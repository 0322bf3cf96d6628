//! Log records of the guest, taken from a ring in shared memory.
//!
//! A record costs the guest no exit: the host looks at the ring when the guest rings for another reason, and hands what
//! it finds to the `log` crate, with the guest's own file and line. Loggers filter and group by the target, so that it is one
//! and the same for all guests, whatever they say: a guest that chose it could speak for the program or the library, or use
//! up what a logger keeps for each. What a guest calls its target is the record's module path.
//!
//! However often a guest rings, the library adds one line of its own for each call: what was dropped, and why.

use libhyperlight_abi::frame::HEADER_LEN;
use libhyperlight_abi::message::{LogLevel, LogRecord};
use libhyperlight_abi::{Frame, mailbox};
use log::{Level, LevelFilter, Record};

use crate::image::layout::{Layout, Region};
use crate::text::printable;
use crate::vm::memory::GuestMemory;

/// The target of every record of a guest. Who speaks in the guest, in its own words, is the record's
/// [`module_path`](log::Record::module_path). The library's own records have the target `libhyperlight`.
pub const GUEST_LOG_TARGET: &str = "libhyperlight::guest";

/// The target of the library's own records.
const OWN_TARGET: &str = "libhyperlight";

/// Bytes of a record's message that are handed on.
const MAX_MESSAGE: usize = 4096;

/// The host's end of the log ring.
#[derive(Debug)]
pub(crate) struct GuestLog {
    ring: Region,
    head_at: u64,
    dropped_at: u64,
    tail_at: u64,
    level_at: u64,
    /// Bytes taken since the guest was started.
    tail: u64,
    /// What the guest said that it has dropped when it was last looked at.
    claimed: u64,
    dropped: Dropped,
    level: Option<LevelFilter>,
    scratch: Vec<u8>,
}

/// Records of the current call that reach nobody.
#[derive(Debug, Default)]
struct Dropped {
    /// Because the call has brought too many.
    by_host: u64,
    /// Because the ring was full, as the guest says.
    by_guest: u64,
}

/// The ring's words are impossible: the guest broke the contract.
#[derive(Debug)]
pub(crate) struct Broken;

impl GuestLog {
    pub fn new(layout: &Layout) -> Self {
        Self {
            ring: layout.log_ring,
            head_at: layout.output.phys + mailbox::LOG_HEAD,
            dropped_at: layout.output.phys + mailbox::LOG_DROPPED,
            tail_at: layout.input.phys + mailbox::LOG_TAIL,
            level_at: layout.input.phys + mailbox::LOG_LEVEL,
            tail: 0,
            claimed: 0,
            dropped: Dropped::default(),
            level: None,
            scratch: Vec::new(),
        }
    }

    /// Tells the guest which levels the host's logger wants at present.
    pub fn announce_level(&mut self, memory: &GuestMemory) {
        let level = log::max_level();
        if self.level != Some(level) {
            self.level = Some(level);
            let _ = memory.store(self.level_at, level as u64);
        }
    }

    /// Takes what is in the ring. Records beyond `budget` bytes are dropped and counted.
    pub fn drain(&mut self, memory: &GuestMemory, budget: &mut u64) -> Result<(), Broken> {
        let head = memory.load(self.head_at).ok_or(Broken)?;
        if head == self.tail {
            return Ok(());
        }
        let len = head.wrapping_sub(self.tail);
        if len > self.ring.size {
            return Err(Broken);
        }
        self.copy(memory, len).ok_or(Broken)?;
        self.tail = head;
        memory.store(self.tail_at, head).ok_or(Broken)?;
        let claimed = memory.load(self.dropped_at).ok_or(Broken)?;
        self.dropped.by_guest = self.dropped.by_guest.saturating_add(claimed.saturating_sub(self.claimed));
        self.claimed = claimed;

        // From here on the program's logger is called: nothing of the guest's memory may be touched any more, because it may
        // have forked, and this be the child.
        let mut rest = self.scratch.as_slice();
        while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
            let len = Frame::stated_len(header, rest.len()).map_err(|_| Broken)?;
            let (record, tail) = rest.split_at(len);
            let record = LogRecord::decode(record).map_err(|_| Broken)?;
            match Shown::within(&record, len, budget) {
                Some(shown) => shown.emit(&record),
                None => {
                    // No shorter one gets by: what arrives has no gaps, and nothing more is made of what does not.
                    *budget = 0;
                    self.dropped.by_host += 1;
                }
            }
            rest = tail;
        }
        if rest.is_empty() { Ok(()) } else { Err(Broken) }
    }

    /// Says what the call that ends has dropped. The program's logger is called.
    pub fn sum_up(&mut self) {
        match std::mem::take(&mut self.dropped) {
            Dropped { by_host: 0, by_guest: 0 } => {}
            Dropped { by_host, by_guest: 0 } => {
                log::warn!(target: OWN_TARGET, "dropped {by_host} log records of the guest: the call's bytes of logging are used up");
            }
            Dropped { by_host: 0, by_guest } => {
                log::warn!(target: OWN_TARGET, "the guest dropped {by_guest} log records: its ring was full");
            }
            Dropped { by_host, by_guest } => log::warn!(
                target: OWN_TARGET,
                "dropped {by_host} log records of the guest: the call's bytes of logging are used up; the guest dropped {by_guest} more: its ring was full"
            ),
        }
    }

    /// Copies `len` bytes from the tail on, which may wrap around the ring's end.
    fn copy(&mut self, memory: &GuestMemory, len: u64) -> Option<()> {
        let start = self.tail % self.ring.size;
        let first = len.min(self.ring.size - start);
        memory.read_into(self.ring.phys + start, usize::try_from(first).ok()?, &mut self.scratch)?;
        let mut second = Vec::new();
        memory.read_into(self.ring.phys, usize::try_from(len - first).ok()?, &mut second)?;
        self.scratch.append(&mut second);
        Some(())
    }
}

/// A record's texts as they are handed on.
struct Shown {
    level: Level,
    speaker: String,
    file: String,
    message: String,
}

impl Shown {
    /// Takes what the record costs off the budget: its bytes, or those that it becomes, whichever are more. `None` where too little
    /// is left.
    fn within(record: &LogRecord<'_>, len: usize, budget: &mut u64) -> Option<Self> {
        let after = |len: usize| budget.checked_sub(len as u64);
        let mut left = after(len)?;
        let shown = Self {
            level: level(record.level),
            speaker: printable(speaker(record.target), 256),
            file: printable(record.file, 256),
            message: printable(record.message, MAX_MESSAGE),
        };
        if shown.level <= log::max_level() {
            left = left.min(after(shown.speaker.len() + shown.file.len() + shown.message.len())?);
        }
        *budget = left;
        Some(shown)
    }

    fn emit(&self, record: &LogRecord<'_>) {
        if self.level > log::max_level() {
            return;
        }
        log::logger().log(
            &Record::builder()
                .level(self.level)
                .target(GUEST_LOG_TARGET)
                .file((!self.file.is_empty()).then_some(&self.file))
                .line((record.line != 0).then_some(record.line))
                .module_path(Some(&self.speaker))
                .args(format_args!("{}", self.message))
                .build(),
        );
    }
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
        LogLevel::Trace => Level::Trace,
    }
}

/// What a guest calls itself, but for the names of the library: the bindings show it where they show those.
fn speaker(target: &str) -> &str {
    let is_ours =
        target.strip_prefix(OWN_TARGET).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    if is_ours { "guest" } else { target }
}
