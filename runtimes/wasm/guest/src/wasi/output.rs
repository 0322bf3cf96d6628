//! The output of a program: standard output is printed by the host, standard error is logged.
//!
//! A program writes bytes, of any number at once, and the host takes text. Both ways decode piece by piece, in bounded
//! memory, and keep the beginning of a character until its end is written.

use alloc::string::String;

use libhyperlight_guest::{ValueRef, boot_info, host_call, limits, log, time};

use super::errno::Errno;
use super::text::Decoder;

/// The host function that prints.
const PRINT: &str = "HostPrint";

/// The target of the log records.
const TARGET: &str = "wasm";

/// Bytes of a frame besides its text, a generous estimate.
const FRAME_OVERHEAD: usize = 1024;

/// Bytes of short pieces of text that are printed together.
const GATHERED: usize = 16 << 10;

/// Bytes of a log record's message: a longer line makes several.
const MAX_LINE: usize = limits::MAX_MESSAGE_LEN;

/// Bytes of a log record besides its message, a generous estimate.
const RECORD_OVERHEAD: usize = 256;

/// Bytes of log records after which the host is asked to take them: fewer than its ring holds.
const LOG_BEFORE_TAKEN: usize = 32 << 10;

/// The least time for that. A shorter wait could be over before the host looks.
const LOG_TAKEN_NS: u64 = 200_000;

/// Bytes of a call's output on standard error that are kept.
const MAX_SAID: usize = 1024;

/// Output that has been written and not sent yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    printed: Decoder,
    logged: Decoder,
    log: Lines,
    said: Said,
}

impl Output {
    /// Prints.
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        if self.printed.is_empty()
            && let Ok(text) = core::str::from_utf8(bytes)
        {
            return send(text);
        }
        let mut gathered = String::new();
        self.printed.decode(bytes, |text| {
            if gathered.len() + text.len() > GATHERED {
                send(&gathered)?;
                gathered.clear();
            }
            if text.len() > GATHERED {
                return send(text);
            }
            gathered.push_str(text);
            Ok(())
        })?;
        send(&gathered)
    }

    /// Logs the lines that are complete.
    pub fn log(&mut self, bytes: &[u8]) {
        let Self { logged, log, said, .. } = self;
        let Ok(()) = logged.decode(bytes, |text| {
            said.push(text);
            log.push(text);
            Ok::<_, core::convert::Infallible>(())
        });
    }

    /// Begins a call.
    pub fn begin(&mut self) {
        self.said.text.clear();
        self.said.is_cut = false;
    }

    /// Sends the incomplete line; the beginning of a character waits for the next call.
    pub fn flush(&mut self) {
        self.log.end();
    }

    /// Sends everything: the program has ended.
    pub fn finish(&mut self) {
        // No receiver is left for an error.
        let _ = self.printed.finish(send);
        let Self { logged, log, said, .. } = self;
        let Ok(()) = logged.finish(|text| {
            said.push(text);
            log.push(text);
            Ok::<_, core::convert::Infallible>(())
        });
        self.flush();
    }

    /// The end of the call's output on standard error.
    pub fn said(&self) -> String {
        self.said.last()
    }
}

/// Log records, one for each line.
#[derive(Debug, Default)]
struct Lines {
    /// The beginning of a line.
    line: String,
    /// Bytes of records since the host was asked to take them.
    waiting: usize,
}

impl Lines {
    fn push(&mut self, text: &str) {
        for part in text.split_inclusive('\n') {
            let line = part.strip_suffix('\n');
            self.add(line.unwrap_or(part));
            if line.is_some() {
                self.emit();
            }
        }
    }

    /// Ends a line that has been begun.
    fn end(&mut self) {
        if !self.line.is_empty() {
            self.emit();
        }
    }

    /// Adds to the line, which becomes a record and begins anew when a record is full.
    fn add(&mut self, mut text: &str) {
        while self.line.len() + text.len() > MAX_LINE {
            let (head, rest) = text.split_at(boundary(text, MAX_LINE - self.line.len()));
            self.line.push_str(head);
            self.emit();
            text = rest;
        }
        self.line.push_str(text);
    }

    fn emit(&mut self) {
        if !log::log_enabled!(target: TARGET, log::Level::Warn) {
            return self.line.clear();
        }
        self.waiting += self.line.len() + RECORD_OVERHEAD;
        if self.waiting > LOG_BEFORE_TAKEN {
            // A guest that sleeps has its records taken.
            time::sleep_until(time::monotonic_ns().saturating_add(LOG_TAKEN_NS));
            self.waiting = self.line.len() + RECORD_OVERHEAD;
        }
        log::warn!(target: TARGET, "{}", self.line);
        self.line.clear();
    }
}

/// The end of the output, for the message of an error.
#[derive(Debug, Default)]
struct Said {
    text: String,
    is_cut: bool,
}

impl Said {
    fn push(&mut self, text: &str) {
        // Half of the kept text may go at once, so that short pieces take linear time.
        let new = tail(text, MAX_SAID);
        self.is_cut |= new.len() < text.len();
        if self.text.len() + new.len() > 2 * MAX_SAID {
            let gone = self.text.len() - tail(&self.text, MAX_SAID).len();
            self.text.drain(..gone);
            self.is_cut = true;
        }
        self.text.push_str(new);
    }

    fn last(&self) -> String {
        let last = tail(&self.text, MAX_SAID);
        let mut out = String::new();
        if self.is_cut || last.len() < self.text.len() {
            out.push('…');
        }
        out.push_str(last.trim_end());
        out
    }
}

/// The last bytes of a text, at most that many.
fn tail(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

/// The last place at or before `at` that is inside no character.
fn boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Sends text to the host, in pieces that fit a frame.
fn send(text: &str) -> Result<(), Errno> {
    let room = usize::try_from(boot_info().output.size).unwrap_or(usize::MAX) / 2;
    let room = room.saturating_sub(FRAME_OVERHEAD).max(FRAME_OVERHEAD);
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(boundary(rest, room));
        host_call(PRINT, &[ValueRef::String(piece)]).map_err(|_| Errno::IO)?;
        rest = left;
    }
    Ok(())
}
