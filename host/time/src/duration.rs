//! Durations as text: `1h30m0s`, `1.5s`, `250ms`. A duration is a signed number of nanoseconds.

use crate::{
    TimeError,
    error::{check_length, excerpt},
};

const SECOND: u64 = 1_000_000_000;

/// Units by text; the micro sign and the Greek letter mu look alike, so both are read.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

/// Digits of a number that count; further ones change less than a nanosecond, or overflow anyway.
const DIGITS: usize = 19;

/// Reads a sequence of numbers with units, each with an optional fraction, after an optional sign; or `0`.
/// What is smaller than a nanosecond is cut off.
///
/// # Errors
///
/// [`TimeError::Duration`], and [`TimeError::TooLong`].
pub fn parse(text: &[u8]) -> Result<i64, TimeError> {
    check_length("duration", text)?;
    magnitude(text).map_err(|problem| TimeError::Duration { text: excerpt(text), problem })
}

fn magnitude(text: &[u8]) -> Result<i64, &'static str> {
    const TOO_LARGE: &str = "it does not fit 64 bits of nanoseconds, about 292 years";
    let (sign, mut rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    match rest {
        [] => return Err("it is empty; durations look like `1h30m`, `1.5s` or `250ms`"),
        [b'0'] => return Ok(0),
        _ => {}
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole = take_while(&mut rest, |byte| byte.is_ascii_digit());
        let fraction = match rest {
            [b'.', after @ ..] => {
                rest = after;
                take_while(&mut rest, |byte| byte.is_ascii_digit())
            }
            _ => &[],
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err("a number was expected; durations look like `1h30m`, `1.5s` or `250ms`");
        }
        let name = take_while(&mut rest, |byte| byte != b'.' && !byte.is_ascii_digit());
        let unit = UNITS.iter().find(|(unit, _)| unit.as_bytes() == name).map(|(_, unit)| i128::from(*unit));
        let unit = unit.ok_or("every number needs a unit: ns, us, µs, ms, s, m or h")?;

        let zeros = whole.iter().take_while(|digit| **digit == b'0').count();
        let whole = &whole[zeros..];
        if whole.len() > DIGITS {
            return Err(TOO_LARGE);
        }
        let fraction = &fraction[..fraction.len().min(DIGITS)];
        total += number(whole) * unit + number(fraction) * unit / 10_i128.pow(fraction.len() as u32);
        if total > i128::from(i64::MAX) + 1 {
            return Err(TOO_LARGE);
        }
    }
    i64::try_from(total * sign).map_err(|_| TOO_LARGE)
}

fn take_while<'a>(rest: &mut &'a [u8], belongs: impl Fn(u8) -> bool) -> &'a [u8] {
    let length = rest.iter().take_while(|byte| belongs(**byte)).count();
    let (taken, after) = rest.split_at(length);
    *rest = after;
    taken
}

fn number(digits: &[u8]) -> i128 {
    digits.iter().fold(0, |number, digit| number * 10 + i128::from(digit - b'0'))
}

/// Writes hours, minutes and seconds, or, under a second, the largest unit that leaves a whole part: `1h0m0.5s`, `1.5ms`, `0s`.
pub fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    let text = match total {
        0 => "0s".to_owned(),
        1..1_000 => format!("{total}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(total, 3)),
        1_000_000..SECOND => format!("{}ms", decimal(total, 6)),
        _ => {
            let (minutes, rest) = (total / (60 * SECOND), total % (60 * SECOND));
            let seconds = decimal(rest, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// The number divided by a power of ten, without trailing zeros.
fn decimal(number: u64, places: usize) -> String {
    let unit = 10_u64.pow(places as u32);
    let fraction = format!("{:0places$}", number % unit);
    match fraction.trim_end_matches('0') {
        "" => (number / unit).to_string(),
        fraction => format!("{}.{fraction}", number / unit),
    }
}
