//! Processes that something other than a process starts, such as a service.

use futures_util::future::BoxFuture;
use perilune_registry::EntryId;
use perilune_security::Authority;
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;

/// Which process is to run, and where.
#[derive(Clone)]
pub struct SpawnOrder {
    /// Its code: an entry such as a `process.lua`.
    pub process: EntryId,
    /// What runs it: an entry such as a `process.host`.
    pub host: EntryId,
    /// Its arguments.
    pub input: Vec<Value>,
    /// What it acts with.
    pub authority: Authority,
}

/// Who starts processes.
pub trait Spawn: Send + Sync {
    /// Starts a process. Its end, also an early one, is told by [`Child::ended`].
    ///
    /// # Errors
    ///
    /// `NotFound` or `Invalid` when there is no such process or host, `RateLimited` when the host is full. Dropping the future
    /// leaves no process behind.
    fn spawn(&self, order: SpawnOrder) -> BoxFuture<'static, Result<Box<dyn Child>, Failure>>;
}

/// A process that was started. Dropping it does not end the process.
pub trait Child: Send + Sync {
    /// Its pid, as text.
    fn pid(&self) -> String;

    /// Asks it to end; it may take its time, and may ignore it.
    fn cancel(&self, reason: &str);

    /// Ends it without asking, as soon as it can be interrupted.
    fn terminate(&self);

    /// Waits for its end: its result, or its error.
    fn ended(&self) -> BoxFuture<'static, Result<Value, Failure>>;
}

/// Who starts the processes of a host, in what exists once in it. Without processes, none start.
#[derive(Clone, Default)]
pub struct Spawner(Option<Arc<dyn Spawn>>);

impl Spawner {
    /// The spawner of a host with processes.
    pub fn new(spawn: impl Spawn + 'static) -> Self {
        Spawner(Some(Arc::new(spawn)))
    }

    /// Who starts processes.
    ///
    /// # Errors
    ///
    /// `Unavailable` for a host without processes.
    pub fn spawn(&self) -> Result<&Arc<dyn Spawn>, Failure> {
        self.0.as_ref().ok_or_else(|| Failure::new(Kind::Unavailable, "this host has no processes"))
    }
}
