//! What Lua says about a connection.

use crate::network::options::Options;
use crate::network::{check_length, headers};
use http::{HeaderMap, HeaderValue};
use perilune_value::{Failure, Value};
use std::time::Duration;
use url::Url;

/// Bytes of a message, unless the entry says otherwise. Chat, ticks and events are a thousandth of it; room for one is counted
/// against the cell as long as the connection lasts.
const READ_LIMIT: u64 = 1 << 20;

/// The most that an entry may say.
const MOST_READ_LIMIT: u64 = 128 << 20;

/// From the first step to the end of the handshake, unless the entry says otherwise.
const DIAL: Duration = Duration::from_secs(30);

/// Bytes below which messages may go uncompressed.
const MOST_THRESHOLD: u64 = 100 << 20;

/// Whom to connect to, and how.
pub(super) struct Settings {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) dial_timeout: Duration,
    pub(super) read_timeout: Option<Duration>,
    pub(super) write_timeout: Option<Duration>,
    /// Bytes of a message.
    pub(super) read_limit: usize,
}

impl Settings {
    /// Reads what Lua gave.
    ///
    /// # Errors
    ///
    /// `Invalid` with the option.
    pub(super) fn read(url: &str, options: &[u8]) -> Result<Settings, Failure> {
        check_length(url)?;
        let mut url = Url::parse(url)
            .map_err(|error| Failure::invalid(format!("`{url}` is no URL: {error}; write `wss://host/path`")))?;
        if !matches!(url.scheme(), "ws" | "wss") {
            let message = format!("`{}:` is not spoken here; a URL begins with wss:// or ws://", url.scheme());
            return Err(Failure::invalid(message));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::invalid("a user does not belong to the URL; send a header `Authorization`"));
        }
        url.set_fragment(None);
        let mut options = Options::read(options)?;
        let mut headers = headers::read(options.texts("headers")?, Some("sec-websocket-"))?;
        if let Some(protocols) = protocols(options.take("protocols"))? {
            headers.insert("sec-websocket-protocol", protocols);
        }
        let milliseconds = Duration::from_millis(1);
        let mut time = |name| Ok::<_, Failure>(options.duration_or_zero(name, milliseconds)?.filter(|time| !time.is_zero()));
        let dial_timeout = time("dial_timeout")?.unwrap_or(DIAL);
        let (read_timeout, write_timeout) = (time("read_timeout")?, time("write_timeout")?);
        let read_limit = options.integer("read_limit", 0, MOST_READ_LIMIT)?.filter(|limit| *limit > 0);
        check_compression(options.take("compression"))?;
        options.integer("compression_threshold", 0, MOST_THRESHOLD)?;
        // For the Lua half of the module, which has looked at it.
        options.take("channel_capacity");
        options.finish()?;
        let read_limit = usize::try_from(read_limit.unwrap_or(READ_LIMIT)).unwrap_or(usize::MAX);
        Ok(Settings { url, headers, dial_timeout, read_timeout, write_timeout, read_limit })
    }
}

fn protocols(value: Option<Value>) -> Result<Option<HeaderValue>, Failure> {
    let wrong = || Failure::invalid("option `protocols` must be an array of names such as \"graphql-ws\"");
    let items = match value {
        None => return Ok(None),
        Some(Value::Array(items)) if !items.is_empty() => items,
        Some(Value::Array(_)) => return Ok(None),
        Some(Value::Map(pairs)) if pairs.is_empty() => return Ok(None),
        Some(_) => return Err(wrong()),
    };
    let names = items.iter().map(|item| item.as_str().filter(|name| is_token(name)).ok_or_else(wrong));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    HeaderValue::from_str(&names.join(", ")).map(Some).map_err(|_| wrong())
}

/// Names of methods are written as those of protocols.
fn is_token(name: &str) -> bool {
    http::Method::from_bytes(name.as_bytes()).is_ok()
}

/// Compression is an offer that a server may decline; this client makes none.
fn check_compression(value: Option<Value>) -> Result<(), Failure> {
    let is_known = match &value {
        None => true,
        Some(Value::String(name)) => {
            [&b"disabled"[..], b"context_takeover", b"no_context_takeover"].contains(&name.as_slice())
        }
        Some(other) => other.as_integer().is_some_and(|number| (0..=2).contains(&number)),
    };
    if is_known {
        return Ok(());
    }
    Err(Failure::invalid("option `compression` must be one of websocket.COMPRESSION"))
}
