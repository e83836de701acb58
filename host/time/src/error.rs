//! What can be wrong with a time, a zone, a layout or a duration.

use perilune_value::{Failure, Kind};

/// Longest layout or text in bytes that is looked at. A guest cannot be interrupted while the host works for it, so that
/// work must stay short whatever is sent: 0.3 ms for the worst layout. Real ones have under 100 bytes.
pub const MAX_TEXT: usize = 1024;

/// Why an operation on times was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// An instant outside the years that [`Instant`](crate::Instant) covers.
    #[error("the time lies outside the years -9999 to 9999")]
    OutOfRange,
    /// A location without a name.
    #[error("a time zone needs a name, such as `UTC` or `Europe/Berlin`")]
    EmptyZone,
    /// A name that the time zone database does not have.
    #[error("time zone `{0}` is not in the time zone database; names look like `Europe/Berlin`")]
    UnknownZone(String),
    /// A fixed zone with a name longer than [`MAX_NAME`](crate::MAX_NAME).
    #[error("the name of a fixed zone has {0} bytes, at most {max} are allowed", max = crate::MAX_NAME)]
    LongZoneName(usize),
    /// A fixed zone too far from UTC.
    #[error("a zone offset of {0} seconds is out of range, at most {max} either way", max = crate::MAX_OFFSET)]
    OffsetOutOfRange(i64),
    /// A layout or text longer than [`MAX_TEXT`].
    #[error("the {what} has {length} bytes, at most {MAX_TEXT} are allowed")]
    TooLong {
        /// `layout`, `time` or `duration`.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// A text that is not written as the layout says.
    #[error("time `{text}` does not fit layout `{layout}`: {problem}")]
    Mismatch {
        /// The text, shortened.
        text: String,
        /// The layout, shortened.
        layout: String,
        /// Where they part.
        problem: String,
    },
    /// A text that is no duration.
    #[error("`{text}` is not a duration: {problem}")]
    Duration {
        /// The text, shortened.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl From<TimeError> for Failure {
    fn from(error: TimeError) -> Failure {
        let kind = match error {
            TimeError::UnknownZone(_) => Kind::NotFound,
            _ => Kind::Invalid,
        };
        Failure::new(kind, error.to_string())
    }
}

/// The text as a message shows it: readable and never long.
pub(crate) fn excerpt(text: &[u8]) -> String {
    /// Enough to recognise a date by.
    const SHOWN: usize = 64;
    let shown = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
    let dots = if text.len() > SHOWN { "…" } else { "" };
    format!("{shown}{dots}")
}

pub(crate) fn check_length(what: &'static str, text: &[u8]) -> Result<(), TimeError> {
    match text.len() {
        length if length > MAX_TEXT => Err(TimeError::TooLong { what, length }),
        _ => Ok(()),
    }
}
