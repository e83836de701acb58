//! A statement that runs several times.

use crate::{Budget, Database, Executed, Param, Rows, Transaction};
use perilune_value::Failure;
use std::sync::Arc;

/// A statement that was found right. Each connection that runs it keeps its own preparation.
#[derive(Clone)]
pub struct Statement {
    owner: Owner,
    sql: Arc<str>,
}

#[derive(Clone)]
enum Owner {
    Database(Database),
    Transaction(Arc<Transaction>),
}

impl Statement {
    pub(crate) fn of_database(database: Database, sql: Arc<str>) -> Self {
        Statement { owner: Owner::Database(database), sql }
    }

    pub(crate) fn of_transaction(transaction: Arc<Transaction>, sql: Arc<str>) -> Self {
        Statement { owner: Owner::Transaction(transaction), sql }
    }

    /// As [`Database::quick_query`]; in a transaction there is no such thing.
    pub fn quick_query(&self, params: &[Param]) -> Option<Rows> {
        match &self.owner {
            Owner::Database(database) => database.quick_query(&self.sql, params),
            Owner::Transaction(_) => None,
        }
    }

    /// Runs it and collects what it returns.
    ///
    /// # Errors
    ///
    /// As [`Database::query`]; `Invalid` when its transaction has ended.
    pub async fn query(&self, params: Vec<Param>, budget: impl Budget + 'static) -> Result<Rows, Failure> {
        match &self.owner {
            Owner::Database(database) => database.query(self.sql.clone(), params, budget).await,
            Owner::Transaction(transaction) => transaction.query(self.sql.clone(), params, budget).await,
        }
    }

    /// Runs it and says what it did.
    ///
    /// # Errors
    ///
    /// As [`Statement::query`].
    pub async fn execute(&self, params: Vec<Param>) -> Result<Executed, Failure> {
        match &self.owner {
            Owner::Database(database) => database.execute(self.sql.clone(), params).await,
            Owner::Transaction(transaction) => transaction.execute(self.sql.clone(), params).await,
        }
    }
}
