//! The callers that wait, first come, first served.

use std::collections::BTreeMap;
use std::task::Waker;
use tokio::time::Instant;

/// Who waits. A caller that is no longer in here has been given its place.
///
/// An ordered map, so that one who gives up leaves at once, from wherever it stands.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<u64, Waiter>,
    next: u64,
}

#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) since: Instant,
    waker: Waker,
}

impl Waiter {
    pub(crate) fn into_waker(self) -> Waker {
        self.waker
    }
}

impl Queue {
    /// How far ahead a caller that gives up is told to have looked: counting goes one by one, under the pool's lock.
    const COUNTED: usize = 1_000;

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits at the end; the waker is set by the first poll.
    pub(crate) fn join(&mut self, since: Instant) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert(ticket, Waiter { since, waker: Waker::noop().clone() });
        ticket
    }

    /// Whether the ticket still waits; it is then woken through `waker`.
    pub(crate) fn poll(&mut self, ticket: u64, waker: &Waker) -> bool {
        match self.waiting.get_mut(&ticket) {
            Some(waiter) => {
                waiter.waker.clone_from(waker);
                true
            }
            None => false,
        }
    }

    /// Takes the one that has waited longest.
    pub(crate) fn pop(&mut self) -> Option<Waiter> {
        self.waiting.pop_first().map(|(_, waiter)| waiter)
    }

    /// When the one that has waited longest began to.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(_, waiter)| waiter.since)
    }

    /// How many stand before a ticket, and whether there are more than were counted.
    pub(crate) fn ahead(&self, ticket: u64) -> (usize, bool) {
        let ahead = self.waiting.range(..ticket).take(Self::COUNTED + 1).count();
        (ahead.min(Self::COUNTED), ahead > Self::COUNTED)
    }

    /// Leaves; `None` when the ticket waits no longer.
    pub(crate) fn leave(&mut self, ticket: u64) -> Option<Waiter> {
        self.waiting.remove(&ticket)
    }
}
