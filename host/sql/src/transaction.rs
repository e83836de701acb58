//! A transaction.

use crate::database::{checked, executed, rows};
use crate::session::{self, Reply, Request, Session};
use crate::{Budget, Dialect, Executed, Param, Rows, Statement, text};
use perilune_value::Failure;
use std::str::FromStr;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What transactions see of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// What the database does by itself.
    #[default]
    Default,
    /// What others have not yet committed, too.
    ReadUncommitted,
    /// What others have committed by the time of each statement.
    ReadCommitted,
    /// No database here has it.
    WriteCommitted,
    /// What others had committed at the beginning.
    RepeatableRead,
    /// As if transactions ran one after the other.
    Serializable,
}

impl Isolation {
    const NAMES: [(&'static str, Isolation); 6] = [
        ("default", Isolation::Default),
        ("read_uncommitted", Isolation::ReadUncommitted),
        ("read_committed", Isolation::ReadCommitted),
        ("write_committed", Isolation::WriteCommitted),
        ("repeatable_read", Isolation::RepeatableRead),
        ("serializable", Isolation::Serializable),
    ];

    /// The words of SQL for it; `None` for the database's own.
    pub(crate) fn words(self) -> Result<Option<&'static str>, Failure> {
        match self {
            Isolation::Default => Ok(None),
            Isolation::ReadUncommitted => Ok(Some("READ UNCOMMITTED")),
            Isolation::ReadCommitted => Ok(Some("READ COMMITTED")),
            Isolation::RepeatableRead => Ok(Some("REPEATABLE READ")),
            Isolation::Serializable => Ok(Some("SERIALIZABLE")),
            Isolation::WriteCommitted => {
                Err(Failure::invalid("this database has no isolation `write_committed`"))
            }
        }
    }
}

impl FromStr for Isolation {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, isolation)| *isolation).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name).join(", ");
            let shown: String = text.chars().take(64).collect();
            Failure::invalid(format!("there is no isolation `{shown}`; there are {names}"))
        })
    }
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    /// What it sees of others.
    pub isolation: Isolation,
    /// Whether statements in it that write are refused.
    pub read_only: bool,
}

/// A transaction with a connection of its own. Dropping it rolls it back, in the background. Operations that are started while
/// another one runs take their turn.
pub struct Transaction {
    dialect: Dialect,
    state: Mutex<State>,
}

enum State {
    Open(Box<dyn Session>),
    /// It was committed or rolled back.
    Finished,
    /// An operation was given up, and the transaction with it; or the database rolled it back.
    Lost,
}

impl Transaction {
    pub(crate) fn new(dialect: Dialect, session: Option<Box<dyn Session>>) -> Self {
        Transaction { dialect, state: Mutex::new(session.map_or(State::Lost, State::Open)) }
    }

    /// Which language its database speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// As [`Database::query`](crate::Database::query).
    ///
    /// # Errors
    ///
    /// As there; `Invalid` when the transaction has ended, `Conflict` when the database or a cancelled operation ended it.
    pub async fn query(
        &self,
        sql: impl Into<Arc<str>>,
        params: Vec<Param>,
        budget: impl Budget + 'static,
    ) -> Result<Rows, Failure> {
        let reply = self.run(Request::Query { sql: checked(sql)?, params, budget: Box::new(budget) }).await?;
        rows(reply)
    }

    /// As [`Database::execute`](crate::Database::execute).
    ///
    /// # Errors
    ///
    /// As [`Transaction::query`].
    pub async fn execute(&self, sql: impl Into<Arc<str>>, params: Vec<Param>) -> Result<Executed, Failure> {
        executed(self.run(Request::Execute { sql: checked(sql)?, params }).await?)
    }

    /// As [`Database::prepare`](crate::Database::prepare); the statement ends with the transaction.
    ///
    /// # Errors
    ///
    /// As [`Transaction::query`].
    pub async fn prepare(self: &Arc<Self>, sql: impl Into<Arc<str>>) -> Result<Statement, Failure> {
        let sql = checked(sql)?;
        self.run(Request::Prepare { sql: sql.clone() }).await?;
        Ok(Statement::of_transaction(self.clone(), sql))
    }

    /// Makes its changes last. The transaction has ended, whatever the answer.
    ///
    /// # Errors
    ///
    /// `Conflict` retryable when others were in the way: nothing was changed. As [`Transaction::query`] besides.
    pub async fn commit(&self) -> Result<(), Failure> {
        self.finish(Request::Commit).await
    }

    /// Undoes its changes.
    ///
    /// # Errors
    ///
    /// As [`Transaction::query`].
    pub async fn rollback(&self) -> Result<(), Failure> {
        self.finish(Request::Rollback).await
    }

    /// Marks a place to come back to.
    ///
    /// # Errors
    ///
    /// `Invalid` for a name that is none; as [`Transaction::query`] besides.
    pub async fn savepoint(&self, name: &str) -> Result<(), Failure> {
        self.command("SAVEPOINT", name).await
    }

    /// Undoes what was changed after a savepoint, which stays.
    ///
    /// # Errors
    ///
    /// As [`Transaction::savepoint`].
    pub async fn rollback_to(&self, name: &str) -> Result<(), Failure> {
        self.command("ROLLBACK TO SAVEPOINT", name).await
    }

    /// Forgets a savepoint and keeps what was changed after it.
    ///
    /// # Errors
    ///
    /// As [`Transaction::savepoint`].
    pub async fn release(&self, name: &str) -> Result<(), Failure> {
        self.command("RELEASE SAVEPOINT", name).await
    }

    async fn command(&self, words: &str, name: &str) -> Result<(), Failure> {
        let name = text::savepoint(name, self.dialect.quote())?;
        self.run(Request::Command(format!("{words} {name}"))).await.map(drop)
    }

    async fn run(&self, request: Request) -> Result<Reply, Failure> {
        let mut state = self.state.lock().await;
        let session = take(&mut state)?;
        let (session, reply) = session::perform(session, request).await;
        if let Some(session) = session.filter(|session| session.in_transaction()) {
            *state = State::Open(session);
        }
        reply
    }

    async fn finish(&self, request: Request) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        let session = take(&mut state)?;
        *state = State::Finished;
        session::perform(session, request).await.1.map(drop)
    }
}

/// Takes the connection out for one operation. Where the operation's future is dropped, nobody puts it back.
fn take(state: &mut State) -> Result<Box<dyn Session>, Failure> {
    match std::mem::replace(state, State::Lost) {
        State::Open(session) => Ok(session),
        State::Finished => {
            *state = State::Finished;
            Err(Failure::invalid("the transaction was committed or rolled back before"))
        }
        State::Lost => {
            let message = "the transaction was rolled back before: the database ended it, or one of its operations was \
                           given up";
            Err(Failure::new(perilune_value::Kind::Conflict, message))
        }
    }
}
