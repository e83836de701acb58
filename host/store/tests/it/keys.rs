//! Keys, times to live and queries.

use perilune_store::{Key, Query, ttl};
use perilune_value::Kind;
use std::time::Duration;

#[test]
fn keys_are_texts_that_every_database_can_keep() {
    for fine in ["k", "ns:name", " ", "'; --", "😀", &"x".repeat(Key::MAX)] {
        assert_eq!(Key::new(fine.as_bytes()).expect("it is a key").as_str(), fine);
    }
    for wrong in [&b""[..], b"\0", b"a\tb", b"\xff", &[b'x'; Key::MAX + 1]] {
        assert_eq!(Key::new(wrong).expect_err("it is none").kind, Kind::Invalid);
    }
}

#[test]
fn times_to_live_are_seconds() {
    for (seconds, time) in [
        (0.5, Duration::from_millis(500)),
        (60.0, Duration::from_secs(60)),
        (1e-300, Duration::from_nanos(1)),
    ] {
        assert_eq!(ttl(seconds), Ok(Some(time)));
    }
    assert_eq!(ttl(0.0), Ok(None));
    for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e10] {
        assert_eq!(ttl(wrong).expect_err("it is none").kind, Kind::Invalid);
    }
}

#[test]
fn queries_are_bounded() {
    for limit in [0, -1, 1_001, i64::MAX] {
        assert_eq!(Query::new(b"", None, Some(limit)).expect_err("it is out of range").kind, Kind::Invalid);
    }
    for limit in [None, Some(1), Some(1_000)] {
        assert!(Query::new(b"p", Some(b"k"), limit).is_ok());
    }
    assert_eq!(Query::new(b"\xff", None, None).expect_err("it is no text").kind, Kind::Invalid);
}
