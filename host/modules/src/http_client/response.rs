//! What Lua gets.

use super::exchange::describe;
use crate::network::{broken, too_much};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::SET_COOKIE;
use http::HeaderMap;
use perilune_cell::{Held, Reservation};
use perilune_resource::Stream;
use perilune_resource::stream::Stat;
use perilune_value::{Failure, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;
use url::Url;

/// A response that waits to be taken.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) url: String,
    /// MessagePack.
    pub(super) headers: Vec<u8>,
    /// MessagePack.
    pub(super) cookies: Vec<u8>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) stream: Option<Arc<dyn Stream>>,
    /// Bytes that are kept for the cell until then.
    _held: Vec<Reservation>,
}

/// A response without its body.
pub(super) struct Head {
    response: Response,
    /// Method and URL, for messages.
    asked: String,
}

impl Head {
    pub(super) fn read(
        answer: &reqwest::Response,
        asked: String,
        url: &Url,
        held: &Arc<Held>,
    ) -> Result<Head, Failure> {
        let headers = headers(answer.headers()).to_msgpack();
        let cookies = cookies(answer.headers()).to_msgpack();
        let reserved = held.reserve(headers.len() + cookies.len()).ok_or_else(too_much)?;
        let response = Response {
            status: answer.status().as_u16(),
            url: url.to_string(),
            headers,
            cookies,
            body: None,
            stream: None,
            _held: vec![reserved],
        };
        Ok(Head { response, asked })
    }

    /// Reads all of the body.
    pub(super) async fn with_body(
        self,
        mut answer: reqwest::Response,
        most: Option<u64>,
        held: &Arc<Held>,
    ) -> Result<Response, Failure> {
        let Head { mut response, asked } = self;
        let mut body = Collected { bytes: Vec::new(), held: Vec::new() };
        let most = most.unwrap_or(u64::MAX);
        loop {
            let piece = answer.chunk().await.map_err(|error| describe(&asked, &error))?;
            let Some(piece) = piece else { break };
            if (body.bytes.len() + piece.len()) as u64 > most {
                return Err(too_large(&asked, most));
            }
            body.add(&piece, held)?;
            // A few compressed bytes may be a thousand pieces, which would all be read without a pause.
            tokio::task::coop::consume_budget().await;
        }
        response._held.extend(body.held);
        response.body = Some(body.bytes);
        Ok(response)
    }

    /// Hands the body out as a stream, which keeps the connection's place until it ends.
    pub(super) fn with_stream(
        self,
        answer: reqwest::Response,
        place: OwnedSemaphorePermit,
        timeout: Duration,
        most: Option<u64>,
    ) -> Response {
        let Head { mut response, asked } = self;
        let size = answer.content_length();
        let open = Mutex::new(Some(Open { answer, rest: Bytes::new(), _place: place }));
        let closed = CancellationToken::new();
        let body = Reading { open, closed, size, asked, timeout, most, passed: AtomicU64::new(0) };
        response.stream = Some(Arc::new(BodyStream(Arc::new(body))));
        response
    }
}

fn too_large(asked: &str, most: u64) -> Failure {
    let message = format!(
        "{asked}: the body is larger than {most} bytes; raise `max_response_body`, or read it piece by piece with `stream`"
    );
    Failure::internal(message).with_detail("limit", "max_response_body")
}

/// Bytes that are counted against the cell before there is room for them.
struct Collected {
    bytes: Vec<u8>,
    held: Vec<Reservation>,
}

impl Collected {
    fn add(&mut self, piece: &[u8], held: &Arc<Held>) -> Result<(), Failure> {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        let needed = len + piece.len();
        if needed > capacity {
            // Twice as much as before, or what is left.
            let grown = needed.max(2 * capacity).max(16 << 10);
            let (grown, reserved) = match held.reserve(grown - capacity) {
                Some(reserved) => (grown, reserved),
                None => (needed, held.reserve(needed - capacity).ok_or_else(too_much)?),
            };
            self.held.push(reserved);
            self.bytes.reserve_exact(grown - len);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

/// The first value of each header, by its name as it is usually written.
fn headers(headers: &HeaderMap) -> Value {
    headers
        .keys()
        .filter_map(|name| Some((canonical(name.as_str()), Value::from(headers.get(name)?.as_bytes()))))
        .collect()
}

/// `content-type` as `Content-Type`.
fn canonical(name: &str) -> String {
    let mut starts = true;
    let upper = |character: char| {
        let written = if starts { character.to_ascii_uppercase() } else { character };
        starts = character == '-';
        written
    };
    name.chars().map(upper).collect()
}

/// The cookies that the server sets. Of two with one name the last counts.
fn cookies(headers: &HeaderMap) -> Value {
    let mut cookies: Vec<(Value, Value)> = Vec::new();
    for line in headers.get_all(SET_COOKIE) {
        let pair = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (Value::from(pair[..at].trim_ascii()), Value::from(pair[at + 1..].trim_ascii()));
        match cookies.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => cookies.push((name, value)),
        }
    }
    Value::Map(cookies)
}

/// A body that is read piece by piece.
struct BodyStream(Arc<Reading>);

struct Reading {
    /// None once it has ended, failed or was closed.
    open: Mutex<Option<Open>>,
    closed: CancellationToken,
    size: Option<u64>,
    /// Method and URL, for messages.
    asked: String,
    /// For each piece.
    timeout: Duration,
    most: Option<u64>,
    passed: AtomicU64,
}

struct Open {
    answer: reqwest::Response,
    /// What has arrived and was not read.
    rest: Bytes,
    _place: OwnedSemaphorePermit,
}

impl Reading {
    async fn read(&self, most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let mut open = self.open.lock().await;
        let Some(reading) = open.as_mut() else { return Ok(None) };
        while reading.rest.is_empty() {
            let chunk = tokio::select! {
                biased;
                () = self.closed.cancelled() => Ok(None),
                chunk = tokio::time::timeout(self.timeout, reading.answer.chunk()) => match chunk {
                    Ok(chunk) => chunk.map_err(|error| describe(&self.asked, &error)),
                    Err(_) => Err(broken(format!("{}: nothing more within {:?}", self.asked, self.timeout))),
                },
            };
            match chunk {
                Ok(Some(bytes)) => reading.rest = bytes,
                ended => {
                    *open = None;
                    return ended.map(|_| None);
                }
            }
        }
        let piece = reading.rest.split_to(reading.rest.len().min(most)).to_vec();
        let passed = self.passed.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        if let Some(most) = self.most.filter(|most| passed > *most) {
            *open = None;
            return Err(too_large(&self.asked, most));
        }
        Ok(Some(piece))
    }
}

impl Stream for BodyStream {
    fn read(&self, most: usize) -> BoxFuture<'static, Result<Option<Vec<u8>>, Failure>> {
        let reading = self.0.clone();
        Box::pin(async move { reading.read(most).await })
    }

    fn close(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let reading = self.0.clone();
        // A read that is under way ends now.
        reading.closed.cancel();
        Box::pin(async move {
            *reading.open.lock().await = None;
            Ok(())
        })
    }

    fn stat(&self) -> Stat {
        let position = self.0.passed.load(Ordering::Relaxed);
        Stat { size: self.0.size, position, readable: true, writable: false, seekable: false }
    }
}
