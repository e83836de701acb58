//! One connection: encryption, protocol, and whatever ends it.

use crate::message::{self, Request, Response, Slot, refusal};
use crate::server::Server;
use crate::streams::{Stall, Streams};
use crate::watch::{End, Watch, Watched};
use crate::{incoming::RequestBody, serve};
use http::StatusCode;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Requests that one connection may have under way over HTTP/2.
const MOST_STREAMS: u32 = 128;

/// hyper takes no less: a smaller buffer could not hold one line of some proxies.
const LEAST_BUFFER: usize = 8 << 10;

/// What speaks HTTP/1.1 and HTTP/2, within the limits of a server.
pub(crate) fn protocol(max_header_bytes: usize, max_headers: usize, write: Duration) -> Builder<Streams> {
    let mut builder = Builder::new(Streams { patience: write });
    let mut http1 = builder.http1();
    // Timers are this crate's: hyper would make and drop one for every request.
    http1.max_buf_size(max_header_bytes.max(LEAST_BUFFER)).header_read_timeout(None);
    // Up to its default, hyper keeps them on the stack.
    if max_headers != 100 {
        http1.max_headers(max_headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(max_header_bytes).unwrap_or(u32::MAX))
        // A peer that vanished without a word would hold its requests for ever.
        .keep_alive_interval(Duration::from_secs(30));
    builder
}

/// Serves a connection to its end.
pub(crate) async fn run(server: Arc<Server>, stream: TcpStream, peer: SocketAddr, slot: Slot) {
    // Answers are written whole: waiting for more to send would only delay them.
    drop(stream.set_nodelay(true));
    let Some(tls) = server.tls.clone() else { return speak(server, stream, (peer, false), slot).await };
    match tokio::time::timeout(server.patience.header, tls.accept(stream)).await {
        Ok(Ok(stream)) => speak(server, stream, (peer, true), slot).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no encrypted connection"),
        Err(_) => tracing::debug!(%peer, "no encrypted connection in time"),
    }
}

async fn speak<S>(server: Arc<Server>, socket: S, (peer, is_secure): (SocketAddr, bool), slot: Slot)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let watch = Watch::new();
    let connection = Arc::new(message::Connection {
        peer,
        is_secure,
        closing: server.closing.clone(),
        tasks: server.tasks.clone(),
        _slot: slot,
    });
    let io = TokioIo::new(Watched::new(socket, watch.clone()));
    let service = service_fn(|request| {
        let (server, connection, watch) = (server.clone(), connection.clone(), watch.clone());
        async move { Ok::<_, Infallible>(respond(&server, connection, &watch, request).await) }
    });
    let mut served = pin!(server.protocol.serve_connection_with_upgrades(io, service));
    let mut closing = pin!(server.closing.cancelled());
    // Since when the connection is asked to end.
    let mut asked: Option<Instant> = None;
    let mut timer = pin!(sleep_until(Instant::now() + server.patience.header));
    poll_fn(|context| {
        loop {
            if let Poll::Ready(ended) = served.as_mut().poll(context) {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "a connection broke off");
                }
                return Poll::Ready(());
            }
            if asked.is_none() && closing.as_mut().poll(context).is_ready() {
                asked = Some(Instant::now());
                served.as_mut().graceful_shutdown();
                continue;
            }
            let deadline = match (watch.deadline(&server.patience), asked) {
                // Whoever does not end when asked to is cut off.
                (Some((_, End::Gently)), Some(asked)) => Some((asked + server.patience.header, End::Now)),
                (deadline, _) => deadline,
            };
            // A timer that is set too early fires, and is set anew.
            if let Some((at, _)) = deadline.filter(|(at, _)| *at < timer.deadline()) {
                timer.as_mut().reset(at);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            match deadline {
                Some((at, End::Now)) if at <= now => return Poll::Ready(()),
                Some((at, End::Gently)) if at <= now => {
                    asked = Some(now);
                    served.as_mut().graceful_shutdown();
                    timer.as_mut().reset(now + server.patience.header);
                }
                Some((at, _)) => timer.as_mut().reset(at),
                None => timer.as_mut().reset(now + server.patience.header),
            }
        }
    })
    .await;
}

async fn respond(
    server: &Server,
    connection: Arc<message::Connection>,
    watch: &Arc<Watch>,
    request: hyper::Request<Incoming>,
) -> Response {
    let authority = match server.security.authority() {
        Ok(authority) => authority,
        Err(failure) => {
            tracing::error!(error = %failure.message, "a request was refused: what its call would act with is gone");
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "service unavailable");
        }
    };
    let (head, body) = request.into_parts();
    let in_flight = watch.request(head.version == http::Version::HTTP_2);
    let request = Request {
        head,
        body: RequestBody::new(body, server.max_body, server.read_patience),
        client: connection.peer,
        authority,
        matched: None,
        route: None,
        connection,
    };
    let table = server.current.table(&server.surroundings);
    let response = serve::serve(&table, &server.surroundings, request).await;
    response.map(|body| body.counted(in_flight).watched(Stall::of_this_task()))
}
