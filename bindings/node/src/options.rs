//! Numeric options, as JavaScript spells and gives them. The engine decides the allowed values.

use std::time::Duration;

use libhyperlight::options::face::{self, Face, Given};
use libhyperlight::options::table::{Info, Options, Setting};
use libhyperlight::options::{CallOptions, CompileOptions, LoadOptions, PoolOptions, SandboxOptions};
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::failure::Failure;
use crate::guard::contain;
use crate::reply::Made;

/// Lists the names of the options of a `sandbox`, a `call`, a `pool`, the `load` of a snapshot, or a `compile`; or of
/// the `limit`s.
#[napi(catch_unwind)]
pub fn option_names(of: String) -> Vec<String> {
    let mut rows = rows(&of);
    if of == "limit" {
        rows = SandboxOptions::rows().iter().copied().filter(|row| row.is_limit).collect();
    }
    rows.iter().map(|row| Face::JavaScript.name(row).into_owned()).collect()
}

/// Fails if the option cannot have this number, or, without a number, this value; `shown` prints it.
#[napi(catch_unwind)]
pub fn check_option(of: String, name: String, number: Option<f64>, shown: String) -> Made<()> {
    Made(contain(|| {
        let row = rows(&of).into_iter().find(|row| Face::JavaScript.name(row) == name);
        let row = row.ok_or_else(|| Failure::invalid_argument(format!("there is no option {name}")))?;
        let given = number.map_or(Given::Other, sort);
        match face::read(Face::JavaScript, row, given, shown) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Failure::invalid_argument(refusal.message)),
        }
    }))
}

/// Fails, and suggests the known option that was probably meant.
#[napi(catch_unwind)]
pub fn unknown_option(what: String, name: String, known: Vec<String>) -> Made<()> {
    Made(contain(|| {
        let known = known.iter().map(String::as_str);
        Err(Failure::invalid_argument(face::unknown(Face::JavaScript, &what, &name, known).message))
    }))
}

/// Reads the engine's options from an object whose numbers were checked.
pub(crate) fn read<O: Options>(object: &Object<'_>) -> Result<O, Failure> {
    let mut options = O::default();
    for row in &*O::rows() {
        let number: Option<f64> = object.get(&Face::JavaScript.name(row)).unwrap_or_default();
        if let Some(number) = number {
            face::set(&mut options, Face::JavaScript, row, sort(number), number)
                .map_err(|refusal| Failure::invalid_argument(refusal.message))?;
        }
    }
    Ok(options)
}

/// The limits of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits(CallOptions);

impl Limits {
    /// Reads the limits from an object, if there is one.
    pub fn of(object: Option<Object<'_>>) -> Result<Self, Failure> {
        object.map_or_else(|| Ok(Self::default()), |object| read(&object).map(Self))
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.0.setting("timeout").and_then(Setting::time)
    }

    pub fn to_engine(&self) -> CallOptions {
        self.0.clone()
    }
}

/// The default time limit of a call.
pub(crate) fn timeout(options: &impl Options) -> Duration {
    options.setting("timeout").and_then(Setting::time).unwrap_or(Duration::MAX)
}

/// Converts milliseconds; a value too large for a duration becomes the longest duration.
pub(crate) fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX)
}

fn rows(of: &str) -> Vec<&'static Info> {
    match of {
        "call" => CallOptions::rows(),
        "compile" => CompileOptions::rows(),
        "load" => LoadOptions::rows(),
        "pool" => PoolOptions::rows(),
        "sandbox" => SandboxOptions::rows(),
        _ => return Vec::new(),
    }
    .into_owned()
}

/// Sorts a number; whole numbers are those that JavaScript counts exactly.
fn sort(number: f64) -> Given {
    const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
    if number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER {
        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number that fits")]
        return Given::Whole(number as i128);
    }
    Given::Number(number)
}
