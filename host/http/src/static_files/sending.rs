//! A file as a response: whole, in part, or not at all when the client has it.

use super::conditions::{self, Outcome, Version};
use crate::body::Body;
use crate::message::{Request, Response, empty};
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use perilune_files::{File, Metadata};
use perilune_value::Failure;
use std::ops::Range;

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// What a client wants of a file.
pub(crate) struct Wanted {
    head_only: bool,
    headers: HeaderMap,
}

impl Wanted {
    /// What a request says.
    pub(crate) fn of(request: &Request) -> Self {
        let method = &request.head.method;
        // Conditions are for those who read.
        let names = matches!(*method, Method::GET | Method::HEAD).then_some(conditions::HEADERS);
        let headers = names.into_iter().flatten().filter_map(|name| {
            let value = request.head.headers.get(&name)?.clone();
            Some((name, value))
        });
        Wanted { head_only: *method == Method::HEAD, headers: headers.collect() }
    }
}

/// The response that holds what is wanted of a file.
pub(crate) async fn send(
    wanted: &Wanted,
    file: File,
    metadata: &Metadata,
    cache: Option<&HeaderValue>,
) -> Result<Response, Failure> {
    let version = Version::of(metadata);
    let head_only = wanted.head_only;
    let (status, range) = match conditions::judge(&wanted.headers, &version, metadata.size) {
        Outcome::NotModified => (StatusCode::NOT_MODIFIED, 0..0),
        Outcome::Whole => (StatusCode::OK, 0..metadata.size),
        Outcome::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Outcome::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
    };
    let size = metadata.size;
    let mut response = empty(status);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(ETAG, version.tag);
    if let Some(modified) = version.modified {
        set(LAST_MODIFIED, modified);
    }
    match status {
        StatusCode::NOT_MODIFIED => {}
        StatusCode::RANGE_NOT_SATISFIABLE => set(CONTENT_RANGE, format!("bytes */{size}")),
        _ => {
            set(CONTENT_TYPE, content_type(&metadata.name));
            if status == StatusCode::PARTIAL_CONTENT {
                set(CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1));
            }
            if head_only {
                set(CONTENT_LENGTH, (range.end - range.start).to_string());
            }
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            // What was uploaded as text must not become a script.
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
    }
    if let Some(cache) = cache {
        headers.insert(CACHE_CONTROL, cache.clone());
    }
    if !head_only && !range.is_empty() {
        *response.body_mut() = content(file, range).await?;
    }
    Ok(response)
}

fn content_type(name: &str) -> String {
    let guessed = mime_guess::from_path(name).first_or_octet_stream();
    match (guessed.type_().as_str(), guessed.subtype().as_str()) {
        ("text", _) | ("application", "javascript" | "json") => format!("{guessed}; charset=utf-8"),
        _ => guessed.to_string(),
    }
}

/// A part of a file: at once when it is small, else piece by piece as the client takes it.
async fn content(file: File, range: Range<u64>) -> Result<Body, Failure> {
    let size = range.end - range.start;
    let first = piece(&file, &range).await?;
    if first.len() as u64 == size {
        return Ok(Body::from(first));
    }
    let rest = range.start + first.len() as u64..range.end;
    let pieces = stream::try_unfold((file, rest, Some(first)), |(file, mut rest, first)| async move {
        let next = match first {
            Some(first) => first,
            None if rest.is_empty() => return Ok(None),
            None => {
                let next = piece(&file, &rest).await?;
                rest.start += next.len() as u64;
                next
            }
        };
        Ok::<_, Failure>(Some((next, (file, rest, None))))
    });
    let pieces = pieces.map_ok(Frame::data).map_err(|failure| failure.message.into());
    Ok(Body::sized(StreamBody::new(pieces), size))
}

async fn piece(file: &File, range: &Range<u64>) -> Result<Bytes, Failure> {
    let most = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(PIECE);
    let bytes = file.read_at(range.start, most).await?;
    if bytes.is_empty() {
        return Err(Failure::internal("the file became shorter while it was sent"));
    }
    Ok(Bytes::from(bytes))
}
