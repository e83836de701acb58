//! Module `io`: the terminal of a process on a `terminal.host`.

use crate::bindings::{Answer, answer, io as wit};
use crate::{CallContext, streams};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Death, Module, Reservation, Ticket};
use perilune_process::{Attached, Target};
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "io",
    summary: "Reads and writes the terminal of a process.",
    classes: &[Class::Io],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes that are read at once.
const MOST: usize = 1 << 20;

/// The terminal of a cell. Only its process carries it: neither the calls that it makes nor those that it starts.
fn terminal(state: &CellState) -> wasmtime::Result<Result<Arc<Attached>, Failure>> {
    let missing = || {
        let message = "there is no terminal: only a process that runs on a `terminal.host` has one, as \
                       `perilune run COMMAND` starts it";
        Failure::new(Kind::Unavailable, message)
    };
    Ok(CallContext::of(state)?.attachment::<Attached>().ok_or_else(missing))
}

/// Ends the cell that goes on writing although nobody reads.
fn heard(terminal: &Attached) -> wasmtime::Result<()> {
    if !terminal.is_ignored() {
        return Ok(());
    }
    let reason = Failure::new(Kind::Canceled, "process ended: it went on writing to a terminal that is closed");
    Err(wasmtime::Error::new(Death::Killed(reason)))
}

type Piece = Option<(Vec<u8>, Reservation)>;

fn start_reading<F>(
    state: &mut CellState,
    read: impl FnOnce(Arc<Attached>) -> F + Send + 'static,
) -> wasmtime::Result<Ticket>
where
    F: Future<Output = Result<Option<Vec<u8>>, Failure>> + Send,
{
    let (terminal, held) = (terminal(state)?, state.held.clone());
    state.tickets.start::<Piece>(async move {
        let Some(piece) = read(terminal?).await? else { return Ok(None) };
        let reserved = held.reserve(piece.len()).ok_or_else(streams::too_much)?;
        Ok(Some((piece, reserved)))
    })
}

fn take_piece(state: &mut CellState, ticket: Ticket) -> Answer<Option<Vec<u8>>> {
    let taken = state.tickets.take::<Piece>(ticket)?;
    Ok(taken.map(|piece| piece.map(|(bytes, _)| bytes)).map_err(failure_to_wit))
}

fn target(to: wit::Target) -> Target {
    match to {
        wit::Target::Output => Target::Output,
        wit::Target::Errors => Target::Errors,
    }
}

impl wit::Host for CellState {
    fn offer(&mut self, to: wit::Target, data: Vec<u8>) -> Answer<bool> {
        answer(match terminal(self)? {
            Ok(terminal) => {
                heard(&terminal)?;
                terminal.offer(target(to), &data)
            }
            Err(missing) => Err(missing),
        })
    }

    fn start_write(&mut self, to: wit::Target, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        let (terminal, held) = (terminal(self)?, self.hold(data.len())?);
        self.tickets.start(async move {
            let _held = held;
            terminal?.write(target(to), &data).await
        })
    }

    fn take_write(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_flush(&mut self) -> wasmtime::Result<Ticket> {
        let terminal = terminal(self)?;
        if let Ok(terminal) = &terminal {
            heard(terminal)?;
        }
        self.tickets.start(async move { terminal?.flush().await })
    }

    fn take_flush(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_read(&mut self, most: u32) -> wasmtime::Result<Ticket> {
        let most = usize::try_from(most).map_or(MOST, |most| most.clamp(1, MOST));
        start_reading(self, move |terminal| async move { terminal.read(most).await })
    }

    fn take_read(&mut self, ticket: Ticket) -> Answer<Option<Vec<u8>>> {
        take_piece(self, ticket)
    }

    fn start_read_line(&mut self) -> wasmtime::Result<Ticket> {
        start_reading(self, |terminal| async move { terminal.read_line().await })
    }

    fn take_read_line(&mut self, ticket: Ticket) -> Answer<Option<Vec<u8>>> {
        take_piece(self, ticket)
    }

    fn args(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(terminal(self)?.map(|terminal| terminal.args().to_vec()).unwrap_or_default())
    }

    fn raw(&mut self, enable: bool) -> Answer<()> {
        answer(terminal(self)?.and_then(|terminal| terminal.raw(enable)))
    }
}
