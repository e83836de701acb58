//! Operations under way: what `start-…` functions note and `take-…` functions collect.

use crate::limits::{Death, Limit};
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, abortable};
use futures_util::stream::{FuturesUnordered, StreamExt};
use perilune_value::Failure;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use tokio::task::coop::unconstrained;

/// Names an operation within one cell.
pub type Ticket = u64;

/// A script that starts operations in a loop must not fill the host's memory. Real programs have a few dozen under way.
const MOST: usize = 10_000;

type Outcome = Box<dyn Any + Send>;

/// In place of an outcome: what the operation's panic said.
struct Panicked(String);

/// `None` for an operation that was given up; else its outcome, if it has one.
type Ended = (Ticket, Option<Option<Outcome>>);

/// The operations of one cell. Dropping it drops them all.
#[derive(Default)]
pub struct Tickets {
    last: Ticket,
    running: FuturesUnordered<BoxFuture<'static, Ended>>,
    aborts: HashMap<Ticket, AbortHandle>,
    outcomes: HashMap<Ticket, Outcome>,
    /// Those under way that the host computes: they end by themselves, whatever happens outside.
    computations: HashSet<Ticket>,
}

impl Tickets {
    /// Starts an operation whose outcome `take` collects later. A panic in it ends the cell then.
    ///
    /// # Errors
    ///
    /// Traps the cell when too many are under way.
    pub fn start<T: Send + 'static>(
        &mut self,
        operation: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> wasmtime::Result<Ticket> {
        let guarded = AssertUnwindSafe(operation).catch_unwind();
        let (ticket, operation) = self.register(guarded)?;
        let boxed = |caught: std::thread::Result<Result<T, Failure>>| {
            Some(match caught {
                Ok(outcome) => Box::new(outcome) as Outcome,
                Err(panic) => Box::new(Panicked(panic_text(&*panic))),
            })
        };
        self.running.push(operation.map(move |ended| (ticket, ended.ok().map(boxed))).boxed());
        Ok(ticket)
    }

    /// As [`Tickets::start`], for what depends on nothing but what it is given.
    ///
    /// # Errors
    ///
    /// As [`Tickets::start`].
    pub fn start_computation<T: Send + 'static>(
        &mut self,
        operation: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> wasmtime::Result<Ticket> {
        let ticket = self.start(operation)?;
        self.computations.insert(ticket);
        Ok(ticket)
    }

    /// Starts an operation whose completion is all there is to know: no `take` follows.
    ///
    /// # Errors
    ///
    /// As [`Tickets::start`].
    pub fn start_signal(
        &mut self,
        operation: impl Future<Output = ()> + Send + 'static,
    ) -> wasmtime::Result<Ticket> {
        let (ticket, operation) = self.register(operation)?;
        self.running.push(operation.map(move |ended| (ticket, ended.ok().map(|()| None))).boxed());
        Ok(ticket)
    }

    fn register<F: Future>(&mut self, operation: F) -> wasmtime::Result<(Ticket, Abortable<F>)> {
        if self.aborts.len() + self.outcomes.len() >= MOST {
            return Err(wasmtime::Error::new(Death::Limit(Limit::Tickets(MOST))));
        }
        self.last += 1;
        let (operation, abort) = abortable(operation);
        self.aborts.insert(self.last, abort);
        Ok((self.last, operation))
    }

    /// The outcome of a completed operation, once.
    ///
    /// # Errors
    ///
    /// Traps the cell when the operation panicked, and when the ticket has not completed or is of another operation: only a
    /// broken guest does that.
    pub fn take<T: 'static>(&mut self, ticket: Ticket) -> wasmtime::Result<Result<T, Failure>> {
        let unknown = || wasmtime::Error::new(Death::Trap(format!("ticket {ticket} holds no such outcome")));
        let outcome = self.outcomes.remove(&ticket).ok_or_else(unknown)?;
        if let Some(Panicked(text)) = outcome.downcast_ref() {
            return Err(wasmtime::Error::new(Death::Panic(text.clone())));
        }
        outcome.downcast().map(|outcome| *outcome).map_err(|_| unknown())
    }

    /// Gives an operation up. False when it is not under way.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        self.outcomes.remove(&ticket);
        self.computations.remove(&ticket);
        match self.aborts.remove(&ticket) {
            Some(abort) => {
                abort.abort();
                true
            }
            None => false,
        }
    }

    /// Whether operations are under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.aborts.is_empty()
    }

    /// Whether nothing is under way and no outcome waits to be taken.
    pub(crate) fn is_unused(&self) -> bool {
        self.aborts.is_empty() && self.outcomes.is_empty()
    }

    /// The last ticket that was given out.
    pub(crate) fn last(&self) -> Ticket {
        self.last
    }

    /// No operations, and tickets that follow `last`: what the guest still knows of earlier ones must name nothing else.
    pub(crate) fn following(last: Ticket) -> Self {
        Tickets { last, ..Tickets::default() }
    }

    /// Forgets everything, for the next run of the same cell.
    pub(crate) fn clear(&mut self) {
        if !self.running.is_empty() {
            self.running = FuturesUnordered::new();
        }
        self.aborts.clear();
        self.outcomes.clear();
        self.computations.clear();
    }

    /// Waits for the next completion. Pending for ever when nothing is under way. Cancel-safe.
    pub(crate) async fn completed(&mut self) -> Ticket {
        loop {
            match self.running.next().await {
                Some(ended) => {
                    if let Some(ticket) = self.keep(ended) {
                        return ticket;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// A completion that is there already. That its task has done much since it gave way to others does not hide one: a workflow that
    /// runs its history again would take it for the end of what it can do.
    pub(crate) fn completed_now(&mut self) -> Option<Ticket> {
        while let Some(Some(ended)) = unconstrained(self.running.next()).now_or_never() {
            if let Some(ticket) = self.keep(ended) {
                return Some(ticket);
            }
        }
        None
    }

    /// The next completion, as far as it takes nothing from outside: one that is there, or one that the host computes. `None` when
    /// there is neither. Cancel-safe.
    pub(crate) async fn completed_here(&mut self) -> Option<Ticket> {
        match self.completed_now() {
            Some(ticket) => Some(ticket),
            None if self.computations.is_empty() => None,
            None => Some(self.completed().await),
        }
    }

    fn keep(&mut self, (ticket, ended): Ended) -> Option<Ticket> {
        self.computations.remove(&ticket);
        self.aborts.remove(&ticket)?;
        if let Some(outcome) = ended? {
            self.outcomes.insert(ticket, outcome);
        }
        Some(ticket)
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
