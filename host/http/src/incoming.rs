//! What a request consists of after its headers.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use perilune_value::{Failure, Kind};
use std::time::Duration;

/// A request's body as it comes from the client. It never holds more than what the connection read at once.
pub struct RequestBody {
    source: Source,
    /// What the client said it would send.
    length: Option<u64>,
    /// Bytes that may still come.
    left: u64,
    /// All that may come, for messages.
    most: u64,
    /// How long the client may send nothing.
    patience: Duration,
}

enum Source {
    Ready(Option<Bytes>),
    Wire(Incoming),
}

/// Why a body cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// More bytes than are allowed.
    #[error("the body is larger than the {0} bytes that are allowed")]
    TooLarge(u64),
    /// The client sent nothing for too long, or was too slow in all.
    #[error("the body did not arrive within {0:?}")]
    TooSlow(Duration),
    /// The client went away, or broke the rules of the protocol.
    #[error("the body broke off")]
    Broken,
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge(_) => Failure::invalid(error.to_string()).with_detail("limit", "body"),
            ReadError::TooSlow(_) => {
                Failure::new(Kind::Internal, error.to_string()).with_detail("limit", "timeout")
            }
            ReadError::Broken => Failure::new(Kind::Internal, error.to_string()),
        }
    }
}

impl RequestBody {
    /// A body that comes over a connection: at most so many bytes, with no pause longer than that.
    pub(crate) fn new(incoming: Incoming, most: u64, patience: Duration) -> Self {
        let length = incoming.size_hint().exact();
        let source = match length {
            Some(0) => Source::Ready(None),
            _ => Source::Wire(incoming),
        };
        RequestBody { source, length, left: most, most, patience }
    }

    /// Bytes in all, where the client said so.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether there is nothing to read, now or later.
    pub fn is_empty(&self) -> bool {
        matches!(self.source, Source::Ready(None))
    }

    /// Whether what the client said it would send is allowed.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        match self.length {
            Some(length) if length > self.most => Err(ReadError::TooLarge(self.most)),
            _ => Ok(()),
        }
    }

    /// Lowers what may come in all.
    pub(crate) fn limit(&mut self, most: u64) {
        if most < self.most {
            self.left = self.left.saturating_sub(self.most - most);
            self.most = most;
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// After one, there is nothing more to read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let read = self.read().await;
        if read.is_err() {
            self.source = Source::Ready(None);
        }
        read
    }

    async fn read(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.check()?;
        let piece = match &mut self.source {
            Source::Ready(bytes) => bytes.take(),
            Source::Wire(incoming) => loop {
                let frame = tokio::time::timeout(self.patience, incoming.frame());
                match frame.await.map_err(|_| ReadError::TooSlow(self.patience))? {
                    None => break None,
                    Some(Err(_)) => return Err(ReadError::Broken),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) if !data.is_empty() => break Some(data),
                        // Trailers, or nothing at all.
                        _ => {}
                    },
                }
            },
        };
        let Some(piece) = piece else { return Ok(None) };
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(ReadError::TooLarge(self.most))?;
        Ok(Some(piece))
    }

    /// Reads all of it ahead, so that it can be taken later without waiting.
    pub(crate) async fn fetch(&mut self) -> Result<(), ReadError> {
        let patience = self.patience;
        let whole = tokio::time::timeout(patience, self.collect()).await;
        let whole = whole.map_err(|_| ReadError::TooSlow(patience))??;
        self.left += whole.len() as u64;
        self.source = Source::Ready(Some(Bytes::from(whole)).filter(|whole| !whole.is_empty()));
        Ok(())
    }

    /// All that remains.
    pub(crate) async fn collect(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        RequestBody {
            source: Source::Ready(Some(bytes).filter(|bytes| !bytes.is_empty())),
            length: Some(length),
            left: length,
            most: length,
            patience: Duration::MAX,
        }
    }
}
