//! The Gregorian calendar, carried on beyond its beginning; days are counted from 1970-01-01.
//!
//! `jiff` keeps the zones, but its dates end with the year 9999 of local time and its instants a day earlier, so that
//! 9999-12-31T23:59:59Z, which many use for "never", would not fit. Counting days is small enough to have no such edge.

use crate::{Instant, TimeError};

const SECONDS_PER_DAY: i64 = 86_400;

/// A date and time of day as somebody writes it. Values outside their usual range carry over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Fields {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanosecond: i64,
}

impl Fields {
    /// Nanoseconds since the Unix epoch at which UTC shows these fields. No input overflows.
    pub(crate) fn as_nanos(&self) -> i128 {
        let month = i128::from(self.month) - 1;
        let year = i128::from(self.year) + month.div_euclid(12);
        let days = days_before(year, month.rem_euclid(12) + 1) + i128::from(self.day) - 1;
        let hours = days * 24 + i128::from(self.hour);
        let minutes = hours * 60 + i128::from(self.minute);
        let seconds = minutes * 60 + i128::from(self.second);
        seconds * 1_000_000_000 + i128::from(self.nanosecond)
    }

    /// The instant at which UTC shows these fields.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`].
    pub fn in_utc(&self) -> Result<Instant, TimeError> {
        Instant::from_nanos(self.as_nanos())
    }
}

/// A date and time of day as a zone shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Civil {
    /// -10000 to 10000: one more than in UTC where a zone is a day ahead or behind.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; there are no leap seconds.
    pub second: u8,
    /// 0 is Sunday.
    pub weekday: u8,
    /// 1 to 366.
    pub year_day: u16,
    /// Seconds east of UTC.
    pub offset: i32,
    /// What the zone calls itself at that time; may be empty.
    pub abbreviation: String,
    /// Whether the zone has put its clocks forward.
    pub is_dst: bool,
}

impl Civil {
    /// What a clock shows that is `offset` seconds ahead of UTC. The zone's own facts are left for the caller.
    pub(crate) fn at_offset(at: Instant, offset: i32) -> Civil {
        let shown = at.seconds() + i64::from(offset);
        let (days, second) = (shown.div_euclid(SECONDS_PER_DAY), shown.rem_euclid(SECONDS_PER_DAY));
        let (year, month, day) = date(days);
        let year_day = i128::from(days) - days_before(year.into(), 1) + 1;
        Civil {
            year,
            month,
            day,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            // The epoch was a Thursday.
            weekday: (days + 4).rem_euclid(7) as u8,
            year_day: year_day as u16,
            offset,
            abbreviation: String::new(),
            is_dst: false,
        }
    }
}

/// Days in a month, 1 to 12.
pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether the year has a 29 February.
pub(crate) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// Days from 0000-03-01 to the epoch. Years are counted from March, so that the leap day ends them.
const EPOCH: i128 = 719_468;
const DAYS_PER_ERA: i128 = 146_097;

/// Days from the epoch to the first of a month, 1 to 12.
fn days_before(year: i128, month: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    // Five months from March, or from August, have 153 days.
    let in_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * DAYS_PER_ERA + year * 365 + year / 4 - year / 100 + in_year - EPOCH
}

/// Year, month and day of a day of an [`Instant`], shifted by a zone.
fn date(days: i64) -> (i32, u8, u8) {
    let days = days + EPOCH as i64;
    let (era, day) = (days.div_euclid(DAYS_PER_ERA as i64), days.rem_euclid(DAYS_PER_ERA as i64));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    ((era * 400 + year) as i32, month as u8, day as u8)
}
