//! What times, zones and durations promise beyond what Go's tables say.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use perilune_time::{Fields, Instant, Location, TimeError, Zone, Zones, duration, format, parse};
use perilune_value::{Failure, Kind};

const SECOND_BEFORE_10000: Fields =
    Fields { year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59, nanosecond: 999_999_999 };

fn zone(name: &str) -> Zone {
    let zones = Zones::utc();
    zones.zone(&zones.load(name).unwrap()).unwrap()
}

fn written(at: Instant, zone: &Zone, layout: &str) -> String {
    String::from_utf8(format(at, zone, layout.as_bytes()).unwrap()).unwrap()
}

#[test]
fn the_last_instant_is_the_end_of_the_year_9999() {
    let last = SECOND_BEFORE_10000.in_utc().unwrap();
    assert_eq!(last.seconds(), Instant::LAST_SECOND);
    assert_eq!(Instant::from_nanos(last.as_nanos() + 1), Err(TimeError::OutOfRange));
    assert_eq!(written(last, &zone("Pacific/Apia"), "2006-01-02 15:04"), "10000-01-01 12:59");
}

#[test]
fn the_first_instant_is_the_beginning_of_the_year_minus_9999() {
    let first = Fields { year: -9999, month: 1, day: 1, ..Fields::default() }.in_utc().unwrap();
    assert_eq!(first.seconds(), Instant::FIRST_SECOND);
    assert_eq!(Instant::from_nanos(first.as_nanos() - 1), Err(TimeError::OutOfRange));
    assert_eq!(written(first, &Zone::utc(), "2006-01-02"), "-9999-01-01");
}

#[test]
fn zones_are_found_by_name() {
    let zones = Zones::utc();
    let cases = [
        ("UTC", Ok("UTC")),
        ("Local", Ok("Local")),
        ("Europe/Berlin", Ok("Europe/Berlin")),
        ("europe/berlin", Ok("Europe/Berlin")),
        ("", Err(Kind::Invalid)),
        ("Mars/Olympus", Err(Kind::NotFound)),
        ("../../etc/passwd", Err(Kind::NotFound)),
        ("/etc/localtime", Err(Kind::NotFound)),
    ];
    for (name, expected) in cases {
        let found = zones.load(name).map(|location| location.name).map_err(|error| Failure::from(error).kind);
        assert_eq!(found, expected.map(str::to_owned), "{name}");
    }
}

#[test]
fn a_fixed_zone_shows_its_own_name_and_offset() {
    let zones = Zones::utc();
    let zone = zones.zone(&Location::fixed("CAMP", 5400).unwrap()).unwrap();
    let epoch = Instant::new(0, 0).unwrap();
    assert_eq!(written(epoch, &zone, "15:04 -0700 MST"), "01:30 +0130 CAMP");
}

#[test]
fn an_hour_shown_twice_is_told_apart_by_daylight_saving_time() {
    let berlin = zone("Europe/Berlin");
    let twice = Fields { year: 2024, month: 10, day: 27, hour: 2, minute: 30, ..Fields::default() };
    let summer = berlin.instant_with_dst(&twice, true).unwrap();
    let winter = berlin.instant_with_dst(&twice, false).unwrap();
    assert_eq!(winter.seconds() - summer.seconds(), 3600);
    assert_eq!(berlin.civil(summer).abbreviation, "CEST");
    assert_eq!(berlin.civil(winter).abbreviation, "CET");
}

#[test]
fn refusals_say_what_to_do() {
    let read = |layout: &str, text: &str| {
        parse(layout.as_bytes(), text.as_bytes(), None, &Zone::utc()).map(drop).unwrap_err().to_string()
    };
    let span = |text: &str| duration::parse(text.as_bytes()).unwrap_err().to_string();
    let cases = [
        (
            read("2006-01-02", "2024/01/02"),
            "time `2024/01/02` does not fit layout `2006-01-02`: `-` was expected, found `/01/02`",
        ),
        (
            read("2006-01-02", "2024-"),
            "time `2024-` does not fit layout `2006-01-02`: `01` was expected at its end",
        ),
        (
            read("2006-01-02", "2024-13-01"),
            "time `2024-13-01` does not fit layout `2006-01-02`: the month is out of range",
        ),
        (
            read("2006-01-02", "2023-02-29"),
            "time `2023-02-29` does not fit layout `2006-01-02`: the day is out of range",
        ),
        (
            read("2006", "2024 AD"),
            "time `2024 AD` does not fit layout `2006`: nothing was expected after it, found ` AD`",
        ),
        (
            span("soon"),
            "`soon` is not a duration: a number was expected; durations look like `1h30m`, `1.5s` or `250ms`",
        ),
        (span("10"), "`10` is not a duration: every number needs a unit: ns, us, µs, ms, s, m or h"),
        (
            span("3000000h"),
            "`3000000h` is not a duration: it does not fit 64 bits of nanoseconds, about 292 years",
        ),
        (
            Zones::utc().load("Berlin").unwrap_err().to_string(),
            "time zone `Berlin` is not in the time zone database; names look like `Europe/Berlin`",
        ),
        (
            Location::fixed("X", 100_000).unwrap_err().to_string(),
            "a zone offset of 100000 seconds is out of range, at most 90060 either way",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}
