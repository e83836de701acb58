//! Streams, as Lua sees them: the interface behind objects that other modules hand out.

use crate::bindings::{Answer, answer, streams as wit};
use futures_util::future::BoxFuture;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Reservation, Ticket};
use perilune_resource::stream::{Stream, Whence};
use perilune_value::Failure;
use std::any::Any;
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The interface; always there.
pub const MODULE: Module = Module {
    name: "streams",
    summary: "Reads and writes the streams that other modules hand out.",
    classes: &[Class::Io],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of a piece: what `read` brings at most at once.
pub const MOST: usize = 1 << 20;

/// What handles of streams stand for.
#[derive(Clone)]
pub struct Open(pub Arc<dyn Stream>);

/// Gives a stream to a cell.
///
/// # Errors
///
/// `RateLimited` when the cell has too much open.
pub fn open(state: &mut CellState, stream: Arc<dyn Stream>) -> Result<Handle, Failure> {
    state.handles.insert(Arc::new(Open(stream)))
}

/// The stream of a handle.
///
/// # Errors
///
/// `Invalid` when it is closed.
pub fn find(state: &CellState, handle: Handle) -> Result<Arc<dyn Stream>, Failure> {
    Ok(state.handles.get::<Open>(handle, "stream")?.0.clone())
}

/// The stream of a handle, for a module that handed it out and knows what it is: `what` names it, such as `file`.
///
/// # Errors
///
/// `Invalid` when it is closed, or another stream.
pub fn find_as<T: Stream>(state: &CellState, handle: Handle, what: &str) -> Result<Arc<T>, Failure> {
    let stream: Arc<dyn Any + Send + Sync> = state.handles.get::<Open>(handle, what)?.0.clone();
    stream.downcast().map_err(|_| Failure::invalid(format!("this stream is no {what}")))
}

type Piece = Option<(Vec<u8>, Reservation)>;

/// Starts an operation on the stream of a handle.
fn start<T: Send + 'static>(
    state: &mut CellState,
    handle: Handle,
    operation: impl FnOnce(Arc<dyn Stream>) -> BoxFuture<'static, Result<T, Failure>> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let stream = find(state, handle);
    state.tickets.start(async move { operation(stream?).await })
}

impl wit::Host for CellState {
    fn start_read(&mut self, stream: Handle, most: u64) -> wasmtime::Result<Ticket> {
        let most = usize::try_from(most).ok().filter(|most| (1..=MOST).contains(most)).unwrap_or(MOST);
        let held = self.held.clone();
        start::<Piece>(self, stream, move |stream| {
            Box::pin(async move {
                let Some(piece) = stream.read(most).await? else { return Ok(None) };
                let reserved = held.reserve(piece.len()).ok_or_else(too_much)?;
                Ok(Some((piece, reserved)))
            })
        })
    }

    fn take_read(&mut self, ticket: Ticket) -> Answer<Option<Vec<u8>>> {
        let taken = self.tickets.take::<Piece>(ticket)?;
        Ok(taken.map(|piece| piece.map(|(bytes, _)| bytes)).map_err(failure_to_wit))
    }

    fn start_write(&mut self, stream: Handle, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.hold(data.len())?;
        start(self, stream, move |stream| {
            Box::pin(async move {
                let _held = held;
                stream.write(data).await
            })
        })
    }

    fn take_write(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_seek(&mut self, stream: Handle, whence: wit::Whence, offset: i64) -> wasmtime::Result<Ticket> {
        let whence = match whence {
            wit::Whence::Set => Whence::Set,
            wit::Whence::Current => Whence::Current,
            wit::Whence::End => Whence::End,
        };
        start(self, stream, move |stream| stream.seek(whence, offset))
    }

    fn take_seek(&mut self, ticket: Ticket) -> Answer<u64> {
        Ok(self.tickets.take::<u64>(ticket)?.map_err(failure_to_wit))
    }

    fn start_flush(&mut self, stream: Handle) -> wasmtime::Result<Ticket> {
        start(self, stream, |stream| stream.flush())
    }

    fn take_flush(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_close(&mut self, stream: Handle) -> wasmtime::Result<Ticket> {
        let open = find(self, stream);
        self.handles.remove(stream);
        self.tickets.start(async move {
            match open {
                Ok(stream) => stream.close().await,
                // Closing twice is no mistake.
                Err(_) => Ok(()),
            }
        })
    }

    fn take_close(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn stat(&mut self, stream: Handle) -> Answer<wit::Info> {
        answer(find(self, stream).map(|stream| {
            let stat = stream.stat();
            wit::Info {
                size: stat.size,
                position: stat.position,
                readable: stat.readable,
                writable: stat.writable,
                seekable: stat.seekable,
            }
        }))
    }
}

/// The failure of keeping more for a cell than it may.
pub(crate) fn too_much() -> Failure {
    Failure::new(perilune_value::Kind::RateLimited, "what the cell has read but not taken exceeds its `limits.memory`")
        .with_detail("limit", "memory")
}
