//! What is read back.

use super::codec::{decode, encode};
use super::{corrupt, store_error};
use perilune_value::{Failure, Value};
use perilune_workflow::{
    Code, Event, Fields, Filter, Page, Status, Summary, Target, Timestamp, WorkflowError,
};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value as Sql};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// An open run, as it is found when the store is opened.
pub(crate) struct StoredRun {
    pub(crate) key: i64,
    pub(crate) run_id: String,
    /// Its history, or why it cannot be read: one damaged run does not stop the others.
    pub(crate) history: Result<Vec<Event>, WorkflowError>,
    /// Bytes of the history.
    pub(crate) bytes: u64,
    pub(crate) attempts: HashMap<u32, AttemptState>,
}

/// Where the attempts of an activity are. One that has no such state has its first attempt running.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AttemptState {
    /// The attempt that runs, or comes next.
    pub(crate) attempt: u32,
    /// Whether it runs.
    pub(crate) running: bool,
    /// When it comes.
    pub(crate) next_at: Timestamp,
    /// What the last heartbeat said.
    #[serde(with = "perilune_workflow::wire::optional_value")]
    pub(crate) details: Option<Value>,
    /// What the last attempt failed with.
    #[serde(with = "perilune_workflow::wire::optional_failure")]
    pub(crate) failure: Option<Failure>,
}

impl AttemptState {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        encode(self, &mut body);
        body
    }
}

/// What lists show of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shown {
    #[serde(with = "perilune_workflow::wire::fields")]
    pub(crate) memo: Fields,
    #[serde(with = "perilune_workflow::wire::fields")]
    pub(crate) search_attributes: Fields,
}

impl Shown {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        encode(self, &mut body);
        body
    }
}

/// A run that was asked for.
pub(crate) struct Found {
    pub(crate) key: i64,
    pub(crate) summary: Summary,
}

/// Reads while the writer writes. Calls block.
#[derive(Clone)]
pub(crate) struct Reader {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
}

const SUMMARY: &str =
    "key, workflow_id, run_id, workflow_type, status, started_at, closed_at, length, bytes, fields";

impl Reader {
    pub(super) fn new(connection: Connection, path: PathBuf) -> Self {
        Reader { connection: Arc::new(Mutex::new(connection)), path }
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, WorkflowError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(|error| store_error(&self.path, &error))
    }

    /// The largest key of a run.
    pub(crate) fn last_key(&self) -> Result<i64, WorkflowError> {
        self.with(|connection| {
            connection.query_row("SELECT coalesce(max(key), 0) FROM runs", [], |row| row.get(0))
        })
    }

    /// All open runs with their histories.
    pub(crate) fn open_runs(&self) -> Result<Vec<StoredRun>, WorkflowError> {
        let keys: Vec<(i64, String)> = self.with(|connection| {
            connection
                .prepare_cached("SELECT key, run_id FROM runs WHERE status = 0 ORDER BY key")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        keys.into_iter()
            .map(|(key, run_id)| {
                let (history, bytes) = match self.sized_history(key) {
                    Ok((events, bytes)) => (Ok(events), bytes),
                    Err(error) if error.code == Code::StoreCorrupt => (Err(error), 0),
                    Err(error) => return Err(error),
                };
                Ok(StoredRun { key, run_id, history, bytes, attempts: self.attempts(key)? })
            })
            .collect()
    }

    fn attempts(&self, run: i64) -> Result<HashMap<u32, AttemptState>, WorkflowError> {
        let rows: Vec<(u32, Vec<u8>)> = self.with(|connection| {
            connection
                .prepare_cached("SELECT seq, body FROM attempts WHERE run = ?1")?
                .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        rows.into_iter()
            .map(|(seq, body)| match rmp_serde::from_slice(&body) {
                Ok(state) => Ok((seq, state)),
                Err(error) => Err(corrupt(&self.path, &error.to_string())),
            })
            .collect()
    }

    /// All events of a run.
    pub(crate) fn history(&self, run: i64) -> Result<Vec<Event>, WorkflowError> {
        Ok(self.sized_history(run)?.0)
    }

    fn sized_history(&self, run: i64) -> Result<(Vec<Event>, u64), WorkflowError> {
        let chunks: Vec<(u64, Vec<u8>)> = self.with(|connection| {
            connection
                .prepare_cached("SELECT first, body FROM history WHERE run = ?1 ORDER BY first")?
                .query_map([run], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?
                .collect()
        })?;
        let mut events = Vec::new();
        let mut bytes = 0;
        for (first, chunk) in &chunks {
            if *first != events.len() as u64 + 1 {
                return Err(corrupt(&self.path, "events are missing"));
            }
            decode(chunk, &mut events).map_err(|what| corrupt(&self.path, &what))?;
            bytes += chunk.len() as u64;
        }
        Ok((events, bytes))
    }

    /// The last events of a run, those of its last chunk.
    pub(crate) fn last_event(&self, run: i64) -> Result<Option<Event>, WorkflowError> {
        let chunk: Option<Vec<u8>> = self.with(|connection| {
            connection
                .prepare_cached("SELECT body FROM history WHERE run = ?1 ORDER BY first DESC LIMIT 1")?
                .query_row([run], |row| row.get(0))
                .optional()
        })?;
        let mut events = Vec::new();
        if let Some(chunk) = chunk {
            decode(&chunk, &mut events).map_err(|what| corrupt(&self.path, &what))?;
        }
        Ok(events.pop())
    }

    /// The run that is meant: the named one, or else the last one of its workflow.
    pub(crate) fn find(&self, target: &Target) -> Result<Option<Found>, WorkflowError> {
        self.with(|connection| {
            let sql = match target.run_id {
                Some(_) => {
                    format!("SELECT {SUMMARY} FROM runs WHERE workflow_id = ?1 AND run_id = ?2")
                }
                None => {
                    format!("SELECT {SUMMARY} FROM runs WHERE workflow_id = ?1 ORDER BY key DESC LIMIT 1")
                }
            };
            let mut values = vec![target.workflow_id.as_str()];
            values.extend(target.run_id.as_deref());
            connection.prepare_cached(&sql)?.query_row(params_from_iter(values), found).optional()
        })
    }

    /// A page of runs, the newest first.
    pub(crate) fn list(&self, filter: &Filter) -> Result<Page, WorkflowError> {
        const DEFAULT: usize = 100;
        const MOST: usize = 1_000;
        let mut sql = format!("SELECT {SUMMARY} FROM runs WHERE key < ?");
        let after = match &filter.after {
            None => i64::MAX,
            Some(after) => after.parse().map_err(|_| {
                WorkflowError::new(Code::Invalid, format!("`{after}` is not where a page ended"))
            })?,
        };
        let mut values = vec![Sql::Integer(after)];
        if let Some(workflow_type) = &filter.workflow_type {
            sql.push_str(" AND workflow_type = ?");
            values.push(workflow_type.clone().into());
        }
        if let Some(status) = filter.status {
            sql.push_str(" AND status = ?");
            values.push((status as i64).into());
        }
        if let Some(prefix) = &filter.id_prefix {
            sql.push_str(" AND substr(workflow_id, 1, ?) = ?");
            values.push(i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX).into());
            values.push(prefix.clone().into());
        }
        let limit = if filter.limit == 0 { DEFAULT } else { filter.limit.min(MOST) };
        sql.push_str(" ORDER BY key DESC LIMIT ?");
        values.push(Sql::Integer(limit as i64 + 1));
        let mut rows: Vec<Found> = self.with(|connection| {
            connection.prepare_cached(&sql)?.query_map(params_from_iter(values), found)?.collect()
        })?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| last.key.to_string());
        Ok(Page { runs: rows.into_iter().map(|found| found.summary).collect(), next })
    }

    /// When the longest closed run closed.
    pub(crate) fn first_closed(&self) -> Result<Option<Timestamp>, WorkflowError> {
        self.with(|connection| {
            connection
                .query_row("SELECT min(closed_at) FROM runs WHERE closed_at IS NOT NULL", [], |row| {
                    row.get(0)
                })
                .map(|at: Option<i64>| at.map(Timestamp))
        })
    }
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let status: i64 = row.get(4)?;
    let status = usize::try_from(status).ok().and_then(|status| Status::ALL.get(status).copied());
    // What cannot be read of what is only shown is not shown.
    let shown = rmp_serde::from_slice::<Shown>(row.get_ref(9)?.as_blob()?).unwrap_or_default();
    Ok(Found {
        key: row.get(0)?,
        summary: Summary {
            workflow_id: row.get(1)?,
            run_id: row.get(2)?,
            workflow_type: row.get(3)?,
            status: status.unwrap_or(Status::Running),
            started_at: Timestamp(row.get(5)?),
            closed_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
            history_length: row.get::<_, i64>(7)?.unsigned_abs(),
            history_bytes: row.get::<_, i64>(8)?.unsigned_abs(),
            memo: shown.memo,
            search_attributes: shown.search_attributes,
        },
    })
}
