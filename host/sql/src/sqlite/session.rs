//! A connection in use.

use super::Inner;
use super::connection::Role;
use super::guard::Guard;
use super::lane::Lease;
use super::run::{self, Work};
use crate::session::{Interrupter, Purpose, Reply, Request};
use crate::text;
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Kind};
use rusqlite::InterruptHandle;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A connection that reads is exchanged for the one that writes when a statement turns out to write.
pub(super) struct Session {
    inner: Arc<Inner>,
    purpose: Purpose,
    /// Away while it works on another thread, and for good when that thread failed.
    lease: Option<Lease>,
    running: Arc<Running>,
}

impl Session {
    pub(super) async fn new(inner: Arc<Inner>, purpose: Purpose) -> Result<Self, Failure> {
        let lane = match purpose {
            Purpose::Transaction { read_only: false } => inner.writer.clone(),
            Purpose::Transaction { read_only: true } => inner.reading().clone(),
            // It is not yet known what is needed; see `serve`.
            Purpose::Statement => {
                return Ok(Session { inner, purpose, lease: None, running: Arc::default() });
            }
        };
        let lease = Some(lane.lease().await?);
        Ok(Session { inner, purpose, lease, running: Arc::default() })
    }

    async fn serve(&mut self, request: Request) -> Result<Reply, Failure> {
        let work = match request {
            Request::Query { sql, params, budget } => Work::Query { sql, params, budget },
            Request::Execute { sql, params } => Work::Execute { sql, params },
            Request::Prepare { sql } => Work::Prepare { sql },
            Request::Begin(begin) => {
                // SQLite has one isolation, the strictest.
                begin.isolation.words()?;
                // Who may write takes the lock at once: later it could be too late, with work done in vain.
                let words = if begin.read_only { "BEGIN" } else { "BEGIN IMMEDIATE" };
                Work::Command(words.to_owned())
            }
            Request::Commit => Work::Command("COMMIT".to_owned()),
            Request::Rollback => Work::Command("ROLLBACK".to_owned()),
            Request::Command(words) => Work::Command(words),
        };
        let Some(sql) = work.sql() else { return self.work(work).await.1 };
        if self.purpose == Purpose::Statement {
            let lane = if text::seems_to_read(sql) { self.inner.reading() } else { &self.inner.writer };
            self.lease = Some(lane.lease().await?);
        }
        self.announce(sql).await;
        let (refused, reply) = self.work(work).await;
        let Some(work) = refused else { return reply };
        // It writes, and nothing was done.
        if self.purpose != Purpose::Statement {
            return Err(Failure::new(
                Kind::Invalid,
                "the transaction is read-only, and this statement writes",
            ));
        }
        self.lease = None;
        self.lease = Some(self.inner.writer.lease().await?);
        self.work(work).await.1
    }

    /// Sees to it that nobody relies on tables that are about to change.
    async fn announce(&mut self, sql: &str) {
        let Some(lease) = &mut self.lease else { return };
        if lease.role() != Role::Reader && lease.schema.is_none() && text::changes_schema(sql) {
            lease.schema = Some(self.inner.schema.clone().write_owned().await);
            self.inner.verdicts.clear();
        }
    }

    /// Works on a thread that may block. The work comes back when it needs a connection that writes.
    async fn work(&mut self, work: Work) -> (Option<Work>, Result<Reply, Failure>) {
        let Some(lease) = self.lease.take() else {
            return (None, Err(Failure::internal("the database connection was lost")));
        };
        let (inner, running) = (self.inner.clone(), self.running.clone());
        let may_write =
            lease.role() != Role::Reader && self.purpose != Purpose::Transaction { read_only: true };
        let done = tokio::task::spawn_blocking(move || {
            let done = match running.begin(&lease) {
                true => run::run(&lease, work, may_write, &inner),
                false => (None, Err(Failure::new(Kind::Canceled, "the operation was given up"))),
            };
            running.end(&lease.guard);
            (lease, done)
        });
        let abandoned = StopOnDrop(&self.running);
        let done = done.await;
        std::mem::forget(abandoned);
        match done {
            Ok((lease, done)) => {
                self.lease = Some(lease);
                done
            }
            Err(_) => (None, Err(Failure::internal("the host failed while it used the database"))),
        }
    }
}

impl crate::session::Session for Session {
    fn perform(&mut self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        Box::pin(self.serve(request))
    }

    fn in_transaction(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.in_transaction())
    }

    fn interrupter(&self) -> Interrupter {
        let running = self.running.clone();
        Box::new(move || Box::pin(async move { running.interrupt().await }))
    }

    // Who runs next on this connection is told apart from who was interrupted.
    fn spoil(&mut self) {}
}

/// What runs for a session, for who wants to interrupt it.
#[derive(Default)]
struct Running {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    interrupted: bool,
    statement: Option<(InterruptHandle, Arc<Guard>)>,
}

impl Running {
    /// False when it was interrupted before it began.
    fn begin(&self, lease: &Lease) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.statement = Some((lease.sqlite.get_interrupt_handle(), lease.guard.clone()));
        !state.interrupted
    }

    fn end(&self, guard: &Guard) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.statement = None;
        guard.stop(false);
    }

    /// Stops what runs, and what would. False when nothing runs.
    fn stop(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.interrupted = true;
        let Some((handle, guard)) = &state.statement else { return false };
        guard.stop(true);
        handle.interrupt();
        true
    }

    /// Interrupts until nothing runs: SQLite forgets an interrupt that comes just before a statement begins.
    async fn interrupt(&self) {
        const PAUSE: Duration = Duration::from_millis(20);
        while self.stop() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Stops what runs when nobody is left to see its end: a host that shuts down drops its tasks, and then waits for its threads.
struct StopOnDrop<'a>(&'a Running);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
