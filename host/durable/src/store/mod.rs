//! One SQLite file: who may open it, what is in it.

mod codec;
mod read;
mod write;

pub(crate) use codec::encode;
pub(crate) use read::{AttemptState, Found, Reader, Shown};
pub(crate) use write::{Op, Submission, Writer};

use crate::settings::Settings;
use perilune_workflow::{Code, WorkflowError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks the file as ours: "peri".
const APPLICATION: i64 = 0x7065_7269;
/// The form of tables and events. Older ones are brought forward, newer ones refused.
const VERSION: i64 = 1;
/// Files up to this size are checked through when they are opened, which takes about 100 ms. Larger ones tell when a damaged page is
/// read.
const CHECKED: u64 = 64 << 20;
/// How long to wait for a program that has the file open in passing, such as the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
    CREATE TABLE runs (
        key INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        workflow_id TEXT NOT NULL,
        workflow_type TEXT NOT NULL,
        status INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        closed_at INTEGER,
        length INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        fields BLOB NOT NULL
    );
    CREATE INDEX runs_of_workflow ON runs (workflow_id, key);
    CREATE INDEX runs_by_status ON runs (status, key);
    CREATE INDEX runs_closed ON runs (closed_at) WHERE closed_at IS NOT NULL;
    CREATE TABLE history (
        run INTEGER NOT NULL,
        first INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, first)
    ) WITHOUT ROWID;
    CREATE TABLE attempts (
        run INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID;
";

/// Opens the file for one host.
pub(crate) fn open(settings: &Settings) -> Result<(Writer, Reader), WorkflowError> {
    let path = &settings.path;
    let lock = lock(path)?;
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        // Nothing is written to a file before it is known to be ours: opening it for writing would change foreign and newer ones.
        check(path)?;
    }
    let failed = |error: rusqlite::Error| store_error(path, &error);
    let writer = Connection::open(path).map_err(failed)?;
    writer.busy_timeout(BUSY).map_err(failed)?;
    prepare(&writer).map_err(failed)?;
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    reader.busy_timeout(BUSY).map_err(failed)?;
    reader.set_prepared_statement_cache_capacity(32);
    Ok((Writer::spawn(writer, lock, settings)?, Reader::new(reader, path.clone())))
}

/// Opens the file to look into, beside whoever works on it.
pub(crate) fn open_to_read(path: &Path) -> Result<Reader, WorkflowError> {
    if !path.is_file() {
        let message = format!("there are no workflows yet: `{}` does not exist", path.display());
        return Err(WorkflowError::new(Code::NotFound, message));
    }
    check(path)?;
    let failed = |error: rusqlite::Error| store_error(path, &error);
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    reader.busy_timeout(BUSY).map_err(failed)?;
    Ok(Reader::new(reader, path.to_owned()))
}

/// Keeps other hosts out as long as the file lives. SQLite's own locks are not enough: two hosts would take turns.
fn lock(path: &Path) -> Result<File, WorkflowError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    let name = PathBuf::from(name);
    let unavailable = |error: std::io::Error| {
        let message = format!("cannot make `{}`: {error}", name.display());
        WorkflowError::new(Code::StoreUnavailable, message)
    };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WorkflowError::new(
            Code::StoreLocked,
            format!(
                "another host works on the workflows in `{}`; stop it, or give this one another path",
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

/// Refuses files that are not whole, not ours, or newer than this program.
fn check(path: &Path) -> Result<(), WorkflowError> {
    let failed = |error: rusqlite::Error| store_error(path, &error);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    // A log that a host left behind is not written back either, when this connection closes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) =
        (number("application_id").map_err(failed)?, number("user_version").map_err(failed)?);
    // A file that was being made when its host died has no tables, and is made again.
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && !(application == 0 && tables == 0) {
        let message = format!("`{}` is a database of something else; give another path", path.display());
        return Err(WorkflowError::new(Code::StoreForeign, message));
    }
    if version > VERSION {
        let message = format!(
            "the workflows in `{}` have format {version}, this program knows formats up to {VERSION}; use the newer program",
            path.display()
        );
        return Err(WorkflowError::new(Code::StoreNewer, message));
    }
    if path.metadata().is_ok_and(|file| file.len() <= CHECKED) {
        let answer: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if answer != "ok" {
            return Err(corrupt(path, &answer));
        }
    }
    Ok(())
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With FULL a commit is on the disk when it returns, in WAL mode too.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(32);
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    }
    Ok(())
}

pub(crate) fn corrupt(path: &Path, what: &str) -> WorkflowError {
    let message = format!(
        "the workflows in `{}` are damaged ({what}); nothing was changed: bring back a copy, or try `.recover` of the `sqlite3` shell",
        path.display()
    );
    WorkflowError::new(Code::StoreCorrupt, message)
}

/// SQLite's errors in our words.
pub(crate) fn store_error(path: &Path, error: &rusqlite::Error) -> WorkflowError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => corrupt(path, &error.to_string()),
        Some(ErrorCode::NotADatabase) => {
            let message = format!("`{}` is no SQLite file; give another path", path.display());
            WorkflowError::new(Code::StoreForeign, message)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => WorkflowError::new(
            Code::StoreLocked,
            format!("another program holds a lock on the workflows in `{}`: {error}", path.display()),
        ),
        _ => {
            let message = format!("the workflows in `{}` cannot be read or written: {error}", path.display());
            WorkflowError::new(Code::StoreUnavailable, message)
        }
    }
}
