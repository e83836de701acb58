//! What a handle stands for: something that runs statements.

use perilune_sql::{Budget, Database, Dialect, Executed, Param, Rows, Statement, Transaction};
use perilune_value::Failure;
use std::sync::Arc;

/// Something that runs statements. A prepared statement needs no text.
pub(super) enum Target {
    Database(Arc<Database>),
    Transaction(Arc<Transaction>),
    Statement(Statement),
}

impl Target {
    pub(super) fn database(&self) -> Result<&Database, Failure> {
        match self {
            Target::Database(database) => Ok(database),
            Target::Transaction(_) | Target::Statement(_) => Err(Failure::invalid("this is no database")),
        }
    }

    pub(super) fn dialect(&self) -> Result<Dialect, Failure> {
        match self {
            Target::Database(database) => Ok(database.dialect()),
            Target::Transaction(transaction) => Ok(transaction.dialect()),
            Target::Statement(_) => Err(Failure::invalid("this is a statement, which has no dialect of its own")),
        }
    }

    pub(super) fn quick_query(&self, sql: &str, params: &[Param]) -> Option<Rows> {
        match self {
            Target::Database(database) => database.quick_query(sql, params),
            Target::Transaction(_) => None,
            Target::Statement(statement) => statement.quick_query(params),
        }
    }

    pub(super) async fn query(
        &self,
        sql: String,
        params: Vec<Param>,
        budget: impl Budget + 'static,
    ) -> Result<Rows, Failure> {
        match self {
            Target::Database(database) => database.query(sql, params, budget).await,
            Target::Transaction(transaction) => transaction.query(sql, params, budget).await,
            Target::Statement(statement) => statement.query(params, budget).await,
        }
    }

    pub(super) async fn execute(&self, sql: String, params: Vec<Param>) -> Result<Executed, Failure> {
        match self {
            Target::Database(database) => database.execute(sql, params).await,
            Target::Transaction(transaction) => transaction.execute(sql, params).await,
            Target::Statement(statement) => statement.execute(params).await,
        }
    }

    pub(super) async fn prepare(&self, sql: String) -> Result<Target, Failure> {
        match self {
            Target::Database(database) => database.prepare(sql).await.map(Target::Statement),
            Target::Transaction(transaction) => transaction.prepare(sql).await.map(Target::Statement),
            Target::Statement(_) => Err(Failure::invalid("a statement prepares no other")),
        }
    }
}
