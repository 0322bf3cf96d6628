//! The form of the table of options, and the setting of each.
//!
//! The table itself is in [`super`]. Each row describes an option once. The macro makes the Rust function that sets it.
//! The other languages read its [`Info`] by [`super::face`], or `cargo xtask generate` writes it into their files.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A row of the table of options.
#[derive(Debug)]
#[non_exhaustive]
pub struct Info {
    /// The name in Rust. The names in the other languages are made of it.
    pub name: &'static str,
    /// The name in Python and JavaScript, if different.
    pub alias: Option<&'static str>,
    /// The meaning of the number.
    pub unit: Unit,
    /// True if the members of a pool have it, too.
    pub is_limit: bool,
    /// True if 0 is a value of its own, in languages that can omit an option.
    pub is_wait: bool,
    /// The number of an option that was not given: [`u64::MAX`] is no limit, 0 is determined when it is needed.
    pub default: u64,
    /// The same in words.
    pub default_text: &'static str,
    /// The least number. Sizes of memory are rounded up to it.
    pub least: u64,
    /// The largest number.
    pub most: u64,
    /// The version of C's structure that introduced it. C's members are in that order.
    pub since: u32,
    /// Paragraphs of one line each. The first one stands alone as a summary.
    pub doc: &'static str,
}

impl Info {
    /// The first paragraph of its description, on one line.
    pub fn summary(&self) -> String {
        self.paragraphs().next().unwrap_or_default()
    }

    /// The paragraphs of its description, each on one line.
    pub fn paragraphs(&self) -> impl Iterator<Item = String> {
        self.doc.split("\n\n").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The meaning of an option's number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
    /// Bytes of the guest's memory, rounded up to whole pages.
    Memory,
    /// A duration, in nanoseconds.
    Time,
}

/// An option, and the value that was given for it.
#[derive(Clone, Copy)]
pub struct Setting {
    info: &'static Info,
    given: Option<u64>,
}

impl Setting {
    pub(crate) const fn new(info: &'static Info) -> Self {
        Self { info, given: None }
    }

    /// The row of the table.
    pub fn info(&self) -> &'static Info {
        self.info
    }

    /// The number that was given, in nanoseconds for a time. 0 is the default, except for times.
    pub fn given(&self) -> Option<u64> {
        self.given
    }

    /// The time that was given.
    pub fn time(&self) -> Option<Duration> {
        self.given.map(|ns| if ns == u64::MAX { Duration::MAX } else { Duration::from_nanos(ns) })
    }

    /// The number that was given, or the default.
    pub fn or_default(&self) -> u64 {
        self.given.unwrap_or(self.info.default)
    }

    pub(crate) fn set(&mut self, value: impl Word) {
        let word = value.word();
        self.given = Some(word).filter(|word| *word != 0 || self.info.unit == Unit::Time);
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.given, self.time()) {
            (None, _) => f.write_str("default"),
            (Some(_), Some(time)) if self.info.unit == Unit::Time => write!(f, "{time:?}"),
            (Some(number), _) => write!(f, "{number}"),
        }
    }
}

/// A value as the table stores it.
pub(crate) trait Word {
    fn word(self) -> u64;
}

impl Word for u64 {
    fn word(self) -> u64 {
        self
    }
}

impl Word for usize {
    fn word(self) -> u64 {
        u64::try_from(self).unwrap_or(u64::MAX)
    }
}

impl Word for Duration {
    /// A time that is too long becomes the longest, which is no limit.
    fn word(self) -> u64 {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Options that can be set by their names.
pub trait Options: Default + Sized {
    /// The rows, in the order in which C's structure has them.
    fn rows() -> Cow<'static, [&'static Info]>;

    /// The option with that name in Rust.
    fn setting(&self, name: &str) -> Option<&Setting>;

    /// The option with that name in Rust, mutable, for [`super::face`].
    fn setting_mut(&mut self, name: &str) -> Option<&mut Setting>;
}

/// Makes structures of options, a module with the rows of each, and [`Options`] for those with `all`.
///
/// A row is `name: kind [default] from [least] to [most]`, with a description in front. The name in Python and
/// JavaScript stands in parentheses. Kinds are `memory`, `bytes`, `count`, `members`, `time` and `wait`; `limit` before
/// one says that the members of a pool have it, too. New rows come last, with `since` and the version of C's structure.
macro_rules! options {
    ($(
        $(#[$meta:meta])*
        pub struct $Structure:ident in $rows:ident $(($all:ident))? {
            $(
                $(#[doc = $doc:literal])+
                $name:ident $(($alias:ident))?: $($kind:ident)+ [$($default:tt)+]
                    $(from [$($least:tt)+])? $(to [$($most:tt)+])? $(since $since:literal)?;
            )*
        }
        $(and { $($more:ident: $More:ty,)* })?
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $Structure {
            $(pub(crate) $name: $crate::options::table::Setting,)*
            $($(pub(crate) $more: $More,)*)?
        }

        #[expect(non_upper_case_globals, reason = "rows have the names of their options")]
        pub(crate) mod $rows {
            use $crate::options::table::{Info, amount, kind};

            $(pub(crate) static $name: Info = Info {
                name: stringify!($name),
                alias: [$(Some(stringify!($alias)),)? None][0],
                default: amount!($($default)+),
                default_text: stringify!($($default)+),
                least: [$(amount!($($least)+),)? 0][0],
                most: [$(amount!($($most)+),)? u64::MAX][0],
                since: [$($since,)? 1][0],
                doc: concat!($($doc, "\n"),+),
                ..kind!($($kind)+)
            };)*

            pub(crate) static ALL: &[&Info] = &[$(&$name,)*];
        }

        impl Default for $Structure {
            fn default() -> Self {
                Self {
                    $($name: $crate::options::table::Setting::new(&$rows::$name),)*
                    $($($more: Default::default(),)*)?
                }
            }
        }

        impl $Structure {
            /// The defaults.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                $(#[doc = $doc])+
                ///
                #[doc = concat!(
                    "Default: ", stringify!($($default)+), "."
                    $(, " At least ", stringify!($($least)+), ".")?
                    $(, " At most ", stringify!($($most)+), ".")?
                    , note!($($kind)+)
                )]
                pub fn $name(mut self, value: argument!($($kind)+)) -> Self {
                    self.$name.set(value);
                    self
                }
            )*

            fn own_setting(&self, name: &str) -> Option<&$crate::options::table::Setting> {
                match name {
                    $(stringify!($name) => Some(&self.$name),)*
                    _ => None,
                }
            }

            fn own_setting_mut(&mut self, name: &str) -> Option<&mut $crate::options::table::Setting> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }

        $(options!(@$all $Structure $rows);)?
    )*};

    (@all $Structure:ident $rows:ident) => {
        impl $crate::options::table::Options for $Structure {
            fn rows() -> ::std::borrow::Cow<'static, [&'static $crate::options::table::Info]> {
                $rows::ALL.into()
            }

            fn setting(&self, name: &str) -> Option<&$crate::options::table::Setting> {
                self.own_setting(name)
            }

            fn setting_mut(&mut self, name: &str) -> Option<&mut $crate::options::table::Setting> {
                self.own_setting_mut(name)
            }
        }
    };
}

/// A number of the table. Words stand for a number that is determined later.
macro_rules! amount {
    (unlimited) => {
        u64::MAX
    };
    ($n:literal KiB) => {
        $n << 10
    };
    ($n:literal MiB) => {
        $n << 20
    };
    ($n:literal GiB) => {
        $n << 30
    };
    ($n:literal ns) => {
        $n
    };
    ($n:literal minute) => {
        $n * 60_000_000_000
    };
    ($n:literal) => {
        $n
    };
    ($($word:ident)+) => {
        0
    };
}

/// The properties of a kind of row.
macro_rules! kind {
    (limit $kind:ident) => { Info { is_limit: true, ..kind!($kind) } };
    (memory) => { kind!(@Memory false) };
    (bytes) => { kind!(@Bytes false) };
    (count) => { kind!(@Count false) };
    (members) => { kind!(@Count false) };
    (time) => { kind!(@Time false) };
    (wait) => { kind!(@Time true) };
    (@$unit:ident $is_wait:literal) => {
        Info {
            name: "", alias: None, unit: $crate::options::table::Unit::$unit, is_limit: false, is_wait: $is_wait,
            default: 0, default_text: "", least: 0, most: u64::MAX, since: 1, doc: "",
        }
    };
}

/// The argument of the function that sets an option.
macro_rules! argument {
    (limit $kind:ident) => {
        argument!($kind)
    };
    (time) => {
        ::std::time::Duration
    };
    (wait) => {
        ::std::time::Duration
    };
    (members) => {
        usize
    };
    ($kind:ident) => {
        u64
    };
}

/// The note that all options of a kind share.
macro_rules! note {
    (limit $kind:ident) => {
        note!($kind)
    };
    (time) => {
        " [`Duration::MAX`](::std::time::Duration::MAX) is no limit."
    };
    (wait) => {
        note!(time)
    };
    ($kind:ident) => {
        " 0 is the default."
    };
}

pub(crate) use {amount, argument, kind, note, options};
