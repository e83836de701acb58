//! A bounded row of messages.
//!
//! ```text
//! push --> ready --pop--> in hand --remove--> gone
//!            ^               |
//!            |           put_back
//!            +-- due --- later
//! ```
//!
//! A message keeps its place: one that was put back stands, once it is due, before those that were published after it. Whatever
//! its state, it counts until it is removed, so there is always room to put it back.

use crate::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

/// How much a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// Why a row does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is larger than the whole row may be.
    TooLarge,
    /// There is no room now.
    Full,
}

/// A message in somebody's hands.
#[derive(Debug)]
pub(crate) struct Held {
    place: u64,
    pub(crate) message: Arc<Message>,
    /// Deliveries that were tried and failed.
    pub(crate) attempts: u32,
    /// How often it was put back, for whatever reason.
    pub(crate) returns: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Fifo {
    ready: BTreeMap<u64, Held>,
    later: BTreeMap<(Instant, u64), Held>,
    messages: usize,
    bytes: usize,
    last: u64,
}

impl Fifo {
    /// Messages in whatever state.
    pub(crate) fn len(&self) -> usize {
        self.messages
    }

    /// Whether not even an empty message would be taken.
    pub(crate) fn is_full(&self, limits: Limits) -> bool {
        self.messages >= limits.messages || self.bytes >= limits.bytes
    }

    pub(crate) fn push(&mut self, message: Arc<Message>, limits: Limits) -> Result<(), Refused> {
        let size = message.size();
        if size > limits.bytes {
            return Err(Refused::TooLarge);
        }
        if self.messages >= limits.messages || self.bytes.saturating_add(size) > limits.bytes {
            return Err(Refused::Full);
        }
        self.messages += 1;
        self.bytes += size;
        self.last += 1;
        self.ready.insert(self.last, Held { place: self.last, message, attempts: 0, returns: 0 });
        Ok(())
    }

    /// The first message that is ready.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Held> {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now
        {
            let held = first.remove();
            self.ready.insert(held.place, held);
        }
        self.ready.pop_first().map(|(_, held)| held)
    }

    /// When the next message that was put back is ready.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((due, _), _)| *due)
    }

    /// Puts a message back until a moment.
    pub(crate) fn put_back(&mut self, held: Held, due: Instant) {
        self.later.insert((due, held.place), held);
    }

    /// Forgets a message that was popped.
    pub(crate) fn remove(&mut self, held: &Held) {
        self.messages -= 1;
        self.bytes -= held.message.size();
    }
}
