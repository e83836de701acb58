//! `store.sql` and its table: on SQLite always, on PostgreSQL and MySQL where `PERILUNE_TEST_POSTGRES` and `PERILUNE_TEST_MYSQL`
//! name a server, as `scheme://user:password@host:port/database`.

use crate::support::{key, names, resources, try_resources, within};
use perilune_registry::{Entry, EntryId};
use perilune_sql::{Database, Dialect, Limit};
use perilune_store::{Condition, Put, Query, Store, ttl};
use perilune_value::{Kind, Packed, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

struct Db {
    store: Arc<Store>,
    database: Arc<Database>,
    table: String,
}

fn entry(name: &str, kind: &str) -> Entry {
    Entry::new(EntryId::new("app", name).expect("an id"), kind)
}

/// The databases that there are.
fn databases() -> Vec<Entry> {
    let server = |variable: &str, kind: &str| {
        let url = std::env::var(variable).ok()?;
        let (user, place) = url.split_once("://")?.1.split_once('@')?;
        let ((username, password), (address, database)) = (user.split_once(':')?, place.split_once('/')?);
        let (host, port) = address.split_once(':')?;
        let entry = entry("db", kind).with_field("port", port.parse::<i64>().ok()?);
        let fields = [("host", host), ("username", username), ("password", password), ("database", database)];
        Some(fields.into_iter().fold(entry, |entry, (name, value)| entry.with_field(name, value)))
    };
    [
        Some(entry("db", "db.sql.sqlite").with_field("file", ":memory:")),
        server("PERILUNE_TEST_POSTGRES", "db.sql.postgres"),
        server("PERILUNE_TEST_MYSQL", "db.sql.mysql"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A store with a table of its own in each database; the type of its values is the database's one for `value`.
async fn stores(value: fn(Dialect) -> &'static str) -> Vec<Db> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut all = Vec::new();
    for database in databases() {
        let table = format!("kv{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let store = entry("kv", "store.sql")
            .with_field("database", "db")
            .with_field("table", table.as_str())
            .with_field("id_column_name", "order")
            .with_field("payload_column_name", "Select");
        let resources = resources([database, store]);
        let database = resources.get::<Database>("app:db").expect("the database opens");
        let quote = if database.dialect() == Dialect::MySql { '`' } else { '"' };
        let value = value(database.dialect());
        // Other columns of MySQL take several keys for the same.
        let key = if database.dialect() == Dialect::MySql { "VARBINARY(511)" } else { "VARCHAR(511)" };
        let create = format!(
            "CREATE TABLE {table} (:order: {key} PRIMARY KEY, :Select: {value}, :expires_at: BIGINT)"
        );
        database
            .execute(create.replace(':', &quote.to_string()), Vec::new())
            .await
            .expect("the table is made");
        let store = resources.get::<Store>("app:kv").expect("the store opens");
        all.push(Db { store, database, table });
    }
    all
}

fn text(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite | Dialect::Postgres => "TEXT",
        Dialect::MySql => "LONGTEXT",
    }
}

impl Db {
    async fn execute(&self, sql: &str) -> u64 {
        let sql = sql.replace("kv ", &format!("{} ", self.table));
        self.database.execute(sql, Vec::new()).await.expect("the statement is right").rows_affected
    }

    async fn count(&self) -> Option<i64> {
        let sql = format!("SELECT count(*) AS n FROM {}", self.table);
        let rows = self.database.query(sql, Vec::new(), Limit(1 << 20)).await.expect("it is counted");
        rows.decode().expect("it is read")[0].get("n").and_then(Value::as_integer)
    }

    async fn put(&self, name: &str, value: &str, seconds: f64) -> String {
        let value = Packed::from(&json::decode(value.as_bytes()).expect("it is JSON"));
        let ttl = ttl(seconds).expect("a time to live");
        self.store.put(&key(name), Put { ttl, ..Put::new(value) }).await.expect("it is stored")
    }

    async fn get(&self, name: &str) -> Option<String> {
        let item = self.store.get(&key(name)).await.ok()?;
        Some(json::encode(&item.value.to_value().expect("it is well-formed")).expect("it is JSON"))
    }

    /// Lets so much time pass for all items.
    async fn pass(&self, seconds: u32) {
        self.execute(&format!("UPDATE kv SET expires_at = expires_at - {seconds}")).await;
    }
}

/// Values are the same whatever column holds them.
#[tokio::test]
async fn values_outlive_every_type_of_column() {
    let binary = |dialect| match dialect {
        Dialect::Sqlite => "BLOB",
        Dialect::Postgres => "BYTEA",
        Dialect::MySql => "LONGBLOB",
    };
    let json = |dialect| match dialect {
        Dialect::Sqlite | Dialect::MySql => "JSON",
        Dialect::Postgres => "JSONB",
    };
    for column in [text, binary, json] {
        for db in stores(column).await {
            for value in [
                r#"{"a":[1,2.5,"x",true],"bb":{"c":{}},"c":"'"}"#,
                "7",
                "0.5",
                "true",
                "\"text\"",
                "\"ünï \\\" 😀\"",
                "[]",
            ] {
                let first = db.put("k", "0", 0.0).await;
                let version = db.put("k", value, 0.0).await;
                assert_eq!(db.get("k").await.as_deref(), Some(value), "{:?}", db.database.dialect());
                assert_eq!(db.store.get(&key("k")).await.expect("it is there").version, version, "{value}");
                for (condition, fine) in [(first, false), (version, true)] {
                    let put = Put {
                        condition: Condition::Version(condition),
                        ..Put::new(Packed::from(&Value::from(1)))
                    };
                    let done = db.store.put(&key("k"), put).await;
                    assert_eq!(done.map_err(|failure| failure.kind).err(), (!fine).then_some(Kind::Conflict));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_value_is_gone_when_its_time_is_over() {
    for db in stores(text).await {
        db.put("short", "1", 0.5).await;
        db.put("long", "1", 100.0).await;
        db.put("ever", "1", 0.0).await;
        assert_eq!(names(&db.store).await, ["ever", "long", "short"]);
        db.pass(2).await;
        assert_eq!((db.get("short").await, db.store.has(&key("short")).await), (None, Ok(false)));
        assert_eq!(db.store.delete(&key("short")).await, Ok(false));
        assert_eq!(names(&db.store).await, ["ever", "long"]);
        db.pass(100).await;
        assert_eq!(names(&db.store).await, ["ever"]);
    }
}

#[tokio::test]
async fn what_has_expired_is_absent_for_conditions_too() {
    for db in stores(text).await {
        let version = db.put("k", "1", 10.0).await;
        db.pass(12).await;
        let put = |condition| Put { condition, ..Put::new(Packed::from(&Value::from(2))) };
        let by_version = db.store.put(&key("k"), put(Condition::Version(version))).await;
        assert_eq!(by_version.expect_err("it is gone").kind, Kind::Conflict);
        db.store.put(&key("k"), put(Condition::Absent)).await.expect("nothing is there");
        assert_eq!(db.get("k").await.as_deref(), Some("2"));
        let again = db.store.put(&key("k"), put(Condition::Absent)).await;
        assert_eq!(again.expect_err("it is there").kind, Kind::AlreadyExists);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_count_up_none_is_lost() {
    const EACH: i64 = 5;
    for db in stores(text).await {
        let count = key("count");
        let put = |value: i64, condition| Put { condition, ..Put::new(Packed::from(&Value::from(value))) };
        let absent = (0..8).map(|_| db.store.put(&count, put(0, Condition::Absent)));
        let begun = futures_util::future::join_all(absent).await;
        assert_eq!(begun.iter().filter(|put| put.is_ok()).count(), 1);
        let counting = (0..4).map(|_| {
            let (store, key) = (db.store.clone(), count.clone());
            tokio::spawn(async move {
                let mut left = EACH;
                while left > 0 {
                    let item = store.get(&key).await.expect("it is there");
                    let count =
                        item.value.to_value().expect("it is well-formed").as_integer().expect("a number");
                    match store.put(&key, put(count + 1, Condition::Version(item.version))).await {
                        Ok(_) => left -= 1,
                        Err(failure) => assert_eq!(failure.kind, Kind::Conflict, "{}", failure.message),
                    }
                }
            })
        });
        for counted in futures_util::future::join_all(counting).await {
            counted.expect("it counts to the end");
        }
        assert_eq!(db.get("count").await, Some((4 * EACH).to_string()), "{:?}", db.database.dialect());
    }
}

#[tokio::test]
async fn keys_and_prefixes_are_never_part_of_a_statement() {
    for db in stores(text).await {
        let hostile = ["' OR 1=1 --", "'; DROP TABLE kv; --", "\"; --", "%", "\\", "$1", "?", "k"];
        for name in hostile {
            db.put(name, "1", 0.0).await;
        }
        for name in hostile {
            let query = Query::new(name.as_bytes(), None, None).expect("a query");
            assert_eq!(db.store.list(query).await.expect("it is listed").items.len(), 1, "{name}");
            assert_eq!(db.store.delete(&key(name)).await, Ok(true), "{name}");
        }
        assert_eq!(db.count().await, Some(0));
    }
}

#[tokio::test]
async fn lists_are_in_the_order_of_keys_bytes() {
    for db in stores(text).await {
        let sorted = ["B", "_", "a", "a ", "aé", "b", "é", "\u{ffff}", "😀", "\u{10ffff}", "\u{10ffff}x"];
        for name in sorted.iter().rev() {
            db.put(name, "1", 0.0).await;
        }
        assert_eq!(names(&db.store).await, sorted);
        for (prefix, found) in [("a", 3), ("a ", 1), ("é", 1), ("\u{10ffff}", 2), ("😀", 1), ("A", 0)] {
            let query = Query::new(prefix.as_bytes(), None, None).expect("a query");
            assert_eq!(db.store.list(query).await.expect("it is listed").items.len(), found, "{prefix}");
        }
    }
}

#[tokio::test]
async fn readers_get_what_they_have_room_for() {
    for db in stores(text).await {
        let large = format!("\"{}\"", "x".repeat(100_000));
        for n in 0..10 {
            db.put(&format!("k{n}"), &large, 0.0).await;
        }
        let failure = within(&db.store, 50_000).get(&key("k1")).await.expect_err("there is no room");
        assert_eq!(failure.kind, Kind::RateLimited);
        within(&db.store, 200_000).get(&key("k1")).await.expect("there is room");
        let query = || Query::new(b"k", None, None).expect("a query");
        let page = within(&db.store, 400_000).list(query()).await.expect("there is room for some");
        assert!(page.has_more && (1..4).contains(&page.items.len()), "{}", page.items.len());
        assert_eq!(page.cursor.as_deref(), page.items.last().map(|item| item.key.as_str()));
        let failure = within(&db.store, 50_000).list(query()).await.expect_err("there is no room for one");
        assert_eq!(failure.kind, Kind::RateLimited);
    }
}

#[tokio::test]
async fn a_value_is_no_larger_than_cells_can_read() {
    let db = stores(text).await.swap_remove(0);
    let large = Packed::from(&Value::from("x".repeat(64 << 20)));
    let failure = db.store.put(&key("large"), Put::new(large)).await.expect_err("it is too large");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Invalid, "the value takes 67108866 bytes as JSON; it may take 67108864")
    );
}

#[tokio::test]
async fn expired_rows_are_deleted_while_the_store_is_written_to() {
    let mut database = databases().remove(0);
    database = database.with_field("file", ":memory:");
    let store = entry("kv", "store.sql")
        .with_field("database", "db")
        .with_field("table_name", "kv")
        .with_field("cleanup_interval", "1h");
    let resources = resources([database, store]);
    let database = resources.get::<Database>("app:db").expect("the database opens");
    let db =
        Db { store: resources.get::<Store>("app:kv").expect("it opens"), database, table: "kv".to_owned() };
    db.execute("CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT, expires_at BIGINT)").await;
    db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
         INSERT INTO kv SELECT 'old' || i, '1', 1 FROM n",
    )
    .await;
    assert_eq!(db.count().await, Some(2_500));
    db.put("new", "1", 0.0).await;
    while db.count().await != Some(1) {
        tokio::task::yield_now().await;
    }
    assert_eq!(db.get("new").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_row_that_somebody_else_wrote_wrongly_is_no_item() {
    for db in stores(text).await {
        db.put("k", "1", 0.0).await;
        let quote = if db.database.dialect() == Dialect::MySql { '`' } else { '"' };
        db.execute(&format!("UPDATE kv SET {quote}Select{quote} = 'no json'")).await;
        let failure = db.store.get(&key("k")).await.expect_err("it is no JSON");
        assert!(failure.kind == Kind::Internal && failure.message.contains("`k`"), "{}", failure.message);
        db.put("k", "2", 0.0).await;
        assert_eq!(db.get("k").await.as_deref(), Some("2"));
    }
}

#[test]
fn names_of_tables_and_columns_are_plain_words() {
    let with = |field: &str, value: &str| {
        let database = entry("db", "db.sql.sqlite").with_field("file", ":memory:");
        let store = entry("kv", "store.sql").with_field("database", "db").with_field("table_name", "kv");
        try_resources([database, store.with_field(field, value)])
    };
    for name in ["kv; DROP TABLE kv", "k\"v", "k`v", "1kv", "k v", "ключ", "a.b.c", ".kv", &"k".repeat(64)]
    {
        let report = with("table_name", name).err().expect("it is refused").render(false);
        assert!(report.contains("cannot name a table or column"), "{name}: {report}");
        for field in ["id_column_name", "payload_column_name", "expire_column_name"] {
            assert!(with(field, name).is_err(), "{name}");
        }
    }
    assert!(with("id_column_name", "a.b").is_err() && with("table_name", "main.kv").is_ok());
    let report = with("table", "other").err().expect("it is refused").render(false);
    assert!(report.contains("name different tables"), "{report}");
    let opened = with("payload_column_name", "${env:TABLE}").expect("placeholders are not known yet");
    assert_eq!(opened.get::<Store>("app:kv").err().expect("it is no name").kind, Kind::Invalid);
    let alone = try_resources([
        entry("db", "db.sql.sqlite").with_field("file", ":memory:"),
        entry("kv", "store.sql").with_field("database", "db"),
    ]);
    let report = alone.err().expect("it is refused").render(false);
    assert!(report.contains("the table is missing"), "{report}");
}
