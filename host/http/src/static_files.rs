//! `http.static`: the files of a directory.
//!
//! A path names a file only in one way: what holds an empty segment, `.`, `..`, a backslash or a control character names none. A
//! segment that begins with a dot names none either, `.well-known` excepted: such files are not meant to be seen.

mod conditions;
pub(crate) mod sending;

use crate::message::{Request, Response, empty, refusal};
use crate::middleware::{self, Middleware};
use crate::pattern::Pattern;
use crate::router::{MIDDLEWARE, OPTIONS, SERVER, check_parent, check_path, parent_id, path};
use crate::serve::other_method;
use http::header::{HeaderValue, LOCATION};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use perilune_files::{Access, Directory, File, FileType, Metadata, VirtualPath};
use perilune_registry::{Code, Entry, EntryId, Field, FieldPath, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Kind, Value};
use sending::{Wanted, send};
use std::sync::Arc;

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
                ty: Type::Entry(&["fs.directory", "fs.embed"]),
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
        hidden: Some(|entry, visit| BEFORE.references(entry, visit)),
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
    /// The path as entries write it, of all its files.
    pub(crate) shown: Arc<str>,
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
    let prefix = path(opening, "path", Pattern::prefix)?;
    Ok(Opened::resource(Arc::new(Static {
        id: opening.id().clone(),
        server: parent_id(opening, "server")?,
        shown: format!("{prefix}/{{path...}}").into(),
        prefix,
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
        Ok(Target::File(file, metadata)) => {
            let sent = send(&Wanted::of(&request), file, &metadata, files.cache.as_ref()).await;
            sent.unwrap_or_else(|failure| files.failed(&failure))
        }
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
