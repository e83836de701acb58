//! A bounded queue of messages and cancellations for a running cell.

use crate::held::{Held, Reservation};
use crate::{Event, Message};
use std::sync::Arc;
use tokio::sync::mpsc;

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
#[derive(Clone, Debug)]
pub struct Sender {
    queue: mpsc::Sender<Envelope>,
    held: Arc<Held>,
    bytes: usize,
}

/// Takes events out of a mailbox.
#[derive(Debug)]
pub struct Mailbox {
    queue: mpsc::Receiver<Envelope>,
}

#[derive(Debug)]
struct Envelope {
    event: Event,
    _held: Reservation,
}

/// A mailbox for so many events, and so many bytes of messages.
pub fn mailbox(capacity: usize, bytes: usize) -> (Sender, Mailbox) {
    let (sender, receiver) = mpsc::channel(capacity);
    (Sender { queue: sender, held: Held::new(bytes), bytes }, Mailbox { queue: receiver })
}

impl Sender {
    /// Puts an event at the end. Never waits.
    ///
    /// # Errors
    ///
    /// [`Refused`], and then nothing was put.
    pub fn deliver(&self, event: Event) -> Result<(), Refused> {
        let size = match &event {
            Event::Message(Message { topic, sender, payloads }) => {
                topic.len() + sender.len() + payloads.len()
            }
            Event::Cancel(reason) => reason.len(),
            Event::Completed(_) => 0,
        };
        let held = self.held.reserve(size).ok_or(Refused::TooLarge(self.bytes))?;
        self.queue.try_send(Envelope { event, _held: held }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Full(self.queue.max_capacity()),
            mpsc::error::TrySendError::Closed(_) => Refused::Closed,
        })
    }
}

impl Mailbox {
    /// Waits for the next event; `None` when no sender is left. Cancel-safe.
    pub(crate) async fn receive(&mut self) -> Option<Event> {
        self.queue.recv().await.map(|envelope| envelope.event)
    }

    /// An event that is there already.
    pub(crate) fn receive_now(&mut self) -> Option<Event> {
        self.queue.try_recv().ok().map(|envelope| envelope.event)
    }
}
