//! Kind `store.sql`: contents in a table of a database.
//!
//! The table is made by whoever owns the database: a key (primary), a text for the value, and a number for its expiry in
//! seconds since 1970, which may be NULL. Times to live are rounded up to whole seconds.
//!
//! ```sql
//! CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at BIGINT);                    -- SQLite, PostgreSQL
//! CREATE TABLE kv (`key` VARBINARY(511) PRIMARY KEY, value LONGTEXT NOT NULL, expires_at BIGINT);    -- MySQL
//! ```
//!
//! With a column of text as key, MySQL takes `a` for `A` and for `a ` as a rule.

mod columns;
mod content;
mod statements;

use crate::store::{PAGE_BYTES, already_there, changed};
use crate::{Backend, Condition, Info, Item, Key, Page, Put, Query, Room, Store};
use columns::Columns;
use content::{LARGEST, Written};
use futures_util::future::BoxFuture;
use perilune_registry::{Field, Fields, KindSpec, Type};
use perilune_resource::{Opened, Opening, ResourceKind, kind};
use perilune_sql::{Begin, Budget, Database, Limit, Param};
use perilune_value::{Failure, Kind, Value};
use serde::Deserialize;
use statements::{BATCH, Statements};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "store.sql",
        doc: "A key-value store in a table of a database",
        fields: Fields::Known(&[
            Field {
                name: "database",
                ty: Type::Entry(&["db.sql.sqlite", "db.sql.postgres", "db.sql.mysql"]),
                required: true,
                doc: "where the table is",
                ..FIELD
            },
            Field {
                name: "table_name",
                ty: Type::String,
                doc: "the table, perhaps with its schema; it must exist",
                ..FIELD
            },
            Field { name: "table", ty: Type::String, doc: "another name for `table_name`", ..FIELD },
            Field {
                name: "id_column_name",
                ty: Type::String,
                default: "key",
                doc: "column of the key, the primary one: TEXT, or VARBINARY(511) in MySQL",
                ..FIELD
            },
            Field {
                name: "payload_column_name",
                ty: Type::String,
                default: "value",
                doc: "column of the value, JSON as text",
                ..FIELD
            },
            Field {
                name: "expire_column_name",
                ty: Type::String,
                default: "expires_at",
                doc: "column of the expiry in seconds since 1970, or NULL: BIGINT",
                ..FIELD
            },
            Field {
                name: "cleanup_interval",
                ty: Type::Duration { max: Duration::from_secs(86_400) },
                default: "never",
                doc: "how often writing to the store also deletes expired rows; nobody sees them before either",
                ..FIELD
            },
        ]),
        placeholders: true,
        check: Some(columns::check),
        ..KindSpec::EMPTY
    },
    open,
};

#[derive(Deserialize)]
struct Config {
    database: String,
    #[serde(default, deserialize_with = "kind::optional_duration")]
    cleanup_interval: Option<Duration>,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let columns = Columns::of(opening.data())?;
    let database: Arc<Database> = opening.resource(&config.database)?;
    let sql = Sql(Arc::new(Table {
        statements: Statements::new(&columns, database.dialect()),
        database,
        cleanup_interval: config.cleanup_interval,
        cleaned: Mutex::default(),
    }));
    Ok(Opened::resource(Arc::new(Store::new(Arc::new(sql)))))
}

struct Sql(Arc<Table>);

struct Table {
    database: Arc<Database>,
    statements: Statements,
    cleanup_interval: Option<Duration>,
    /// When it was cleaned last.
    cleaned: Mutex<Option<Instant>>,
}

/// Seconds since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn now_param() -> Param {
    Param::Integer(i64::try_from(now().as_secs()).unwrap_or(i64::MAX))
}

fn key_param(key: &Key) -> Param {
    Param::Text(key.to_string())
}

/// The first whole second by which a time to live is over.
fn expiry(ttl: Duration) -> i64 {
    let end = now().saturating_add(ttl);
    let seconds = end.as_secs().saturating_add(u64::from(end.subsec_nanos() > 0));
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// So many bytes of a reader's room.
struct Share {
    room: Arc<dyn Room>,
    most: Limit,
}

impl Share {
    fn new(room: &Arc<dyn Room>, most: usize) -> Self {
        Share { room: room.clone(), most: Limit(most) }
    }
}

impl Budget for Share {
    fn take(&mut self, bytes: usize) -> bool {
        self.most.take(bytes) && self.room.take(bytes)
    }
}

/// Bytes of a row at most: its text, and what surrounds it.
const ROW: usize = LARGEST + PAGE_BYTES;

impl Table {
    async fn get(&self, key: &Key, room: &Arc<dyn Room>) -> Result<Option<Item>, Failure> {
        let params = vec![key_param(key), now_param()];
        let rows = self.database.query(self.statements.get.clone(), params, Share::new(room, ROW)).await?;
        match rows.decode()?.pop() {
            Some(row) => content::read(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn put(&self, key: &Key, put: Put, room: &Arc<dyn Room>) -> Result<String, Failure> {
        let Put { value, ttl, condition } = put;
        let written = content::write(value, ttl.map(expiry)).await?;
        let Written { text, expires, version } = written;
        let (text, expires) = (Param::Text(text), expires.map_or(Param::Null, Param::Integer));
        match condition {
            Condition::Always => {
                let params = vec![key_param(key), text, expires];
                self.database.execute(self.statements.put.clone(), params).await?;
            }
            Condition::Absent => {
                let forgotten = vec![key_param(key), now_param()];
                self.database.execute(self.statements.forget.clone(), forgotten).await?;
                let params = vec![key_param(key), text, expires];
                let inserted = self.database.execute(self.statements.insert.clone(), params).await;
                inserted.map_err(|failure| match failure.kind {
                    Kind::AlreadyExists => already_there(key),
                    _ => failure,
                })?;
            }
            Condition::Version(expected) => {
                let row = vec![text, expires, key_param(key)];
                self.replace(key, &expected, row, room).await?;
            }
        }
        Ok(version)
    }

    /// Puts a row in place of the one with this version.
    async fn replace(
        &self,
        key: &Key,
        expected: &str,
        row: Vec<Param>,
        room: &Arc<dyn Room>,
    ) -> Result<(), Failure> {
        // Dropped before its end, it changes nothing.
        let transaction = self.database.begin(Begin::default()).await?;
        let params = vec![key_param(key), now_param()];
        let rows =
            transaction.query(self.statements.lock.clone(), params, Share::new(room, ROW)).await?.decode()?;
        let found = match rows.into_iter().next() {
            Some(row) => Some(content::read(row).await?.version),
            None => None,
        };
        if found.as_deref() != Some(expected) {
            return Err(changed(key));
        }
        transaction.execute(self.statements.update.clone(), row).await?;
        transaction.commit().await
    }

    async fn list(&self, query: &Query, room: &Arc<dyn Room>) -> Result<Page, Failure> {
        let mut count = query.limit;
        loop {
            // Of a single item, the one that follows is read to know that it is there.
            let most = if count == 1 { 2 * ROW } else { PAGE_BYTES };
            match self.rows(query, count + 1, Share::new(room, most)).await {
                Ok(rows) => return page(rows, count).await,
                // A page that is too large is asked for again with half as many.
                Err(failure) if failure.kind == Kind::RateLimited && count > 1 => {
                    room.give_back();
                    count /= 2;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn rows(&self, query: &Query, count: usize, budget: Share) -> Result<Vec<Value>, Failure> {
        let text = |text: &str| Param::Text(text.to_owned());
        let after = query.after.as_deref().unwrap_or_default();
        let mut params = vec![now_param(), text(&query.prefix), text(after)];
        let end = end_of(&query.prefix);
        let statement = if end.is_some() { &self.statements.list_to } else { &self.statements.list };
        params.extend(end.map(Param::Text));
        params.push(Param::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
        self.database.query(statement.clone(), params, budget).await?.decode()
    }

    /// Deletes what has expired, if that is due, while the caller goes on.
    fn clean_sometimes(self: &Arc<Self>) {
        let Some(interval) = self.cleanup_interval else { return };
        let mut cleaned = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        if cleaned.is_some_and(|cleaned| cleaned.elapsed() < interval) {
            return;
        }
        *cleaned = Some(Instant::now());
        let table = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = table.clean().await {
                tracing::warn!(error = %failure.message, "expired items could not be deleted");
            }
        });
    }

    async fn clean(&self) -> Result<(), Failure> {
        let params = if self.statements.cleans_by_key { 2 } else { 1 };
        loop {
            let params = vec![now_param(); params];
            let deleted = self.database.execute(self.statements.clean.clone(), params).await?;
            if deleted.rows_affected < BATCH {
                return Ok(());
            }
        }
    }
}

async fn page(mut rows: Vec<Value>, count: usize) -> Result<Page, Failure> {
    let has_more = rows.len() > count;
    rows.truncate(count);
    let mut page = Page { has_more, ..Page::default() };
    for row in rows {
        page.items.push(content::read(row).await?);
    }
    page.cursor = page.items.last().map(|item| item.key.to_string());
    Ok(page)
}

/// The least text above all that begin with a prefix; none when there is no such text.
fn end_of(prefix: &str) -> Option<String> {
    let mut stem = prefix.to_owned();
    while let Some(last) = stem.pop() {
        // The next character that can follow; UTF-8 orders as its characters do.
        if let Some(next) = (last..=char::MAX).nth(1) {
            stem.push(next);
            return Some(stem);
        }
    }
    None
}

impl Backend for Sql {
    fn get(&self, key: Key, room: Arc<dyn Room>) -> BoxFuture<'_, Result<Option<Item>, Failure>> {
        Box::pin(async move { self.0.get(&key, &room).await })
    }

    fn has(&self, key: Key) -> BoxFuture<'_, Result<bool, Failure>> {
        Box::pin(async move {
            let Table { database, statements, .. } = &*self.0;
            let params = vec![key_param(&key), now_param()];
            Ok(!database.query(statements.has.clone(), params, Limit(PAGE_BYTES)).await?.is_empty())
        })
    }

    fn put(&self, key: Key, put: Put, room: Arc<dyn Room>) -> BoxFuture<'_, Result<String, Failure>> {
        Box::pin(async move {
            let version = self.0.put(&key, put, &room).await?;
            self.0.clean_sometimes();
            Ok(version)
        })
    }

    fn delete(&self, key: Key) -> BoxFuture<'_, Result<bool, Failure>> {
        Box::pin(async move {
            let Table { database, statements, .. } = &*self.0;
            let params = vec![key_param(&key), now_param()];
            Ok(database.execute(statements.delete.clone(), params).await?.rows_affected > 0)
        })
    }

    fn list(&self, query: Query, room: Arc<dyn Room>) -> BoxFuture<'_, Result<Page, Failure>> {
        Box::pin(async move { self.0.list(&query, &room).await })
    }

    fn info(&self) -> Info {
        Info { backend: "sql", consistency: "linearizable", bytes: None }
    }
}
