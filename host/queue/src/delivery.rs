//! One message in somebody's hands.

use crate::fifo::Held;
use crate::{Message, Queue};
use perilune_value::{Failure, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// A message that was taken off a queue. It is settled once; dropped before, it goes back.
pub struct Delivery {
    queue: Arc<Queue>,
    message: Arc<Message>,
    attempts: u32,
    /// Taken by whoever settles it.
    held: Mutex<Option<Held>>,
}

impl Delivery {
    pub(crate) fn new(queue: Arc<Queue>, held: Held) -> Self {
        let (message, attempts) = (held.message.clone(), held.attempts.saturating_add(1));
        Delivery { queue, message, attempts, held: Mutex::new(Some(held)) }
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Deliveries of this message, this one included; those that could not be tried aside.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The message's headers and `attempts`, as a map.
    pub fn headers(&self) -> Value {
        let headers = self.message.headers.iter().map(|(name, value)| (name, value.clone()));
        Value::from_iter(headers.chain([("attempts", Value::from(i64::from(self.attempts)))]))
    }

    /// Settles it: the message was dealt with.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is settled.
    pub fn ack(&self) -> Result<(), Failure> {
        self.queue.done(&self.hold()?);
        Ok(())
    }

    /// Settles it: the message failed for this reason. It is delivered again, or goes to the dead letters.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is settled.
    pub fn nack(&self, reason: &str) -> Result<(), Failure> {
        self.queue.failed(self.hold()?, reason);
        Ok(())
    }

    /// Settles it, unless it is: the message could not be tried, which is not its fault. It is delivered again.
    pub fn put_back(&self) {
        if let Ok(held) = self.hold() {
            self.queue.put_back(held);
        }
    }

    fn hold(&self) -> Result<Held, Failure> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.ok_or_else(|| Failure::invalid(format!("message {} is settled already", self.message.id)))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.put_back();
    }
}
