//! What a response consists of after its headers.

use crate::streams::Stall;
use crate::watch::InFlight;
use bytes::Bytes;
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A response's body: nothing, bytes that are there, or bytes that come.
pub struct Body {
    content: Content,
    /// Bytes in all, where they are not there but known.
    size: Option<u64>,
    /// Keeps the connection busy until the body is gone.
    in_flight: Option<InFlight>,
    /// Told whether the client of an HTTP/2 stream takes what it is offered.
    stall: Option<Arc<Stall>>,
}

enum Content {
    Whole(Bytes),
    Pieces(Pin<Box<dyn HyperBody<Data = Bytes, Error = BodyError> + Send>>),
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// Bytes that come piece by piece.
    pub fn pieces(body: impl HyperBody<Data = Bytes, Error = BodyError> + Send + 'static) -> Self {
        Body { content: Content::Pieces(Box::pin(body)), size: None, in_flight: None, stall: None }
    }

    /// As [`Body::pieces`], when it is known how many bytes that will be.
    pub fn sized(body: impl HyperBody<Data = Bytes, Error = BodyError> + Send + 'static, size: u64) -> Self {
        Body { size: Some(size), ..Self::pieces(body) }
    }

    /// The bytes, when all of them are there.
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Pieces(_) => None,
        }
    }

    pub(crate) fn counted(mut self, in_flight: InFlight) -> Self {
        self.in_flight = Some(in_flight);
        self
    }

    /// Has a stream of HTTP/2 know what becomes of it.
    pub(crate) fn watched(mut self, stall: Option<Arc<Stall>>) -> Self {
        if let Some(stall) = &stall {
            stall.begin();
        }
        self.stall = stall;
        self
    }

    fn poll_content(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Pieces(body) => body.as_mut().poll_frame(context),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body { content: Content::Whole(bytes), size: None, in_flight: None, stall: None }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = self.poll_content(context);
        if let Some(stall) = &self.stall {
            // It is asked for more only when there is room for it.
            if polled.is_pending() { stall.end() } else { stall.begin() }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Pieces(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(body) => self.size.map_or_else(|| body.size_hint(), SizeHint::with_exact),
        }
    }
}
