//! From instants to text.

use super::{Element, Length, MONTHS, Pad, Precision, SHORT, WEEKDAYS, split};
use crate::{Civil, Instant, TimeError, Zone, error::check_length};
use std::io::Write;

/// Writes what the clocks of a zone show at an instant.
///
/// The output is at most [`MAX_NAME`](crate::MAX_NAME) times as long as the layout.
///
/// # Errors
///
/// [`TimeError::TooLong`].
pub fn format(at: Instant, zone: &Zone, layout: &[u8]) -> Result<Vec<u8>, TimeError> {
    check_length("layout", layout)?;
    let civil = zone.civil(at);
    let mut out = Vec::with_capacity(layout.len());
    let mut rest = layout;
    loop {
        let part = split(rest);
        out.extend_from_slice(part.before);
        let Some((element, _)) = part.element else { return Ok(out) };
        append(&mut out, element, &civil, at.nanoseconds()).expect("invariant: a Vec takes every byte");
        rest = part.after;
    }
}

fn append(out: &mut Vec<u8>, element: Element, civil: &Civil, nanoseconds: u32) -> std::io::Result<()> {
    let hour12 = (civil.hour + 11) % 12 + 1;
    match element {
        Element::Year if civil.year < 0 => write!(out, "-{:04}", civil.year.unsigned_abs()),
        Element::Year => write!(out, "{:04}", civil.year),
        Element::YearOfCentury => write!(out, "{:02}", civil.year.unsigned_abs() % 100),
        Element::MonthName(length) => write!(out, "{}", name(&MONTHS, civil.month - 1, length)),
        Element::WeekdayName(length) => write!(out, "{}", name(&WEEKDAYS, civil.weekday, length)),
        Element::Month(pad) => padded(out, pad, 2, civil.month.into()),
        Element::Day(pad) => padded(out, pad, 2, civil.day.into()),
        Element::YearDay(pad) => padded(out, pad, 3, civil.year_day),
        Element::Hour24 => padded(out, Pad::Zero, 2, civil.hour.into()),
        Element::Hour12(pad) => padded(out, pad, 2, hour12.into()),
        Element::Minute(pad) => padded(out, pad, 2, civil.minute.into()),
        Element::Second(pad) => padded(out, pad, 2, civil.second.into()),
        Element::Noon { capital } => out.write_all(match (civil.hour >= 12, capital) {
            (false, true) => b"AM",
            (true, true) => b"PM",
            (false, false) => b"am",
            (true, false) => b"pm",
        }),
        Element::ZoneName if civil.abbreviation.is_empty() => {
            offset(out, civil.offset, false, Precision::Minutes)
        }
        Element::ZoneName => write!(out, "{}", civil.abbreviation),
        Element::Offset { zulu: true, .. } if civil.offset == 0 => out.write_all(b"Z"),
        Element::Offset { colons, precision, .. } => offset(out, civil.offset, colons, precision),
        Element::Fraction { mark, digits, trim } => fraction(out, nanoseconds, mark, digits, trim),
    }
}

fn name(names: &[&'static str], index: u8, length: Length) -> &'static str {
    let name = names[usize::from(index)];
    match length {
        Length::Long => name,
        Length::Short => &name[..SHORT],
    }
}

fn padded(out: &mut Vec<u8>, pad: Pad, width: usize, number: u16) -> std::io::Result<()> {
    match pad {
        Pad::None => write!(out, "{number}"),
        Pad::Zero => write!(out, "{number:0width$}"),
        Pad::Space => write!(out, "{number:width$}"),
    }
}

fn offset(out: &mut Vec<u8>, offset: i32, colons: bool, precision: Precision) -> std::io::Result<()> {
    let sign = if offset < 0 { '-' } else { '+' };
    let colon = if colons { ":" } else { "" };
    let seconds = offset.unsigned_abs();
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match precision {
        Precision::Hours => write!(out, "{sign}{hour:02}"),
        Precision::Minutes => write!(out, "{sign}{hour:02}{colon}{minute:02}"),
        Precision::Seconds => write!(out, "{sign}{hour:02}{colon}{minute:02}{colon}{second:02}"),
    }
}

/// An instant has nine digits, however many a layout asks for.
fn fraction(out: &mut Vec<u8>, nanoseconds: u32, mark: u8, digits: usize, trim: bool) -> std::io::Result<()> {
    let all = format!("{nanoseconds:09}");
    let shown = &all[..digits.min(all.len())];
    let shown = if trim { shown.trim_end_matches('0') } else { shown };
    if shown.is_empty() { Ok(()) } else { write!(out, "{}{shown}", char::from(mark)) }
}
