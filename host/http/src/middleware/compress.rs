//! `compress`: gzip for clients that accept it.

use super::{Middleware, MiddlewareKind, Next, OPTION, OptionError, OptionSpec, Options, Stage};
use crate::body::Body;
use crate::message::{Request, Response};
use async_compression::Level;
use async_compression::tokio::bufread::GzipEncoder;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderValue, VARY,
};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as _, Frame};
use std::io;
use std::sync::Arc;
use tokio_util::io::{ReaderStream, StreamReader};

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "compress",
    prefix: "compress",
    doc: "Compresses texts with gzip for clients that accept it",
    stage: Stage::Before,
    options: &[
        OptionSpec { name: "level", default: "default", doc: "`fastest`, `default` or `best`", ..OPTION },
        OptionSpec {
            name: "min.length",
            default: "1024",
            doc: "bytes below which a body stays as it is",
            ..OPTION
        },
    ],
    make: |options| Ok(Arc::new(Compress::new(options)?)),
};

/// Bytes compressed at once: a millisecond of a connection's thread.
const PIECE: usize = 32 << 10;

struct Compress {
    level: Level,
    least: u64,
}

impl Compress {
    fn new(options: &Options) -> Result<Self, OptionError> {
        let level = match options.text("level").unwrap_or("default") {
            "fastest" => Level::Fastest,
            "default" => Level::Default,
            "best" => Level::Best,
            other => {
                let message = format!("`{other}` is none of `fastest`, `default` and `best`");
                return Err(OptionError::new("level", message));
            }
        };
        Ok(Compress { level, least: options.number("min.length", 1024, (0, 1 << 30))? })
    }

    fn applies(&self, response: &Response) -> bool {
        let headers = response.headers();
        let has_body = !matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT
        );
        has_body
            && !headers.contains_key(CONTENT_ENCODING)
            && !headers.contains_key(CONTENT_RANGE)
            && headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_text)
            && response.body().size_hint().exact().is_none_or(|size| size >= self.least)
    }

    fn compressed(&self, response: Response) -> Response {
        let (mut head, body) = response.into_parts();
        mark(&mut head.headers);
        let pieces = body.into_data_stream().flat_map(|piece| futures_util::stream::iter(split(piece)));
        let reader = StreamReader::new(pieces.map_err(io::Error::other));
        let compressed = ReaderStream::with_capacity(GzipEncoder::with_quality(reader, self.level), PIECE);
        let body = Body::pieces(StreamBody::new(compressed.map_ok(Frame::data).map_err(Into::into)));
        Response::from_parts(head, body)
    }
}

/// Pieces small enough to be compressed one by one.
fn split<E>(piece: Result<Bytes, E>) -> Vec<Result<Bytes, E>> {
    match piece {
        Err(error) => vec![Err(error)],
        Ok(mut rest) => {
            let mut pieces = Vec::with_capacity(rest.len() / PIECE + 1);
            while rest.len() > PIECE {
                pieces.push(Ok(rest.split_to(PIECE)));
            }
            pieces.push(Ok(rest));
            pieces
        }
    }
}

fn mark(headers: &mut HeaderMap) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    // The same words, other bytes.
    let weak = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    if let Some(weak) = weak.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok()) {
        headers.insert(ETAG, weak);
    }
}

/// What is worth it. Events are not: each must arrive by itself, and they are small.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.split_once('/') {
        Some(("text", "event-stream")) => false,
        Some(("text", _)) => true,
        Some(("application", name)) => {
            matches!(name, "json" | "javascript" | "xml" | "wasm" | "x-ndjson" | "manifest+json")
                || name.ends_with("+json")
                || name.ends_with("+xml")
        }
        Some(("image", name)) => name == "svg+xml",
        _ => false,
    }
}

/// Whether `gzip` is named, or all, and not with `q=0`.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
            let wanted = quality.is_ok_and(|quality| quality > 0.0);
            match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => return wanted,
                "*" => any = wanted,
                _ => {}
            }
        }
    }
    any
}

impl Middleware for Compress {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            let is_wanted = request.head.method != Method::HEAD && accepts_gzip(&request.head.headers);
            let mut response = next.run(request).await;
            if !self.applies(&response) {
                return response;
            }
            response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
            if is_wanted { self.compressed(response) } else { response }
        }
        .boxed()
    }
}
