//! Durations and sizes as people write them.

use std::time::Duration;

/// Reads `30s`, `500ms`, `1m30s`; the unit is required. `None` when it is something else.
pub fn duration(text: &str) -> Option<Duration> {
    // The crate also reads a bare `0`, where the unit is a guess.
    let unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
    humantime::parse_duration(text).ok().filter(|_| unit)
}

/// Reads `64MiB`, `1.5GiB`, `500kB`; the unit is required, because nobody means 64 bytes by `64`. `None` when it is something else.
pub fn bytes(text: &str) -> Option<u64> {
    let unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
    text.parse::<bytesize::ByteSize>().ok().filter(|_| unit).map(|size| size.as_u64())
}
