//! Whatever a guest sends, the answer is a value or an error, and never large.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use perilune_time::{
    Fields, Instant, Location, MAX_NAME, MAX_TEXT, TimeError, Zone, Zones, duration, format, parse,
};
use proptest::prelude::*;

fn zones() -> Zones {
    Zones::with_local("America/New_York").unwrap()
}

fn any_instant() -> impl Strategy<Value = Instant> {
    (Instant::FIRST_SECOND..=Instant::LAST_SECOND, 0..1_000_000_000_i64)
        .prop_map(|(seconds, nanoseconds)| Instant::new(seconds, nanoseconds).unwrap())
}

fn any_zone() -> impl Strategy<Value = Zone> {
    let named = prop::sample::select(vec![
        "UTC",
        "Local",
        "Europe/Berlin",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Africa/Cairo",
    ])
    .prop_map(|name| zones().load(name).unwrap());
    // Hours of an offset are read up to 24.
    let fixed = ("[ -~]{0,8}", -89_999..=89_999_i64)
        .prop_map(|(name, offset)| Location::fixed(&name, offset).unwrap());
    prop_oneof![named, fixed].prop_map(|location| zones().zone(&location).unwrap())
}

/// Bytes that look like layouts and times, more often than plain noise would.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        "2006",
        "01",
        "Jan",
        "January",
        "Mon",
        "15",
        "3",
        "04",
        "05",
        ".000",
        ",999",
        "PM",
        "pm",
        "MST",
        "Z07:00",
        "-0700",
        "-07:00:00",
        "_2",
        "002",
        "__2",
        " ",
        "2024",
        "GMT+3",
        "EST",
        "Z",
        "+02:00",
        "12",
        "ns",
        "h",
        "1.5",
        "99999999999999999999",
        "µs",
    ];
    let piece = prop_oneof![
        prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_layout_formats(at in any_instant(), zone in any_zone(), layout in any_text()) {
        let text = format(at, &zone, &layout).unwrap();
        prop_assert!(text.len() <= layout.len() * MAX_NAME);
    }

    #[test]
    fn any_layout_and_text_parse_or_fail(layout in any_text(), text in any_text(), zone in any_zone()) {
        if let Ok((at, location)) = parse(&layout, &text, Some(&zone), &zones().local()) {
            zones().zone(&location).unwrap().civil(at);
        }
        // A layout is nearly right for itself, which reaches deeper.
        let _ = parse(&layout, &layout, None, &zones().local());
    }

    #[test]
    fn what_was_written_in_full_reads_back_the_same(
        at in (-62_167_132_800..=253_402_207_200_i64, 0..1_000_000_000_i64)
            .prop_map(|(seconds, nanoseconds)| Instant::new(seconds, nanoseconds).unwrap()),
        zone in any_zone(),
        layout in prop::sample::select(vec![
            "2006-01-02T15:04:05.999999999Z07:00:00",
            "Monday, _2 January 2006 03:04:05,000000000 PM -070000",
            "2006 002 15 4 5.000000000 Z070000",
        ]),
    ) {
        let text = format(at, &zone, layout.as_bytes()).unwrap();
        let (read, location) = parse(layout.as_bytes(), &text, Some(&zone), &zone).unwrap();
        prop_assert_eq!(read, at);
        let again = zones().zone(&location).unwrap();
        prop_assert_eq!(format(at, &again, layout.as_bytes()).unwrap(), text);
    }

    #[test]
    fn dates_of_any_numbers_are_instants_or_out_of_range(
        numbers in prop::array::uniform7(prop_oneof![any::<i64>(), -3000..3000_i64, Just(i64::MIN), Just(i64::MAX)]),
        zone in any_zone(),
        dst in any::<bool>(),
    ) {
        let [year, month, day, hour, minute, second, nanosecond] = numbers;
        let fields = Fields { year, month, day, hour, minute, second, nanosecond };
        let usual = zone.instant(&fields);
        prop_assert_eq!(usual.is_ok(), zone.instant_with_dst(&fields, dst).is_ok());
        prop_assert!(matches!(usual, Ok(_) | Err(TimeError::OutOfRange)));
    }

    #[test]
    fn what_a_zone_shows_leads_back_to_what_it_shows(at in any_instant(), zone in any_zone()) {
        let shown = zone.civil(at);
        let fields = Fields {
            year: shown.year.into(),
            month: shown.month.into(),
            day: shown.day.into(),
            hour: shown.hour.into(),
            minute: shown.minute.into(),
            second: shown.second.into(),
            nanosecond: at.nanoseconds().into(),
        };
        prop_assert_eq!(zone.instant_with_dst(&fields, shown.is_dst), Ok(at));
    }

    #[test]
    fn rounding_stays_within_one_unit(at in any_instant(), unit in any::<i64>()) {
        if let Ok(down) = at.truncate(unit) {
            prop_assert!(down <= at && at.as_nanos() - down.as_nanos() < i128::from(unit.max(1)));
        }
        if let Ok(nearest) = at.round(unit) {
            prop_assert!((at.as_nanos() - nearest.as_nanos()).abs() * 2 <= i128::from(unit.max(0)));
        }
    }

    #[test]
    fn any_text_is_a_duration_or_not(text in any_text()) {
        if let Ok(nanoseconds) = duration::parse(&text) {
            prop_assert_eq!(duration::parse(duration::format(nanoseconds).as_bytes()), Ok(nanoseconds));
        }
    }

    #[test]
    fn every_duration_reads_back_as_written(nanoseconds in any::<i64>()) {
        prop_assert_eq!(duration::parse(duration::format(nanoseconds).as_bytes()), Ok(nanoseconds));
    }

    #[test]
    fn any_location_is_a_zone_or_an_error(
        name in ".{0,80}",
        offset in prop::option::of(any::<i32>()),
        at in any_instant(),
    ) {
        if let Ok(zone) = zones().zone(&Location { name, offset }) {
            zone.civil(at);
        }
    }
}

#[test]
fn long_layouts_and_texts_are_refused() {
    let long = vec![b'2'; MAX_TEXT + 1];
    let (utc, epoch) = (Zone::utc(), Instant::new(0, 0).unwrap());
    let refused = |what| TimeError::TooLong { what, length: MAX_TEXT + 1 };
    assert_eq!(format(epoch, &utc, &long), Err(refused("layout")));
    assert_eq!(parse(&long, b"", None, &utc), Err(refused("layout")));
    assert_eq!(parse(b"", &long, None, &utc), Err(refused("time")));
    assert_eq!(duration::parse(&long), Err(refused("duration")));
}

#[test]
fn a_zone_name_cannot_grow_in_a_text() {
    let text = format!("GMT+{}3", "0".repeat(MAX_NAME));
    assert!(parse(b"MST", text.as_bytes(), None, &Zone::utc()).is_err());
}
