//! Log records.

use alloc::string::String;

use libhyperlight_guest::log::{self, Level, Record};
use libhyperlight_guest::{Result, bail, guest_function};

use crate::errors::WRONG_INPUT;

/// Logs a message at a level from 1 (error) to 5 (trace); 0 is off.
#[guest_function("LogMessage")]
fn log_message(message: &str, level: i32) -> Result<()> {
    if let Some(level) = parse(level)? {
        log::log!(level, "{message}");
    }
    Ok(())
}

/// Logs a message with the target `source`. Returns the message's length.
#[guest_function("LogMessageWithSource")]
fn log_message_with_source(message: &str, source: &str, level: i32) -> Result<i32> {
    if let Some(level) = parse(level)? {
        log::logger().log(
            &Record::builder()
                .level(level)
                .target(source)
                .file(Some(source))
                .line(Some(line!()))
                .args(format_args!("{message}"))
                .build(),
        );
    }
    Ok(i32::try_from(message.len()).unwrap_or(i32::MAX))
}

/// Logs this many records of this many bytes, without letting the host empty the ring.
#[guest_function("LogFlood")]
fn log_flood(records: u32, bytes: u32) {
    let text = "x".repeat(bytes as usize);
    for _ in 0..records {
        log::info!("{text}");
    }
}

/// Logs `text` this often, with the number of the record.
#[guest_function("LogNumbered")]
fn log_numbered(text: String, records: u32) {
    for number in 0..records {
        log::info!("{text} {number}");
    }
}

fn parse(level: i32) -> Result<Option<Level>> {
    Ok(match level {
        0 => None,
        1 => Some(Level::Error),
        2 => Some(Level::Warn),
        3 => Some(Level::Info),
        4 => Some(Level::Debug),
        5 => Some(Level::Trace),
        _ => bail!(WRONG_INPUT, "{level} is no level: 0 to 5 are"),
    })
}
