//! Log records of the guest, taken from a ring in shared memory.
//!
//! A record costs the guest no exit. The host looks at the ring when the guest exits for another reason, and passes the
//! records to the `log` crate, with the guest's own file and line. Loggers filter and group by the target, so all
//! guests have the same one. A guest that chose its target could pose as the program or the library, or use up what a
//! logger keeps for each target. The guest's own target becomes the record's module path.
//!
//! The library adds at most one line of its own for each call: how much was dropped, and why.

use libhyperlight_abi::frame::HEADER_LEN;
use libhyperlight_abi::message::{LogLevel, LogRecord};
use libhyperlight_abi::{Frame, mailbox};
use log::{Level, LevelFilter, Record};

use crate::image::layout::{Layout, Region};
use crate::text::printable;
use crate::vm::memory::GuestMemory;

/// The target of all records of guests. The guest's own target is the record's
/// [`module_path`](log::Record::module_path). The library's own records have the target `libhyperlight`.
pub const GUEST_LOG_TARGET: &str = "libhyperlight::guest";

/// The target of the library's own records.
const OWN_TARGET: &str = "libhyperlight";

/// Maximum length of a record's message, in bytes.
const MAX_MESSAGE: usize = 4096;

/// The host's end of the log ring.
#[derive(Debug)]
pub(crate) struct GuestLog {
    ring: Region,
    head_at: u64,
    dropped_at: u64,
    tail_at: u64,
    level_at: u64,
    /// Bytes read since the guest was started.
    tail: u64,
    /// The guest's count of dropped records at the last look.
    claimed: u64,
    dropped: Dropped,
    level: Option<LevelFilter>,
    scratch: Vec<u8>,
}

/// Records of the current call that were dropped.
#[derive(Debug, Default)]
struct Dropped {
    /// Dropped because the call used up its bytes.
    by_host: u64,
    /// Dropped because the ring was full, by the guest's count.
    by_guest: u64,
}

/// The state of the ring is invalid: the guest broke the contract.
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

    /// Tells the guest the level that the host's logger wants at present.
    pub fn announce_level(&mut self, memory: &GuestMemory) {
        let level = log::max_level();
        if self.level != Some(level) {
            self.level = Some(level);
            let _ = memory.store(self.level_at, level as u64);
        }
    }

    /// Reads the records in the ring. Records beyond `budget` bytes are dropped and counted.
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

        // The program's logger is called from here on, and may fork. The guest's memory must not be touched any more,
        // because this may be the child.
        let mut rest = self.scratch.as_slice();
        while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
            let len = Frame::stated_len(header, rest.len()).map_err(|_| Broken)?;
            let (record, tail) = rest.split_at(len);
            let record = LogRecord::decode(record).map_err(|_| Broken)?;
            match Shown::within(&record, len, budget) {
                Some(shown) => shown.emit(&record),
                None => {
                    // A later, shorter record is dropped, too: the records that arrive have no gaps, and dropped ones
                    // cost no more.
                    *budget = 0;
                    self.dropped.by_host += 1;
                }
            }
            rest = tail;
        }
        if rest.is_empty() { Ok(()) } else { Err(Broken) }
    }

    /// Reports the records that the call dropped. Calls the program's logger.
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

/// A record's texts as the logger receives them.
struct Shown {
    level: Level,
    speaker: String,
    file: String,
    message: String,
}

impl Shown {
    /// Subtracts the record's cost from the budget: its size in the ring or its size as text, whichever is larger.
    /// `None` if the budget is too small.
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

/// The guest's own target, unless it is one of the library's: the bindings show it in the place of their own logger
/// names.
fn speaker(target: &str) -> &str {
    let is_ours =
        target.strip_prefix(OWN_TARGET).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    if is_ours { "guest" } else { target }
}
