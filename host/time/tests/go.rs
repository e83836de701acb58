//! Layouts, calendars and durations agree with Go, whose notation they are. The tables in `data` hold Go's answers.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use perilune_time::{Fields, Instant, Location, Zone, Zones, duration, format, parse};
use serde_json::Value;

/// A table: one JSON array a line, `#` begins a comment.
fn rows(table: &str) -> impl Iterator<Item = Vec<Value>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| serde_json::from_str(line).unwrap())
}

fn zones() -> Zones {
    Zones::with_local("America/New_York").unwrap()
}

/// A zone by name, or a fixed one from `[name, offset]`.
fn zone(value: &Value) -> Zone {
    let location = match value {
        Value::Array(fixed) => {
            Location::fixed(fixed[0].as_str().unwrap(), fixed[1].as_i64().unwrap()).unwrap()
        }
        name => zones().load(name.as_str().unwrap()).unwrap(),
    };
    zones().zone(&location).unwrap()
}

fn integer(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn instant(seconds: &Value, nanoseconds: &Value) -> Instant {
    Instant::new(integer(seconds), integer(nanoseconds)).unwrap()
}

#[test]
fn times_are_written_as_go_writes_them() {
    for row in rows(include_str!("data/format.jsonl")) {
        let [seconds, nanoseconds, place, layout, expected] = row.as_slice() else { panic!("{row:?}") };
        let text =
            format(instant(seconds, nanoseconds), &zone(place), layout.as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected.as_str().unwrap(), "{row:?}");
    }
}

#[test]
fn times_are_read_as_go_reads_them() {
    for row in rows(include_str!("data/parse.jsonl")) {
        let [layout, text, place, expected] = row.as_slice() else { panic!("{row:?}") };
        let place = (!place.is_null()).then(|| zone(place));
        let read = parse(
            layout.as_str().unwrap().as_bytes(),
            text.as_str().unwrap().as_bytes(),
            place.as_ref(),
            &zones().local(),
        );
        let found = read.ok().map(|(at, location)| {
            let offset = zones().zone(&location).unwrap().civil(at).offset;
            (at.seconds(), i64::from(at.nanoseconds()), location.name, i64::from(offset))
        });
        let expected = expected.as_array().map(|result| {
            let name = result[2].as_str().unwrap().to_owned();
            (integer(&result[0]), integer(&result[1]), name, integer(&result[3]))
        });
        assert_eq!(found, expected, "{row:?}");
    }
}

#[test]
fn dates_carry_over_and_show_as_in_go() {
    for row in rows(include_str!("data/date.jsonl")) {
        let numbers: Vec<i64> = row[..7].iter().map(integer).collect();
        let [year, month, day, hour, minute, second, nanosecond] = numbers[..] else { panic!("{row:?}") };
        let fields = Fields { year, month, day, hour, minute, second, nanosecond };
        let zone = zone(&row[7]);
        let at = zone.instant(&fields).unwrap();
        assert_eq!(at, instant(&row[8], &row[9]), "{row:?}");
        let civil = zone.civil(at);
        let shown = serde_json::json!([
            civil.year,
            civil.month,
            civil.day,
            civil.hour,
            civil.minute,
            civil.second,
            civil.weekday,
            civil.year_day,
            civil.offset,
            civil.abbreviation
        ]);
        assert_eq!(shown, row[10], "{row:?}");
    }
}

#[test]
fn times_are_rounded_as_go_rounds_them() {
    for row in rows(include_str!("data/round.jsonl")) {
        let [seconds, nanoseconds, unit, truncated, rounded] = row.as_slice() else { panic!("{row:?}") };
        let at = instant(seconds, nanoseconds);
        let expected = |result: &Value| Instant::new(integer(&result[0]), integer(&result[1]));
        assert_eq!(at.truncate(integer(unit)), expected(truncated), "{row:?}");
        assert_eq!(at.round(integer(unit)), expected(rounded), "{row:?}");
    }
}

#[test]
fn durations_are_read_and_written_as_go_does() {
    for row in rows(include_str!("data/duration.jsonl")) {
        let [text, nanoseconds, written] = row.as_slice() else { panic!("{row:?}") };
        let read = duration::parse(text.as_str().unwrap().as_bytes());
        assert_eq!(read.clone().ok(), nanoseconds.as_i64(), "{row:?}: {read:?}");
        assert_eq!(read.ok().map(duration::format).as_deref(), written.as_str(), "{row:?}");
    }
}
