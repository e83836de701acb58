//! What statements may not do: reach another file, change how the connection works, or run on when nobody waits.

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bounds of what one statement may be, by what a larger one would cost.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
    // The parser and the code generator recurse.
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 200),
    // A program of a million instructions takes some 24 MiB.
    (Limit::SQLITE_LIMIT_VDBE_OP, 1_000_000),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    // Matching takes time in proportion to the pattern's length and the text's.
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 100),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// A value is in memory as a whole, and in each step of an expression once more. Some functions take time in proportion to the
/// product of the lengths of their arguments, and cannot be interrupted.
pub(super) const LONGEST_VALUE: i32 = 16 << 20;

/// Pragmas that only tell something, with or without an argument.
const QUESTIONS: &[&str] = &[
    "collation_list",
    "compile_options",
    "foreign_key_check",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that tell something as long as they are given no value.
const SETTINGS: &[&str] = &[
    "auto_vacuum",
    "cache_size",
    "data_version",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "journal_mode",
    "max_page_count",
    "page_count",
    "page_size",
    "query_only",
    "schema_version",
    "synchronous",
];

/// Pragmas whose values belong to the database, or to the transaction.
const CHANGES: &[&str] = &["application_id", "defer_foreign_keys", "optimize", "user_version"];

/// Kinds of virtual tables that keep their data in the database.
const VIRTUAL: &[&str] = &["fts5", "rtree", "rtree_i32"];

/// Functions that reach out.
const FUNCTIONS: &[&str] = &["fts3_tokenizer", "load_extension"];

/// Instructions between two looks at the clock: some 10 µs.
const STEP: i32 = 200;

/// Looks of a quick query, and what they may show.
const QUICK_STEPS: u32 = 10;
const QUICK: Duration = Duration::from_millis(1);

/// No limit.
const UNLIMITED: u32 = u32::MAX;

/// Watches over one connection.
pub(super) struct Guard {
    /// Set while a statement of our own is prepared.
    trusting: AtomicBool,
    /// Why the last statement was refused.
    refusal: Mutex<Option<String>>,
    /// Looks that a quick query has left.
    steps: AtomicU32,
    /// Set when nobody waits for the statement any more.
    stopped: AtomicBool,
}

impl Guard {
    /// Puts a guard before a connection.
    pub(super) fn install(sqlite: &Connection) -> rusqlite::Result<Arc<Guard>> {
        for (limit, most) in LIMITS {
            sqlite.set_limit(*limit, *most)?;
        }
        let guard = Arc::new(Guard {
            trusting: AtomicBool::new(false),
            refusal: Mutex::default(),
            steps: AtomicU32::new(UNLIMITED),
            stopped: AtomicBool::new(false),
        });
        let judge = guard.clone();
        sqlite.authorizer(Some(move |context: AuthContext<'_>| judge.judge(&context)));
        let clock = guard.clone();
        let mut began = Instant::now();
        sqlite.progress_handler(
            STEP,
            Some(move || match clock.steps.load(Ordering::Relaxed) {
                UNLIMITED => clock.stopped.load(Ordering::Relaxed),
                0 => true,
                left => {
                    if left == QUICK_STEPS {
                        began = Instant::now();
                    }
                    clock.steps.store(left - 1, Ordering::Relaxed);
                    began.elapsed() > QUICK
                }
            }),
        );
        Ok(guard)
    }

    /// Prepares statements of our own.
    pub(super) fn trusting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.trusting.store(true, Ordering::Relaxed);
        let done = work();
        self.trusting.store(false, Ordering::Relaxed);
        done
    }

    /// Ends what takes more than a few instructions.
    pub(super) fn hurrying<T>(&self, work: impl FnOnce() -> T) -> T {
        self.steps.store(QUICK_STEPS, Ordering::Relaxed);
        let done = work();
        self.steps.store(UNLIMITED, Ordering::Relaxed);
        done
    }

    /// Ends what runs now, or lets what comes run again.
    pub(super) fn stop(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::Relaxed);
    }

    /// Why a statement was refused.
    pub(super) fn take_refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn judge(&self, context: &AuthContext<'_>) -> Authorization {
        if self.trusting.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        match refusal(&context.action) {
            None => Authorization::Allow,
            Some(why) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                Authorization::Deny
            }
        }
    }
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn refusal(action: &AuthAction<'_>) -> Option<String> {
    match *action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some(
            "ATTACH, DETACH and VACUUM reach other files; make an entry of kind db.sql.sqlite for each"
                .to_owned(),
        ),
        AuthAction::Function { function_name } if is_in(FUNCTIONS, function_name) => {
            Some(format!("the function {function_name} would load code"))
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let fine = is_in(QUESTIONS, pragma_name)
                || is_in(CHANGES, pragma_name)
                || (pragma_value.is_none() && is_in(SETTINGS, pragma_name));
            let what = if pragma_value.is_some() { "be set" } else { "be used" };
            (!fine)
                .then(|| format!("PRAGMA {pragma_name} cannot {what}: the connection is shared with others"))
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Some("transactions are begun and ended by methods such as db:begin()".to_owned())
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => {
            Some("a temporary table would be seen by others: the connection is shared with them".to_owned())
        }
        AuthAction::CreateVtable { module_name, .. } if !is_in(VIRTUAL, module_name) => {
            Some(format!("there are virtual tables of {} only, not {module_name}", VIRTUAL.join(", ")))
        }
        AuthAction::Unknown { code, .. } => {
            Some(format!("SQLite asks for action {code}, which this host does not know"))
        }
        _ => None,
    }
}
