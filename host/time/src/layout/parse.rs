//! From text to instants.

use super::{Element, Length, MONTHS, Pad, Precision, SHORT, Split, WEEKDAYS, split};
use crate::{
    Fields, Instant, Location, MAX_NAME, TimeError, Zone,
    calendar::{days_in, is_leap},
    error::{check_length, excerpt},
};

/// Reads a text that is written as a layout says.
///
/// A text without a zone is read in `place`, or in UTC where that is `None`. A zone's abbreviation, or an offset, is looked
/// up in `place`, or in `local`; when it is not known there, the location is a fixed zone of that name or offset.
/// What a text does not say is 0, or the first: `3:04PM` is a time on 1 January of the year 0.
///
/// # Errors
///
/// [`TimeError::Mismatch`], [`TimeError::TooLong`] and, for a year whose last or first hours fall outside in UTC,
/// [`TimeError::OutOfRange`].
pub fn parse(
    layout: &[u8],
    text: &[u8],
    place: Option<&Zone>,
    local: &Zone,
) -> Result<(Instant, Location), TimeError> {
    check_length("layout", layout)?;
    check_length("time", text)?;
    let mismatch = |problem| TimeError::Mismatch { text: excerpt(text), layout: excerpt(layout), problem };
    let mut seen = Seen::default();
    seen.read(layout, text).map_err(mismatch)?;
    let fields = seen.fields().map_err(|field| mismatch(format!("the {field} is out of range")))?;
    let utc = Zone::utc();
    seen.place(&fields, place.unwrap_or(&utc), place.unwrap_or(local))
}

/// What a text said so far.
#[derive(Debug, Default)]
struct Seen {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    /// Whether it is after noon.
    afternoon: Option<bool>,
    /// Whether it is UTC by name, `UTC` or `Z`.
    utc: bool,
    offset: Option<i32>,
    zone_name: String,
}

/// Why a text does not match an element.
enum Problem {
    /// It is not written so.
    Unlike,
    /// The number is too large or too small.
    Range(&'static str),
}

type Read<T> = Result<T, Problem>;

impl Seen {
    fn read(&mut self, layout: &[u8], text: &[u8]) -> Result<(), String> {
        let mut rest = layout;
        let mut text = Text(text);
        loop {
            let Split { before, element, after } = split(rest);
            text.literal(before).map_err(|expected| unlike(expected, text.0))?;
            let Some((element, spelling)) = element else {
                return match text.0 {
                    [] => Ok(()),
                    more => Err(format!("nothing was expected after it, found `{}`", excerpt(more))),
                };
            };
            let found = text.0;
            self.element(&mut text, element, after).map_err(|problem| match problem {
                Problem::Unlike => unlike(spelling, found),
                Problem::Range(field) => format!("the {field} is out of range"),
            })?;
            rest = after;
        }
    }

    /// Reads one element; `after` is the rest of the layout.
    fn element(&mut self, text: &mut Text<'_>, element: Element, after: &[u8]) -> Read<()> {
        match element {
            Element::Year => self.year = text.digits(4, 4)?,
            // The epoch began in 1969 in some zones.
            Element::YearOfCentury => {
                self.year = match text.digits(2, 2)? {
                    year @ 69.. => 1900 + year,
                    year => 2000 + year,
                }
            }
            Element::MonthName(length) => self.month = Some(text.name(&MONTHS, length)? + 1),
            // It follows from the date, which is not checked against it.
            Element::WeekdayName(length) => drop(text.name(&WEEKDAYS, length)?),
            Element::Month(pad) => self.month = Some(text.number(pad, 1..=12, "month")?),
            Element::Day(pad) => self.day = Some(text.number(pad, 0..=99, "day")?),
            Element::YearDay(pad) => {
                if pad == Pad::Space {
                    text.skip(b" ");
                    text.skip(b" ");
                }
                self.year_day = Some(text.digits(if pad == Pad::Zero { 3 } else { 1 }, 3)?);
            }
            Element::Hour24 => self.hour = text.number(Pad::None, 0..=23, "hour")?,
            Element::Hour12(pad) => self.hour = text.number(pad, 0..=12, "hour")?,
            Element::Minute(pad) => self.minute = text.number(pad, 0..=59, "minute")?,
            Element::Second(pad) => {
                self.second = text.number(pad, 0..=59, "second")?;
                // A fraction may follow the seconds unasked, unless the layout's next element reads it.
                let digits = text.fraction_length();
                if digits > 0 && !matches!(split(after).element, Some((Element::Fraction { .. }, _))) {
                    self.nanosecond = text.fraction(digits)?;
                }
            }
            Element::Noon { capital } => {
                let (before, after): (&[u8], &[u8]) = if capital { (b"AM", b"PM") } else { (b"am", b"pm") };
                self.afternoon = Some(text.skip(after));
                if self.afternoon == Some(false) && !text.skip(before) {
                    return Err(Problem::Unlike);
                }
            }
            Element::ZoneName if text.skip(b"UTC") => self.utc = true,
            Element::ZoneName => self.zone_name = text.zone_name()?,
            Element::Offset { zulu: true, .. } if text.skip(b"Z") => self.utc = true,
            Element::Offset { colons, precision, .. } => {
                self.offset = Some(text.offset(colons, precision)?);
            }
            Element::Fraction { digits, trim: false, .. } => self.nanosecond = text.fraction(digits)?,
            // It may be left out, or have more digits than asked for.
            Element::Fraction { trim: true, .. } => match text.fraction_length() {
                0 => {}
                digits => self.nanosecond = text.fraction(digits)?,
            },
        }
        Ok(())
    }

    /// The date and time of day, or which field contradicts the calendar.
    fn fields(&self) -> Result<Fields, &'static str> {
        let hour = match (self.afternoon, self.hour) {
            (Some(true), hour @ ..12) => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        let (month, day) = match self.year_day {
            Some(year_day) => self.month_and_day(year_day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if !(1..=days_in(self.year, month)).contains(&day) {
            return Err("day");
        }
        let (year, minute, second, nanosecond) = (self.year, self.minute, self.second, self.nanosecond);
        Ok(Fields { year, month, day, hour, minute, second, nanosecond })
    }

    /// The date of a day of the year, which must agree with the month and day that were given beside it.
    fn month_and_day(&self, year_day: i64) -> Result<(i64, i64), &'static str> {
        if !(1..=365 + i64::from(is_leap(self.year))).contains(&year_day) {
            return Err("day of the year");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(self.year, month) {
            day -= days_in(self.year, month);
            month += 1;
        }
        match (self.month.unwrap_or(month) == month, self.day.unwrap_or(day) == day) {
            (true, true) => Ok((month, day)),
            _ => Err("day of the year beside month and day"),
        }
    }

    /// The instant of these fields, and where.
    fn place(&self, fields: &Fields, default: &Zone, known: &Zone) -> Result<(Instant, Location), TimeError> {
        let shifted = |offset: i32| Fields { second: fields.second - i64::from(offset), ..*fields }.in_utc();
        let name = self.zone_name.as_str();
        if self.utc {
            return Ok((fields.in_utc()?, Zone::utc().location().clone()));
        }
        if let Some(offset) = self.offset {
            let at = shifted(offset)?;
            let civil = known.civil(at);
            let same = civil.offset == offset && (name.is_empty() || civil.abbreviation == name);
            let place = if same { known.location().clone() } else { Location::fixed(name, offset.into())? };
            return Ok((at, place));
        }
        if name.is_empty() {
            return Ok((default.instant(fields)?, default.location().clone()));
        }
        let shown = fields.in_utc()?;
        match known.offset_of(name, shown.seconds()) {
            Some(offset) => Ok((shifted(offset)?, known.location().clone())),
            None => Ok((shown, Location::fixed(name, gmt_offset(name))?)),
        }
    }
}

fn unlike(expected: &[u8], found: &[u8]) -> String {
    match found {
        [] => format!("`{}` was expected at its end", excerpt(expected)),
        found => format!("`{}` was expected, found `{}`", excerpt(expected), excerpt(found)),
    }
}

/// What is left of the text.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// Whether the text goes on so; takes it if it does.
    fn skip(&mut self, expected: &[u8]) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes text that stands for itself. A run of spaces matches any other run, and no space at the end of the text.
    fn literal<'b>(&mut self, mut expected: &'b [u8]) -> Result<(), &'b [u8]> {
        while let [first, rest @ ..] = expected {
            match (first, self.0) {
                (b' ', [] | [b' ', ..]) => {
                    expected = without_spaces(expected);
                    self.0 = without_spaces(self.0);
                }
                (first, [found, after @ ..]) if first == found => {
                    expected = rest;
                    self.0 = after;
                }
                _ => return Err(expected),
            }
        }
        Ok(())
    }

    /// How many digits come next, counted up to `most`.
    fn digit_count(&self, most: usize) -> usize {
        self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// Takes at least `fewest` and at most `most` digits, which must fit an `i64`.
    fn digits(&mut self, fewest: usize, most: usize) -> Read<i64> {
        let count = self.digit_count(most);
        if count < fewest {
            return Err(Problem::Unlike);
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// A number of up to two digits.
    fn number(&mut self, pad: Pad, range: std::ops::RangeInclusive<i64>, field: &'static str) -> Read<i64> {
        if pad == Pad::Space {
            self.skip(b" ");
        }
        let number = self.digits(if pad == Pad::Zero { 2 } else { 1 }, 2)?;
        if range.contains(&number) { Ok(number) } else { Err(Problem::Range(field)) }
    }

    /// The index of a name, in letters of either case.
    fn name(&mut self, names: &[&str], length: Length) -> Read<i64> {
        let spelled = |name: &'_ str| match length {
            Length::Short => SHORT,
            Length::Long => name.len(),
        };
        let matches = |name: &&str| {
            let letters = spelled(name);
            self.0.get(..letters).is_some_and(|text| text.eq_ignore_ascii_case(&name.as_bytes()[..letters]))
        };
        let index = names.iter().position(matches).ok_or(Problem::Unlike)?;
        self.0 = &self.0[spelled(names[index])..];
        Ok(index as i64)
    }

    /// Digits of the fraction of a second that follows; 0 when none does.
    fn fraction_length(&self) -> usize {
        match self.0 {
            [b'.' | b',', rest @ ..] => Text(rest).digit_count(rest.len()),
            _ => 0,
        }
    }

    /// Nanoseconds from a mark and that many digits; what is smaller is cut off.
    fn fraction(&mut self, digits: usize) -> Read<i64> {
        if self.fraction_length() < digits {
            return Err(Problem::Unlike);
        }
        let (fraction, rest) = self.0[1..].split_at(digits);
        self.0 = rest;
        let counted = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        Ok(counted.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// Seconds east of UTC from a sign and two digits a part. One more than usual is read, as people write `+24:00`.
    fn offset(&mut self, colons: bool, precision: Precision) -> Read<i32> {
        let sign = match (self.skip(b"-"), self.skip(b"+")) {
            (true, false) => -1,
            (false, true) => 1,
            _ => return Err(Problem::Unlike),
        };
        let parts: &[(i64, &str, i64)] = &[
            (24, "hour of the offset", 3600),
            (60, "minute of the offset", 60),
            (60, "second of the offset", 1),
        ];
        let count = match precision {
            Precision::Hours => 1,
            Precision::Minutes => 2,
            Precision::Seconds => 3,
        };
        let mut offset = 0;
        for (index, (largest, field, unit)) in parts[..count].iter().enumerate() {
            if colons && index > 0 && !self.skip(b":") {
                return Err(Problem::Unlike);
            }
            offset += self.number(Pad::Zero, 0..=*largest, field)? * unit;
        }
        // At most 24:60:60, which fits.
        Ok((sign * offset) as i32)
    }

    /// An abbreviation of a zone. There is no list of them, only how they are built.
    fn zone_name(&mut self) -> Read<String> {
        let length = self.zone_name_length().filter(|length| *length <= MAX_NAME).ok_or(Problem::Unlike)?;
        let (name, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    fn zone_name_length(&self) -> Option<usize> {
        let text = self.0;
        let capitals = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        match text {
            // The only ones with a small letter.
            [b'C', b'h', b'S', b'T', ..] | [b'M', b'e', b'S', b'T', ..] => Some(4),
            [b'G', b'M', b'T', offset @ ..] => Some(3 + signed_hours(offset).map_or(0, |(length, _)| length)),
            [b'+' | b'-', ..] => signed_hours(text).map(|(length, _)| length),
            _ if capitals == 3 => Some(3),
            [_, _, _, b'T', ..] | [b'W', b'I', b'T', b'A', ..] if capitals == 4 => Some(4),
            [_, _, _, _, b'T', ..] if capitals == 5 => Some(5),
            _ => None,
        }
    }
}

/// A sign and at most 23 hours, as in `GMT+3` and in zones that have no name but `-03`: the length and the hours.
fn signed_hours(text: &[u8]) -> Option<(usize, i64)> {
    let (sign, digits) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let count = Text(digits).digit_count(digits.len());
    let hours = digits[..count].iter().try_fold(0_i64, |hours, digit| {
        Some(hours * 10 + i64::from(digit - b'0')).filter(|hours| *hours <= 23)
    })?;
    (count > 0).then_some((count + 1, sign * hours))
}

/// The offset in the name `GMT+3`; no other name tells its own.
fn gmt_offset(name: &str) -> i64 {
    let hours = name.strip_prefix("GMT").and_then(|offset| signed_hours(offset.as_bytes()));
    hours.map_or(0, |(_, hours)| hours * 3600)
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    &text[spaces..]
}
