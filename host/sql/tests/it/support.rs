//! Databases to test with, and a table of tests that runs on all of them.

use futures_util::future::BoxFuture;
use perilune_registry::{Baseline, Entry, EntryId, Kinds, Registry, Rules};
use perilune_resource::{Allowed, Host, Invocation, Invoke, Resources, Shared};
use perilune_sql::{Budget, Database, Dialect, Executed, KINDS, Limit, Param};
use perilune_value::{Failure, Kind, Value};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;
use tempfile::TempDir;

/// Long enough for any machine: whoever waits longer waits for something that does not happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A database, and a name that only this test uses.
pub(crate) struct Db {
    pub(crate) database: Arc<Database>,
    /// Name of a table that does not exist yet.
    pub(crate) table: String,
    folder: TempDir,
}

/// Calls nothing.
struct NoFunctions;

impl Invoke for NoFunctions {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, Failure>> {
        Box::pin(async move { Err(Failure::not_found(invocation.target)) })
    }
}

/// Opens an entry with these fields as a host would whose application lies in `folder`.
pub(crate) fn open(
    kind: &str,
    fields: &[(&str, Value)],
    folder: &Path,
    allowed: Allowed,
) -> Result<Arc<Database>, Failure> {
    open_in(kind, fields, Some(folder), allowed)
}

/// As [`open`], perhaps of an application without a folder.
pub(crate) fn open_in(
    kind: &str,
    fields: &[(&str, Value)],
    folder: Option<&Path>,
    allowed: Allowed,
) -> Result<Arc<Database>, Failure> {
    let id = EntryId::new("app", "db").expect("a good id");
    let mut entry = Entry::new(id, kind);
    for (name, value) in fields {
        entry = entry.with_field(name, value.clone());
    }
    let kinds = KINDS.iter().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec));
    let mut baseline = Baseline::new();
    baseline.add(entry);
    let registry = Registry::new(baseline, Rules::new(kinds)).expect("the entry is right");
    let host = Host {
        registry: Arc::new(registry),
        functions: Arc::new(NoFunctions),
        folder: folder.map(Path::to_owned),
        allowed,
        shared: Shared::default(),
        variables: |_, _| Ok(None),
    };
    Resources::new(host, KINDS.iter().copied()).get("app:db")
}

pub(crate) fn sqlite(file: &str) -> Db {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fields = [("file", Value::from(file))];
    let database =
        open("db.sql.sqlite", &fields, folder.path(), Allowed::default()).expect("the database opens");
    db(database, folder)
}

/// The server that a variable of the environment names: `scheme://user:password@host:port/database`.
pub(crate) fn server(variable: &str, kind: &str, more: &[(&str, Value)]) -> Option<Db> {
    static SAID: Once = Once::new();
    let Ok(url) = std::env::var(variable) else {
        // Tests that pass are silent, but nobody should take this for a test.
        SAID.call_once(|| {
            let line = "SKIPPED: tests of databases with servers; PERILUNE_TEST_POSTGRES or PERILUNE_TEST_MYSQL name none\n";
            std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
        });
        return None;
    };
    let (_, rest) = url.split_once("://").expect("a URL");
    let (user, rest) = rest.split_once('@').expect("a user");
    let (username, password) = user.split_once(':').expect("a password");
    let (address, database) = rest.split_once('/').expect("a database");
    let (host, port) = address.split_once(':').expect("a port");
    let mut fields = vec![
        ("host", Value::from(host)),
        ("port", Value::Integer(port.parse().expect("a number"))),
        ("username", Value::from(username)),
        ("password", Value::from(password)),
        ("database", Value::from(database)),
    ];
    fields.extend_from_slice(more);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let allowed = Allowed { network: vec![address.to_owned()], ..Allowed::default() };
    let database = open(kind, &fields, folder.path(), allowed).expect("the database opens");
    Some(db(database, folder))
}

pub(crate) fn postgres() -> Option<Db> {
    server("PERILUNE_TEST_POSTGRES", "db.sql.postgres", &[])
}

pub(crate) fn mysql() -> Option<Db> {
    server("PERILUNE_TEST_MYSQL", "db.sql.mysql", &[])
}

fn db(database: Arc<Database>, folder: TempDir) -> Db {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let table = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Db { database, table, folder }
}

impl Db {
    /// Where the file of a database is that has one.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A statement as the database wants it: `T` between blanks is this test's table, `?` a placeholder.
    pub(crate) fn sql(&self, text: &str) -> String {
        let text = text.replace(" T ", &format!(" {} ", self.table));
        if self.database.dialect() != Dialect::Postgres {
            return text;
        }
        let mut parts = text.split('?');
        let first = parts.next().unwrap_or_default().to_owned();
        (1..).zip(parts).fold(first, |text, (number, part)| format!("{text}${number}{part}"))
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Param]) -> Result<Vec<Value>, Failure> {
        self.database.query(self.sql(sql), params.to_vec(), plenty()).await?.decode()
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Param]) -> Result<Executed, Failure> {
        self.database.execute(self.sql(sql), params.to_vec()).await
    }

    /// Runs statements that must succeed.
    pub(crate) async fn run(&self, statements: &[&str]) {
        for sql in statements {
            self.execute(sql, &[]).await.unwrap_or_else(|failure| panic!("{sql}: {}", failure.message));
        }
    }

    /// The single value of the single row.
    pub(crate) async fn value(&self, sql: &str, params: &[Param]) -> Value {
        single(self.query(sql, params).await.unwrap_or_else(|failure| panic!("{sql}: {}", failure.message)))
    }

    /// How many rows the table has.
    pub(crate) async fn count(&self) -> i64 {
        self.value("SELECT count(*) AS n FROM T ", &[]).await.as_integer().expect("a number")
    }

    /// Waits until no connection is in use.
    pub(crate) async fn at_rest(&self) {
        eventually("all connections come back", async || self.database.stats().in_use == 0).await;
    }
}

/// Lets others run until something is so.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}

/// More than any test needs.
pub(crate) fn plenty() -> impl Budget + 'static {
    Limit(64 << 20)
}

pub(crate) fn single(rows: Vec<Value>) -> Value {
    match &rows[..] {
        [Value::Map(cells)] if cells.len() == 1 => cells[0].1.clone(),
        other => panic!("one row with one column, not {other:?}"),
    }
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, Failure>) -> Kind {
    result.expect_err("it is refused").kind
}

pub(crate) fn text(value: &str) -> Param {
    Param::Text(value.to_owned())
}

/// Declares tests that run on every database: a file and memory of SQLite, PostgreSQL, MySQL.
#[macro_export]
macro_rules! on_all {
    ($(async fn $name:ident($db:ident: Db) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn check($db: Db) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite_in_a_file() {
                check($crate::support::sqlite("test.db")).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite_in_memory() {
                check($crate::support::sqlite(":memory:")).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(db) = $crate::support::postgres() {
                    check(db).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_mysql() {
                if let Some(db) = $crate::support::mysql() {
                    check(db).await;
                }
            }
        })*
    };
}
