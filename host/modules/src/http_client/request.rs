//! A request, read from Lua's options.

use crate::network::options::Options;
use crate::network::tls::TlsOptions;
use crate::network::{check_length, headers};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use perilune_cell::Handle;
use perilune_resource::Stream;
use perilune_value::{Failure, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// From the first step to the last byte, unless the entry says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of a body after decompression, unless the entry says otherwise. What the cell may hold is less as a rule.
const MOST_BODY: u64 = 120 << 20;

/// What is to be sent, and how.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) tls: TlsOptions,
    /// Goes there, whatever the URL's host is.
    pub(super) unix_socket: Option<PathBuf>,
    pub(super) timeout: Duration,
    /// Whether the response's body is handed out piece by piece.
    pub(super) is_streaming: bool,
    /// Bytes of the response's body; `None` for a stream that nobody bounded.
    pub(super) most: Option<u64>,
}

/// What follows the headers.
pub(super) enum Body {
    Empty,
    Bytes(Bytes),
    Form { fields: Vec<(String, Vec<u8>)>, files: Vec<File> },
}

/// A file of a form.
pub(super) struct File {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) content: Content,
}

/// What a file holds.
pub(super) enum Content {
    Bytes(Bytes),
    Stream(Arc<dyn Stream>),
}

/// Finds the stream of a handle.
pub(super) type Readers<'a> = &'a dyn Fn(Handle) -> Result<Arc<dyn Stream>, Failure>;

impl Request {
    /// Reads what Lua gave.
    pub(super) fn read(
        method: &str,
        url: &str,
        options: &[u8],
        contents: Vec<Vec<u8>>,
        readers: Readers<'_>,
    ) -> Result<Request, Failure> {
        let mut url = read_url(url)?;
        let mut contents = Contents(contents.into_iter().map(|bytes| Some(Bytes::from(bytes))).collect());
        let mut options = Options::read(options)?;

        let mut headers = headers::read(options.texts("headers")?, None)?;
        let query = options.texts("query")?;
        if !query.is_empty() {
            let query: Vec<_> = query.iter().map(|(name, text)| (name, String::from_utf8_lossy(text))).collect();
            url.query_pairs_mut().extend_pairs(query);
        }
        if let Some(cookie) = cookies(options.texts("cookies")?)? {
            headers.insert(COOKIE, cookie);
        }
        if let Some(credentials) = credentials(&mut url, options.take("auth"))? {
            headers.insert(AUTHORIZATION, credentials);
        }
        let body = body(&mut options, &mut headers, &mut contents, readers)?;
        let tls = options.take("tls").map(TlsOptions::read).transpose()?.unwrap_or_default();
        let unix_socket = options.text("unix_socket")?.map(PathBuf::from);
        let timeout = options.duration("timeout", Duration::from_secs(1))?.unwrap_or(TIMEOUT);
        let is_streaming = options.boolean("stream")?;
        let most = options.integer("max_response_body", 0, i64::MAX as u64)?;
        if options.take("overlay_network").is_some() {
            return Err(Failure::invalid("option `overlay_network`: this host has no overlay networks; leave it out"));
        }
        options.finish()?;
        Ok(Request {
            method: read_method(method)?,
            url,
            headers,
            body,
            tls,
            unix_socket,
            timeout,
            is_streaming,
            most: most.or((!is_streaming).then_some(MOST_BODY)),
        })
    }
}

fn read_method(text: &str) -> Result<Method, Failure> {
    match Method::from_bytes(text.to_ascii_uppercase().as_bytes()) {
        Ok(Method::CONNECT) => Err(Failure::invalid("CONNECT asks a proxy for a tunnel, which this client does not use")),
        Ok(method) => Ok(method),
        Err(_) => Err(Failure::invalid(format!("`{text}` is no method of HTTP"))),
    }
}

fn read_url(text: &str) -> Result<Url, Failure> {
    check_length(text)?;
    let url = Url::parse(text)
        .map_err(|error| Failure::invalid(format!("`{text}` is no URL: {error}; write `https://host/path`")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(Failure::invalid(format!("`{other}:` is not spoken here; a URL begins with https:// or http://"))),
    }
}

/// Bytes that crossed beside the options, each used once.
struct Contents(Vec<Option<Bytes>>);

impl Contents {
    fn take(&mut self, position: Option<u64>) -> Result<Option<Bytes>, Failure> {
        let Some(position) = position else { return Ok(None) };
        let at = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        let found = at.and_then(|at| self.0.get_mut(at)).and_then(Option::take);
        found.map(Some).ok_or_else(|| Failure::invalid("option `content` is not the position of bytes"))
    }
}

fn cookies(texts: Vec<(String, Vec<u8>)>) -> Result<Option<HeaderValue>, Failure> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut line = Vec::new();
    for (name, value) in texts {
        if name.is_empty() || name.contains(['=', ';', ',', ' ']) || value.contains(&b';') {
            return Err(Failure::invalid(format!("option `cookies`: `{name}` is no cookie: it holds `=`, `;` or a space")));
        }
        if !line.is_empty() {
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(name.as_bytes());
        line.push(b'=');
        line.extend_from_slice(&value);
    }
    let mut value = headers::value("option `cookies`", &line)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The option `auth`, or else what stands in the URL, where it does not stay: messages and permissions show URLs.
fn credentials(url: &mut Url, auth: Option<Value>) -> Result<Option<HeaderValue>, Failure> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let (mut user, mut password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
        return Err(Failure::invalid(format!("`{url}` has no host")));
    }
    if let Some(auth) = auth {
        let mut auth = Options::of(auth)?;
        user = auth.text("user")?.unwrap_or_default().into_bytes();
        password = auth.text("pass")?.unwrap_or_default().into_bytes();
        auth.finish()?;
    }
    if user.is_empty() && password.is_empty() {
        return Ok(None);
    }
    let pair = [user, password].join(&b':');
    let mut value = headers::value("option `auth`", format!("Basic {}", STANDARD.encode(pair)).as_bytes())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn body(
    options: &mut Options,
    headers: &mut HeaderMap,
    contents: &mut Contents,
    readers: Readers<'_>,
) -> Result<Body, Failure> {
    if let Some(other) = options.take("body") {
        return Err(Failure::invalid(format!("option `body` must be a string, not a {}", other.type_name())));
    }
    let bytes = contents.take(options.integer("content", 1, u64::MAX)?)?;
    let fields = options.texts("form")?;
    let files = files(options.take("files"), contents, readers)?;
    match (bytes, fields.is_empty(), files.is_empty()) {
        (Some(_), false, _) | (Some(_), _, false) => {
            Err(Failure::invalid("a request has either `body`, or `form` and `files`"))
        }
        (Some(bytes), ..) => Ok(Body::Bytes(bytes)),
        (None, true, true) => Ok(Body::Empty),
        (None, false, true) => {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/x-www-form-urlencoded"));
            let mut form = Serializer::new(String::new());
            for (name, text) in &fields {
                form.append_pair(name, &String::from_utf8_lossy(text));
            }
            Ok(Body::Bytes(Bytes::from(form.finish())))
        }
        (None, _, false) => {
            // It names the boundary between the parts, which nobody but the client knows.
            headers.remove(CONTENT_TYPE);
            Ok(Body::Form { fields, files })
        }
    }
}

fn files(value: Option<Value>, contents: &mut Contents, readers: Readers<'_>) -> Result<Vec<File>, Failure> {
    let items = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(Value::Map(pairs)) if pairs.is_empty() => return Ok(Vec::new()),
        Some(other) => {
            let message = format!("option `files` must be an array of tables, not a {}", other.type_name());
            return Err(Failure::invalid(message));
        }
    };
    let numbered = |(at, item)| {
        file(item, contents, readers).map_err(|failure| Failure {
            message: format!("option `files[{}]`: {}", at + 1, failure.message),
            ..failure
        })
    };
    items.into_iter().enumerate().map(numbered).collect()
}

fn file(item: Value, contents: &mut Contents, readers: Readers<'_>) -> Result<File, Failure> {
    let mut options = Options::of(item)?;
    let name = options.text("name")?.ok_or_else(|| Failure::invalid("`name` is missing"))?;
    let filename = options.text("filename")?;
    let content_type = options.text("content_type")?;
    let bytes = contents.take(options.integer("content", 1, u64::MAX)?)?;
    let reader = match options.take("reader") {
        None => None,
        Some(Value::Integer(handle)) => Some(handle.cast_unsigned()),
        Some(_) => return Err(Failure::invalid("`reader` must be a stream")),
    };
    options.finish()?;
    let content = match (bytes, reader) {
        (Some(bytes), None) => Content::Bytes(bytes),
        (None, Some(reader)) => Content::Stream(readers(reader)?),
        _ => return Err(Failure::invalid("a file has either `content`, a string, or `reader`, a stream")),
    };
    let content_type = content_type.map(|text| headers::value("`content_type`", text.as_bytes())).transpose()?;
    Ok(File { name, filename, content_type, content })
}
