//! What a driver offers, and how operations are given up.

use crate::transaction::Begin;
use crate::{Budget, Dialect, Executed, Param, Rows, Stats};
use futures_util::future::BoxFuture;
use perilune_value::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What a session is asked to do.
pub(crate) enum Request {
    Query {
        sql: Arc<str>,
        params: Vec<Param>,
        budget: Box<dyn Budget>,
    },
    Execute {
        sql: Arc<str>,
        params: Vec<Param>,
    },
    /// Checks a statement; its preparation stays in the connection's cache.
    Prepare {
        sql: Arc<str>,
    },
    Begin(Begin),
    Commit,
    Rollback,
    /// A statement of our own: savepoints.
    Command(String),
}

/// What it answers.
pub(crate) enum Reply {
    Rows(Rows),
    Executed(Executed),
    Done,
}

/// What a session is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Statement,
    Transaction { read_only: bool },
}

/// A kind of database with its connections.
pub(crate) trait Driver: Send + Sync {
    fn dialect(&self) -> Dialect;

    /// A connection, as soon as there is one.
    fn session(&self, purpose: Purpose) -> BoxFuture<'_, Result<Box<dyn Session>, Failure>>;

    /// Answers a query at once where that takes microseconds, however hostile the statement and its parameters are. `None` says
    /// nothing about it: ask a session.
    fn quick(&self, sql: &str, params: &[Param]) -> Option<Rows> {
        let _ = (sql, params);
        None
    }

    fn stats(&self) -> Stats;
}

/// A connection in use. Dropping it gives the connection back, in the background where its transaction must be rolled back or
/// its settings undone first.
pub(crate) trait Session: Send {
    /// Does one thing. It is not to be dropped half way: see [`perform`].
    fn perform(&mut self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>>;

    /// Whether a transaction is open; databases end some by themselves.
    fn in_transaction(&self) -> bool;

    /// Interrupts what is being performed.
    fn interrupter(&self) -> Interrupter;

    /// Says that it was interrupted, so that nobody else may be hit by what is still on its way to the server.
    fn spoil(&mut self);
}

pub(crate) type Interrupter = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// How long an interrupted operation may take to notice, before its connection is given up with it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Performs a request on a task of its own. A caller who goes away meanwhile does not break the protocol between host and
/// database in the middle of a message: the operation is interrupted, and the task sees its end.
///
/// The session comes back unless the task failed.
pub(crate) async fn perform(
    mut session: Box<dyn Session>,
    request: Request,
) -> (Option<Box<dyn Session>>, Result<Reply, Failure>) {
    let (mut answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        let interrupt = session.interrupter();
        let mut work = session.perform(request);
        let reply = tokio::select! {
            biased;
            reply = &mut work => Some(reply),
            () = answer.closed() => None,
        };
        if let Some(reply) = reply {
            drop(work);
            // Where nobody waits any more, dropping the session gives its connection back.
            drop(answer.send((session, reply)));
            return;
        }
        drop(tokio::time::timeout(PATIENCE, interrupt()).await);
        drop(tokio::time::timeout(PATIENCE, &mut work).await);
        drop(work);
        session.spoil();
    });
    match answered.await {
        Ok((session, reply)) => (Some(session), reply),
        Err(_) => (None, Err(Failure::internal("the host failed while it spoke with the database"))),
    }
}
