//! What is published.

use crate::{Codec, Headers};
use perilune_value::{Failure, Value};
use std::sync::Arc;
use uuid::Uuid;

/// A message. It is the same in every delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Names it, in whatever queue it is.
    pub id: Box<str>,
    /// Facts about it.
    pub headers: Headers,
    /// What it says, in its codec's format.
    pub body: Arc<[u8]>,
    /// The format of the body.
    pub codec: Codec,
}

impl Message {
    /// Bytes that a message takes besides id, headers and body.
    const BOOKKEEPING: usize = 200;

    /// A new message.
    pub fn new(body: Vec<u8>, codec: Codec, headers: Headers) -> Self {
        Message { id: Uuid::now_v7().to_string().into(), headers, body: body.into(), codec }
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// As [`Codec::decode`].
    pub fn value(&self) -> Result<Value, Failure> {
        self.codec.decode(&self.body)
    }

    /// Bytes that it takes, roughly.
    pub(crate) fn size(&self) -> usize {
        Self::BOOKKEEPING + self.id.len() + self.headers.size() + self.body.len()
    }

    /// The message as it goes to a dead-letter queue.
    pub(crate) fn dead(&self, queue: &str, attempts: u32, reason: &str) -> Self {
        /// Reasons are for people; errors of handlers can be of any length.
        const MOST_REASON: usize = 1_000;
        let mut dead = self.clone();
        dead.headers.set("x_dead_letter_queue", queue);
        dead.headers.set("x_dead_letter_reason", reason.chars().take(MOST_REASON).collect::<String>());
        dead.headers.set("x_dead_letter_attempts", i64::from(attempts));
        dead
    }
}
