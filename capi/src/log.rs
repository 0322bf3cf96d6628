//! Log records: those of guests, and the library's own few.
//!
//! The library's copy of the `log` crate has one logger, defined here. It hands records to the current callback.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, Once, PoisonError};

use libhyperlight::GUEST_LOG_TARGET;
use log::{LevelFilter, Log, Metadata, Record};

use crate::error::Text;
use crate::guard;
use crate::host::{UserData, hl_free_fn};
use crate::value::hl_bytes;

/// No records at all.
pub const HL_LOG_OFF: u32 = 0;
/// Something failed.
pub const HL_LOG_ERROR: u32 = 1;
/// Something is odd.
pub const HL_LOG_WARN: u32 = 2;
/// Something happened.
pub const HL_LOG_INFO: u32 = 3;
/// Details.
pub const HL_LOG_DEBUG: u32 = 4;
/// All details.
pub const HL_LOG_TRACE: u32 = 5;

/// Receives a log record: its level, its target, and one line of text. The library's own records have the target
/// "libhyperlight"; a guest chooses its own target. The views live until the callback returns. A NUL follows each,
/// which the length does not count. Several threads may call it at a time.
pub type hl_log_fn = Option<
    unsafe extern "C-unwind" fn(user_data: *mut c_void, level: u32, target: hl_bytes, message: hl_bytes),
>;

/// Sets the process's log callback, for records from `HL_LOG_ERROR` up to `max_level`. NULL turns logging off, which is
/// the initial state. `user_data` is freed when the callback has been replaced and its last running call has returned.
///
/// The callback runs on the thread that called into the sandbox, during the call. It must not use that sandbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_set_log_callback(
    max_level: u32,
    callback: hl_log_fn,
    user_data: *mut c_void,
    free_fn: hl_free_fn,
) {
    guard::plain((), || {
        let user_data = UserData { data: user_data, free: free_fn };
        let (level, next) = match callback {
            Some(function) => (level_filter(max_level), Some(Arc::new(Callback { function, user_data }))),
            None => (LevelFilter::Off, None),
        };
        install();
        let previous = {
            let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
            log::set_max_level(level);
            std::mem::replace(&mut *current, next)
        };
        // Outside the lock: what frees the user data may log, or set another callback.
        drop(previous);
    });
}

static CURRENT: Mutex<Option<Arc<Callback>>> = Mutex::new(None);

#[derive(Debug)]
struct Callback {
    function: unsafe extern "C-unwind" fn(*mut c_void, u32, hl_bytes, hl_bytes),
    user_data: UserData,
}

/// Hands records to the current callback.
#[derive(Debug)]
struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let Some(callback) = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return;
        };
        let speaker = match record.target() {
            GUEST_LOG_TARGET => record.module_path().unwrap_or_default(),
            target => target,
        };
        let target = Text::new(speaker.to_owned());
        let message = Text::new(record.args().to_string());
        // SAFETY: the caller of `hl_set_log_callback` promised that the callback can be called like this, on any
        // thread, as long as its `user_data` was not freed, which `callback` owns.
        unsafe {
            (callback.function)(
                callback.user_data.data,
                record.level() as u32,
                target.view(),
                message.view(),
            );
        }
    }

    fn flush(&self) {}
}

/// Installs this logger, once. A Rust program that links the static library may have set its own before, which then
/// stays.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = log::set_logger(&Logger);
    });
}

fn level_filter(level: u32) -> LevelFilter {
    match level {
        HL_LOG_OFF => LevelFilter::Off,
        HL_LOG_ERROR => LevelFilter::Error,
        HL_LOG_WARN => LevelFilter::Warn,
        HL_LOG_INFO => LevelFilter::Info,
        HL_LOG_DEBUG => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}
