//! Carrying a request out, redirect after redirect.

use super::clients::{self, Clients};
use super::request::{Body, Content, File, Request};
use super::response::{self, Response};
use crate::network::tls::{self, TlsOptions};
use crate::network::{Access, broken};
use bytes::Bytes;
use futures_util::stream;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, StatusCode};
use perilune_cell::Held;
use perilune_network::Target;
use perilune_resource::Stream;
use perilune_value::{Failure, Kind};
use reqwest::Client;
use reqwest::multipart::{Form, Part};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::{Position, Url};

/// Redirects that are followed.
const REDIRECTS: usize = 10;

/// Bytes that are read from a file's stream at once.
const PIECE: usize = 64 << 10;

/// Carries a request out and reads the response, all within the request's time; a stream is handed out as soon as the headers are
/// there, and each piece of it has the same time again.
pub(super) async fn carry_out(access: Access, request: Request, held: Arc<Held>) -> Result<Response, Failure> {
    let timeout = request.timeout;
    let asked = asked(&request.method, &request.url);
    let late = broken(format!("{asked}: no answer within {timeout:?}"));
    let exchange = async {
        let (is_streaming, most) = (request.is_streaming, request.most);
        let place = access.connection().await;
        let (answer, url) = follow(&access, request).await?;
        let head = response::Head::read(&answer, asked, &url, &held)?;
        if is_streaming {
            return Ok(head.with_stream(answer, place, timeout, most));
        }
        head.with_body(answer, most, &held).await
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(late))
}

/// What one hop is made of.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Body>,
    tls: TlsOptions,
}

/// Sends a request, and again wherever the answer points to. Returns the last answer and who gave it.
async fn follow(access: &Access, request: Request) -> Result<(reqwest::Response, Url), Failure> {
    let Request { method, url, headers, body, tls, unix_socket, .. } = request;
    let socket = match unix_socket {
        Some(path) => Some(allowed_socket(access, path).await?),
        None => None,
    };
    let mut hop = Hop { method, url, headers, body: Some(body), tls };
    for _ in 0..=REDIRECTS {
        access.context().check("http_client.request", hop.url.as_str())?;
        // A body that comes from a stream can be sent once.
        let next_body = hop.body.as_ref().and_then(again);
        let answer = send(access, &mut hop, socket.as_deref()).await?;
        let Some(next) = redirected(&hop, &answer)? else { return Ok((answer, hop.url)) };
        let keeps_method =
            matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if keeps_method && next_body.is_none() {
            return Ok((answer, hop.url));
        }
        hop.body = next_body;
        if !keeps_method && hop.method != Method::HEAD {
            hop.method = Method::GET;
            hop.body = Some(Body::Empty);
            for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
                hop.headers.remove(name);
            }
        }
        if next.origin() != hop.url.origin() {
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                hop.headers.remove(name);
            }
            hop.tls = hop.tls.for_others();
        }
        hop.url = next;
    }
    Err(Failure::internal(format!("more than {REDIRECTS} redirects, the last one to {}", shown(&hop.url))))
}

/// The body once more; `None` when it cannot be sent again.
fn again(body: &Body) -> Option<Body> {
    match body {
        Body::Empty => Some(Body::Empty),
        Body::Bytes(bytes) => Some(Body::Bytes(bytes.clone())),
        Body::Form { fields, files } => {
            let files = files.iter().map(|file| match &file.content {
                Content::Bytes(bytes) => Some(File {
                    name: file.name.clone(),
                    filename: file.filename.clone(),
                    content_type: file.content_type.clone(),
                    content: Content::Bytes(bytes.clone()),
                }),
                Content::Stream(_) => None,
            });
            Some(Body::Form { fields: fields.clone(), files: files.collect::<Option<_>>()? })
        }
    }
}

async fn send(access: &Access, hop: &mut Hop, socket: Option<&Path>) -> Result<reqwest::Response, Failure> {
    let asked = asked(&hop.method, &hop.url);
    if let Some(path) = socket {
        let client = clients::on_socket(path, &hop.tls)?;
        let request = built(&client, &hop.method, &hop.url, &hop.headers, hop.body.take())?;
        return client.execute(request).await.map_err(|error| describe(&asked, &error));
    }
    let target = Target::of(&hop.url).ok_or_else(|| Failure::invalid(format!("`{}` has no host", hop.url)))?;
    let route = access.route(&target, Some("http_client.private_ip")).await?;
    let clients = access.context().shared().get::<Clients>();
    let client = clients.client(access.policy(), &hop.tls, &route, hop.url.authority().to_owned())?;
    let request = built(&client, &hop.method, &hop.url, &hop.headers, hop.body.take())?;
    clients::send(&client, &route, request).await.map_err(|error| describe(&asked, &error))
}

fn built(
    client: &Client,
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: Option<Body>,
) -> Result<reqwest::Request, Failure> {
    let builder = client.request(method.clone(), url.clone()).headers(headers.clone());
    let builder = match body {
        None | Some(Body::Empty) => builder,
        Some(Body::Bytes(bytes)) => builder.body(bytes),
        Some(Body::Form { fields, files }) => {
            let form = fields
                .into_iter()
                .fold(Form::new(), |form, (name, text)| form.part(quoted(&name), Part::bytes(text)));
            let form = files.into_iter().fold(form, |form, file| form.part(quoted(&file.name), part(file)));
            builder.multipart(form.percent_encode_noop())
        }
    };
    builder.build().map_err(|error| Failure::invalid(format!("the request cannot be sent: {}", cause(&error))))
}

/// A name between quotes in the line that begins a part, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn part(file: File) -> Part {
    let File { filename, content_type, content, .. } = file;
    let part = match content {
        Content::Bytes(bytes) => Part::stream_with_length(bytes.clone(), bytes.len() as u64),
        Content::Stream(reader) => Part::stream(reqwest::Body::wrap_stream(pieces(reader))),
    };
    let part = match filename {
        Some(filename) => part.file_name(quoted(&filename)),
        None => part,
    };
    match content_type {
        Some(value) => part.headers(HeaderMap::from_iter([(CONTENT_TYPE, value)])),
        None => part,
    }
}

fn pieces(reader: Arc<dyn Stream>) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold(reader, |reader| async move {
        let piece = reader.read(PIECE).await.map_err(|failure| std::io::Error::other(failure.message))?;
        Ok(piece.map(|piece| (Bytes::from(piece), reader)))
    })
}

/// Where an answer points to, if it does.
fn redirected(hop: &Hop, answer: &reqwest::Response) -> Result<Option<Url>, Failure> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers().get(LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let from = shown(&hop.url);
    let mut next = hop
        .url
        .join(&location)
        .map_err(|error| Failure::internal(format!("{from} redirects to `{location}`, which is no URL: {error}")))?;
    if !matches!(next.scheme(), "http" | "https") {
        let message = format!("{from} redirects to `{}:`, which is not spoken here", next.scheme());
        return Err(Failure::internal(message));
    }
    // Whoever answers does not choose whom the client claims to be.
    let _ = next.set_username("").and_then(|()| next.set_password(None));
    if next.fragment().is_none() {
        next.set_fragment(hop.url.fragment());
    }
    Ok(Some(next))
}

/// The socket at a path inside of a directory that the host allows.
async fn allowed_socket(access: &Access, path: PathBuf) -> Result<PathBuf, Failure> {
    let directories = access.context().allowed().directories.clone();
    let found = tokio::task::spawn_blocking(move || {
        // Links are followed first: what counts is where the socket lies.
        let inside = std::fs::canonicalize(&path).ok().filter(|real| {
            directories.iter().filter_map(|directory| directory.canonicalize().ok()).any(|root| real.starts_with(root))
        });
        inside.ok_or(path)
    });
    match found.await {
        Ok(Ok(path)) => Ok(path),
        Ok(Err(path)) => {
            let message = format!(
                "option `unix_socket`: {} is in no directory that this host allows; start it with `--allow-dir DIR`",
                path.display()
            );
            Err(Failure::new(Kind::PermissionDenied, message))
        }
        Err(_) => Err(Failure::internal("the host failed while it looked for the socket")),
    }
}

/// A URL as messages show it: queries may hold secrets.
fn shown(url: &Url) -> &str {
    &url[..Position::AfterPath]
}

/// A request as messages name it.
fn asked(method: &Method, url: &Url) -> String {
    format!("{method} {}", shown(url))
}

/// What went wrong, for Lua.
pub(super) fn describe(asked: &str, error: &reqwest::Error) -> Failure {
    let what = if error.is_connect() {
        "cannot connect"
    } else if error.is_body() || error.is_decode() {
        "the response broke off"
    } else {
        "no valid response"
    };
    broken(format!("{asked}: {what}: {}", cause(error)))
}

/// The innermost error: those around it repeat each other.
fn cause(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    tls::explained(inner.to_string())
}
