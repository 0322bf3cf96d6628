//! Log records of the guest, taken from a ring in shared memory.
//!
//! A record costs the guest no exit: the host looks at the ring when the guest rings for another reason, and hands what
//! it finds to the `log` crate, with the guest's own file and line. Loggers filter and group by the target, so that it is one
//! and the same for all guests, whatever they say: a guest that chose it could speak for the program or the library, or use
//! up what a logger keeps for each. What a guest calls its target is the record's module path.

use hyperlight_abi::frame::HEADER_LEN;
use hyperlight_abi::message::{LogLevel, LogRecord};
use hyperlight_abi::{Frame, mailbox};
use log::{Level, LevelFilter, Record};

use crate::image::layout::{Layout, Region};
use crate::text::printable;
use crate::vm::memory::GuestMemory;

/// The target of every record of a guest. Who speaks in the guest, in its own words, is the record's
/// [`module_path`](log::Record::module_path). The library's own records have the target `hyperlight`.
pub const GUEST_LOG_TARGET: &str = "hyperlight::guest";

/// The target of the library's own records.
const OWN_TARGET: &str = "hyperlight";

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
    /// What the guest says it dropped, as far as it was reported.
    reported: u64,
    level: Option<LevelFilter>,
    scratch: Vec<u8>,
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
            reported: 0,
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

        // From here on the program's logger is called: nothing of the guest's memory may be touched any more, because it may
        // have forked, and this be the child.
        let mut dropped = 0_u64;
        let mut rest = self.scratch.as_slice();
        while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
            let len = Frame::stated_len(header, rest.len()).map_err(|_| Broken)?;
            let (record, tail) = rest.split_at(len);
            let record = LogRecord::decode(record).map_err(|_| Broken)?;
            match budget.checked_sub(len as u64) {
                Some(left) => {
                    *budget = left;
                    emit(&record);
                }
                None => dropped += 1,
            }
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(Broken);
        }

        if dropped > 0 {
            log::warn!(target: OWN_TARGET, "dropped {dropped} log records of the guest: max_log_bytes is used up");
        }
        if claimed > self.reported {
            log::warn!(target: OWN_TARGET, "the guest dropped {} log records: its ring was full", claimed - self.reported);
        }
        self.reported = claimed;
        Ok(())
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

fn emit(record: &LogRecord<'_>) {
    let level = match record.level {
        LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
        LogLevel::Trace => Level::Trace,
    };
    if level > log::max_level() {
        return;
    }
    let (speaker, file) = (printable(speaker(record.target), 256), printable(record.file, 256));
    let message = printable(record.message, MAX_MESSAGE);
    log::logger().log(
        &Record::builder()
            .level(level)
            .target(GUEST_LOG_TARGET)
            .file((!file.is_empty()).then_some(&file))
            .line((record.line != 0).then_some(record.line))
            .module_path(Some(&speaker))
            .args(format_args!("{message}"))
            .build(),
    );
}

/// What a guest calls itself, but for the names of the library: the bindings show it where they show those.
fn speaker(target: &str) -> &str {
    let is_ours =
        target.strip_prefix(OWN_TARGET).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    if is_ours { "guest" } else { target }
}
