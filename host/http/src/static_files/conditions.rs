//! What a client has already, and which part it wants: `If-None-Match`, `If-Modified-Since`, `If-Range`, `Range`.

use http::HeaderMap;
use http::header::{HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use perilune_files::Metadata;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// The headers that are looked at.
pub(super) const HEADERS: [HeaderName; 4] = [IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE];

/// What tells one content of a file from the next.
pub(super) struct Version {
    /// As in `ETag`.
    pub(super) tag: String,
    /// As in `Last-Modified`; `None` where nobody knows the time.
    pub(super) modified: Option<String>,
    at: SystemTime,
}

/// What is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    NotModified,
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

impl Version {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let at = metadata.modified;
        if let Some(hash) = metadata.hash {
            let tag = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            return Version { tag: format!("\"{tag}\""), modified: None, at };
        }
        let nanos = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Version {
            tag: format!("\"{:x}-{nanos:x}\"", metadata.size),
            // The format has no years before.
            modified: Some(httpdate::fmt_http_date(at.max(UNIX_EPOCH))),
            at,
        }
    }

    /// Whether it is the one that a header names. A weak tag is good enough for a copy, but not to continue one.
    fn is(&self, tag: &str, weak: bool) -> bool {
        let tag = tag.trim();
        tag == self.tag || (weak && tag.strip_prefix("W/") == Some(&self.tag))
    }

    /// Whether nothing was written after a date, which has no fractions of a second.
    fn is_not_after(&self, date: &str) -> bool {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.modified.is_some()
            && httpdate::parse_http_date(date).is_ok_and(|date| seconds(self.at) <= seconds(date))
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What a client is sent of a file of this size.
pub(super) fn judge(headers: &HeaderMap, version: &Version, size: u64) -> Outcome {
    let is_known = match text(headers, IF_NONE_MATCH) {
        Some(tags) => tags.trim() == "*" || tags.split(',').any(|tag| version.is(tag, true)),
        None => text(headers, IF_MODIFIED_SINCE).is_some_and(|date| version.is_not_after(date)),
    };
    if is_known {
        return Outcome::NotModified;
    }
    let Some(wanted) = text(headers, RANGE) else { return Outcome::Whole };
    let continues = text(headers, IF_RANGE).is_none_or(|known| match known.starts_with(['"', 'W']) {
        true => version.is(known, false),
        false => version.modified.as_deref() == Some(known),
    });
    if continues { range(wanted, size) } else { Outcome::Whole }
}

/// One range of bytes. What is none, or several, is answered with the whole, as the protocol allows.
fn range(text: &str, size: u64) -> Outcome {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok());
    let parsed = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .map(|(first, last)| (first.trim(), last.trim()));
    let (first, last) = match parsed {
        Some((first, last)) => match (number(first), number(last)) {
            (Some(first), Some(last)) => (first, last),
            _ => return Outcome::Whole,
        },
        None => return Outcome::Whole,
    };
    let range = match (first, last) {
        (Some(first), Some(last)) if first > last => return Outcome::Whole,
        (Some(first), last) => first..last.map_or(size, |last| last.saturating_add(1)).min(size),
        (None, Some(last)) => size.saturating_sub(last)..size,
        (None, None) => return Outcome::Whole,
    };
    if range.is_empty() { Outcome::Unsatisfiable } else { Outcome::Part(range) }
}
