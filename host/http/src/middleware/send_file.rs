//! `sendfile`: a handler names a file, and the client gets it, in parts if it wants.

use super::{Middleware, MiddlewareKind, Next, OptionSpec, Stage};
use crate::message::{Request, Response, refusal};
use crate::static_files::sending::{Wanted, send};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_DISPOSITION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use perilune_files::{Access, Directory, VirtualPath};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind};
use std::sync::Arc;

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "sendfile",
    prefix: "sendfile",
    doc: "Sends the file that a handler names in `X-Sendfile`, as `X-File-Name` if it has one",
    stage: Stage::Before,
    options: &[OptionSpec {
        name: "fs",
        default: "",
        doc: "the `fs.directory` or `fs.embed` that paths are looked up in",
        entry: &["fs.directory", "fs.embed"],
    }],
    make: |options| Ok(Arc::new(SendFile { directory: options.entry("fs")? })),
};

const PATH: HeaderName = HeaderName::from_static("x-sendfile");
const NAME: HeaderName = HeaderName::from_static("x-file-name");

/// What stands for itself in a `filename*` (RFC 8187).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

struct SendFile {
    directory: EntryId,
}

impl SendFile {
    async fn file(
        &self,
        wanted: &Wanted,
        path: &str,
        resources: &Arc<perilune_resource::Resources>,
    ) -> Result<Response, Failure> {
        let directory = resources.get::<Directory>(&self.directory.to_string())?;
        let path = VirtualPath::parse(path)?;
        let file = directory.open(&path, Access::Read).await?;
        let metadata = file.metadata().await?;
        send(wanted, file, &metadata, None).await
    }
}

impl Middleware for SendFile {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            let wanted = Wanted::of(&request);
            let is_read = matches!(request.head.method, Method::GET | Method::HEAD | Method::POST);
            let resources = next.resources();
            let mut response = next.run(request).await;
            // They are between the handler and this server, whatever becomes of them.
            let (path, name) = (response.headers_mut().remove(PATH), response.headers_mut().remove(NAME));
            let Some(path) = path.filter(|_| is_read && response.status() == StatusCode::OK) else {
                return response;
            };
            let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
            let mut sent = match self.file(&wanted, &path, resources).await {
                Ok(sent) => sent,
                Err(failure) => return failed(&self.directory, &path, &failure),
            };
            keep(response.headers(), sent.headers_mut());
            if let Some(disposition) = name.as_ref().and_then(disposition) {
                sent.headers_mut().insert(CONTENT_DISPOSITION, disposition);
            }
            sent
        }
        .boxed()
    }
}

fn failed(directory: &EntryId, path: &str, failure: &Failure) -> Response {
    match failure.kind {
        Kind::NotFound | Kind::Invalid | Kind::PermissionDenied => {
            tracing::warn!(%directory, path, error = %failure.message, "a handler named a file that is not there");
            refusal(StatusCode::NOT_FOUND, "not found")
        }
        _ => {
            tracing::error!(%directory, path, error = %failure.message, "a file could not be sent");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error")
        }
    }
}

/// What the handler said besides, such as cookies; how the file lies on the wire is not its business.
fn keep(given: &HeaderMap, sent: &mut HeaderMap) {
    for name in given
        .keys()
        .filter(|name| !["content-length", "content-encoding", "transfer-encoding"].contains(&name.as_str()))
    {
        let is_chosen = !sent.contains_key(name) || name == http::header::CONTENT_TYPE;
        if is_chosen {
            sent.remove(name);
            for value in given.get_all(name) {
                sent.append(name, value.clone());
            }
        }
    }
}

/// Says under which name to save the file.
fn disposition(name: &HeaderValue) -> Option<HeaderValue> {
    let name = String::from_utf8_lossy(name.as_bytes());
    let plain: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' => '_',
            _ if character.is_ascii() && !character.is_control() => character,
            _ => '_',
        })
        .collect();
    let encoded = utf8_percent_encode(&name, PLAIN);
    HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")).ok()
}
