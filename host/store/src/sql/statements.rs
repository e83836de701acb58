//! The statements, in the language of each database. Whatever comes from a caller is a parameter.

use super::columns::Columns;
use perilune_sql::Dialect;
use std::sync::Arc;

/// Rows that one cleaning statement removes: it must not hold up the others.
pub(super) const BATCH: u64 = 1_000;

/// The texts; parameters in the order of their mention.
pub(super) struct Statements {
    /// Value and expiry of a live key: key, now.
    pub(super) get: Arc<str>,
    /// As `get`, and nobody else changes the row before the transaction ends.
    pub(super) lock: Arc<str>,
    /// Whether a key is live: key, now.
    pub(super) has: Arc<str>,
    /// Puts whatever was there before: key, value, expiry.
    pub(super) put: Arc<str>,
    /// Fails when the key is there: key, value, expiry.
    pub(super) insert: Arc<str>,
    /// Value, expiry, key.
    pub(super) update: Arc<str>,
    /// Removes a live key: key, now.
    pub(super) delete: Arc<str>,
    /// Removes a key that has expired: key, now.
    pub(super) forget: Arc<str>,
    /// Removes some of what has expired: now, and in some languages now again.
    pub(super) clean: Arc<str>,
    /// Whether `clean` takes two parameters.
    pub(super) cleans_by_key: bool,
    /// Live items in the order of keys' bytes, up to the end: now, from, after, count.
    pub(super) list: Arc<str>,
    /// As `list`, up to a key: now, from, after, end, count.
    pub(super) list_to: Arc<str>,
}

impl Statements {
    pub(super) fn new(columns: &Columns, dialect: Dialect) -> Self {
        let Columns { table, key, value, expires } = &columns.quoted(dialect);
        let mark = |number: usize| match dialect {
            Dialect::Postgres => format!("${number}"),
            Dialect::Sqlite | Dialect::MySql => "?".to_owned(),
        };
        let [m1, m2, m3, m4, m5] = [1, 2, 3, 4, 5].map(mark);
        // Keys are compared as bytes, whatever the column's collation: lists are the same everywhere.
        let bytes = match dialect {
            Dialect::Sqlite => format!("{key} COLLATE BINARY"),
            Dialect::Postgres => format!("{key} COLLATE \"C\""),
            Dialect::MySql => format!("CAST({key} AS BINARY)"),
        };
        let live = |now: &str| format!("({expires} IS NULL OR {expires} > {now})");
        let item = format!("SELECT {key} AS k, {value} AS v, {expires} AS e FROM {table}");
        let get = format!("{item} WHERE {key} = {m1} AND {}", live(&m2));
        let lock = match dialect {
            // Its transactions that write run one at a time.
            Dialect::Sqlite => get.clone(),
            Dialect::Postgres | Dialect::MySql => format!("{get} FOR UPDATE"),
        };
        let insert = format!("INSERT INTO {table} ({key}, {value}, {expires}) VALUES ({m1}, {m2}, {m3})");
        let replace = match dialect {
            Dialect::Sqlite | Dialect::Postgres => format!(
                "ON CONFLICT ({key}) DO UPDATE SET {value} = excluded.{value}, {expires} = excluded.{expires}"
            ),
            Dialect::MySql => {
                format!("ON DUPLICATE KEY UPDATE {value} = VALUES({value}), {expires} = VALUES({expires})")
            }
        };
        let expired = |now: &str| format!("DELETE FROM {table} WHERE {expires} <= {now}");
        let cleans_by_key = dialect != Dialect::MySql;
        let clean = match cleans_by_key {
            true => format!(
                "{} AND {key} IN (SELECT {key} FROM {table} WHERE {expires} <= {m2} LIMIT {BATCH})",
                expired(&m1)
            ),
            false => format!("{} LIMIT {BATCH}", expired(&m1)),
        };
        let from = format!("{item} WHERE {} AND {bytes} >= {m2} AND {bytes} > {m3}", live(&m1));
        Statements {
            has: format!("SELECT 1 AS found FROM {table} WHERE {key} = {m1} AND {}", live(&m2)).into(),
            put: format!("{insert} {replace}").into(),
            update: format!("UPDATE {table} SET {value} = {m1}, {expires} = {m2} WHERE {key} = {m3}").into(),
            delete: format!("DELETE FROM {table} WHERE {key} = {m1} AND {}", live(&m2)).into(),
            forget: format!("DELETE FROM {table} WHERE {key} = {m1} AND {expires} <= {m2}").into(),
            list: format!("{from} ORDER BY {bytes} LIMIT {m4}").into(),
            list_to: format!("{from} AND {bytes} < {m4} ORDER BY {bytes} LIMIT {m5}").into(),
            get: get.into(),
            lock: lock.into(),
            insert: insert.into(),
            clean: clean.into(),
            cleans_by_key,
        }
    }
}
