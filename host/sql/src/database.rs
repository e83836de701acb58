//! A database.

use crate::session::{self, Driver, Purpose, Reply, Request};
use crate::transaction::{Begin, Transaction};
use crate::{Budget, Param, Rows, Statement, Stats, text};
use perilune_value::Failure;
use std::fmt;
use std::sync::Arc;

/// Which language a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite; placeholders `?`.
    Sqlite,
    /// PostgreSQL; placeholders `$1`.
    Postgres,
    /// MySQL and MariaDB; placeholders `?`.
    MySql,
}

impl Dialect {
    /// The name that Lua sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
            Dialect::MySql => "mysql",
        }
    }

    /// What encloses names.
    pub(crate) fn quote(self) -> char {
        match self {
            Dialect::Sqlite | Dialect::Postgres => '"',
            Dialect::MySql => '`',
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a statement did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// Id of the row that was inserted last; 0 where there is none, as in PostgreSQL.
    pub last_insert_id: i64,
    /// Rows that were inserted, deleted, or found to be updated.
    pub rows_affected: u64,
}

/// A database that an entry describes. It connects when it is first used.
#[derive(Clone)]
pub struct Database {
    driver: Arc<dyn Driver>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("dialect", &self.dialect()).field("stats", &self.stats()).finish()
    }
}

impl Database {
    pub(crate) fn new(driver: impl Driver + 'static) -> Self {
        Database { driver: Arc::new(driver) }
    }

    /// Which language it speaks.
    pub fn dialect(&self) -> Dialect {
        self.driver.dialect()
    }

    /// Answers a query at once where that takes microseconds and never blocks, however hostile the statement and its parameters
    /// are. `None` says nothing about it, not even whether it is right: see [`Database::query`].
    pub fn quick_query(&self, sql: &str, params: &[Param]) -> Option<Rows> {
        self.driver.quick(sql, params)
    }

    /// Runs a statement and collects what it returns.
    ///
    /// # Errors
    ///
    /// `Invalid` for a statement or parameters that the database refuses, `AlreadyExists` and `Conflict` for constraints,
    /// `Conflict` retryable when a concurrent transaction was in the way, `RateLimited` for a result beyond the budget,
    /// `PermissionDenied` for what reaches out of the database, `Unavailable` when it cannot be reached.
    pub async fn query(
        &self,
        sql: impl Into<Arc<str>>,
        params: Vec<Param>,
        budget: impl Budget + 'static,
    ) -> Result<Rows, Failure> {
        let reply = self.run(Request::Query { sql: checked(sql)?, params, budget: Box::new(budget) }).await?;
        rows(reply)
    }

    /// Runs a statement and says what it did.
    ///
    /// # Errors
    ///
    /// As [`Database::query`].
    pub async fn execute(&self, sql: impl Into<Arc<str>>, params: Vec<Param>) -> Result<Executed, Failure> {
        executed(self.run(Request::Execute { sql: checked(sql)?, params }).await?)
    }

    /// Checks a statement that will run several times.
    ///
    /// # Errors
    ///
    /// As [`Database::query`].
    pub async fn prepare(&self, sql: impl Into<Arc<str>>) -> Result<Statement, Failure> {
        let sql = checked(sql)?;
        self.run(Request::Prepare { sql: sql.clone() }).await?;
        Ok(Statement::of_database(self.clone(), sql))
    }

    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// `Invalid` for an isolation that the database does not know, `Unavailable` when it cannot be reached or is busy for too
    /// long.
    pub async fn begin(&self, begin: Begin) -> Result<Transaction, Failure> {
        let session = self.driver.session(Purpose::Transaction { read_only: begin.read_only }).await?;
        let (session, reply) = session::perform(session, Request::Begin(begin)).await;
        reply?;
        Ok(Transaction::new(self.dialect(), session))
    }

    /// What its connections are doing.
    pub fn stats(&self) -> Stats {
        self.driver.stats()
    }

    async fn run(&self, request: Request) -> Result<Reply, Failure> {
        let session = self.driver.session(Purpose::Statement).await?;
        session::perform(session, request).await.1
    }
}

/// A statement that drivers may see.
pub(crate) fn checked(sql: impl Into<Arc<str>>) -> Result<Arc<str>, Failure> {
    let sql = sql.into();
    text::check(&sql)?;
    Ok(sql)
}

pub(crate) fn rows(reply: Reply) -> Result<Rows, Failure> {
    match reply {
        Reply::Rows(rows) => Ok(rows),
        Reply::Executed(_) | Reply::Done => {
            Err(Failure::internal("the driver answered a query without rows"))
        }
    }
}

pub(crate) fn executed(reply: Reply) -> Result<Executed, Failure> {
    match reply {
        Reply::Executed(executed) => Ok(executed),
        Reply::Rows(_) | Reply::Done => Err(Failure::internal("the driver did not say what a statement did")),
    }
}
