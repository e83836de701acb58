//! Clients that listen to server-sent events.

use super::session::{Ending, Rights, Session, Step};
use super::{ORIGINS, Origins, Words, begin};
use crate::body::Body;
use crate::message::{Request, Response, refusal};
use crate::middleware::{Middleware, MiddlewareKind, Next, Stage};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use perilune_value::{Value, json};
use std::sync::Arc;

static WORDS: Words = Words {
    header: HeaderName::from_static("x-sse-relay"),
    host: "sse",
    topic: "sse.message",
    join: "sse.join",
    leave: "sse.leave",
    heartbeat: "sse.heartbeat",
    close: "sse.close",
    control: "sse.control",
    may_be_detached: true,
};

pub(in super::super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "sse_relay",
    prefix: "sserelay",
    doc: "Sends a client what processes send to its pid, as server-sent events, where a handler sets `X-SSE-Relay`",
    stage: Stage::After,
    options: ORIGINS,
    make: |options| Ok(Arc::new(EventRelay { origins: Origins::new(options) })),
};

struct EventRelay {
    origins: Origins,
}

impl Middleware for EventRelay {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            if !self.origins.admit(&request.head.headers) {
                return refusal(StatusCode::FORBIDDEN, "pages of this origin may not connect");
            }
            let is_get = request.head.method == Method::GET;
            let connection = request.connection.clone();
            let rights =
                Rights { authority: request.authority.clone(), host: next.resources().host().clone() };
            let mut response = next.run(request).await;
            let session = match begin(&WORDS, &mut response, rights, &connection.closing) {
                None => return response,
                Some(Err(refused)) => return refused,
                Some(Ok(session)) if is_get => session,
                Some(Ok(_)) => return response,
            };
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.remove(CONTENT_LENGTH);
            *response.body_mut() = body(session);
            response
        }
        .boxed()
    }
}

/// The events of a session, as the client takes them. The session ends with it.
fn body(session: Session) -> Body {
    // A client that no process was named for is told how one finds it.
    let first = session.terms().target.is_none().then(|| {
        let ready = Value::from_iter([
            ("stream_pid", session.pid()),
            ("message_topic", session.terms().topic.as_str()),
        ]);
        event("ready", &json::encode(&ready).unwrap_or_default())
    });
    let events = stream::unfold((Some(session), first), |(session, first)| async move {
        let mut session = session?;
        if let Some(first) = first {
            return Some((first, (Some(session), None)));
        }
        Some(match session.next().await {
            Step::Say { topic, data } => (event(&topic, &data), (Some(session), None)),
            Step::Beat => (Bytes::from_static(b": still here\n\n"), (Some(session), None)),
            Step::End(ending) => (event("close", &reason(ending)), (None, None)),
        })
    });
    Body::pieces(StreamBody::new(futures_util::StreamExt::map(events, |event| Ok(Frame::data(event)))))
}

/// One event. JSON has no line ends outside of its texts, and none in them that are not escaped.
fn event(topic: &str, data: &str) -> Bytes {
    let topic = topic.replace(|character: char| character.is_control(), " ");
    Bytes::from(format!("event: {topic}\ndata: {data}\n\n"))
}

fn reason(ending: Ending) -> String {
    let text = match ending {
        Ending::Closed(reason) => reason,
        Ending::Alone => "the process has ended".to_owned(),
        Ending::Late => "the time is up".to_owned(),
        Ending::Stopping => "the server stops".to_owned(),
    };
    json::encode(&Value::from(text)).unwrap_or_default()
}
