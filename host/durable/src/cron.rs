//! When runs of a cron workflow begin.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use perilune_workflow::Timestamp;

/// Five fields, in UTC: minute, hour, day of the month, month, day of the week. Bit `n` of a field is set where `n` matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Where both name days, either is enough.
    either_day: bool,
}

/// How far ahead a next time is looked for: the 29th of February comes within eight years, also around 2100.
const YEARS: i16 = 9;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads a schedule: five fields of `*`, numbers, names, ranges, lists and steps, or `@hourly` and the like.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fields = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let &[minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(format!(
                "the cron schedule `{text}` has {} fields, and should have 5: minute, hour, day, month, weekday",
                fields.len()
            ));
        };
        let wrong = |why: String| format!("the cron schedule `{text}` {why}");
        let mut schedule = Schedule {
            minutes: field(minutes, 0, 59, &[]).map_err(wrong)?,
            hours: field(hours, 0, 23, &[]).map_err(wrong)?,
            days: field(days, 1, 31, &[]).map_err(wrong)?,
            months: field(months, 1, 12, &MONTHS).map_err(wrong)?,
            weekdays: field(weekdays, 0, 7, &WEEKDAYS).map_err(wrong)?,
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        };
        // Sunday is 0 and 7.
        schedule.weekdays |= (schedule.weekdays >> 7) & 1;
        Ok(schedule)
    }

    /// The first time after `after`.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let start = jiff::Timestamp::from_second(after.seconds()).ok()?.to_zoned(TimeZone::UTC).datetime();
        let start = start.checked_add(SignedDuration::from_mins(1)).ok()?;
        let mut date = start.date();
        let mut time = Some(Time::constant(start.hour(), start.minute(), 0, 0));
        let last = date.year().checked_add(YEARS)?;
        while date.year() <= last {
            if self.has_day(date)
                && let Some(found) = self.time(time.unwrap_or(Time::midnight()))
            {
                let moment = DateTime::from_parts(date, found).to_zoned(TimeZone::UTC).ok()?;
                return Some(Timestamp::from_seconds(moment.timestamp().as_second()));
            }
            time = None;
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month()) && if self.either_day { day || weekday } else { day && weekday }
    }

    /// The first time of a day that is not before `from`.
    fn time(&self, from: Time) -> Option<Time> {
        (from.hour()..24).filter(|hour| has(self.hours, *hour)).find_map(|hour| {
            let first = if hour == from.hour() { from.minute() } else { 0 };
            let minute = (first..60).find(|minute| has(self.minutes, *minute))?;
            Some(Time::constant(hour, minute, 0, 0))
        })
    }
}

fn has(bits: u64, number: i8) -> bool {
    bits >> number & 1 == 1
}

fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Result<u64, String> {
    text.split(',').try_fold(0, |bits, part| Ok(bits | range(part, least, most, names)?))
}

fn range(part: &str, least: u32, most: u32, names: &[&str]) -> Result<u64, String> {
    let wrong = || format!("has `{part}`, which names nothing from {least} to {most}");
    let (span, step) = match part.split_once('/') {
        Some((span, step)) => (span, step.parse::<usize>().ok().filter(|step| *step > 0).ok_or_else(wrong)?),
        None => (part, 1),
    };
    let number = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let named = named.and_then(|index| u32::try_from(index).ok()).map(|index| index + least);
        named.or_else(|| text.parse().ok()).filter(|number| (least..=most).contains(number)).ok_or_else(wrong)
    };
    let (first, last) = match span.split_once('-') {
        _ if span == "*" => (least, most),
        Some((first, last)) => (number(first)?, number(last)?),
        None if step > 1 => (number(span)?, most),
        None => (number(span)?, number(span)?),
    };
    if first > last {
        return Err(wrong());
    }
    Ok((first..=last).step_by(step).fold(0, |bits, number| bits | 1 << number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str) -> String {
        let after: jiff::Timestamp = after.parse().unwrap();
        let next = Schedule::parse(cron).unwrap().next(Timestamp::from_seconds(after.as_second())).unwrap();
        jiff::Timestamp::from_second(next.seconds()).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_after_the_present_one() {
        assert_eq!(next("*/15 * * * *", "2026-01-01T00:15:00Z"), "2026-01-01T00:30:00Z");
        assert_eq!(next("0 9 * * mon-fri", "2026-01-02T09:00:00Z"), "2026-01-05T09:00:00Z");
        assert_eq!(next("@hourly", "2026-12-31T23:59:59Z"), "2027-01-01T00:00:00Z");
        assert_eq!(next("0 0 29 2 *", "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00Z");
        assert_eq!(next("0 0 13 * 5", "2026-01-01T00:00:00Z"), "2026-01-02T00:00:00Z");
        assert_eq!(next("5 4 * * 7", "2026-01-01T00:00:00Z"), "2026-01-04T04:05:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for wrong in ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "x * * * *"] {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Schedule::parse("0 0 31 2 *").unwrap().next(Timestamp::default()).is_none());
    }
}
