//! Queries that need no thread of their own.
//!
//! Handing a query to another thread and waiting for its answer takes several times as long as finding a row by its key. So a
//! query is answered at once when three things hold:
//!
//! * each instruction of its program is cheap by itself, so that it can be stopped after a few; a program with others, such as
//!   a function or a virtual table, never gets here;
//! * a connection is idle;
//! * it is done after some thousand instructions and within a millisecond, with values and a result of some KiB. Else it is
//!   stopped, and begins anew on a thread that may block: it only reads, so that nothing was done.

use super::connection::{Connection, Pace};
use super::run;
use crate::{Limit, Param, Rows};
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Statements about which something is known. Twice as many as a connection keeps prepared.
const KNOWN: NonZeroUsize = NonZeroUsize::new(128).expect("invariant: above zero");

/// Longer statements are not kept in mind.
const LONGEST: usize = 4 * 1024;

/// The longest value: its pages are read and copied by a single instruction.
pub(super) const LONGEST_QUICK: i32 = 64 * 1024;

/// The largest result, by the measure of [`crate::Budget`].
const RESULT: usize = 64 * 1024;

/// Instructions that look at a page of a tree, a value or a row. Names are those of `EXPLAIN`.
const CHEAP: &[&str] = &[
    "Affinity",
    "BitAnd",
    "BitNot",
    "BitOr",
    "Column",
    "Copy",
    "DecrJumpZero",
    "DeferredSeek",
    "Eq",
    "Explain",
    "Ge",
    "Goto",
    "Gt",
    "Halt",
    "IdxGE",
    "IdxGT",
    "IdxLE",
    "IdxLT",
    "IdxRowid",
    "If",
    "IfNot",
    "IfNullRow",
    "IfPos",
    "Init",
    "Int64",
    "Integer",
    "IsNull",
    "IsTrue",
    "Last",
    "Le",
    "Lt",
    "Move",
    "MustBeInt",
    "Ne",
    "Next",
    "NoConflict",
    "Noop",
    "NotExists",
    "NotFound",
    "NotNull",
    "Null",
    "NullRow",
    "OffsetLimit",
    "OpenRead",
    "Prev",
    "Real",
    "RealAffinity",
    "ResultRow",
    "Rewind",
    "Rowid",
    "SCopy",
    "SeekEnd",
    "SeekGE",
    "SeekGT",
    "SeekHit",
    "SeekLE",
    "SeekLT",
    "SeekRowid",
    "SeekScan",
    "String",
    "String8",
    "Transaction",
    "Variable",
];

/// What is known about statements.
pub(super) struct Verdicts {
    quick: Mutex<LruCache<Box<str>, bool>>,
}

impl Default for Verdicts {
    fn default() -> Self {
        Verdicts { quick: Mutex::new(LruCache::new(KNOWN)) }
    }
}

impl Verdicts {
    /// Whether a statement is known to be quick.
    pub(super) fn is_quick(&self, sql: &str) -> bool {
        self.known().get(sql).copied().unwrap_or_default()
    }

    /// Looks at a statement's program, once.
    pub(super) fn learn(&self, connection: &Connection, sql: &str) {
        if sql.len() <= LONGEST && !self.known().contains(sql) {
            let is_quick = is_cheap(connection, sql).unwrap_or_default();
            self.known().put(sql.into(), is_quick);
        }
    }

    /// Forgets everything: tables are about to change.
    pub(super) fn clear(&self) {
        self.known().clear();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<Box<str>, bool>> {
        self.quick.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_cheap(connection: &Connection, sql: &str) -> rusqlite::Result<bool> {
    let mut statement = connection.sqlite.prepare(&format!("EXPLAIN {sql}"))?;
    // Without parameters: nothing of it is carried out.
    let mut program = statement.raw_query();
    while let Some(instruction) = program.next()? {
        let name = instruction.get_ref("opcode")?;
        if !name.as_str().is_ok_and(|name| CHEAP.contains(&name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Connection {
    /// Answers a query that is known to be quick. `None` when it is not this time, and for whatever is wrong with it.
    pub(super) fn quick_query(&self, sql: &str, params: &[Param]) -> Option<Rows> {
        self.set_pace(Pace::Quick).ok()?;
        self.guard.hurrying(|| {
            let mut statement = self.sqlite.prepare_cached(sql).ok()?;
            run::query(self, &mut statement, params, &mut Limit(RESULT)).ok()
        })
    }
}
