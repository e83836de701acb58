//! `http.static`: the files of a directory.
//!
//! A path names a file only in one way: what holds an empty segment, `.`, `..`, a backslash or a control character names none. A
//! segment that begins with a dot names none either, `.well-known` excepted: such files are not meant to be seen.

mod conditions;

use crate::body::Body;
use crate::message::{Request, Response, empty, refusal};
use crate::middleware::{self, Middleware};
use crate::pattern::Pattern;
use crate::router::{MIDDLEWARE, OPTIONS, SERVER, check_parent, check_path, parent_id, path};
use crate::serve::other_method;
use bytes::Bytes;
use conditions::{Outcome, Version};
use futures_util::{TryStreamExt, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    LAST_MODIFIED, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use perilune_files::{Access, Directory, File, FileType, Metadata, VirtualPath};
use perilune_registry::{Code, Entry, EntryId, Field, FieldPath, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Kind, Value};
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

/// The kind `http.static`.
pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "http.static",
        doc: "The files of a directory, under a path of a server",
        fields: Fields::Known(&[
            SERVER,
            Field { name: "path", ty: Type::String, required: true, doc: "where the files appear", ..FIELD },
            Field {
                name: "fs",
                ty: Type::Entry(&["fs.directory"]),
                required: true,
                doc: "the directory",
                ..FIELD
            },
            Field {
                name: "static_options",
                ty: Type::Object(&[
                    Field {
                        name: "spa",
                        ty: Type::Bool,
                        default: "false",
                        doc: "answer paths without a file with `index`: an application in the browser has pages of its own",
                        ..FIELD
                    },
                    Field {
                        name: "index",
                        ty: Type::String,
                        default: "index.html",
                        doc: "the file of a directory; must be named with `spa`",
                        ..FIELD
                    },
                    Field {
                        name: "cache",
                        ty: Type::String,
                        default: "none",
                        doc: "what `Cache-Control` says, such as `public, max-age=3600`",
                        ..FIELD
                    },
                ]),
                doc: "how files are found",
                ..FIELD
            },
            MIDDLEWARE,
            OPTIONS,
        ]),
        meta: &[SERVER],
        placeholders: true,
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

/// Options that once stood among those of middleware.
const OWN: &[&str] = &["spa", "index", "cache"];
const BEFORE: middleware::Fields = middleware::Fields { others: OWN, ..middleware::BEFORE };

/// A live `http.static`.
pub(crate) struct Static {
    pub(crate) id: EntryId,
    pub(crate) server: EntryId,
    /// Without `/` at its end.
    pub(crate) prefix: String,
    pub(crate) before: Vec<Arc<dyn Middleware>>,
    directory: Arc<Directory>,
    spa: bool,
    index: String,
    cache: Option<HeaderValue>,
}

fn option<'a>(data: &'a Value, name: &str) -> Option<&'a Value> {
    let own = data.get("static_options").and_then(|options| options.get(name));
    own.or_else(|| data.get("options").and_then(|options| options.get(name)))
}

fn is_on(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value.as_str() == Some("true")
}

fn check(entry: &Entry) -> Vec<Problem> {
    let data = entry.data();
    let mut problems: Vec<Problem> = check_parent(entry, "server").into_iter().collect();
    problems.extend(check_path(entry, "path", Pattern::prefix));
    problems.extend(BEFORE.check(entry));
    let path = |name| FieldPath::from("static_options").key(name);
    if option(data, "spa").is_some_and(is_on) && option(data, "index").is_none() {
        problems.push(
            Problem::in_field(entry, path("index"), Code::MISSING_FIELD, "it is missing")
                .help("`spa` answers paths without a file with it: write `index: index.html`"),
        );
    }
    let cache = option(data, "cache").and_then(Value::as_str).filter(|text| !text.contains("${"));
    if cache.is_some_and(|text| HeaderValue::from_str(text).is_err()) {
        problems.push(Problem::in_field(entry, path("cache"), Code::BAD_VALUE, "no header can hold it"));
    }
    problems
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let data = opening.data();
    let text = |name| option(data, name).and_then(Value::as_str);
    let directory = data.get("fs").and_then(Value::as_str);
    let directory = directory.ok_or_else(|| Failure::invalid("field `fs` is missing"))?;
    let cache = text("cache").map(HeaderValue::from_str).transpose();
    Ok(Opened::resource(Arc::new(Static {
        id: opening.id().clone(),
        server: parent_id(opening, "server")?,
        prefix: path(opening, "path", Pattern::prefix)?,
        before: BEFORE.chain(data, opening.id().namespace())?,
        directory: opening.resource(directory)?,
        spa: option(data, "spa").is_some_and(is_on),
        index: text("index").unwrap_or("index.html").to_owned(),
        cache: cache.map_err(|_| Failure::invalid("field `static_options.cache`: no header can hold it"))?,
    })))
}

/// Answers a request below the prefix of a static directory.
pub(crate) async fn answer(files: &Static, request: Request) -> Response {
    let method = &request.head.method;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return other_method(method, &[&Method::GET]);
    }
    match files.find(request.head.uri.path()).await {
        Ok(Target::File(file, metadata)) => files.respond(&request, file, &metadata).await,
        Ok(Target::Below) => below(request.head.uri.path()),
        Ok(Target::Nothing) => refusal(StatusCode::NOT_FOUND, "not found"),
        Err(failure) => files.failed(&failure),
    }
}

/// What a path comes to.
enum Target {
    File(File, Metadata),
    /// A directory whose path lacks the `/` that its pages' links count on.
    Below,
    Nothing,
}

impl Static {
    async fn find(&self, path: &str) -> Result<Target, Failure> {
        // An application in the browser is asked for by its whole path.
        let below = if self.spa { path } else { path.strip_prefix(self.prefix.as_str()).unwrap_or(path) };
        let Some(name) = file_name(below) else { return Ok(Target::Nothing) };
        let found = if name.is_empty() || name.ends_with('/') {
            self.file(&format!("{name}{}", self.index)).await?
        } else {
            self.file(&name).await?
        };
        match found {
            Target::Nothing | Target::Below if self.spa => self.file(&self.index).await,
            found => Ok(found),
        }
    }

    async fn file(&self, name: &str) -> Result<Target, Failure> {
        let Ok(path) = VirtualPath::parse(name) else { return Ok(Target::Nothing) };
        match self.directory.open(&path, Access::Read).await {
            Ok(file) => {
                let metadata = file.metadata().await?;
                Ok(Target::File(file, metadata))
            }
            Err(failure) if failure.kind == Kind::Invalid => {
                let is_directory = self.directory.metadata(&path).await;
                Ok(match is_directory.is_ok_and(|found| found.file_type == FileType::Directory) {
                    true => Target::Below,
                    false => Target::Nothing,
                })
            }
            // A link that leads out is nothing to those outside.
            Err(failure) if matches!(failure.kind, Kind::NotFound | Kind::PermissionDenied) => {
                Ok(Target::Nothing)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn respond(&self, request: &Request, file: File, metadata: &Metadata) -> Response {
        let version = Version::of(metadata);
        let head_only = request.head.method == Method::HEAD;
        let (status, range) = match conditions::judge(&request.head.headers, &version, metadata.size) {
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
        set(LAST_MODIFIED, version.modified);
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
        if let Some(cache) = &self.cache {
            headers.insert(CACHE_CONTROL, cache.clone());
        }
        if !head_only && !range.is_empty() {
            match content(file, range).await {
                Ok(body) => *response.body_mut() = body,
                Err(failure) => return self.failed(&failure),
            }
        }
        response
    }

    fn failed(&self, failure: &Failure) -> Response {
        tracing::error!(endpoint = %self.id, error = %failure.message, "a file could not be served");
        match failure.kind {
            Kind::RateLimited | Kind::Unavailable => refusal(StatusCode::SERVICE_UNAVAILABLE, "try again"),
            _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
        }
    }
}

/// The file that a path below a prefix means: decoded, without `/` at its begin.
fn file_name(path: &str) -> Option<String> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let name = decoded.strip_prefix('/').unwrap_or(&decoded);
    let mut segments = name.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let is_fine = match segment {
            "" => is_last,
            ".well-known" => true,
            _ => !segment.starts_with('.') && !segment.contains(|c: char| c == '\\' || c.is_control()),
        };
        if !is_fine {
            return None;
        }
    }
    Some(name.to_owned())
}

/// Sends the client to the same path with `/` at its end. The path has one `/` at its begin, so it names no other host.
fn below(path: &str) -> Response {
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    if let Ok(location) = HeaderValue::from_str(&format!("{path}/")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
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
