//! A response while its handler makes it.
//!
//! Nothing leaves before the handler returns, unless it flushes or has written more than [`BUFFERED`] bytes:
//!
//! ```text
//! open --write--> open, its head fixed --flush, overflow--> streaming --return--> ended
//!   |                 |                                         |  '--raise--> broken: the connection is cut off
//!   '-----return------'-> sent whole                            '--client leaves--> gone: writes fail
//! ```

use crate::body::{Body, BodyError};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use http::{Response, StatusCode};
use hyper::body::{Body as HyperBody, Frame};
use perilune_resource::Stream;
use perilune_resource::stream::Stat;
use perilune_value::Failure;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Bytes that a response may hold back. Beyond that, writes wait for the client.
pub const BUFFERED: usize = 64 << 10;

/// Headers of one response, and their bytes. Clients refuse more than that anyway.
const MOST_HEADERS: usize = 100;
const MOST_HEADER_BYTES: usize = 32 << 10;

/// Headers that say how a message lies on the wire, which is not the handler's business.
const FRAMING: &[&str] =
    &["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// How a body is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// As it comes.
    Chunked,
    /// As server-sent events.
    Events,
}

/// A response in the making.
pub struct Reply {
    /// Whether nobody wants the body: its bytes are only counted.
    head_only: bool,
    state: Mutex<State>,
    /// Told when the buffer has room again, or never will.
    room: Notify,
}

#[derive(Default)]
struct State {
    status: Option<StatusCode>,
    headers: HeaderMap,
    header_bytes: usize,
    is_touched: bool,
    /// Set by the first byte of the body: status and headers stay as they are.
    is_fixed: bool,
    events: bool,
    buffer: Vec<u8>,
    /// Bytes written in all.
    written: u64,
    phase: Phase,
    /// Whoever waits for the head first, and for more of the body then.
    waiting: Option<Waker>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    Streaming,
    Ended,
    Broken,
    Gone,
}

impl Reply {
    pub(crate) fn new(head_only: bool) -> Self {
        Reply { head_only, state: Mutex::default(), room: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the status.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no final status, and when the body has begun.
    pub fn set_status(&self, code: u16) -> Result<(), Failure> {
        let status = StatusCode::from_u16(code).ok().filter(|_| (200..=599).contains(&code));
        let status =
            status.ok_or_else(|| Failure::invalid(format!("{code} is no status from 200 to 599")))?;
        self.state().open()?.status = Some(status);
        Ok(())
    }

    /// Sets a header; an earlier value is replaced.
    ///
    /// # Errors
    ///
    /// `Invalid` for what cannot be a header, for one that the server sets itself, and when the body has begun.
    pub fn set_header(&self, name: &[u8], value: &[u8]) -> Result<(), Failure> {
        let shown = || String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned();
        let header = HeaderName::from_bytes(name)
            .map_err(|_| Failure::invalid(format!("{:?} is no name of a header", shown())))?;
        if FRAMING.contains(&header.as_str()) {
            return Err(Failure::invalid(format!("the server sets `{header}` itself")));
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            Failure::invalid(format!("the value of `{header}` holds a line end or another control character"))
        })?;
        if header == CONTENT_LENGTH && value.to_str().ok().is_none_or(|text| text.parse::<u64>().is_err()) {
            return Err(Failure::invalid("the value of `content-length` is no number"));
        }
        self.state().open()?.insert(header, value)
    }

    /// Says how the body is transferred.
    ///
    /// # Errors
    ///
    /// `Invalid` when the body has begun.
    pub fn set_transfer(&self, transfer: Transfer) -> Result<(), Failure> {
        let mut state = self.state();
        match transfer {
            // What is streamed comes in chunks over HTTP/1.1 and in frames over HTTP/2.
            Transfer::Chunked => {
                state.open()?.headers.remove(CONTENT_LENGTH);
                Ok(())
            }
            Transfer::Events => state.begin_events(),
        }
    }

    /// Adds bytes to the body. False when there is no room before the client has taken some: nothing was added then.
    ///
    /// # Errors
    ///
    /// `Internal` when the client is gone.
    pub fn write(&self, data: &[u8]) -> Result<bool, Failure> {
        let mut state = self.state();
        state.is_touched = true;
        self.append(&mut state, |buffer| buffer.extend_from_slice(data))
    }

    /// Adds JSON text to the body, whose content type it sets unless there is one. False as with [`Reply::write`].
    ///
    /// # Errors
    ///
    /// `Internal` when the client is gone.
    pub fn write_json(&self, text: &[u8]) -> Result<bool, Failure> {
        let mut state = self.state();
        state.is_touched = true;
        if !state.is_fixed && !state.headers.contains_key(CONTENT_TYPE) {
            state.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"))?;
        }
        self.append(&mut state, |buffer| buffer.extend_from_slice(text))
    }

    /// Sends an event, whose data is JSON text. False as with [`Reply::write`].
    ///
    /// # Errors
    ///
    /// `Invalid` for a name with a line end, and when the body has begun as something else; `Internal` when the client is gone.
    pub fn write_event(&self, name: &str, data: &str) -> Result<bool, Failure> {
        if name.is_empty() || name.contains(['\n', '\r', '\0']) {
            return Err(Failure::invalid("the name of an event is one line of text"));
        }
        let mut state = self.state();
        state.is_touched = true;
        state.begin_events()?;
        let parts = ["event: ", name, "\ndata: ", data, "\n\n"];
        let done = self.append(&mut state, |buffer| {
            buffer.extend(parts.iter().flat_map(|part| part.as_bytes()));
        })?;
        if done {
            self.stream(&mut state);
        }
        Ok(done)
    }

    /// Sends what was written.
    ///
    /// # Errors
    ///
    /// `Internal` when the client is gone.
    pub fn flush(&self) -> Result<(), Failure> {
        let mut state = self.state();
        state.is_touched = true;
        state.is_fixed = true;
        if state.phase == Phase::Gone {
            return Err(gone());
        }
        self.stream(&mut state);
        Ok(())
    }

    /// Waits until the buffer has room.
    ///
    /// # Errors
    ///
    /// `Internal` when the client is gone.
    pub async fn room(self: Arc<Self>) -> Result<(), Failure> {
        loop {
            let mut told = std::pin::pin!(self.room.notified());
            // From here on no notice is missed.
            told.as_mut().enable();
            {
                let state = self.state();
                match state.phase {
                    Phase::Gone => return Err(gone()),
                    _ if state.buffer.len() < BUFFERED => return Ok(()),
                    _ => {}
                }
            }
            told.await;
        }
    }

    /// Adds bytes, waiting for room.
    ///
    /// # Errors
    ///
    /// `Internal` when the client is gone.
    pub async fn write_all(self: Arc<Self>, data: Vec<u8>) -> Result<(), Failure> {
        for piece in data.chunks(BUFFERED) {
            while !self.write(piece)? {
                self.clone().room().await?;
            }
        }
        Ok(())
    }

    /// The body as a stream to write to.
    pub fn into_stream(self: Arc<Self>) -> Arc<dyn Stream> {
        Arc::new(Writer(self))
    }

    fn append(&self, state: &mut State, add: impl FnOnce(&mut Vec<u8>)) -> Result<bool, Failure> {
        match state.phase {
            Phase::Gone => return Err(gone()),
            Phase::Ended | Phase::Broken => {
                return Err(Failure::new(perilune_value::Kind::Internal, "the response has ended"));
            }
            Phase::Open | Phase::Streaming => {}
        }
        let before = state.buffer.len();
        if before >= BUFFERED {
            return Ok(false);
        }
        state.is_fixed = true;
        add(&mut state.buffer);
        state.written += (state.buffer.len() - before) as u64;
        if self.is_bodiless(state) {
            state.buffer.clear();
        } else if state.phase == Phase::Streaming {
            state.wake();
        } else if state.buffer.len() >= BUFFERED {
            self.stream(state);
        }
        Ok(true)
    }

    fn is_bodiless(&self, state: &State) -> bool {
        self.head_only || state.status.is_some_and(is_bodiless)
    }

    /// Lets the head leave, and the body after it as it comes.
    fn stream(&self, state: &mut State) {
        if state.phase == Phase::Open && !self.is_bodiless(state) {
            state.phase = Phase::Streaming;
        }
        state.wake();
    }

    /// Whether the head may leave while the handler goes on; wakes the context when it may.
    pub(crate) fn poll_streaming(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.phase == Phase::Streaming {
            return Poll::Ready(());
        }
        state.wait(context);
        Poll::Pending
    }

    /// Whether the handler did anything about the response.
    pub(crate) fn is_touched(&self) -> bool {
        self.state().is_touched
    }

    /// Whether the handler itself made it the report of an error.
    pub(crate) fn reports_error(&self) -> bool {
        self.state().status.is_some_and(|status| status.is_client_error() || status.is_server_error())
    }

    /// The response that a handler has made and returned from, all of it.
    pub(crate) fn whole(&self) -> Response<Body> {
        let mut state = self.state();
        state.phase = Phase::Ended;
        let content = Bytes::from(std::mem::take(&mut state.buffer));
        let written = state.written;
        let mut response = Response::new(Body::empty());
        state.head(&mut response);
        let status = response.status();
        let headers = response.headers_mut();
        if self.head_only {
            if written > 0 {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(written));
            }
        } else if is_bodiless(status) {
            headers.remove(CONTENT_LENGTH);
        } else {
            // What was announced may not be what came.
            headers.remove(CONTENT_LENGTH);
            *response.body_mut() = Body::from(content);
        }
        response
    }

    /// The response whose body comes as the handler writes it. With it, `call` ends.
    pub(crate) fn streamed(self: &Arc<Self>, call: AbortHandle) -> Response<Body> {
        let mut response = Response::new(Body::pieces(Streamed { reply: self.clone(), call }));
        self.state().head(&mut response);
        response
    }

    /// Nothing more comes: because all is there, or because the handler failed.
    pub(crate) fn end(&self, is_complete: bool) {
        let mut state = self.state();
        if state.phase == Phase::Streaming {
            state.phase = if is_complete { Phase::Ended } else { Phase::Broken };
            state.wake();
        }
    }
}

impl State {
    /// This, for a change of the head.
    fn open(&mut self) -> Result<&mut Self, Failure> {
        self.is_touched = true;
        if self.is_fixed {
            return Err(Failure::invalid("the headers are on their way already: set them before the body"));
        }
        Ok(self)
    }

    fn insert(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Failure> {
        let replaced = self.headers.get(&name).map_or(0, |old| name.as_str().len() + old.len());
        let bytes = self.header_bytes - replaced + name.as_str().len() + value.len();
        let count = self.headers.len() + usize::from(replaced == 0);
        if count > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
            let message =
                format!("a response has at most {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes in all");
            return Err(Failure::invalid(message));
        }
        self.header_bytes = bytes;
        self.headers.insert(name, value);
        Ok(())
    }

    fn begin_events(&mut self) -> Result<(), Failure> {
        if self.events {
            return Ok(());
        }
        self.open()?.events = true;
        self.headers.remove(CONTENT_LENGTH);
        self.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))?;
        self.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
    }

    fn head(&mut self, response: &mut Response<Body>) {
        *response.status_mut() = self.status.unwrap_or(StatusCode::OK);
        *response.headers_mut() = std::mem::take(&mut self.headers);
        if self.written > 0 && !response.headers().contains_key(CONTENT_TYPE) {
            // Left to guess, a browser would run as a page what was meant as text.
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, text);
        }
        response.headers_mut().remove(CONNECTION);
    }

    fn wait(&mut self, context: &mut Context<'_>) {
        match &mut self.waiting {
            Some(waker) => waker.clone_from(context.waker()),
            None => self.waiting = Some(context.waker().clone()),
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// Responses that have no body by definition.
fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

fn gone() -> Failure {
    Failure::new(perilune_value::Kind::Internal, "the client is gone")
}

/// The body of a response whose handler still runs. Dropping it ends the handler.
struct Streamed {
    reply: Arc<Reply>,
    call: AbortHandle,
}

impl HyperBody for Streamed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = self.reply.state();
        if !state.buffer.is_empty() {
            let piece = Bytes::from(std::mem::take(&mut state.buffer));
            drop(state);
            self.reply.room.notify_waiters();
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match state.phase {
            Phase::Ended | Phase::Gone => Poll::Ready(None),
            Phase::Broken => Poll::Ready(Some(Err("the handler failed after its response had begun".into()))),
            Phase::Open | Phase::Streaming => {
                state.wait(context);
                Poll::Pending
            }
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        let mut state = self.reply.state();
        if matches!(state.phase, Phase::Open | Phase::Streaming) {
            state.phase = Phase::Gone;
            state.buffer = Vec::new();
        }
        drop(state);
        self.reply.room.notify_waiters();
        self.call.abort();
    }
}

/// The body as a stream. Closing it changes nothing: the response ends with its handler.
struct Writer(Arc<Reply>);

impl Stream for Writer {
    fn write(&self, data: Vec<u8>) -> BoxFuture<'static, Result<(), Failure>> {
        self.0.clone().write_all(data).boxed()
    }

    fn flush(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let flushed = self.0.flush();
        async move { flushed }.boxed()
    }

    fn stat(&self) -> Stat {
        Stat { position: self.0.state().written, writable: true, ..Stat::default() }
    }
}
