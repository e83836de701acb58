//! Requests and responses, as middleware and endpoints pass them on.

use crate::body::Body;
use crate::incoming::RequestBody;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use perilune_registry::EntryId;
use perilune_security::Authority;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A request on its way to its endpoint.
pub struct Request {
    /// Method, URI, version, headers, and an upgrade that waits in the extensions.
    pub head: http::request::Parts,
    /// What follows the headers.
    pub body: RequestBody,
    /// Who asks: the peer of the connection, or what a proxy that is trusted says of it.
    pub client: SocketAddr,
    /// What the handler acts with.
    pub authority: Authority,
    /// What answers it; `None` before the match.
    pub matched: Option<Matched>,
    /// The path of what answers it, as entries write it: of an endpoint, or of the files of a directory. `None` before the match, and
    /// where nothing does.
    pub route: Option<Arc<str>>,
    /// What it came over.
    pub connection: Arc<Connection>,
}

/// The endpoint that a request was matched with.
#[derive(Clone, Debug)]
pub struct Matched {
    /// The endpoint's id.
    pub endpoint: Arc<EntryId>,
    /// Names and values of the segments that the path leaves open; the values are decoded.
    pub params: Params,
}

/// Names and values in the order of the path.
pub type Params = Vec<(String, Vec<u8>)>;

/// What the requests of one connection share.
#[derive(Debug)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Whether it is encrypted.
    pub is_secure: bool,
    /// Set when the server stops: what lives longer than a request, such as a web socket, ends by itself then.
    pub closing: CancellationToken,
    /// Tasks that a stopping server waits for, and that end with it.
    pub tasks: TaskTracker,
    /// Its place among the server's connections, for as long as anything of it lasts.
    pub(crate) _slot: Slot,
}

/// A place among the connections of a server.
pub(crate) type Slot = Option<OwnedSemaphorePermit>;

/// A response on its way back.
pub type Response = http::Response<Body>;

/// A response of the server's own: `{"error": …}` for whoever asked.
pub fn refusal(status: StatusCode, message: &str) -> Response {
    json_response(status, &serde_json::json!({ "error": message }))
}

/// A response with a JSON body.
pub(crate) fn json_response(status: StatusCode, content: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(content.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
