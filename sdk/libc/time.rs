//! `<time.h>`, `gettimeofday`, and the sleep functions of `<unistd.h>`: the host's clocks, and the calendar. The only
//! time zone is UTC.

use core::cell::Cell;
use core::ffi::{c_char, c_int, c_long, c_uint, c_void};
use core::ptr;

use super::errno::{self, EINVAL, EOVERFLOW};
use super::single::Single;
use super::stdio;

const NANOSECONDS: u64 = 1_000_000_000;
const SECONDS_OF_DAY: i64 = 86_400;

/// Days from 0000-03-01 to 1970-01-01, in the Gregorian calendar.
const DAYS_TO_EPOCH: i64 = 719_468;

/// Days of 400 years, after which the calendar repeats.
const DAYS_OF_ERA: i64 = 146_097;

/// `struct timespec`; `struct timeval` looks the same and has microseconds.
#[repr(C)]
struct Timespec {
    seconds: i64,
    fraction: c_long,
}

/// `struct tm`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Tm {
    pub sec: c_int,
    pub min: c_int,
    pub hour: c_int,
    pub mday: c_int,
    pub mon: c_int,
    pub year: c_int,
    pub wday: c_int,
    pub yday: c_int,
    pub isdst: c_int,
    pub gmtoff: c_long,
    pub zone: *const c_char,
}

/// The result of `gmtime` and `localtime`, to which they return a pointer.
static BROKEN_DOWN: Single<Cell<Tm>> = Single::new(Cell::new(Tm {
    sec: 0,
    min: 0,
    hour: 0,
    mday: 0,
    mon: 0,
    year: 0,
    wday: 0,
    yday: 0,
    isdst: 0,
    gmtoff: 0,
    zone: ptr::null(),
}));

impl Timespec {
    const fn new(ns: u64, fractions_per_second: u64) -> Self {
        let fraction = ns % NANOSECONDS / (NANOSECONDS / fractions_per_second);
        Self { seconds: (ns / NANOSECONDS).cast_signed(), fraction: fraction.cast_signed() }
    }

    /// Converts a `timespec` to nanoseconds; `None` if it is invalid. A negative time becomes 0.
    fn nanoseconds(&self) -> Option<u64> {
        let fraction = u64::try_from(self.fraction).ok().filter(|fraction| *fraction < NANOSECONDS)?;
        let Ok(seconds) = u64::try_from(self.seconds) else {
            return Some(0);
        };
        Some(seconds.saturating_mul(NANOSECONDS).saturating_add(fraction))
    }
}

/// Reads the clock with this number.
fn now(clock: c_int) -> Option<u64> {
    match clock {
        0 | 5 => Some(sdk::time::wall_ns()),
        1..=4 | 6 | 7 => Some(sdk::time::monotonic_ns()),
        _ => None,
    }
}

/// The clocks of Linux, all of them one of two: since the guest has its processor to itself, processor time is the
/// monotonic clock.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    let Some(ns) = now(clock) else {
        errno::set(EINVAL);
        return -1;
    };
    // SAFETY: the caller gives room for it.
    unsafe { *time = Timespec::new(ns, NANOSECONDS) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn timespec_get(time: *mut Timespec, base: c_int) -> c_int {
    // SAFETY: the caller gives room for it.
    if base == 1 && unsafe { clock_gettime(0, time) } == 0 { base } else { 0 }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(time: *mut Timespec, _zone: *mut c_void) -> c_int {
    if !time.is_null() {
        // SAFETY: the caller gives room for it.
        unsafe { *time = Timespec::new(sdk::time::wall_ns(), 1_000_000) };
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn time(place: *mut i64) -> i64 {
    let seconds = (sdk::time::wall_ns() / NANOSECONDS).cast_signed();
    if !place.is_null() {
        // SAFETY: the caller gives room for it.
        unsafe { *place = seconds };
    }
    seconds
}

/// Returns microseconds: POSIX defines `CLOCKS_PER_SEC` as one million.
#[unsafe(no_mangle)]
extern "C" fn clock() -> c_long {
    (sdk::time::monotonic_ns() / 1000).cast_signed()
}

#[unsafe(no_mangle)]
#[expect(clippy::cast_precision_loss, reason = "C wants a double")]
extern "C" fn difftime(end: i64, start: i64) -> f64 {
    end.wrapping_sub(start) as f64
}

// ---- sleeping -----------------------------------------------------------------------------------------------

/// Sleeps for `ns` nanoseconds. No signal can end it sooner.
fn sleep_for(ns: u64) {
    // Output printed before the sleep must appear before it.
    stdio::flush();
    sdk::time::sleep(core::time::Duration::from_nanos(ns));
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    wanted: *const Timespec,
    _rest: *mut Timespec,
) -> c_int {
    const TIMER_ABSTIME: c_int = 1;
    // SAFETY: the caller gives a time.
    let wanted = unsafe { &*wanted };
    // Seconds before 0 are no duration.
    let ns = wanted.nanoseconds().filter(|_| flags & TIMER_ABSTIME != 0 || wanted.seconds >= 0);
    let (Some(now), Some(ns)) = (now(clock), ns) else {
        return EINVAL;
    };
    sleep_for(if flags & TIMER_ABSTIME == 0 { ns } else { ns.saturating_sub(now) });
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(wanted: *const Timespec, rest: *mut Timespec) -> c_int {
    // SAFETY: as for `clock_nanosleep`.
    match unsafe { clock_nanosleep(1, 0, wanted, rest) } {
        0 => 0,
        error => {
            errno::set(error);
            -1
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn usleep(microseconds: c_uint) -> c_int {
    sleep_for(u64::from(microseconds) * 1000);
    0
}

#[unsafe(no_mangle)]
extern "C" fn sleep(seconds: c_uint) -> c_uint {
    sleep_for(u64::from(seconds) * NANOSECONDS);
    0
}

// ---- the calendar -------------------------------------------------------------------------------------------

/// Splits a number of seconds since 1970 into fields; `None` if the year does not fit.
fn break_down(seconds: i64) -> Option<Tm> {
    let (days, second) = (seconds.div_euclid(SECONDS_OF_DAY), seconds.rem_euclid(SECONDS_OF_DAY));
    // Years start in March here, so that a leap day is the last of its year.
    let day = days + DAYS_TO_EPOCH;
    let (era, of_era) = (day.div_euclid(DAYS_OF_ERA), day.rem_euclid(DAYS_OF_ERA));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = era * 400 + year_of_era + i64::from(month < 2);
    let day_of_year = days - days_from_civil(year, 0, 1);
    let int = |value: i64| c_int::try_from(value).ok();
    Some(Tm {
        sec: int(second % 60)?,
        min: int(second / 60 % 60)?,
        hour: int(second / 3600)?,
        mday: int(day_of_month)?,
        mon: int(month)?,
        year: int(year - 1900)?,
        wday: int((days + 4).rem_euclid(7))?,
        yday: int(day_of_year)?,
        isdst: 0,
        gmtoff: 0,
        zone: c"UTC".as_ptr(),
    })
}

/// Returns the days from 1970-01-01 to a day; months count from 0.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * DAYS_OF_ERA + of_era - DAYS_TO_EPOCH
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gmtime_r(seconds: *const i64, result: *mut Tm) -> *mut Tm {
    // SAFETY: the caller gives a number and room for the result.
    if let Some(tm) = break_down(unsafe { *seconds }) {
        // SAFETY: as above.
        unsafe { *result = tm };
        return result;
    }
    errno::set(EOVERFLOW);
    ptr::null_mut()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn localtime_r(seconds: *const i64, result: *mut Tm) -> *mut Tm {
    // SAFETY: as for `gmtime_r`.
    unsafe { gmtime_r(seconds, result) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gmtime(seconds: *const i64) -> *mut Tm {
    // SAFETY: the caller gives a number; the result is ours.
    unsafe { gmtime_r(seconds, BROKEN_DOWN.as_ptr()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn localtime(seconds: *const i64) -> *mut Tm {
    // SAFETY: as for `gmtime`.
    unsafe { gmtime(seconds) }
}

/// Returns the seconds since 1970 of a date whose fields may be out of range.
pub fn seconds_of(tm: &Tm) -> i64 {
    let month = i64::from(tm.mon);
    let year = i64::from(tm.year) + 1900 + month.div_euclid(12);
    // All fields have 32 bits: nothing here comes near the bounds of 64.
    let days = days_from_civil(year, month.rem_euclid(12), 1) + i64::from(tm.mday) - 1;
    days * SECONDS_OF_DAY + i64::from(tm.hour) * 3600 + i64::from(tm.min) * 60 + i64::from(tm.sec)
}

/// Returns the seconds since 1970 of a date, and normalises its fields.
#[unsafe(no_mangle)]
unsafe extern "C" fn timegm(tm: *mut Tm) -> i64 {
    // SAFETY: the caller gives a date that can be written.
    let tm = unsafe { &mut *tm };
    let seconds = seconds_of(tm);
    match break_down(seconds) {
        Some(found) => {
            *tm = found;
            seconds
        }
        None => {
            errno::set(EOVERFLOW);
            -1
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mktime(tm: *mut Tm) -> i64 {
    // SAFETY: as for `timegm`.
    unsafe { timegm(tm) }
}
