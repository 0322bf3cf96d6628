//! A logger that keeps what it is given. It is the whole process's: a test that installs it runs in a process of its
//! own.

use std::sync::{Mutex, Once};

use libhyperlight::GUEST_LOG_TARGET;
use log::{Level, LevelFilter, Log, Metadata, Record};

/// A log record, kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept {
    /// The level.
    pub level: Level,
    /// The writer: the guest's own target, or the library.
    pub target: String,
    /// Source file.
    pub file: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
    /// The text.
    pub message: String,
}

/// Installs the logger, once in the process, at that level.
pub fn install(level: LevelFilter) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| log::set_logger(&LOGGER).expect("no other logger"));
    log::set_max_level(level);
}

/// Takes every record kept so far.
pub fn take() -> Vec<Kept> {
    std::mem::take(&mut *LOGGER.0.lock().unwrap())
}

/// Takes the records kept so far of those who call themselves `target`, the guests' names for themselves included.
pub fn take_of(target: &str) -> Vec<Kept> {
    LOGGER.0.lock().unwrap().extract_if(.., |record| record.target == target).collect()
}

static LOGGER: Keeper = Keeper(Mutex::new(Vec::new()));

struct Keeper(Mutex<Vec<Kept>>);

impl Log for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let speaker = match record.target() {
            GUEST_LOG_TARGET => record.module_path().unwrap(),
            target => target,
        };
        self.0.lock().unwrap().push(Kept {
            level: record.level(),
            target: speaker.to_owned(),
            file: record.file().map(str::to_owned),
            line: record.line(),
            message: record.args().to_string(),
        });
    }

    fn flush(&self) {}
}
