//! `console`: `log` prints a line and everything is a log record.
//!
//! Texts are written whole, up to [`LENGTH`], in several pieces if necessary: a record is bounded, and the host takes
//! records out of the ring only when the guest asks it for something.

use alloc::string::String;
use core::fmt;
use core::mem;

use sdk::limits::MAX_MESSAGE_LEN;
use sdk::log::{self, Level, Metadata, Record};
use sdk::{ValueRef, boot_info, host_call, host_signature};

use crate::error::{Js, Thrown};
use crate::inspect::{cut, line};
use crate::native::{Arguments, function};
use crate::value::Value;

/// The target of log records of scripts.
const TARGET: &str = "javascript";

/// Maximum bytes of one text. A longer text is cut, which `…` shows.
const LENGTH: usize = 1 << 20;

/// Bytes of a log record. Control characters take more bytes in the host's output.
const RECORD: usize = MAX_MESSAGE_LEN - 64;

/// Maximum bytes of one print; a longer text is printed in pieces.
const PIECE: u64 = 32 << 10;

/// Records of one text before the host is given the time to take them: half of the ring's capacity.
const RECORDS: usize = 8;

/// The object.
pub(crate) fn console() -> Js<Value> {
    let console = Value::object()?;
    let methods = [
        ("log", function(c"log", 0, |arguments| say(&arguments, Level::Info, true))?),
        ("info", function(c"info", 0, |arguments| say(&arguments, Level::Info, false))?),
        ("warn", function(c"warn", 0, |arguments| say(&arguments, Level::Warn, false))?),
        ("error", function(c"error", 0, |arguments| say(&arguments, Level::Error, false))?),
        ("debug", function(c"debug", 0, |arguments| say(&arguments, Level::Debug, false))?),
        ("trace", function(c"trace", 0, |arguments| say(&arguments, Level::Trace, false))?),
        ("assert", function(c"assert", 0, assert)?),
    ];
    for (name, method) in methods {
        console.define(name, method)?;
    }
    Ok(console)
}

/// Writes a log record.
pub(crate) fn log(level: Level, text: fmt::Arguments<'_>) {
    log::logger().log(&Record::builder().level(level).target(TARGET).args(text).build());
}

fn is_logged(level: Level) -> bool {
    log::logger().enabled(&Metadata::builder().level(level).target(TARGET).build())
}

fn say(arguments: &Arguments<'_>, level: Level, print: bool) -> Js<Value> {
    let mut output = Output::new(is_logged(level).then_some(level), print);
    if output.is_wanted() {
        line(arguments.as_slice(), &mut |text| output.write(text));
    }
    output.end()
}

fn assert(arguments: Arguments<'_>) -> Js<Value> {
    let (condition, rest) = arguments.as_slice().split_first().unwrap_or_else(|| (Value::undefined(), &[]));
    if condition.is_truthy() || !is_logged(Level::Error) {
        return Ok(Value::UNDEFINED);
    }
    let mut output = Output::new(Some(Level::Error), false);
    output.write("Assertion failed");
    let mut before = ": ";
    line(rest, &mut |text| {
        if !text.is_empty() {
            output.write(mem::take(&mut before));
        }
        output.write(text);
    });
    output.end()
}

/// The targets of a line.
struct Output {
    /// As records of this level, …
    level: Option<Level>,
    /// … of which this one is not full.
    record: String,
    /// Records that were written.
    records: usize,
    print: bool,
    /// The text to be printed next.
    page: String,
    page_size: usize,
    /// Bytes that are left of the maximum.
    left: usize,
    /// The reason why nothing more is printed.
    refused: Option<Thrown>,
}

impl Output {
    fn new(level: Option<Level>, print: bool) -> Self {
        // Room for at least one character, with any buffer.
        let page_size = usize::try_from(PIECE.min(boot_info().output.size / 2)).map_or(4, |most| most.max(4));
        let (record, page) = (String::new(), String::new());
        Self { level, record, records: 0, print, page, page_size, left: LENGTH, refused: None }
    }

    const fn is_wanted(&self) -> bool {
        self.print || self.level.is_some()
    }

    fn write(&mut self, text: &str) {
        if self.left == 0 {
            return;
        }
        let whole = cut(text, self.left);
        self.put(whole);
        self.left -= whole.len();
        if whole.len() < text.len() {
            self.put("…");
            self.left = 0;
        }
    }

    fn end(mut self) -> Js<Value> {
        if self.print {
            self.print("\n");
            self.flush_page();
        }
        // A line without text is a record, too.
        if self.records == 0 || !self.record.is_empty() {
            self.flush_record();
        }
        self.refused.map_or(Ok(Value::UNDEFINED), Err)
    }

    fn put(&mut self, text: &str) {
        if self.print {
            self.print(text);
        }
        let mut rest = text;
        while self.level.is_some() && !rest.is_empty() {
            let (piece, tail) = rest.split_at(cut(rest, RECORD - self.record.len()).len());
            self.record.push_str(piece);
            rest = tail;
            if !rest.is_empty() {
                self.flush_record();
            }
        }
    }

    fn print(&mut self, text: &str) {
        let mut rest = text;
        while self.refused.is_none() && !rest.is_empty() {
            let (piece, tail) = rest.split_at(cut(rest, self.page_size - self.page.len()).len());
            self.page.push_str(piece);
            rest = tail;
            if !rest.is_empty() {
                self.flush_page();
            }
        }
    }

    fn flush_page(&mut self) {
        let page = mem::take(&mut self.page);
        if self.refused.is_none()
            && let Err(error) = host_call("HostPrint", &[ValueRef::String(&page)])
        {
            self.refused = Some(Thrown::host_error(error));
        }
    }

    fn flush_record(&mut self) {
        let Some(level) = self.level else {
            return;
        };
        let record = mem::take(&mut self.record);
        log(level, format_args!("{record}"));
        self.records += 1;
        if self.records.is_multiple_of(RECORDS) {
            // The host empties the ring at each request.
            let _ = host_signature("HostPrint");
        }
    }
}
