//! A connection in use.

use super::params::{Encoded, encode};
use super::{Shared, cells, error};
use crate::param::check_count;
use crate::rows::Encoder;
use crate::session::{Interrupter, Reply, Request};
use crate::{Begin, Budget, Executed, Param, Rows, text};
use deadpool_postgres::{Object, PoolError};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Kind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::runtime::Handle;
use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;

/// Statements that a connection keeps prepared. Beyond that all are forgotten: an application has some dozens, and whoever
/// writes values into statements has ever new ones.
const STATEMENTS: usize = 200;

/// Undoes what a caller left on a connection.
const UNDO: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                    SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

pub(super) struct Session {
    shared: Arc<Shared>,
    /// Here until this is dropped.
    client: Option<Object>,
    in_transaction: bool,
    /// Whether the server refuses everything until the transaction, or a savepoint, is rolled back.
    has_failed: bool,
    /// Whether something of this caller may stay behind.
    leaves_traces: bool,
    /// Whether the connection is not to be used again.
    is_spoilt: bool,
    runtime: Handle,
}

impl Session {
    pub(super) async fn new(shared: Arc<Shared>) -> Result<Self, Failure> {
        let status = shared.pool.status();
        let waiting = (status.available == 0 && status.size == status.max_size).then(|| shared.waits.begin());
        let client = shared.pool.get().await;
        drop(waiting);
        let client = client.map_err(|problem| match problem {
            PoolError::Backend(problem) => error::failure(&problem),
            PoolError::Timeout(_) => {
                let message = "waited too long for a connection: all that `pool.max_open` allows are in use, or the server \
                               does not answer";
                Failure::new(Kind::Unavailable, message).with_retryable(true)
            }
            other => Failure::new(Kind::Unavailable, other.to_string()).with_retryable(true),
        })?;
        Ok(Session {
            shared,
            client: Some(client),
            in_transaction: false,
            has_failed: false,
            leaves_traces: false,
            is_spoilt: false,
            runtime: Handle::current(),
        })
    }

    fn client(&self) -> &Object {
        self.client.as_ref().expect("invariant: a session has its connection until it is dropped")
    }

    async fn serve(&mut self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Query { sql, params, mut budget } => {
                self.query(&sql, &params, &mut *budget).await.map(Reply::Rows)
            }
            Request::Execute { sql, params } => self.execute(&sql, &params).await.map(Reply::Executed),
            Request::Prepare { sql } => self.prepare(&sql).await.map(|_| Reply::Done),
            Request::Begin(begin) => {
                // Also when the answer is lost on the way.
                self.in_transaction = true;
                self.command(&begin_words(begin)?).await
            }
            Request::Commit => {
                // The server would roll back and answer as if that were fine.
                let has_failed = self.has_failed;
                let ended = self.command(if has_failed { "ROLLBACK" } else { "COMMIT" }).await;
                self.in_transaction = ended.as_ref().is_err_and(|failure| failure.kind == Kind::Unavailable);
                match has_failed {
                    true => Err(Failure::new(
                        Kind::Conflict,
                        "a statement failed before, so the transaction was rolled back",
                    )),
                    false => ended,
                }
            }
            Request::Rollback => {
                let rolled_back = self.command("ROLLBACK").await;
                self.in_transaction = rolled_back.is_err();
                rolled_back
            }
            Request::Command(words) => {
                let done = self.command(&words).await;
                self.has_failed &= !(done.is_ok() && words.starts_with("ROLLBACK"));
                done
            }
        }
    }

    async fn command(&mut self, words: &str) -> Result<Reply, Failure> {
        let done = self.client().batch_execute(words).await;
        done.map(|()| Reply::Done).map_err(|problem| self.failure(&problem))
    }

    fn failure(&mut self, problem: &tokio_postgres::Error) -> Failure {
        self.has_failed |= self.in_transaction && problem.as_db_error().is_some();
        error::failure(problem)
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement, Failure> {
        self.leaves_traces |= text::leaves_traces(sql);
        let client = self.client();
        if client.statement_cache.size() >= STATEMENTS {
            client.statement_cache.clear();
        }
        let prepared = client.prepare_cached(sql).await;
        prepared.map_err(|problem| self.failure(&problem))
    }

    async fn prepare_anew(&mut self, sql: &str) -> Result<Statement, Failure> {
        self.client().statement_cache.remove(sql, &[]);
        self.prepare(sql).await
    }

    async fn query(&mut self, sql: &str, params: &[Param], budget: &mut dyn Budget) -> Result<Rows, Failure> {
        let mut encoder = Encoder::new(budget);
        let mut statement = self.prepare(sql).await?;
        let bound = bind(&statement, params)?;
        let rows = match self.client().query_raw(&statement, bound.iter()).await {
            // Tables have changed since the statement was prepared.
            Err(problem) if is_outdated(&problem) && !self.in_transaction => {
                statement = self.prepare_anew(sql).await?;
                self.client().query_raw(&statement, bound.iter()).await
            }
            rows => rows,
        };
        let mut rows = pin!(rows.map_err(|problem| self.failure(&problem))?);
        encoder.columns(statement.columns().iter().map(|column| column.name()));
        loop {
            let row = match rows.try_next().await {
                Ok(Some(row)) => row,
                Ok(None) => return encoder.finish(),
                Err(problem) => return Err(self.failure(&problem)),
            };
            encoder.begin_row();
            let encoded = cells::encode(&mut encoder, &row).and_then(|()| encoder.end_row());
            if let Err(failure) = encoded {
                // The rest of the result is not worth reading; in a transaction, the server ends that as well.
                self.interrupt().await;
                while let Some(Ok(_)) =
                    rows.try_next().await.map_err(|problem| self.failure(&problem)).transpose()
                {
                }
                self.spoil_unless_in_transaction();
                return Err(failure);
            }
        }
    }

    async fn execute(&mut self, sql: &str, params: &[Param]) -> Result<Executed, Failure> {
        let statement = self.prepare(sql).await?;
        let bound = bind(&statement, params)?;
        let done = match self.client().execute_raw(&statement, bound.iter()).await {
            Err(problem) if is_outdated(&problem) && !self.in_transaction => {
                let statement = self.prepare_anew(sql).await?;
                self.client().execute_raw(&statement, bound.iter()).await
            }
            done => done,
        };
        let rows_affected = done.map_err(|problem| self.failure(&problem))?;
        Ok(Executed { last_insert_id: 0, rows_affected })
    }

    async fn interrupt(&self) {
        if let Err(problem) = self.shared.tls.cancel(self.client().cancel_token()).await {
            tracing::debug!(error = %problem, "a statement could not be cancelled");
        }
    }

    /// A cancellation may reach the server late, and would then hit the next statement. In a transaction that is the same
    /// caller's.
    fn spoil_unless_in_transaction(&mut self) {
        self.is_spoilt |= !self.in_transaction;
    }
}

/// Parameters in the form that their types ask for.
fn bind(statement: &Statement, params: &[Param]) -> Result<Vec<Encoded>, Failure> {
    check_count(statement.params().len(), params.len())?;
    let pairs = (1..).zip(params.iter().zip(statement.params()));
    pairs
        .map(|(position, (param, ty))| {
            encode(param, ty).map_err(|why| Failure::invalid(format!("parameter {position}: {why}")))
        })
        .collect()
}

fn is_outdated(problem: &tokio_postgres::Error) -> bool {
    match problem.as_db_error() {
        Some(problem) => {
            *problem.code() == SqlState::INVALID_SQL_STATEMENT_NAME
                || (*problem.code() == SqlState::FEATURE_NOT_SUPPORTED
                    && problem.message().contains("cached plan"))
        }
        None => false,
    }
}

fn begin_words(begin: Begin) -> Result<String, Failure> {
    let isolation = begin.isolation.words()?.map(|words| format!(" ISOLATION LEVEL {words}"));
    let access = if begin.read_only { " READ ONLY" } else { "" };
    Ok(format!("BEGIN{}{access}", isolation.unwrap_or_default()))
}

impl crate::session::Session for Session {
    fn perform(&mut self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        Box::pin(self.serve(request))
    }

    fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    fn interrupter(&self) -> Interrupter {
        let (token, shared) = (self.client().cancel_token(), self.shared.clone());
        Box::new(move || {
            Box::pin(async move {
                if let Err(problem) = shared.tls.cancel(token).await {
                    tracing::debug!(error = %problem, "a statement could not be cancelled");
                }
            })
        })
    }

    fn spoil(&mut self) {
        self.is_spoilt = true;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let shared = self.shared.clone();
        // Taken out of the pool, a connection is closed by being dropped.
        if self.is_spoilt || client.is_closed() {
            drop(Object::take(client));
            return;
        }
        let undo = match (self.leaves_traces, self.in_transaction) {
            (true, _) => UNDO,
            (false, true) => "ROLLBACK",
            (false, false) => return give_back(&shared, client),
        };
        self.runtime.spawn(async move {
            match tokio::time::timeout(super::config::PATIENCE, client.batch_execute(undo)).await {
                Ok(Ok(())) => give_back(&shared, client),
                Ok(Err(_)) | Err(_) => drop(Object::take(client)),
            }
        });
    }
}

fn give_back(shared: &Shared, client: Object) {
    if shared.pool.status().available < shared.max_idle {
        return;
    }
    shared.max_idle_closed.fetch_add(1, Ordering::Relaxed);
    drop(Object::take(client));
}
