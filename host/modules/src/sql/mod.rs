//! Module `sql`: databases, transactions and statements behind handles.

mod budget;
mod target;

use crate::CallContext;
use crate::bindings::{Answer, answer, sql as wit};
use budget::HeldBudget;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Reservation, Ticket};
use perilune_sql::{Begin, Database, Executed, Param, Stats, Transaction};
use perilune_value::{Failure, Value};
use std::sync::Arc;
use target::Target;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "sql",
    summary: "Queries databases, with transactions and prepared statements.",
    classes: &[Class::Storage, Class::Io, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What a handle stands for.
fn find(state: &CellState, handle: Handle) -> Result<Arc<Target>, Failure> {
    state.handles.get(handle, "database, transaction or statement")
}

fn transaction(state: &CellState, handle: Handle) -> Result<Arc<Transaction>, Failure> {
    match &*find(state, handle)? {
        Target::Transaction(transaction) => Ok(transaction.clone()),
        Target::Database(_) | Target::Statement(_) => Err(Failure::invalid("this is no transaction")),
    }
}

fn text(bytes: Vec<u8>, what: &str) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::invalid(format!("{what} is not valid UTF-8")))
}

fn params(params: &[u8], marks: &[u8]) -> Result<Vec<Param>, Failure> {
    Param::list(Value::from_msgpack(params)?, marks)
}

/// Parameters and statements beyond this are looked at on a thread that may block, and never answered at once.
const SMALL: usize = 8 * 1024;

/// A statement with its parameters, on its way to a database.
struct Ready {
    target: Result<Arc<Target>, Failure>,
    statement: Vec<u8>,
    values: Vec<u8>,
    marks: Vec<u8>,
    /// Counts what was sent while the operation is under way.
    _held: Reservation,
}

impl Ready {
    fn new(
        state: &CellState,
        of: Handle,
        statement: Vec<u8>,
        values: Vec<u8>,
        marks: Vec<u8>,
    ) -> wasmtime::Result<Self> {
        let held = state.hold(statement.len() + values.len() + marks.len())?;
        Ok(Ready { target: find(state, of), statement, values, marks, _held: held })
    }

    /// What was sent, decoded, and what counts it.
    async fn decode(self) -> Result<(Arc<Target>, String, Vec<Param>, Reservation), Failure> {
        let Ready { target, statement, values, marks, _held } = self;
        let sql = text(statement, "the statement")?;
        let decoded = match values.len() + marks.len() <= SMALL {
            true => params(&values, &marks),
            false => {
                let decoded = tokio::task::spawn_blocking(move || params(&values, &marks)).await;
                decoded.map_err(|_| Failure::internal("the host failed while it read the parameters"))?
            }
        };
        Ok((target?, sql, decoded?, _held))
    }
}

/// Starts an operation on a transaction.
fn start<F>(
    state: &mut CellState,
    transaction: Result<Arc<Transaction>, Failure>,
    operation: impl FnOnce(Arc<Transaction>) -> F + Send + 'static,
) -> wasmtime::Result<Ticket>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    state.tickets.start(async move { operation(transaction?).await })
}

/// Starts an operation with a savepoint.
fn start_named<F>(
    state: &mut CellState,
    of: Handle,
    name: Vec<u8>,
    operation: impl FnOnce(Arc<Transaction>, String) -> F + Send + 'static,
) -> wasmtime::Result<Ticket>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let found = transaction(state, of);
    state.tickets.start(async move { operation(found?, text(name, "the name")?).await })
}

/// Starts what ends a transaction; its handle is closed from now on.
fn start_ending<F>(
    state: &mut CellState,
    of: Handle,
    operation: impl FnOnce(Arc<Transaction>) -> F + Send + 'static,
) -> wasmtime::Result<Ticket>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let found = transaction(state, of);
    if found.is_ok() {
        state.handles.remove(of);
    }
    start(state, found, operation)
}

fn take(state: &mut CellState, ticket: Ticket) -> Answer<()> {
    Ok(state.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
}

/// Gives what an operation opened to the cell.
fn take_handle(state: &mut CellState, ticket: Ticket) -> Answer<Handle> {
    let opened = state.tickets.take::<Target>(ticket)?;
    answer(opened.and_then(|target| state.handles.insert(Arc::new(target))))
}

/// A count; none reaches what Lua's integers cannot hold.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn shown(stats: Stats) -> wit::Figures {
    wit::Figures {
        max_open_connections: count(stats.max_open_connections),
        open_connections: count(stats.open_connections),
        in_use: count(stats.in_use),
        idle: count(stats.idle),
        wait_count: count(stats.wait_count),
        wait_duration: count(stats.wait_duration),
        max_idle_closed: count(stats.max_idle_closed),
        max_idle_time_closed: count(stats.max_idle_time_closed),
        max_lifetime_closed: count(stats.max_lifetime_closed),
    }
}

type Fetched = (Vec<u8>, HeldBudget);

impl wit::Host for CellState {
    fn open(&mut self, id: Vec<u8>) -> Answer<Handle> {
        let context = CallContext::of(self)?;
        let found = text(id, "the id").and_then(|id| {
            if id.is_empty() {
                return Err(Failure::invalid("the id of a database is empty; write `namespace:name`"));
            }
            context.check("db.get", &id)?;
            context.resource::<Database>(&id)
        });
        answer(found.and_then(|database| self.handles.insert(Arc::new(Target::Database(database)))))
    }

    fn dialect(&mut self, of: Handle) -> Answer<String> {
        answer(find(self, of).and_then(|target| Ok(target.dialect()?.to_string())))
    }

    fn stats(&mut self, of: Handle) -> Answer<wit::Figures> {
        answer(find(self, of).and_then(|target| Ok(shown(target.database()?.stats()))))
    }

    fn close(&mut self, of: Handle) -> wasmtime::Result<bool> {
        Ok(self.handles.remove(of))
    }

    fn quick_query(
        &mut self,
        of: Handle,
        statement: Vec<u8>,
        values: Vec<u8>,
        marks: Vec<u8>,
    ) -> Answer<Option<Vec<u8>>> {
        let quick = || {
            if statement.len() + values.len() + marks.len() > SMALL {
                return None;
            }
            let target = find(self, of).ok()?;
            let sql = std::str::from_utf8(&statement).ok()?;
            target.quick_query(sql, &params(&values, &marks).ok()?)
        };
        Ok(Ok(quick().map(|rows| rows.into_encoded())))
    }

    fn start_query(
        &mut self,
        of: Handle,
        statement: Vec<u8>,
        values: Vec<u8>,
        marks: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let ready = Ready::new(self, of, statement, values, marks)?;
        let budget = HeldBudget::new(self.held.clone());
        self.tickets.start::<Fetched>(async move {
            let (target, sql, params, _held) = ready.decode().await?;
            let rows = target.query(sql, params, budget.clone()).await?;
            Ok((rows.into_encoded(), budget))
        })
    }

    fn take_query(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        let fetched = self.tickets.take::<Fetched>(ticket)?;
        Ok(fetched.map(|(rows, _)| rows).map_err(failure_to_wit))
    }

    fn start_execute(
        &mut self,
        of: Handle,
        statement: Vec<u8>,
        values: Vec<u8>,
        marks: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let ready = Ready::new(self, of, statement, values, marks)?;
        self.tickets.start(async move {
            let (target, sql, params, _held) = ready.decode().await?;
            target.execute(sql, params).await
        })
    }

    fn take_execute(&mut self, ticket: Ticket) -> Answer<wit::Executed> {
        let executed = self.tickets.take::<Executed>(ticket)?;
        let shown = |executed: Executed| wit::Executed {
            last_insert_id: executed.last_insert_id,
            rows_affected: count(executed.rows_affected),
        };
        Ok(executed.map(shown).map_err(failure_to_wit))
    }

    fn start_prepare(&mut self, of: Handle, statement: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.hold(statement.len())?;
        let target = find(self, of);
        self.tickets.start::<Target>(async move {
            let _held = held;
            target?.prepare(text(statement, "the statement")?).await
        })
    }

    fn take_prepare(&mut self, ticket: Ticket) -> Answer<Handle> {
        take_handle(self, ticket)
    }

    fn start_begin(&mut self, of: Handle, isolation: Vec<u8>, read_only: bool) -> wasmtime::Result<Ticket> {
        let target = find(self, of);
        self.tickets.start::<Target>(async move {
            let isolation = text(isolation, "the isolation")?.parse()?;
            let transaction = target?.database()?.begin(Begin { isolation, read_only }).await?;
            Ok(Target::Transaction(Arc::new(transaction)))
        })
    }

    fn take_begin(&mut self, ticket: Ticket) -> Answer<Handle> {
        take_handle(self, ticket)
    }

    fn start_commit(&mut self, of: Handle) -> wasmtime::Result<Ticket> {
        start_ending(self, of, |transaction| async move { transaction.commit().await })
    }

    fn take_commit(&mut self, ticket: Ticket) -> Answer<()> {
        take(self, ticket)
    }

    fn start_rollback(&mut self, of: Handle) -> wasmtime::Result<Ticket> {
        start_ending(self, of, |transaction| async move { transaction.rollback().await })
    }

    fn take_rollback(&mut self, ticket: Ticket) -> Answer<()> {
        take(self, ticket)
    }

    fn start_savepoint(&mut self, of: Handle, name: Vec<u8>) -> wasmtime::Result<Ticket> {
        start_named(self, of, name, |transaction, name| async move { transaction.savepoint(&name).await })
    }

    fn take_savepoint(&mut self, ticket: Ticket) -> Answer<()> {
        take(self, ticket)
    }

    fn start_rollback_to(&mut self, of: Handle, name: Vec<u8>) -> wasmtime::Result<Ticket> {
        start_named(self, of, name, |transaction, name| async move { transaction.rollback_to(&name).await })
    }

    fn take_rollback_to(&mut self, ticket: Ticket) -> Answer<()> {
        take(self, ticket)
    }

    fn start_release(&mut self, of: Handle, name: Vec<u8>) -> wasmtime::Result<Ticket> {
        start_named(self, of, name, |transaction, name| async move { transaction.release(&name).await })
    }

    fn take_release(&mut self, ticket: Ticket) -> Answer<()> {
        take(self, ticket)
    }
}
