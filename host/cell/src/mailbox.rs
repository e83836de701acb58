//! A bounded queue of messages and cancellations for a running cell.

use crate::{Event, Message};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Why a mailbox did not take an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// So many messages wait already.
    #[error("{0} messages wait already")]
    Full(usize),
    /// With this message, more than so many bytes would wait.
    #[error("more than {0} bytes of messages would wait")]
    TooLarge(usize),
    /// The cell has ended.
    #[error("it has ended")]
    Closed,
}

/// Puts events into a mailbox.
#[derive(Debug)]
pub struct Sender(Arc<Shared>);

/// Takes events out of a mailbox.
#[derive(Debug)]
pub struct Mailbox(Arc<Shared>);

/// Every call has a mailbox and few receive anything, so an unused one takes no memory but this.
#[derive(Debug)]
struct Shared {
    capacity: usize,
    most_bytes: usize,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    senders: usize,
    closed: bool,
}

/// A mailbox for so many events, and so many bytes of messages.
pub fn mailbox(capacity: usize, bytes: usize) -> (Sender, Mailbox) {
    let state = Mutex::new(State { senders: 1, ..State::default() });
    let shared = Arc::new(Shared { capacity, most_bytes: bytes, state, arrived: Notify::new() });
    (Sender(shared.clone()), Mailbox(shared))
}

/// Bytes that the host keeps for an event.
fn size(event: &Event) -> usize {
    match event {
        Event::Message(Message { topic, sender, payloads }) => topic.len() + sender.len() + payloads.len(),
        Event::Cancel(reason) => reason.len(),
        Event::Completed(_) => 0,
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Event> {
        let mut state = self.lock();
        let event = state.events.pop_front()?;
        state.bytes -= size(&event);
        Some(event)
    }
}

impl Sender {
    /// Puts an event at the end. Never waits.
    ///
    /// # Errors
    ///
    /// [`Refused`], and then nothing was put.
    pub fn deliver(&self, event: Event) -> Result<(), Refused> {
        let mut state = self.0.lock();
        let bytes = state.bytes.saturating_add(size(&event));
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.events.len() >= self.0.capacity {
            return Err(Refused::Full(self.0.capacity));
        }
        if bytes > self.0.most_bytes {
            return Err(Refused::TooLarge(self.0.most_bytes));
        }
        state.bytes = bytes;
        state.events.push_back(event);
        drop(state);
        self.0.arrived.notify_one();
        Ok(())
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Sender(self.0.clone())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.senders -= 1;
        let was_last = state.senders == 0;
        drop(state);
        if was_last {
            self.0.arrived.notify_one();
        }
    }
}

impl Mailbox {
    /// Waits for the next event; `None` when no sender is left. Cancel-safe.
    pub async fn receive(&mut self) -> Option<Event> {
        loop {
            let arrived = self.0.arrived.notified();
            if let Some(event) = self.0.take() {
                return Some(event);
            }
            if self.0.lock().senders == 0 {
                return None;
            }
            arrived.await;
        }
    }

    /// An event that is there already.
    pub(crate) fn receive_now(&mut self) -> Option<Event> {
        self.0.take()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let abandoned = std::mem::take(&mut state.events);
        drop(state);
        drop(abandoned);
    }
}
