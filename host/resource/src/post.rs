//! Messages between processes and what is none, such as the connection of a client.

use futures_util::future::BoxFuture;
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;

/// A message that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// What it is about.
    pub topic: String,
    /// The pid of whoever sent it.
    pub sender: String,
    /// What it says.
    pub payloads: Vec<Value>,
}

/// Who delivers messages.
pub trait Deliver: Send + Sync {
    /// A new pid with its mailbox, for something that runs by itself and is no entry's code. `host` names what it is, such as
    /// `websocket`.
    fn open(&self, host: &str) -> Box<dyn Mailbox>;

    /// Puts a message into the mailbox of a pid.
    ///
    /// # Errors
    ///
    /// `NotFound` when nothing runs under that pid, `RateLimited` when its mailbox is full.
    fn send(&self, from: &str, to: &str, topic: &str, payloads: &[Value]) -> Result<(), Failure>;

    /// Waits until nothing runs under a pid.
    fn ended(&self, pid: &str) -> BoxFuture<'static, ()>;
}

/// The mailbox of a pid. Dropping it ends the pid.
pub trait Mailbox: Send {
    /// Its pid, as text.
    fn pid(&self) -> &str;

    /// The next message. Cancel-safe.
    fn receive(&mut self) -> BoxFuture<'_, Letter>;
}

/// The post of a host, in what exists once in it. Without processes, nothing is delivered.
#[derive(Clone, Default)]
pub struct Post(Option<Arc<dyn Deliver>>);

impl Post {
    /// The post of a host with processes.
    pub fn new(deliver: impl Deliver + 'static) -> Self {
        Post(Some(Arc::new(deliver)))
    }

    /// Who delivers messages.
    ///
    /// # Errors
    ///
    /// `Unavailable` for a host without processes.
    pub fn deliver(&self) -> Result<&Arc<dyn Deliver>, Failure> {
        self.0.as_ref().ok_or_else(|| Failure::new(Kind::Unavailable, "this host has no processes"))
    }
}
