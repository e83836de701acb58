//! How a connection is opened.

use super::error;
use super::guard::{Guard, LONGEST_VALUE};
use super::path::Place;
use super::quick::LONGEST_QUICK;
use super::snapshot::Snapshot;
use super::temporary;
use perilune_value::Failure;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads a file while another connection writes.
    Reader,
    /// Writes a file.
    Writer,
    /// Does everything in a database that lies in memory.
    Only,
}

/// How long a statement waits for another process that uses the file. In this process, writers queue before they get here.
const BUSY: Duration = Duration::from_secs(5);

/// Bytes of a database in memory that does not say how large it may be: no limit of an entry counts them.
const MOST_MEMORY: u64 = 256 << 20;

/// SQLite's own limit, which larger numbers would leave unchanged.
const MOST_PAGES: u64 = 4_294_967_294;

/// Statements whose preparation is kept. An application has some dozens; each takes a few KiB.
const STATEMENTS: usize = 64;

/// What its statements may take their time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Long values, and waiting for other processes.
    Patient,
    /// Neither.
    Quick,
}

/// A connection and what watches over its statements.
pub(super) struct Connection {
    pub(super) sqlite: rusqlite::Connection,
    pub(super) guard: Arc<Guard>,
    /// `None` where changing it failed half way.
    pace: Cell<Option<Pace>>,
    /// Whether the database has a write-ahead log, of which others may be asked whether it changed.
    has_log: bool,
    snapshot: Snapshot,
}

impl Connection {
    /// Opens a database of at most so many bytes, and makes its file if need be. Blocks.
    pub(super) fn open(place: &Place, size: Option<u64>, role: Role) -> Result<Self, Failure> {
        let opened = Self::open_unguarded(place, size, role).and_then(|(sqlite, has_log)| {
            let guard = Guard::install(&sqlite)?;
            let (pace, snapshot) = (Cell::new(Some(Pace::Patient)), Snapshot::default());
            Ok(Connection { sqlite, guard, pace, has_log, snapshot })
        });
        opened.map_err(|problem| error::of_opening(place, &problem))
    }

    fn open_unguarded(
        place: &Place,
        size: Option<u64>,
        role: Role,
    ) -> rusqlite::Result<(rusqlite::Connection, bool)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let sqlite = match place {
            Place::Memory => {
                rusqlite::Connection::open_in_memory_with_flags_and_vfs(flags, temporary::vfs()?)?
            }
            Place::File(path) => {
                rusqlite::Connection::open_with_flags_and_vfs(path, flags, temporary::vfs()?)?
            }
        };
        sqlite.busy_timeout(BUSY)?;
        let mut has_log = false;
        if let Place::File(_) = place {
            let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
            has_log = sqlite.pragma_update_and_check(None, "journal_mode", "WAL", mode)? == "wal";
        }
        let page: u64 = sqlite.pragma_query_value(None, "page_size", |row| row.get(0))?;
        if let Some(bytes) = size.or((*place == Place::Memory).then_some(MOST_MEMORY)) {
            let pages = (bytes / page.max(1)).clamp(1, MOST_PAGES);
            sqlite.pragma_update(Some("main"), "max_page_count", pages)?;
        }
        sqlite.pragma_update(None, "foreign_keys", true)?;
        // Wherever a name in double quotes is unknown, SQLite would take it for a string: a misspelt column would be found.
        for config in [DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL] {
            sqlite.set_db_config(config, false)?;
        }
        // Views and triggers of a file that somebody else made may not call functions with effects.
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false)?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        if role == Role::Reader {
            sqlite.pragma_update(None, "query_only", true)?;
        }
        sqlite.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok((sqlite, has_log))
    }

    /// Sets the pace. It stays for the next statement: most connections see one kind only. Quick statements read a snapshot that is
    /// up to date.
    pub(super) fn set_pace(&self, pace: Pace) -> rusqlite::Result<()> {
        match pace {
            Pace::Patient => self.let_go()?,
            Pace::Quick if self.has_log => {
                self.guard.trusting(|| self.snapshot.refresh(&self.sqlite))?;
            }
            Pace::Quick => {}
        }
        if self.pace.get() == Some(pace) {
            return Ok(());
        }
        let (longest, busy) = match pace {
            Pace::Patient => (LONGEST_VALUE, BUSY),
            Pace::Quick => (LONGEST_QUICK, Duration::ZERO),
        };
        self.pace.set(None);
        self.sqlite.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
        self.sqlite.busy_timeout(busy)?;
        self.pace.set(Some(pace));
        Ok(())
    }

    /// Whether a transaction is open that somebody began.
    pub(super) fn in_transaction(&self) -> bool {
        !self.sqlite.is_autocommit() && !self.holds_snapshot()
    }

    /// Whether it keeps a snapshot for the next quick statement.
    pub(super) fn holds_snapshot(&self) -> bool {
        self.snapshot.is_held()
    }

    /// Ends that snapshot.
    pub(super) fn let_go(&self) -> rusqlite::Result<()> {
        match self.holds_snapshot() {
            true => self.guard.trusting(|| self.snapshot.let_go(&self.sqlite)),
            false => Ok(()),
        }
    }

    /// Runs a statement of our own.
    pub(super) fn command(&self, sql: &str) -> Result<(), Failure> {
        self.guard
            .trusting(|| self.sqlite.execute_batch(sql))
            .map_err(|problem| error::failure(&problem, &self.guard))
    }
}
