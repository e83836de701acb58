//! Dates and times as text: RFC 3339 in UTC, as module `time` reads them.

use perilune_time::{Fields, Instant, Zone, format, parse};

const RFC3339: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

/// Forms in which SQLite and its users write dates; fractions of a second are read without being named.
const WRITTEN: &[&[u8]] = &[
    b"2006-01-02 15:04:05",
    b"2006-01-02T15:04:05Z07:00",
    b"2006-01-02 15:04:05Z07:00",
    b"2006-01-02T15:04:05",
    b"2006-01-02 15:04",
    b"2006-01-02T15:04",
    b"2006-01-02",
];

/// An instant by its distance from the Unix epoch; `None` beyond the year 9999.
pub(crate) fn from_micros(micros: i128) -> Option<String> {
    let at = Instant::from_nanos(micros.checked_mul(1_000)?).ok()?;
    show(at)
}

/// An instant by the calendar of UTC; `None` beyond the year 9999.
pub(crate) fn from_fields(fields: &Fields) -> Option<String> {
    show(fields.in_utc().ok()?)
}

/// What a text in a column of dates means; `None` when it is written in no known form.
pub(crate) fn from_text(text: &str) -> Option<String> {
    let zone = Zone::utc();
    let at = WRITTEN.iter().find_map(|layout| parse(layout, text.as_bytes(), None, &zone).ok())?;
    show(at.0)
}

fn show(at: Instant) -> Option<String> {
    String::from_utf8(format(at, &Zone::utc(), RFC3339).ok()?).ok()
}

/// A time of day, or a span of hours, from microseconds: `-26:03:04.5`.
pub(crate) fn clock(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let whole = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match fraction {
        0 => whole,
        _ => format!("{whole}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}
