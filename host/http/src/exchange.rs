//! One request and its response, as the call that answers them sees them.

use crate::incoming::{ReadError, RequestBody};
use crate::message::{Params, Request};
use crate::reply::Reply;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderName};
use http::{Method, Uri};
use perilune_resource::Stream;
use perilune_resource::stream::Stat;
use perilune_value::{Failure, Kind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a call carries that an endpoint made. All its views are of the same request and the same response.
pub struct Exchange {
    head: http::request::Parts,
    client: SocketAddr,
    params: Params,
    length: Option<u64>,
    body: Mutex<Option<RequestBody>>,
    /// The status that a client gets whose body could not be read; 0 for none.
    fault: AtomicU16,
    reply: Arc<Reply>,
}

/// What a handler allows a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes in all.
    pub most: u64,
    /// Time in all.
    pub timeout: Duration,
}

impl Exchange {
    /// The exchange of a request that was matched.
    pub fn new(request: Request) -> Self {
        let Request { head, body, client, matched, .. } = request;
        let reply = Reply::new(head.method == Method::HEAD);
        Exchange {
            head,
            client,
            params: matched.map(|matched| matched.params).unwrap_or_default(),
            length: body.length(),
            body: Mutex::new(Some(body).filter(|body| !body.is_empty())),
            fault: AtomicU16::new(0),
            reply: Arc::new(reply),
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The target as it was sent.
    pub fn uri(&self) -> &Uri {
        &self.head.uri
    }

    /// The host that was asked for, with its port if one was named.
    pub fn host(&self) -> &str {
        let header = self.head.headers.get(HOST).and_then(|host| host.to_str().ok());
        header.or_else(|| self.head.uri.authority().map(|host| host.as_str())).unwrap_or_default()
    }

    /// Who asks.
    pub fn client(&self) -> SocketAddr {
        self.client
    }

    /// A header, several of a name joined by commas (cookies by semicolons); names are told apart without regard to case.
    pub fn header(&self, name: &str) -> Option<Vec<u8>> {
        let name: HeaderName = name.parse().ok()?;
        // Over HTTP/2 each cookie may come by itself.
        let separator = if name == COOKIE { &b"; "[..] } else { &b", "[..] };
        let values: Vec<&[u8]> =
            self.head.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        if values.is_empty() { None } else { Some(values.join(separator)) }
    }

    /// The parameters of the query in order, decoded.
    pub fn query(&self) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
        url::form_urlencoded::parse(self.head.uri.query().unwrap_or_default().as_bytes())
    }

    /// The open segments of the path, decoded.
    pub fn params(&self) -> &[(String, Vec<u8>)] {
        &self.params
    }

    /// Bytes of the body, where the client said so.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the client accepts a content type: one that it names, a whole type, or all.
    pub fn accepts(&self, content_type: &str) -> bool {
        let wanted = content_type.split(';').next().unwrap_or_default().trim();
        let kind = wanted.split('/').next().unwrap_or_default();
        let values = self.head.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let refused = parts.filter_map(|part| part.strip_prefix("q=")).any(|q| q.parse() == Ok(0.0_f32));
            let matches = range == "*/*"
                || range.eq_ignore_ascii_case(wanted)
                || range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(kind));
            matches && !refused
        })
    }

    /// The content type of the body as it was sent.
    pub fn content_type(&self) -> Option<&[u8]> {
        self.head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes())
    }

    /// The body, which can be taken once.
    ///
    /// # Errors
    ///
    /// `Invalid` when there is none, or it was taken before.
    pub fn take_body(self: &Arc<Self>, limits: BodyLimits) -> Result<BodyReader, Failure> {
        let taken = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut body = taken.ok_or_else(|| {
            Failure::invalid("there is no body to read: none was sent, or it was read before")
        })?;
        body.limit(limits.most);
        let deadline = tokio::time::Instant::now().checked_add(limits.timeout);
        Ok(BodyReader { exchange: self.clone(), body, timeout: limits.timeout, deadline })
    }

    /// The response.
    pub fn reply(&self) -> &Arc<Reply> {
        &self.reply
    }

    /// What the client did wrong with its body, if that is what a call failed of.
    pub(crate) fn fault(&self) -> Option<http::StatusCode> {
        http::StatusCode::from_u16(self.fault.load(Ordering::Relaxed)).ok()
    }
}

/// A body that is being read.
pub struct BodyReader {
    exchange: Arc<Exchange>,
    body: RequestBody,
    timeout: Duration,
    deadline: Option<tokio::time::Instant>,
}

impl BodyReader {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// `Invalid` when the body is larger than allowed, `Internal` when it did not come in time or broke off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let read = match self.deadline {
            None => self.body.next().await,
            Some(deadline) => tokio::time::timeout_at(deadline, self.body.next())
                .await
                .unwrap_or(Err(ReadError::TooSlow(self.timeout))),
        };
        read.map_err(|error| {
            let fault = match error {
                ReadError::TooLarge(_) => 413,
                ReadError::TooSlow(_) => 408,
                ReadError::Broken => 400,
            };
            self.exchange.fault.store(fault, Ordering::Relaxed);
            error.into()
        })
    }

    /// Bytes in all, where the client said so.
    pub fn length(&self) -> Option<u64> {
        self.body.length()
    }

    /// The exchange that it belongs to.
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}

/// A body as a stream.
struct BodyStream {
    /// Held by whoever reads; `None` when nothing more comes.
    reading: Arc<tokio::sync::Mutex<Reading>>,
    position: Arc<AtomicU64>,
    size: Option<u64>,
}

struct Reading {
    body: Option<BodyReader>,
    /// What came with the last piece and was not wanted yet.
    rest: Bytes,
}

impl BodyReader {
    /// The body as a stream to read from.
    pub fn into_stream(self) -> Arc<dyn Stream> {
        let size = self.length();
        let reading = Reading { body: Some(self), rest: Bytes::new() };
        Arc::new(BodyStream { reading: Arc::new(reading.into()), position: Arc::default(), size })
    }
}

impl Stream for BodyStream {
    fn read(&self, most: usize) -> BoxFuture<'static, Result<Option<Vec<u8>>, Failure>> {
        let (reading, position) = (self.reading.clone(), self.position.clone());
        async move {
            let mut reading = reading.lock().await;
            if reading.rest.is_empty() {
                let Some(body) = &mut reading.body else { return Ok(None) };
                let piece = body.next().await;
                if !matches!(piece, Ok(Some(_))) {
                    reading.body = None;
                }
                let Some(piece) = piece? else { return Ok(None) };
                reading.rest = piece;
            }
            let most = most.min(reading.rest.len());
            let bytes = reading.rest.split_to(most).to_vec();
            position.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(Some(bytes))
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let reading = self.reading.clone();
        async move {
            let mut reading = reading.lock().await;
            reading.body = None;
            reading.rest = Bytes::new();
            Ok(())
        }
        .boxed()
    }

    fn stat(&self) -> Stat {
        Stat {
            size: self.size,
            position: self.position.load(Ordering::Relaxed),
            readable: true,
            ..Stat::default()
        }
    }
}

/// What a handler that no endpoint called is told.
pub fn not_entered() -> Failure {
    Failure::new(
        Kind::Internal,
        "this call was not entered over HTTP: it has neither a request nor a response",
    )
}
