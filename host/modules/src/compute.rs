//! Work that computes for long: off the cell's thread, one piece at a time for each cell, as many at a time as the machine has
//! cores, and given up when the call ends.
//!
//! What takes a few milliseconds at the most needs none of this and is done where it is asked for.

use crate::CallContext;
use perilune_cell::{CellState, Held, Reservation, Ticket};
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// Bytes that a module works on where it is asked to; more of them are worked on here. At 20 MB/s, which the slowest formats reach, they take
/// three milliseconds.
pub(crate) const QUICK: usize = 64 << 10;

/// Whether the work is still wanted. Whoever computes in a loop asks again and again.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Lets work go on, or fails when the call has ended.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::Relaxed) { Err(ended()) } else { Ok(()) }
    }
}

/// Ends the work when the operation is dropped: with its call, or because the script gave it up.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// The host's places for work.
struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Places(Arc::new(Semaphore::new(
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        )))
    }
}

/// Starts work that has been given `bytes` bytes.
///
/// # Errors
///
/// Traps the cell when these are more than its memory limit.
pub(crate) fn start<T: Send + 'static>(
    state: &mut CellState,
    bytes: usize,
    work: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let held = state.hold(bytes)?;
    let (turn, places) =
        (state.computing.clone(), CallContext::of(state)?.shared().get::<Places>().0.clone());
    state.tickets.start_computation(async move {
        // The cell's own turn first: who waits for it takes no place from others.
        let turn = turn.acquire_owned().await.map_err(|_| ended())?;
        let place = places.acquire_owned().await.map_err(|_| ended())?;
        let stop = StopOnDrop(Stop::default());
        let watched = stop.0.clone();
        let job = tokio::task::spawn_blocking(move || {
            let result = watched.check().and_then(|()| work(&watched));
            // Places are free when the work is over, not when somebody stops waiting for it.
            drop((turn, place, held));
            result
        });
        match job.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(ended()),
        }
    })
}

/// A result that waits for its cell, counted against its memory.
pub(crate) type Kept<T = Vec<u8>> = (T, Reservation);

/// Starts work whose result takes `size` bytes.
///
/// # Errors
///
/// As [`start`].
pub(crate) fn start_sized<T: Send + 'static>(
    state: &mut CellState,
    bytes: usize,
    size: impl FnOnce(&T) -> usize + Send + 'static,
    work: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let held = state.held.clone();
    start(state, bytes, move |stop| {
        let result = work(stop)?;
        let reserved = held.reserve(size(&result)).ok_or_else(no_memory)?;
        Ok::<Kept<T>, Failure>((result, reserved))
    })
}

/// The outcome of [`start_sized`].
///
/// # Errors
///
/// As [`Tickets::take`](perilune_cell::Tickets::take).
pub(crate) fn take_sized<T: 'static>(
    state: &mut CellState,
    ticket: Ticket,
) -> wasmtime::Result<Result<T, Failure>> {
    Ok(state.tickets.take::<Kept<T>>(ticket)?.map(|(result, _)| result))
}

/// Starts work whose result is bytes.
///
/// # Errors
///
/// As [`start`].
pub(crate) fn start_bytes(
    state: &mut CellState,
    bytes: usize,
    work: impl FnOnce(&Stop) -> Result<Vec<u8>, Failure> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let held = state.held.clone();
    start(state, bytes, move |stop| keep(&held, work(stop)?))
}

/// The outcome of [`start_bytes`].
///
/// # Errors
///
/// As [`Tickets::take`](perilune_cell::Tickets::take).
pub(crate) fn take_bytes(
    state: &mut CellState,
    ticket: Ticket,
) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
    Ok(state.tickets.take::<Kept>(ticket)?.map(|(bytes, _)| bytes))
}

fn keep(held: &Arc<Held>, bytes: Vec<u8>) -> Result<Kept, Failure> {
    let reserved = held.reserve(bytes.len()).ok_or_else(no_memory)?;
    Ok((bytes, reserved))
}

/// What is computed for a cell takes more than its memory.
pub(crate) fn no_memory() -> Failure {
    let message = "the result takes more memory than the entry's `limits.memory` allows";
    Failure::new(Kind::RateLimited, message).with_detail("limit", "memory")
}

fn ended() -> Failure {
    Failure::new(Kind::Canceled, "the call has ended")
}
