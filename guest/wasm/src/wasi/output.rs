//! What a program writes: standard output is printed by the host, standard error is logged.

use alloc::string::String;
use alloc::vec::Vec;

use hyperlight_guest::{ValueRef, boot_info, host_call, log};

use super::errno::Errno;

/// The host function that prints.
const PRINT: &str = "HostPrint";

/// Who speaks in the log.
const TARGET: &str = "wasm";

/// Bytes of a frame besides its text, generously.
const FRAME_OVERHEAD: usize = 1024;

/// Bytes of a line that are kept until it ends.
const MAX_LINE: usize = 4096;

/// What has been written and not let out yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// The beginning of a character.
    printed: Vec<u8>,
    /// The beginning of a line.
    logged: Vec<u8>,
}

impl Output {
    /// Prints; of a character that is not complete yet, the beginning is kept.
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.printed.extend_from_slice(bytes);
        let rest = self.printed.split_off(incomplete_from(&self.printed));
        let text = core::mem::replace(&mut self.printed, rest);
        send(&String::from_utf8_lossy(&text))
    }

    /// Logs the lines that are complete.
    pub fn log(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.logged.extend_from_slice(part);
            if part.ends_with(b"\n") || self.logged.len() >= MAX_LINE {
                self.log_line();
            }
        }
    }

    /// Lets out what is incomplete.
    pub fn flush(&mut self) {
        if !self.printed.is_empty() {
            let text = core::mem::take(&mut self.printed);
            // Nobody is left to be told.
            let _ = send(&String::from_utf8_lossy(&text));
        }
        self.log_line();
    }

    fn log_line(&mut self) {
        let line = self.logged.strip_suffix(b"\n").unwrap_or(&self.logged);
        if !self.logged.is_empty() {
            log::warn!(target: TARGET, "{}", String::from_utf8_lossy(line));
        }
        self.logged.clear();
    }
}

/// Where a character that is not complete begins at the end of the bytes; their length if there is none.
fn incomplete_from(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let incomplete = (tail..bytes.len()).find(|start| {
        let rest = bytes.get(*start..).unwrap_or_default();
        matches!(core::str::from_utf8(rest), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
    });
    incomplete.unwrap_or(bytes.len())
}

/// Gives text to the host, in pieces that fit a frame.
fn send(text: &str) -> Result<(), Errno> {
    let room = usize::try_from(boot_info().output.size).unwrap_or(usize::MAX) / 2;
    let room = room.saturating_sub(FRAME_OVERHEAD).max(FRAME_OVERHEAD);
    let mut rest = text;
    while !rest.is_empty() {
        let mut len = room.min(rest.len());
        while !rest.is_char_boundary(len) {
            len -= 1;
        }
        let (piece, left) = rest.split_at(len);
        host_call(PRINT, &[ValueRef::String(piece)]).map_err(|_| Errno::IO)?;
        rest = left;
    }
    Ok(())
}
