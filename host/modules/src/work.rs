//! Work of modules on other threads: arguments and results that wait there are counted.

use crate::bindings::Answer;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Reservation, Ticket};
use perilune_value::{Failure, Kind};

/// A result until the cell takes it.
type Waiting<T> = (T, Reservation);

/// Starts a job that computes. `bytes` are those of its arguments, `size` those of its result.
pub(crate) fn start<T: Send + 'static>(
    state: &mut CellState,
    bytes: usize,
    size: impl FnOnce(&T) -> usize + Send + 'static,
    job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let arguments = state.hold(bytes)?;
    let held = state.held.clone();
    let work = state.work.clone();
    state.tickets.start::<Waiting<T>>(work.run(move || {
        let done = job()?;
        drop(arguments);
        let reserved = held.reserve(size(&done)).ok_or_else(|| {
            let message = "results that wait for the cell exceed its `limits.memory`";
            Failure::new(Kind::RateLimited, message).with_detail("limit", "memory")
        })?;
        Ok((done, reserved))
    }))
}

/// What a job came to.
pub(crate) fn take<T: 'static>(state: &mut CellState, ticket: Ticket) -> Answer<T> {
    Ok(state.tickets.take::<Waiting<T>>(ticket)?.map(|(done, _)| done).map_err(failure_to_wit))
}

/// Bytes of a list of texts.
pub(crate) fn texts(list: &[String]) -> usize {
    list.iter().map(|text| text.len() + size_of::<String>()).sum()
}
