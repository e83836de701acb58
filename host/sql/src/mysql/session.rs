//! A connection in use.

use super::{Shared, cells, error};
use crate::param::check_count;
use crate::rows::Encoder;
use crate::session::{Interrupter, Reply, Request};
use crate::{Begin, Budget, Executed, Param, Rows, text};
use futures_util::future::BoxFuture;
use mysql_async::prelude::{Protocol, Queryable};
use mysql_async::{Conn, Error, Params, QueryResult, Value};
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a caller waits for a connection that others use, or that is being made.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server cannot prepare this kind of statement.
const NOT_PREPARABLE: u16 = 1295;

/// A deadlock: the server has rolled the transaction back, and would carry out what follows outside of it.
const DEADLOCK: u16 = 1213;

pub(super) struct Session {
    shared: Arc<Shared>,
    /// Here until this is dropped.
    connection: Option<Conn>,
    in_transaction: bool,
    /// Whether something of this caller may stay behind.
    leaves_traces: bool,
    /// Whether the connection is not to be used again.
    is_spoilt: bool,
    runtime: Handle,
}

impl Session {
    pub(super) async fn new(shared: Arc<Shared>) -> Result<Self, Failure> {
        let waiting = super::is_exhausted(&shared).then(|| shared.waits.begin());
        let connection = tokio::time::timeout(PATIENCE, shared.pool.get_conn()).await;
        drop(waiting);
        let connection = match connection {
            Ok(connection) => connection.map_err(|problem| error::failure(&problem))?,
            Err(_) => {
                let message = "waited too long for a connection: all that `pool.max_open` allows are in use, or the server \
                               does not answer";
                return Err(Failure::new(Kind::Unavailable, message).with_retryable(true));
            }
        };
        Ok(Session {
            shared,
            connection: Some(connection),
            in_transaction: false,
            leaves_traces: false,
            is_spoilt: false,
            runtime: Handle::current(),
        })
    }

    fn connection(&mut self) -> &mut Conn {
        self.connection.as_mut().expect("invariant: a session has its connection until it is dropped")
    }

    async fn serve(&mut self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Query { sql, params, mut budget } => {
                self.query(&sql, params, &mut *budget).await.map(Reply::Rows)
            }
            Request::Execute { sql, params } => self.execute(&sql, params).await.map(Reply::Executed),
            Request::Prepare { sql } => {
                let prepared = self.connection().prep(&*sql).await;
                match prepared {
                    Ok(_) => Ok(Reply::Done),
                    // It will be sent as text.
                    Err(Error::Server(problem)) if problem.code == NOT_PREPARABLE => Ok(Reply::Done),
                    Err(problem) => Err(self.failure(&problem)),
                }
            }
            Request::Begin(begin) => self.begin(begin).await,
            Request::Commit => {
                let committed = self.command("COMMIT").await;
                self.in_transaction = committed.is_err();
                committed
            }
            Request::Rollback => {
                let rolled_back = self.command("ROLLBACK").await;
                self.in_transaction = rolled_back.is_err();
                rolled_back
            }
            Request::Command(words) => self.command(&words).await,
        }
    }

    async fn begin(&mut self, begin: Begin) -> Result<Reply, Failure> {
        if let Some(words) = begin.isolation.words()? {
            self.command(&format!("SET TRANSACTION ISOLATION LEVEL {words}")).await?;
        }
        self.in_transaction = true;
        self.command(if begin.read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION" }).await
    }

    async fn command(&mut self, words: &str) -> Result<Reply, Failure> {
        let done = self.connection().query_drop(words).await;
        done.map(|()| Reply::Done).map_err(|problem| self.failure(&problem))
    }

    fn failure(&mut self, problem: &Error) -> Failure {
        match problem {
            Error::Server(problem) if problem.code == DEADLOCK => self.in_transaction = false,
            Error::Server(_) => {}
            // Host and server may have lost each other's thread.
            _ => self.is_spoilt = true,
        }
        error::failure(problem)
    }

    async fn query(
        &mut self,
        sql: &str,
        params: Vec<Param>,
        budget: &mut dyn Budget,
    ) -> Result<Rows, Failure> {
        let id = self.connection().id();
        let pool = self.shared.pool.clone();
        let mut encoder = Encoder::new(budget);
        let result = match self.prepare(sql, &params).await? {
            Some(statement) => {
                let result = self.connection().exec_iter(statement, values(params)).await;
                match result {
                    Ok(result) => read(result, &mut encoder, || kill(pool, id)).await,
                    Err(problem) => Err(problem.into()),
                }
            }
            None => {
                let result = self.connection().query_iter(sql).await;
                match result {
                    Ok(result) => read(result, &mut encoder, || kill(pool, id)).await,
                    Err(problem) => Err(problem.into()),
                }
            }
        };
        match result {
            Ok(()) => encoder.finish(),
            Err(Stopped::Server(problem)) => Err(self.failure(&problem)),
            Err(Stopped::Here(failure)) => {
                self.is_spoilt |= !self.in_transaction;
                Err(failure)
            }
        }
    }

    async fn execute(&mut self, sql: &str, params: Vec<Param>) -> Result<Executed, Failure> {
        let done = match self.prepare(sql, &params).await? {
            Some(statement) => self.connection().exec_drop(statement, values(params)).await,
            None => self.connection().query_drop(sql).await,
        };
        done.map_err(|problem| self.failure(&problem))?;
        let connection = self.connection();
        let last_insert_id = connection.last_insert_id().unwrap_or_default();
        Ok(Executed {
            last_insert_id: i64::try_from(last_insert_id).unwrap_or_default(),
            rows_affected: connection.affected_rows(),
        })
    }

    /// `None` for a statement that goes to the server as text.
    async fn prepare(
        &mut self,
        sql: &str,
        params: &[Param],
    ) -> Result<Option<mysql_async::Statement>, Failure> {
        self.leaves_traces |= text::leaves_traces(sql);
        let prepared = self.connection().prep(sql).await;
        match prepared {
            Ok(statement) => {
                check_count(statement.num_params().into(), params.len())?;
                Ok(Some(statement))
            }
            Err(Error::Server(problem)) if problem.code == NOT_PREPARABLE => {
                check_count(0, params.len())?;
                Ok(None)
            }
            Err(problem) => Err(self.failure(&problem)),
        }
    }
}

/// Why reading a result ended early.
enum Stopped {
    Server(Error),
    Here(Failure),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Server(error)
    }
}

/// Reads the first set of rows; the others, which procedures return, are dropped.
async fn read<P: Protocol, K: Future<Output = ()>>(
    mut result: QueryResult<'_, 'static, P>,
    encoder: &mut Encoder<'_>,
    kill: impl FnOnce() -> K,
) -> Result<(), Stopped> {
    let columns = result.columns().unwrap_or_default();
    encoder.columns(
        columns.iter().map(|column| column.name_str()).collect::<Vec<_>>().iter().map(|name| &**name),
    );
    if !columns.is_empty() {
        while let Some(row) = result.next().await? {
            encoder.begin_row();
            cells::encode(encoder, row);
            if let Err(failure) = encoder.end_row() {
                kill().await;
                // Whatever it says now.
                drop(result.drop_result().await);
                return Err(Stopped::Here(failure));
            }
        }
    }
    result.drop_result().await?;
    Ok(())
}

/// Ends what a connection does, by means of another one.
async fn kill(pool: mysql_async::Pool, id: u32) {
    let killed = async { pool.get_conn().await?.query_drop(format!("KILL QUERY {id}")).await };
    match tokio::time::timeout(PATIENCE, killed).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::debug!(error = %problem, "a statement could not be cancelled"),
        Err(_) => tracing::debug!("a statement could not be cancelled in time"),
    }
}

fn values(params: Vec<Param>) -> Params {
    let value = |param| match param {
        Param::Null => Value::NULL,
        Param::Bool(value) => Value::Int(value.into()),
        Param::Integer(value) => Value::Int(value),
        Param::Float(value) => Value::Double(value),
        Param::Text(text) => Value::Bytes(text.into_bytes()),
        Param::Bytes(bytes) => Value::Bytes(bytes),
    };
    match params.is_empty() {
        true => Params::Empty,
        false => Params::Positional(params.into_iter().map(value).collect()),
    }
}

impl crate::session::Session for Session {
    fn perform(&mut self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        Box::pin(self.serve(request))
    }

    fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    fn interrupter(&self) -> Interrupter {
        let id = self.connection.as_ref().map(Conn::id);
        let pool = self.shared.pool.clone();
        Box::new(move || {
            Box::pin(async move {
                if let Some(id) = id {
                    kill(pool, id).await;
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
        let Some(mut connection) = self.connection.take() else { return };
        let (is_spoilt, leaves_traces) = (self.is_spoilt, self.leaves_traces);
        if !is_spoilt && !leaves_traces && !self.in_transaction {
            return; // back to the pool
        }
        self.runtime.spawn(async move {
            let undone = !is_spoilt
                && tokio::time::timeout(PATIENCE, undo(&mut connection, leaves_traces))
                    .await
                    .unwrap_or_default();
            if !undone {
                drop(tokio::time::timeout(PATIENCE, connection.disconnect()).await);
            }
        });
    }
}

/// Rolls back, and resets the connection where more may have stayed on it.
async fn undo(connection: &mut Conn, leaves_traces: bool) -> bool {
    match leaves_traces {
        true => connection.reset().await.is_ok_and(|was_reset| was_reset),
        false => connection.query_drop("ROLLBACK").await.is_ok(),
    }
}
