//! Headers that Lua sets.

use http::{HeaderMap, HeaderName, HeaderValue};
use perilune_value::Failure;

/// What frames a request on a connection that others may use after it, and what names whom it is for: set by the client itself, or
/// an entry could write requests of its own behind the one that was checked.
const FRAMING: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "proxy-connection",
];

/// Reads headers.
///
/// # Errors
///
/// `Invalid` for a name or value that is none, and for what the client sets itself: `FRAMING`, and names that begin with
/// `reserved`, if there is such a thing.
pub(crate) fn read(texts: Vec<(String, Vec<u8>)>, reserved: Option<&str>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in texts {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Failure::invalid(format!("option `headers`: `{name}` is no name of a header")))?;
        if FRAMING.contains(&key.as_str())
            || reserved.is_some_and(|reserved| key.as_str().starts_with(reserved))
        {
            let message = format!("option `headers`: `{name}` is set by the client itself; leave it out");
            return Err(Failure::invalid(message));
        }
        headers.append(key, self::value(&format!("option `headers`: `{name}`"), &value)?);
    }
    Ok(headers)
}

/// Reads the value of a header.
///
/// # Errors
///
/// `Invalid` with `what` it is of, when it holds line breaks or other control characters.
pub(crate) fn value(what: &str, bytes: &[u8]) -> Result<HeaderValue, Failure> {
    HeaderValue::from_bytes(bytes)
        .map_err(|_| Failure::invalid(format!("{what} holds line breaks or other control characters")))
}
