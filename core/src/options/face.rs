//! Names and values of options, in each language.
//!
//! A binding reports only the sort of value that it was given. This module decides which values fit and writes the
//! messages about those that do not.

use std::borrow::Cow;
use std::fmt;

use super::table::{Info, Options, Unit, Word};

/// A language in which options are given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Face {
    /// `timeout_ns`, in nanoseconds.
    C,
    /// `timeoutMs`, in milliseconds.
    JavaScript,
    /// `timeout`, in seconds.
    Python,
    /// `timeout`, a [`std::time::Duration`].
    Rust,
}

impl Face {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::C, Self::JavaScript, Self::Python, Self::Rust];

    /// The name of an option.
    pub fn name(self, option: &Info) -> Cow<'static, str> {
        let short = option.alias.unwrap_or(option.name);
        match (self, option.unit) {
            (Self::C, Unit::Time) => format!("{}_ns", option.name).into(),
            (Self::C | Self::Rust, _) => option.name.into(),
            (Self::Python, _) => short.into(),
            (Self::JavaScript, Unit::Time) => format!("{}Ms", camel_case(short)).into(),
            (Self::JavaScript, _) => camel_case(short).into(),
        }
    }

    /// The word for the unit of times, and how many nanoseconds it has.
    pub fn time_unit(self) -> (&'static str, u64) {
        match self {
            Self::C | Self::Rust => ("nanoseconds", 1),
            Self::JavaScript => ("milliseconds", 1_000_000),
            Self::Python => ("seconds", 1_000_000_000),
        }
    }

    /// True if 0 is a value and not the default.
    fn takes_zero(self, option: &Info) -> bool {
        match self {
            Self::C => false,
            Self::JavaScript => option.is_wait,
            Self::Python | Self::Rust => option.unit == Unit::Time || option.least > 0,
        }
    }

    /// The largest whole number that any option takes.
    fn most(self) -> (&'static str, u64) {
        match self {
            Self::JavaScript => ("2^53 - 1", (1 << 53) - 1),
            Self::C | Self::Python | Self::Rust => ("2^64 - 1", u64::MAX),
        }
    }
}

/// A value, by the sorts that options distinguish.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// Any other number.
    Number(f64),
    /// A value of another sort.
    Other,
    /// A whole number; clamped to the nearest one that fits.
    Whole(i128),
}

/// The reason why a value does not fit an option.
#[derive(Debug)]
pub struct Refusal {
    /// The reason in a word.
    pub why: Why,
    /// The reason in one line, with the language's names.
    pub message: String,
}

/// The reason in a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// A number that the option does not allow.
    OutOfRange,
    /// A number that no option of its sort allows.
    TooLarge,
    /// There is no such option.
    Unknown,
    /// The wrong sort of value.
    WrongType,
}

/// The row that has this name in a language.
pub fn find<O: Options>(face: Face, name: &str) -> Option<&'static Info> {
    O::rows().iter().find(|row| face.name(row) == name).copied()
}

/// Sets the option to a value, which `shown` prints.
pub fn set<O: Options>(
    options: &mut O,
    face: Face,
    option: &Info,
    given: Given,
    shown: impl fmt::Display,
) -> Result<(), Refusal> {
    let word = read(face, option, given, shown)?;
    if let (Some(word), Some(setting)) = (word, options.setting_mut(option.name)) {
        setting.set(word);
    }
    Ok(())
}

/// The table's number for a value, which `shown` prints. `None` is the default.
pub fn read(
    face: Face,
    option: &Info,
    given: Given,
    shown: impl fmt::Display,
) -> Result<Option<u64>, Refusal> {
    let refuse = |why| {
        let message = format!("{} is {}, found {}", face.name(option), range(face, option), Short(shown));
        Err(Refusal { why, message })
    };
    let word = match (option.unit, given) {
        (_, Given::Other) => return refuse(Why::WrongType),
        (_, Given::Whole(0)) if !face.takes_zero(option) => return Ok(None),
        (Unit::Time, Given::Whole(number)) => {
            let Ok(number) = u64::try_from(number.min(u64::MAX.into())) else {
                return refuse(Why::OutOfRange);
            };
            number.saturating_mul(face.time_unit().1)
        }
        (Unit::Time, Given::Number(number)) => match time(number, face.time_unit().1) {
            None => return refuse(Why::OutOfRange),
            Some(0) if number == 0.0 && !face.takes_zero(option) => return Ok(None),
            // What is more than nothing stays so.
            Some(ns) => ns.max((number > 0.0).into()),
        },
        (_, Given::Number(_)) => return refuse(Why::WrongType),
        (_, Given::Whole(number)) => match u64::try_from(number) {
            Ok(number) if number <= face.most().1 => number,
            _ if option.unit != Unit::Memory && number < option.least.into() && option.least > 0 => {
                return refuse(Why::OutOfRange);
            }
            _ => return refuse(Why::TooLarge),
        },
    };
    if word < option.least && option.unit != Unit::Memory {
        return refuse(Why::OutOfRange);
    }
    Ok(Some(word))
}

/// Nanoseconds. A longer time becomes the longest.
fn time(number: f64, unit: u64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "a power of ten")]
    let seconds = number * (unit as f64 / 1e9);
    (number >= 0.0).then(|| std::time::Duration::try_from_secs_f64(seconds).map_or(u64::MAX, Word::word))
}

/// The values that an option allows.
fn range(face: Face, option: &Info) -> String {
    if option.unit == Unit::Time {
        let least = if option.least > 0 && face.takes_zero(option) { "more than 0" } else { "0 or more" };
        return format!("a number of {}, {least}", face.time_unit().0);
    }
    let (text, most) = face.most();
    let most = if option.most < most { option.most.to_string() } else { text.to_owned() };
    let least = if option.unit != Unit::Memory && face.takes_zero(option) { option.least } else { 0 };
    let unit = if option.unit == Unit::Count { "" } else { " of bytes" };
    format!("a whole number{unit} from {least} to {most}")
}

/// The refusal of an unknown name. `known` are the existing names, as the language spells them; `what` is their owner.
pub fn unknown<'n>(
    face: Face,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) -> Refusal {
    let meant = elsewhere(face, name, known.clone()).or_else(|| nearest(name, known.clone()));
    let meant = meant.map(|name| format!(", but {name}")).unwrap_or_default();
    let listed = known.collect::<Vec<_>>().join(", ");
    let name = Short(name.escape_debug());
    Refusal {
        why: Why::Unknown,
        message: format!("{what} has no option \"{name}\"{meant}; there are {listed}"),
    }
}

/// The name here of an option that another language calls `name`.
fn elsewhere<'n>(face: Face, name: &str, mut known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let rows = super::ALL.iter().copied().flatten();
    let row = rows.copied().find(|row| Face::ALL.iter().any(|other| other.name(row) == name))?;
    let meant = face.name(row);
    known.find(|known| *known == meant)
}

/// The most similar name, if one is similar enough.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = comparable(name);
    let distances = known.map(|known| (distance(&name, &comparable(known)), known));
    let (distance, known) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4).then_some(known)
}

/// A name without the differences between languages.
fn comparable(name: &str) -> Vec<char> {
    let letters: Vec<_> =
        name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).take(40).collect();
    match letters.as_slice() {
        [name @ .., 'm' | 'n', 's'] => name.to_vec(),
        _ => letters,
    }
}

/// The number of letters to add, leave out or replace.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        for (above, other) in row.iter_mut().skip(1).zip(to) {
            let best = (before + usize::from(letter != other)).min(left + 1).min(*above + 1);
            before = *above;
            *above = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// At most 100 characters of a text.
struct Short<T>(T);

impl<T: fmt::Display> fmt::Display for Short<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 100;
        let text = self.0.to_string();
        match text.char_indices().nth(MOST) {
            Some((end, _)) => write!(f, "{}…", text.get(..end).unwrap_or_default()),
            None => f.write_str(&text),
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(part.len().min(1));
        camel.push_str(&first.to_uppercase());
        camel.push_str(rest);
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{CallOptions, CompileOptions, PoolOptions, SandboxOptions, sandbox};

    fn names<O: Options>(face: Face) -> String {
        O::rows().iter().map(|row| face.name(row)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_are_spelled_as_each_language_does() {
        assert_eq!(names::<PoolOptions>(Face::C).split(' ').next(), Some("max"));
        for (face, expected) in [
            (Face::C, "timeout_ns cpu_time_ns"),
            (Face::JavaScript, "timeoutMs cpuTimeMs"),
            (Face::Python, "timeout cpu_time"),
            (Face::Rust, "timeout cpu_time"),
        ] {
            assert_eq!(names::<CallOptions>(face), expected);
        }
        assert!(
            names::<PoolOptions>(Face::JavaScript).starts_with("size minIdle acquireTimeoutMs timeoutMs ")
        );
    }

    #[test]
    fn no_two_options_of_a_structure_have_one_name() {
        fn check<O: Options>() {
            for face in Face::ALL {
                for row in &*O::rows() {
                    assert!(std::ptr::eq(find::<O>(face, &face.name(row)).unwrap(), *row), "{}", row.name);
                }
            }
        }
        check::<SandboxOptions>();
        check::<PoolOptions>();
        check::<CompileOptions>();
    }

    #[test]
    fn defaults_are_in_their_ranges() {
        for row in super::super::ALL.iter().copied().flatten() {
            let is_found_later = row.default == 0;
            assert!(is_found_later || (row.least..=row.most).contains(&row.default), "{}", row.name);
            assert!(!row.summary().is_empty() && row.doc.is_ascii() | row.doc.contains('…'), "{}", row.name);
        }
    }

    #[test]
    fn times_are_in_the_languages_units_and_never_wrap_around() {
        let ns = |face, given| read(face, &sandbox::timeout, given, "it").unwrap();
        assert_eq!(ns(Face::Python, Given::Number(1.5)), Some(1_500_000_000));
        assert_eq!(ns(Face::Python, Given::Whole(0)), Some(0));
        assert_eq!(ns(Face::Python, Given::Whole(i128::MAX)), Some(u64::MAX));
        assert_eq!(ns(Face::JavaScript, Given::Number(1.5)), Some(1_500_000));
        assert_eq!(ns(Face::JavaScript, Given::Number(1e-300)), Some(1));
        assert_eq!(ns(Face::JavaScript, Given::Whole(0)), None);
        assert_eq!(ns(Face::JavaScript, Given::Number(f64::INFINITY)), Some(u64::MAX));
        assert_eq!(ns(Face::C, Given::Whole(7)), Some(7));
        for bad in [Given::Number(f64::NAN), Given::Number(-0.1), Given::Whole(-1)] {
            let refusal = read(Face::Python, &sandbox::timeout, bad, "it").unwrap_err();
            assert_eq!(refusal.why, Why::OutOfRange);
            assert_eq!(refusal.message, "timeout is a number of seconds, 0 or more, found it");
        }
    }

    #[test]
    fn whole_numbers_are_refused_by_range_and_by_sort() {
        let why = |face, given| read(face, &sandbox::heap_size, given, "it").unwrap_err();
        assert_eq!(why(Face::Python, Given::Whole(-1)).why, Why::TooLarge);
        assert_eq!(why(Face::Python, Given::Whole(1 << 64)).why, Why::TooLarge);
        assert_eq!(why(Face::JavaScript, Given::Whole(1 << 53)).why, Why::TooLarge);
        assert_eq!(why(Face::Python, Given::Other).why, Why::WrongType);
        let refusal = why(Face::JavaScript, Given::Number(1.5));
        assert_eq!(refusal.why, Why::WrongType);
        assert_eq!(refusal.message, "heapSize is a whole number of bytes from 0 to 17179869184, found it");
        let size = crate::options::compile::ALL.first().unwrap();
        assert_eq!(read(Face::Python, size, Given::Whole(0), "0").unwrap_err().why, Why::OutOfRange);
        assert_eq!(read(Face::JavaScript, size, Given::Whole(0), "0").unwrap(), None);
    }

    #[test]
    fn an_unknown_option_is_told_the_one_that_is_meant() {
        let rows = SandboxOptions::rows();
        let said = |face: Face, name: &str| {
            let known: Vec<_> = rows.iter().map(|row| face.name(row)).collect();
            unknown(face, "a sandbox", name, known.iter().map(|name| &**name)).message
        };
        for (face, name, meant) in [
            (Face::JavaScript, "heapsize", ", but heapSize;"),
            (Face::JavaScript, "heap_size", ", but heapSize;"),
            (Face::JavaScript, "timeout", ", but timeoutMs;"),
            (Face::Python, "timeoutMs", ", but timeout;"),
            (Face::Python, "max_host_call", ", but max_host_calls;"),
            (Face::Python, "memory", "; there are heap_size, "),
            (Face::Python, &"x".repeat(1 << 20), "…\"; there are heap_size, "),
        ] {
            let message = said(face, name);
            assert!(message.contains(meant) && message.len() < 400, "{message}");
        }
        let known = ["size", "minIdle"];
        let message = unknown(Face::JavaScript, "a pool", "max", known.into_iter()).message;
        assert_eq!(message, "a pool has no option \"max\", but size; there are size, minIdle");
    }
}
