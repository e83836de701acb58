//! Clients that talk over WebSockets.

use super::session::{Ending, Rights, Session, Step};
use super::{ORIGINS, Origins, Words, begin};
use crate::message::{Request, Response, empty, refusal};
use crate::middleware::{Middleware, MiddlewareKind, Next, Stage};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, SET_COOKIE, UPGRADE,
};
use http::{Method, StatusCode, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use perilune_value::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Bytes of a message of a client.
const MOST_MESSAGE: usize = 1 << 20;

/// Bytes of a connection's buffers, which it has as long as it lasts.
const BUFFER: usize = 4 << 10;

/// How long a client may take to switch protocols, and to say goodbye.
const SWITCHING: Duration = Duration::from_secs(10);
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a client may take to take a message.
const TAKING: Duration = Duration::from_secs(60);

/// Bytes of the reason that a connection is closed with: they share a frame of 125 bytes with the code.
const MOST_REASON: usize = 123;

static WORDS: Words = Words {
    header: HeaderName::from_static("x-ws-relay"),
    host: "websocket",
    topic: "ws.message",
    join: "ws.join",
    leave: "ws.leave",
    heartbeat: "ws.heartbeat",
    close: "ws.close",
    control: "ws.control",
    may_be_detached: false,
};

pub(in super::super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "websocket_relay",
    prefix: "wsrelay",
    doc: "Connects a client's WebSocket with a process, where a handler sets `X-WS-Relay`",
    stage: Stage::After,
    options: ORIGINS,
    make: |options| Ok(Arc::new(WebSocketRelay { origins: Origins::new(options) })),
};

struct WebSocketRelay {
    origins: Origins,
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

impl Middleware for WebSocketRelay {
    fn handle<'a>(&'a self, mut request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            let key = asks_for_websocket(&request);
            if key.is_some() && !self.origins.admit(&request.head.headers) {
                return refusal(StatusCode::FORBIDDEN, "pages of this origin may not connect");
            }
            let upgrade = request.head.extensions.remove::<OnUpgrade>();
            let connection = request.connection.clone();
            let rights =
                Rights { authority: request.authority.clone(), host: next.resources().host().clone() };
            let mut response = next.run(request).await;
            let Some((key, upgrade)) = key.zip(upgrade) else { return without(response) };
            let session = match begin(&WORDS, &mut response, rights, &connection.closing) {
                None => return response,
                Some(Err(refused)) => return refused,
                Some(Ok(session)) => session,
            };
            // The connection's place among the server's lasts as long as the task.
            let place = connection.clone();
            connection.tasks.spawn(async move {
                let _place = place;
                if let Ok(Ok(upgraded)) = timeout(SWITCHING, upgrade).await {
                    talk(upgraded, session).await;
                }
            });
            switched(&key, response.headers())
        }
        .boxed()
    }
}

/// The key of a request that asks to switch to WebSockets.
fn asks_for_websocket(request: &Request) -> Option<HeaderValue> {
    let headers = &request.head.headers;
    let has = |name: HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
    };
    let is_asked = request.head.method == Method::GET
        && request.head.version == Version::HTTP_11
        && has(CONNECTION, "upgrade")
        && has(UPGRADE, "websocket")
        && has(SEC_WEBSOCKET_VERSION, "13");
    headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_asked).cloned()
}

/// What somebody gets who asked in another way.
fn without(mut response: Response) -> Response {
    if response.headers_mut().remove(&WORDS.header).is_none() || !response.status().is_success() {
        return response;
    }
    let mut refused = refusal(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket");
    refused.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    refused
}

fn switched(key: &HeaderValue, given: &HeaderMap) -> Response {
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accepted) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accepted);
    }
    for name in [SEC_WEBSOCKET_PROTOCOL, SET_COOKIE] {
        for value in given.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    response
}

async fn talk(upgraded: Upgraded, session: Session) {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(MOST_MESSAGE))
        .max_frame_size(Some(MOST_MESSAGE));
    let mut socket = Socket::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let Some(ending) = converse(&mut socket, session).await else { return };
    let parting = async {
        if say(&mut socket, Message::Close(Some(goodbye(ending)))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // A client that does not answer is left without.
    drop(timeout(GOODBYE, parting).await);
}

/// Goes on until one side ends it; `None` when the client has.
async fn converse(socket: &mut Socket, mut session: Session) -> Option<Ending> {
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            step = session.next() => match step {
                Step::Say { topic, data } => {
                    let topic = json::encode(&Value::from(topic)).unwrap_or_default();
                    let text = format!("{{\"topic\":{topic},\"data\":{data}}}");
                    say(socket, Message::text(text)).await.ok()?;
                }
                Step::Beat => {
                    // It has not even answered the pings.
                    if heard.elapsed() > 3 * session.terms().heartbeat {
                        return None;
                    }
                    say(socket, Message::Ping(Bytes::new())).await.ok()?;
                }
                Step::End(ending) => return Some(ending),
            },
            message = socket.next() => {
                heard = Instant::now();
                let data = match message? {
                    Ok(Message::Text(text)) => Bytes::from(text).into(),
                    Ok(Message::Binary(data)) => data.into(),
                    // The answers are kept until they are taken, however many: nothing more is read before.
                    Ok(Message::Ping(_)) => {
                        timeout(TAKING, socket.flush()).await.ok()?.ok()?;
                        continue;
                    }
                    Ok(_) => continue,
                    Err(_) => return None,
                };
                if let Err(ending) = session.forward(data).await {
                    return Some(ending);
                }
            }
        }
    }
}

async fn say(socket: &mut Socket, message: Message) -> Result<(), ()> {
    timeout(TAKING, socket.send(message)).await.map_err(drop)?.map_err(drop)
}

fn goodbye(ending: Ending) -> CloseFrame {
    let (code, reason) = match ending {
        Ending::Closed(reason) => (CloseCode::Normal, reason),
        Ending::Alone => (CloseCode::Normal, "the process has ended".to_owned()),
        Ending::Late => (CloseCode::Normal, "the time is up".to_owned()),
        Ending::Stopping => (CloseCode::Away, "the server stops".to_owned()),
    };
    let end =
        (0..=MOST_REASON.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    CloseFrame { code, reason: reason[..end].into() }
}
