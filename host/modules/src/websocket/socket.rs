//! A connection.

use super::options::Settings;
use crate::bindings::websocket::Frame;
use crate::network::dial::{self, Connection};
use crate::network::{Access, broken};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use perilune_cell::Reservation;
use perilune_network::Target;
use perilune_value::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Bytes of a connection's buffers, which it has as long as it lasts.
const BUFFER: usize = 8 << 10;

/// Pings that may come until their answers must have been taken: they are kept until then, however many.
const MOST_PINGS: u32 = 64;

type Whole = WebSocketStream<Box<dyn Connection>>;

/// A connection. Reading and writing do not wait for each other.
pub(super) struct Socket {
    reader: Mutex<SplitStream<Whole>>,
    writer: Mutex<SplitSink<Whole, Message>>,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    /// Room for the message that is being read.
    _room: Reservation,
    _place: OwnedSemaphorePermit,
}

/// Connects, and shakes hands. Redirects are not followed.
///
/// # Errors
///
/// `PermissionDenied` for what the entry may not reach, `Internal` for all that goes wrong on the way.
pub(super) async fn connect(access: Access, settings: Settings, room: Reservation) -> Result<Arc<Socket>, Failure> {
    let Settings { url, headers, dial_timeout, read_timeout, write_timeout, read_limit } = settings;
    let late = broken(format!("{url}: no WebSocket within {dial_timeout:?}"));
    let connecting = async {
        let place = access.connection().await;
        let target = Target::of(&url).ok_or_else(|| Failure::invalid(format!("`{url}` has no host")))?;
        let route = access.route(&target, None).await?;
        let connection = dial::connect(&target, &route, url.scheme() == "wss").await?;
        let request = url.as_str().into_client_request();
        let mut request = request.map_err(|error| Failure::invalid(format!("`{url}` cannot be asked for: {error}")))?;
        request.headers_mut().extend(headers);
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(read_limit))
            .max_frame_size(Some(read_limit));
        let shaken = client_async_with_config(request, connection, Some(config)).await;
        let (whole, _) = shaken.map_err(|error| refused(url.as_str(), &error))?;
        let (writer, reader) = whole.split();
        Ok(Arc::new(Socket {
            reader: Mutex::new(reader),
            writer: Mutex::new(writer),
            read_timeout,
            write_timeout,
            _room: room,
            _place: place,
        }))
    };
    tokio::time::timeout(dial_timeout, connecting).await.unwrap_or(Err(late))
}

impl Socket {
    /// Sends a message once those before it are sent.
    pub(super) async fn send(&self, message: Message) -> Result<(), Failure> {
        let sending = async {
            let mut writer = self.writer.lock().await;
            writer.send(message).await.map_err(|error| failed("send", &error))
        };
        within(self.write_timeout, "the server did not take the message", sending).await
    }

    /// The next text or bytes; `None` when the connection has been closed. Pings are answered meanwhile.
    pub(super) async fn receive(&self) -> Result<Option<(Frame, Vec<u8>)>, Failure> {
        let receiving = async {
            let mut reader = self.reader.lock().await;
            let mut pings = 0_u32;
            loop {
                match reader.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(Some((Frame::Text, Bytes::from(text).into()))),
                    Some(Ok(Message::Binary(data))) => return Ok(Some((Frame::Binary, data.into()))),
                    Some(Ok(Message::Ping(_))) => {
                        pings += 1;
                        if pings.is_multiple_of(MOST_PINGS) {
                            let flushed = self.writer.lock().await.flush().await;
                            flushed.map_err(|error| failed("receive", &error))?;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(failed("receive", &error)),
                    None => return Ok(None),
                }
            }
        };
        within(self.read_timeout, "nothing came", receiving).await
    }

    /// Says goodbye and waits a moment for the answer, so that what was sent before arrives.
    pub(super) async fn close(&self, code: u16, reason: String) -> Result<(), Failure> {
        let parting = async {
            let goodbye = CloseFrame { code: code.into(), reason: reason.into() };
            let mut writer = self.writer.lock().await;
            if writer.send(Message::Close(Some(goodbye))).await.is_err() {
                // Gone already.
                return;
            }
            drop(writer);
            let mut reader = self.reader.lock().await;
            while let Some(Ok(_)) = reader.next().await {}
        };
        // A server that does not answer is left without.
        let _ = tokio::time::timeout(GOODBYE, parting).await;
        Ok(())
    }
}

async fn within<T>(
    limit: Option<Duration>,
    late: &str,
    operation: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(limit) = limit else { return operation.await };
    let ended = tokio::time::timeout(limit, operation).await;
    ended.unwrap_or_else(|_| Err(broken(format!("websocket: {late} within {limit:?}"))))
}

fn refused(url: &str, error: &Error) -> Failure {
    match error {
        Error::Http(response) => broken(format!("{url} answered {} instead of a WebSocket", response.status())),
        other => broken(format!("{url}: no WebSocket: {other}")),
    }
}

fn failed(what: &str, error: &Error) -> Failure {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Failure::invalid("this websocket is closed"),
        Error::Capacity(error) => Failure::internal(format!("websocket: cannot {what}: {error}; see `read_limit`")),
        other => broken(format!("websocket: cannot {what}: {other}")),
    }
}
