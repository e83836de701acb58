//! Module `websocket`: the client's side of WebSockets.
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | what Lua says about a connection |
//! | `socket.rs` | a connection |

mod options;
mod socket;

use crate::bindings::{Answer, answer, websocket as wit};
use crate::network::{Access, apart, too_much};
use options::Settings;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Reservation, Ticket};
use perilune_value::Failure;
use socket::Socket;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "websocket",
    summary: "Talks to WebSocket servers that the host allows.",
    classes: &[Class::Network, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of the reason that a connection is closed with: they share a frame of 125 bytes with the code.
const MOST_REASON: usize = 123;

/// The connection of a handle.
fn find(state: &CellState, socket: Handle) -> Result<Arc<Socket>, Failure> {
    state.handles.get(socket, "websocket")
}


type Received = Option<(wit::Message, Reservation)>;

impl wit::Host for CellState {
    fn start_connect(&mut self, url: String, options: Vec<u8>) -> wasmtime::Result<Ticket> {
        let access = Access::of(self)?;
        let held = self.held.clone();
        let settings = Settings::read(&url, &options);
        self.tickets.start::<Arc<Socket>>(async move {
            let (access, settings) = (access?, settings?);
            access.context().check("websocket.connect", "")?;
            access.context().check("websocket.connect.url", settings.url.as_str())?;
            let room = held.reserve(settings.read_limit).ok_or_else(|| {
                let message = format!(
                    "a message of {} bytes does not fit what the cell may still hold; lower `read_limit`, or raise the entry's \
                     `limits.memory`",
                    settings.read_limit
                );
                Failure { message, ..too_much() }
            })?;
            apart(socket::connect(access, settings, room)).await
        })
    }

    fn take_connect(&mut self, ticket: Ticket) -> Answer<Handle> {
        let taken = self.tickets.take::<Arc<Socket>>(ticket)?;
        answer(taken.and_then(|socket| self.handles.insert(socket)))
    }

    fn start_send(&mut self, socket: Handle, kind: wit::Frame, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.hold(data.len())?;
        let socket = find(self, socket);
        self.tickets.start(async move {
            let _held = held;
            let socket = socket?;
            let message = match kind {
                wit::Frame::Binary => Message::Binary(data.into()),
                wit::Frame::Ping => Message::Ping(data.into()),
                wit::Frame::Text => Message::Text(Utf8Bytes::try_from(Bytes::from(data)).map_err(|_| {
                    Failure::invalid("a text message is UTF-8; send other bytes as websocket.BINARY")
                })?),
            };
            // Not apart: sends that were started one after the other arrive in that order.
            socket.send(message).await
        })
    }

    fn take_send(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_receive(&mut self, socket: Handle) -> wasmtime::Result<Ticket> {
        let socket = find(self, socket);
        let held = self.held.clone();
        self.tickets.start::<Received>(async move {
            let socket = socket?;
            let Some((kind, data)) = socket.receive().await? else { return Ok(None) };
            let reserved = held.reserve(data.len()).ok_or_else(too_much)?;
            Ok(Some((wit::Message { kind, data }, reserved)))
        })
    }

    fn take_receive(&mut self, ticket: Ticket) -> Answer<Option<wit::Message>> {
        let taken = self.tickets.take::<Received>(ticket)?;
        Ok(taken.map(|received| received.map(|(message, _)| message)).map_err(failure_to_wit))
    }

    fn start_close(&mut self, socket: Handle, code: u16, reason: String) -> wasmtime::Result<Ticket> {
        let checked = if !CloseCode::from(code).is_allowed() {
            Err(Failure::invalid(format!("{code} is not sent as a close code; use 1000, or one from 3000 to 4999")))
        } else if reason.len() > MOST_REASON {
            Err(Failure::invalid(format!("the reason is longer than {MOST_REASON} bytes")))
        } else {
            Ok(find(self, socket))
        };
        if checked.is_ok() {
            self.handles.remove(socket);
        }
        self.tickets.start(async move {
            match checked? {
                Ok(socket) => apart(async move { socket.close(code, reason).await }).await,
                // Closing twice is no mistake.
                Err(_) => Ok(()),
            }
        })
    }

    fn take_close(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }
}
