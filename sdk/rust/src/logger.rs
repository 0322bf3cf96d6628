//! Log records, written into a ring. The host empties it whenever the guest sleeps; a record does not wake the host up.

use libhyperlight_abi::limits::MAX_MESSAGE_LEN;
use libhyperlight_abi::message::{LogLevel, LogRecord};
use libhyperlight_abi::{Sink, mailbox};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::boot::boot_info;
use crate::channel::{self, to_usize};
use crate::text::Text;

static LOGGER: RingLogger = RingLogger;

/// Makes the macros of the `log` crate write into the ring.
pub(crate) fn install() {
    // Only a second logger could be refused, and none can have been installed yet.
    let _ = log::set_logger(&LOGGER);
    // The host may change the level at any call, so each record reads it from the mailbox.
    log::set_max_level(LevelFilter::Trace);
}

/// The logger of the guest. It has no state of its own that a restore would make stale.
struct RingLogger;

impl Log for RingLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let [a, b, c, d, ..] = channel::read(boot_info().input, mailbox::LOG_LEVEL).to_le_bytes();
        level(metadata.level()) as u32 <= u32::from_le_bytes([a, b, c, d])
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let formatted;
        let message = match record.args().as_str() {
            Some(literal) if literal.len() <= MAX_MESSAGE_LEN => literal,
            _ => {
                formatted = Text::new(*record.args());
                formatted.as_str()
            }
        };
        append(&LogRecord {
            level: level(record.level()),
            target: record.target(),
            file: record.file().unwrap_or_default(),
            line: record.line().unwrap_or(0),
            message,
        });
    }

    fn flush(&self) {}
}

/// Writes a record into the ring, or counts it as dropped.
fn append(record: &LogRecord<'_>) {
    let boot = boot_info();
    let head = channel::read(boot.output, mailbox::LOG_HEAD);
    let tail = channel::read(boot.input, mailbox::LOG_TAIL);
    let size = to_usize(boot.log_ring.size);
    let used = to_usize(head.wrapping_sub(tail));
    let mut free = Free {
        ring: to_usize(boot.log_ring.address),
        size,
        start: to_usize(head).checked_rem(size).unwrap_or(0),
        len: size.saturating_sub(used),
    };
    match record.encode(&mut free) {
        Ok(len) => channel::write(boot.output, mailbox::LOG_HEAD, head.wrapping_add(len as u64)),
        Err(_) => {
            let dropped = channel::read(boot.output, mailbox::LOG_DROPPED);
            channel::write(boot.output, mailbox::LOG_DROPPED, dropped.wrapping_add(1));
        }
    }
}

/// The free part of the ring. It may wrap around the ring's end.
struct Free {
    ring: usize,
    size: usize,
    start: usize,
    len: usize,
}

impl Sink for Free {
    fn capacity(&self) -> usize {
        self.len
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        // The writer stays below `capacity`, which is at most `size`: a position wraps at most once.
        let at = (self.start + offset) % self.size;
        let (head, wrapped) = bytes.split_at(bytes.len().min(self.size - at));
        channel::write_ring(self.ring + at, head);
        channel::write_ring(self.ring, wrapped);
    }
}

const fn level(level: Level) -> LogLevel {
    match level {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Debug,
        Level::Trace => LogLevel::Trace,
    }
}
