//! Log records of guests, and the library's own few, for `logging.getLogger("libhyperlight")`.
//!
//! Records are logged outside the virtual machine only. Before each call the engine gets the levels that Python wants,
//! so that a guest does not even write unwanted records.

use libhyperlight::GUEST_LOG_TARGET;
use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::ending::Kept;

static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Installs this logger in the engine. This module has its own engine, so no other logger can be set.
pub fn install() {
    let _ = log::set_logger(&Forward);
}

/// Passes the level of Python's logger to the engine: that of the first logger with a level, from this library's
/// upwards.
pub fn sync_level(py: Python<'_>) -> PyResult<()> {
    let mut logger = logger(py)?.clone();
    let level = loop {
        let level: i64 = logger.getattr(intern!(py, "level"))?.extract()?;
        if level != 0 {
            break level;
        }
        let parent = logger.getattr(intern!(py, "parent"))?;
        if parent.is_none() {
            break level;
        }
        logger = parent;
    };
    log::set_max_level(match level {
        41.. => LevelFilter::Off,
        31.. => LevelFilter::Error,
        21.. => LevelFilter::Warn,
        11.. => LevelFilter::Info,
        6.. => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    });
    Ok(())
}

fn logger(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let logger = LOGGER.get_or_try_init(py, || {
        let logger = py.import("logging")?.call_method1("getLogger", ("libhyperlight",))?;
        Ok::<_, PyErr>(logger.unbind())
    })?;
    Ok(logger.bind(py))
}

/// Level of trace records, which Python has no name for.
const TRACE: u8 = 5;

struct Forward;

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let _kept = Kept::new();
        // The interpreter is ending, and its loggers are gone.
        let _ = Python::try_attach(|py| {
            let Err(error) = forward(py, record) else { return };
            let is_exception = error.is_instance_of::<PyException>(py);
            error.write_unraisable(py, None);
            if !is_exception {
                // A keyboard interrupt that struck in a Python handler is raised later.
                let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
            }
        });
    }

    fn flush(&self) {}
}

fn forward(py: Python<'_>, record: &Record<'_>) -> PyResult<()> {
    let level = match record.level() {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
        Level::Trace => TRACE,
    };
    let logger = logger(py)?;
    if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        return Ok(());
    }
    let made = logger.call_method1(
        "makeRecord",
        (
            "libhyperlight",
            level,
            record.file().unwrap_or("(unknown file)"),
            record.line().unwrap_or(0),
            record.args().to_string(),
            (),
            py.None(),
        ),
    )?;
    let speaker = match record.target() {
        GUEST_LOG_TARGET => record.module_path().unwrap_or_default(),
        target => target,
    };
    made.setattr("target", speaker)?;
    logger.call_method1("handle", (made,))?;
    Ok(())
}
