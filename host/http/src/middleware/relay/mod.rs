//! `websocket_relay`, `sse_relay`: a client's connection as a process that other processes talk to.
//!
//! A handler says in a header of its response which process a client is to talk to. The connection gets a pid: what is sent to it
//! goes to the client, and what a client of a WebSocket sends goes to the process.
//!
//! | to the process | when |
//! |---|---|
//! | `ws.join {client_pid, metadata}` | the connection begins |
//! | the relay's topic, text or bytes | the client sent it |
//! | `ws.heartbeat {client_pid, uptime, message_count, metadata}` | regularly |
//! | `ws.leave {client_pid, metadata}` | the connection has ended |
//!
//! | to the client's pid | what it does |
//! |---|---|
//! | `ws.close`, a reason | ends the connection |
//! | `ws.control`, fields of the relay | changes them; with another process the client leaves one and joins the other |
//! | any other topic | the client gets it with its topic |
//!
//! With server-sent events the topics begin with `sse.`, and clients send nothing.
//!
//! | file | holds |
//! |---|---|
//! | `terms.rs` | [`Terms`]: what the header says |
//! | `session.rs` | [`Session`]: a connection as a process |
//! | `websocket.rs`, `events.rs` | the two kinds of connections |

mod events;
mod session;
mod terms;
mod websocket;

pub(super) use events::KIND as SSE;
pub(super) use websocket::KIND as WEBSOCKET;

use super::origin::Origin;
use super::{OPTION, OptionSpec, Options};
use crate::message::{Response, refusal};
use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::{HeaderValue, StatusCode};
use perilune_resource::{Deliver, Post};
use perilune_value::{Failure, Kind};
use session::{Rights, Session};
use std::sync::Arc;
use terms::Terms;
use tokio_util::sync::CancellationToken;

/// What the two kinds call things.
pub(crate) struct Words {
    header: HeaderName,
    /// The host part of pids.
    host: &'static str,
    topic: &'static str,
    join: &'static str,
    leave: &'static str,
    heartbeat: &'static str,
    close: &'static str,
    control: &'static str,
    /// Whether a client may have no process at first.
    may_be_detached: bool,
}

const ORIGINS: &[OptionSpec] = &[OptionSpec {
    name: "allowed.origins",
    default: "the server's own",
    doc: "origins between commas whose pages may connect, such as `https://example.com`; `*.example.com` for any subdomain, `*` for all",
    ..OPTION
}];

/// Whose pages may connect. Browsers let a page of any site open a WebSocket, with the cookies of its server.
struct Origins(Vec<Origin>);

impl Origins {
    fn new(options: &Options) -> Self {
        Origins(options.list("allowed.origins").unwrap_or_default().into_iter().map(Origin::parse).collect())
    }

    /// What is not a page has no origin.
    fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        if !self.0.is_empty() {
            return self.0.iter().any(|allowed| allowed.matches(origin));
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = origin.split_once("://").map(|(_, host)| host);
        own.zip(host).is_some_and(|(own, host)| own.eq_ignore_ascii_case(host))
    }
}

/// The session that a handler's header asks for; `None` without the header.
fn begin(
    words: &'static Words,
    response: &mut Response,
    rights: Rights,
    closing: &CancellationToken,
) -> Option<Result<Session, Response>> {
    let header = response.headers_mut().remove(&words.header)?;
    if !response.status().is_success() {
        return None;
    }
    Some(session(words, &header, rights, closing).map_err(|failure| {
        tracing::error!(header = %words.header, error = %failure.message, "a client could not be relayed");
        match failure.kind {
            Kind::NotFound | Kind::RateLimited => {
                refusal(StatusCode::SERVICE_UNAVAILABLE, "nobody is there to talk to")
            }
            Kind::PermissionDenied => refusal(StatusCode::FORBIDDEN, "forbidden"),
            _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
        }
    }))
}

fn session(
    words: &'static Words,
    header: &HeaderValue,
    rights: Rights,
    closing: &CancellationToken,
) -> Result<Session, Failure> {
    let terms = Terms::read(words, header.as_bytes())?;
    let post: Arc<dyn Deliver> = rights.host.shared.get::<Post>().deliver()?.clone();
    Session::begin(words, terms, rights, post, closing.clone())
}
