//! Queries and statements on a connection. All of this blocks.

use super::Inner;
use super::connection::{Connection, Pace};
use super::error;
use super::memory::Counted;
use crate::param::check_count;
use crate::rows::Encoder;
use crate::session::Reply;
use crate::{Budget, Executed, Param, Rows, moment, text};
use perilune_value::Failure;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Row, Statement};
use std::sync::Arc;

/// What is to be done.
pub(super) enum Work {
    Query { sql: Arc<str>, params: Vec<Param>, budget: Box<dyn Budget> },
    Execute { sql: Arc<str>, params: Vec<Param> },
    Prepare { sql: Arc<str> },
    Command(String),
}

impl Work {
    /// The statement, where it is not one of our own.
    pub(super) fn sql(&self) -> Option<&Arc<str>> {
        match self {
            Work::Query { sql, .. } | Work::Execute { sql, .. } | Work::Prepare { sql } => Some(sql),
            Work::Command(_) => None,
        }
    }
}

/// Does it. The work comes back undone when it writes and may not.
pub(super) fn run(
    connection: &Connection,
    mut work: Work,
    may_write: bool,
    inner: &Inner,
) -> (Option<Work>, Result<Reply, Failure>) {
    if let Err(problem) = connection.set_pace(Pace::Patient) {
        return (None, Err(error::failure(&problem, &connection.guard)));
    }
    let _counted = Counted::begin();
    let refused = || Err(Failure::internal("the statement needs another connection"));
    let reply = match &mut work {
        Work::Command(words) => connection.command(words).map(|()| Reply::Done),
        Work::Query { sql, .. } | Work::Execute { sql, .. } | Work::Prepare { sql } => {
            let sql = sql.clone();
            match prepare(connection, &sql) {
                Err(failure) => Err(failure),
                Ok(statement) if !may_write && !statement.readonly() => {
                    drop(statement);
                    return (Some(work), refused());
                }
                Ok(mut statement) => match &mut work {
                    Work::Query { params, budget, .. } => {
                        let queried = query(connection, &mut statement, params, &mut **budget);
                        let reads = statement.readonly();
                        drop(statement);
                        if queried.is_ok() && reads {
                            inner.learn(connection, &sql);
                        }
                        queried.map(Reply::Rows)
                    }
                    Work::Execute { params, .. } => {
                        execute(connection, &mut statement, &sql, params).map(Reply::Executed)
                    }
                    Work::Prepare { .. } | Work::Command(_) => Ok(Reply::Done),
                },
            }
        }
    };
    (None, reply)
}

impl Inner {
    /// Finds out whether a statement is quick, unless tables are just being changed.
    fn learn(&self, connection: &Connection, sql: &str) {
        if let Ok(_unchanged) = self.schema.try_read() {
            self.verdicts.learn(connection, sql);
        }
    }
}

fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>, Failure> {
    connection.sqlite.prepare_cached(sql).map_err(|problem| error::failure(&problem, &connection.guard))
}

/// Runs a query.
pub(super) fn query(
    connection: &Connection,
    statement: &mut Statement<'_>,
    params: &[Param],
    budget: &mut dyn Budget,
) -> Result<Rows, Failure> {
    check_count(statement.parameter_count(), params.len())?;
    let failed = |problem: rusqlite::Error| error::failure(&problem, &connection.guard);
    bind(statement, params).map_err(failed)?;
    let mut encoder = Encoder::new(budget);
    let mut is_date = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        // Only now: a statement whose tables were changed is prepared anew by its first step.
        if !encoder.has_columns() {
            let columns = AsRef::<Statement<'_>>::as_ref(row).columns();
            encoder.columns(columns.iter().map(|column| column.name()));
            is_date.extend(columns.iter().map(|column| column.decl_type().is_some_and(holds_dates)));
        }
        encode(&mut encoder, row, &is_date).map_err(failed)?;
        encoder.end_row()?;
    }
    encoder.finish()
}

fn execute(
    connection: &Connection,
    statement: &mut Statement<'_>,
    sql: &str,
    params: &[Param],
) -> Result<Executed, Failure> {
    check_count(statement.parameter_count(), params.len())?;
    let failed = |problem: rusqlite::Error| error::failure(&problem, &connection.guard);
    bind(statement, params).map_err(failed)?;
    let before = connection.sqlite.total_changes();
    let mut rows = statement.raw_query();
    while rows.next().map_err(failed)?.is_some() {}
    // Both counts stay what they were when a statement is none that changes rows.
    if connection.sqlite.total_changes() == before {
        return Ok(Executed::default());
    }
    let last_insert_id = if text::inserts(sql) { connection.sqlite.last_insert_rowid() } else { 0 };
    Ok(Executed { last_insert_id, rows_affected: connection.sqlite.changes() })
}

fn bind(statement: &mut Statement<'_>, params: &[Param]) -> rusqlite::Result<()> {
    for (position, param) in (1..).zip(params) {
        match param {
            Param::Null => statement.raw_bind_parameter::<usize, _>(position, rusqlite::types::Null)?,
            Param::Bool(value) => statement.raw_bind_parameter(position, value)?,
            Param::Integer(value) => statement.raw_bind_parameter(position, value)?,
            Param::Float(value) => statement.raw_bind_parameter(position, value)?,
            Param::Text(value) => statement.raw_bind_parameter(position, value)?,
            Param::Bytes(value) => statement.raw_bind_parameter(position, value)?,
        }
    }
    Ok(())
}

fn encode(encoder: &mut Encoder<'_>, row: &Row<'_>, is_date: &[bool]) -> rusqlite::Result<()> {
    encoder.begin_row();
    for (column, is_date) in is_date.iter().enumerate() {
        match row.get_ref(column)? {
            ValueRef::Null => encoder.null(),
            ValueRef::Integer(value) => encoder.integer(value),
            ValueRef::Real(value) => encoder.float(value),
            ValueRef::Text(text) if *is_date => {
                let moment = std::str::from_utf8(text).ok().and_then(moment::from_text);
                encoder.text(moment.as_ref().map_or(text, String::as_bytes));
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => encoder.text(bytes),
        }
    }
    Ok(())
}

/// Whether a column was declared for dates. SQLite keeps them as text, in any form.
fn holds_dates(declared: &str) -> bool {
    let word = declared.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["date", "datetime", "timestamp", "timestamptz"].iter().any(|name| name.eq_ignore_ascii_case(word))
}
