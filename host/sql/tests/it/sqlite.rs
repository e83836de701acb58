//! What statements may do to SQLite, and what may happen at the same time.

use crate::support::{Db, kind, open, plenty, sqlite, text};
use perilune_resource::Allowed;
use perilune_sql::{Begin, Param};
use perilune_value::{Kind, Value};
use std::sync::Arc;

async fn table(file: &str) -> Db {
    let db = sqlite(file);
    db.run(&["CREATE TABLE T (id integer primary key, v text)", "INSERT INTO T VALUES (1, 'one')"]).await;
    db
}

#[tokio::test]
async fn nothing_reaches_out_of_the_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outside = folder.path().join("outside.db");
    let outside = outside.display();
    for file in ["test.db", ":memory:"] {
        let db = table(file).await;
        for sql in [
            &format!("ATTACH '{outside}' AS other"),
            "ATTACH ':memory:' AS other",
            "ATTACH '' AS other",
            "DETACH main",
            &format!("VACUUM INTO '{outside}'"),
            "SELECT load_extension('evil.so')",
            "SELECT fts3_tokenizer('simple')",
            "PRAGMA writable_schema = 1",
            "PRAGMA journal_mode = OFF",
            "PRAGMA query_only = 0",
            "PRAGMA foreign_keys = OFF",
            "PRAGMA temp_store_directory = '/tmp'",
            "PRAGMA temp_store",
            "PRAGMA trusted_schema = 1",
            "PRAGMA locking_mode = EXCLUSIVE",
            "PRAGMA mmap_size = 1000000000",
            "PRAGMA cache_size = -1000000000",
            "PRAGMA hard_heap_limit = 1",
            "PRAGMA max_page_count = 1",
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "CREATE TEMP TABLE x (y)",
            "CREATE TEMP VIEW x AS SELECT 1",
            "CREATE VIRTUAL TABLE x USING dbstat",
        ] {
            let query = db.query(sql, &[]).await.expect_err(sql);
            assert_eq!(query.kind, Kind::PermissionDenied, "{sql}: {}", query.message);
            let execute = db.execute(sql, &[]).await.expect_err(sql);
            assert_eq!(execute.kind, Kind::PermissionDenied, "{sql}: {}", execute.message);
        }
        for sql in [
            "UPDATE sqlite_schema SET sql = 'x'",
            "DELETE FROM sqlite_schema",
            "SELECT * FROM sqlite_dbpage",
            "SELECT \"no such column\"",
        ] {
            assert_eq!(kind(db.execute(sql, &[]).await), Kind::Invalid, "{sql}");
        }
        assert_eq!(db.count().await, 1);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn what_is_useful_and_harmless_is_there() {
    let db = table("test.db").await;
    for sql in [
        "PRAGMA table_info(sqlite_schema)",
        "PRAGMA foreign_key_list(sqlite_schema)",
        "PRAGMA user_version",
        "PRAGMA user_version = 7",
        "PRAGMA integrity_check",
        "PRAGMA journal_mode",
        "ANALYZE",
        "REINDEX",
        "CREATE VIRTUAL TABLE words USING fts5(word)",
        "INSERT INTO words VALUES ('moon')",
        "SELECT * FROM words WHERE words MATCH 'moon'",
        "SELECT * FROM json_each('[1, 2]')",
        "EXPLAIN QUERY PLAN SELECT 1",
        "DROP TABLE words",
    ] {
        db.query(sql, &[]).await.unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    assert_eq!(db.value("PRAGMA user_version", &[]).await, Value::Integer(7));
    assert_eq!(db.value("PRAGMA foreign_keys", &[]).await, Value::Integer(1));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let db = table("test.db").await;
    let deep = format!("SELECT {}1", "1+".repeat(2_000));
    let wide = format!("SELECT {}", vec!["1"; 5_000].join(", "));
    let compound = vec!["SELECT 1"; 1_000].join(" UNION ALL ");
    for sql in [
        &deep,
        &wide,
        &compound,
        "SELECT zeroblob(1000000000)",
        "SELECT 1 FROM T WHERE v LIKE printf('%1000s', '%')",
    ] {
        let failure = db.query(sql, &[]).await.expect_err(sql);
        assert!(matches!(failure.kind, Kind::Invalid | Kind::RateLimited), "{:.60}: {failure:?}", sql);
    }
    let long = [text(&"x".repeat(17 << 20))];
    assert_eq!(kind(db.execute("INSERT INTO T (v) VALUES (?)", &long).await), Kind::RateLimited);
}

#[tokio::test]
async fn dates_in_any_form_are_told_in_one() {
    let db = sqlite(":memory:");
    db.run(&["CREATE TABLE T (at timestamp, plain text)"]).await;
    for (stored, shown) in [
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09Z"),
        ("2024-05-06 07:08:09.25", "2024-05-06T07:08:09.25Z"),
        ("2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09Z"),
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06", "2024-05-06T00:00:00Z"),
        ("2024-05-06 07:08", "2024-05-06T07:08:00Z"),
        ("tomorrow", "tomorrow"),
        ("", ""),
    ] {
        db.execute("DELETE FROM T ", &[]).await.expect("deleted");
        db.execute("INSERT INTO T VALUES (?, ?)", &[text(stored), text(stored)]).await.expect("inserted");
        let rows = db.query("SELECT * FROM T ", &[]).await.expect("rows");
        assert_eq!(rows[0].get("at"), Some(&Value::from(shown)));
        assert_eq!(rows[0].get("plain"), Some(&Value::from(stored)), "a column of text stays as it is");
    }
}

#[tokio::test]
async fn several_read_while_one_writes() {
    let db = table("test.db").await;
    let writing = db.database.begin(Begin::default()).await.expect("it begins");
    writing.execute(db.sql("INSERT INTO T VALUES (2, 'two')"), Vec::new()).await.expect("inserted");
    let read_only = Begin { read_only: true, ..Begin::default() };
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.push(db.database.begin(read_only).await.expect("a reader begins"));
    }
    for reader in &readers {
        let rows = reader.query(db.sql("SELECT * FROM T "), Vec::new(), plenty()).await.expect("rows");
        assert_eq!(rows.len(), 1, "what is not committed is not seen");
    }
    writing.commit().await.expect("committed");
    let rows = readers[0].query(db.sql("SELECT * FROM T "), Vec::new(), plenty()).await.expect("rows");
    assert_eq!(rows.len(), 1, "a reader sees what was there when it began");
    assert_eq!(db.count().await, 2);
}

#[tokio::test]
async fn writers_wait_for_each_other_without_a_thread() {
    let db = table("test.db").await;
    let first = db.database.begin(Begin::default()).await.expect("it begins");
    let waiting: Vec<_> = (2..200)
        .map(|number| {
            let (database, sql) = (db.database.clone(), db.sql("INSERT INTO T VALUES (?, 'x')"));
            tokio::spawn(async move { database.execute(sql, vec![Param::Integer(number)]).await })
        })
        .collect();
    assert_eq!(db.count().await, 1, "reading goes on");
    first.commit().await.expect("committed");
    for task in waiting {
        task.await.expect("no panic").expect("inserted");
    }
    assert_eq!(db.count().await, 199);
}

#[tokio::test]
async fn who_waits_for_itself_is_told_so_in_the_end() {
    let db = table("test.db").await;
    let open = db.database.begin(Begin::default()).await.expect("it begins");
    let failure = db.database.begin(Begin::default()).await.map(drop).expect_err("it would wait for ever");
    assert_eq!((failure.kind, failure.retryable), (Kind::Unavailable, Some(true)));
    assert!(failure.message.contains("another transaction is open"), "{}", failure.message);
    open.commit().await.expect("committed");
    db.database.begin(Begin::default()).await.expect("now it begins");
    assert_eq!(db.database.stats().wait_count, 1);
}

#[tokio::test]
async fn who_waits_for_its_own_readers_is_told_so_in_the_end() {
    let db = table("test.db").await;
    let reading = Begin { read_only: true, ..Begin::default() };
    let mut open = Vec::new();
    let failure = loop {
        match db.database.begin(reading).await {
            Ok(transaction) => open.push(transaction),
            Err(failure) => break failure,
        }
    };
    assert_eq!((failure.kind, failure.retryable), (Kind::Unavailable, Some(true)));
    assert_eq!(
        failure.message,
        "waited 5 seconds for the database: all connections that read are in use; end one of their transactions before, or use it for \
         this statement as well"
    );
}

#[tokio::test]
async fn a_statement_that_reads_by_its_looks_may_write() {
    let db = table("test.db").await;
    let sql = "WITH new(id, v) AS (VALUES (2, 'two')) INSERT INTO T SELECT id, v FROM new RETURNING id";
    assert_eq!(db.value(sql, &[]).await, Value::Integer(2));
    let done = db.execute("INSERT INTO T VALUES (3, 'three') RETURNING id", &[]).await.expect("inserted");
    assert_eq!((done.rows_affected, done.last_insert_id), (1, 3));
}

#[tokio::test]
async fn a_database_in_memory_stays_as_long_as_it_is_known() {
    let db = table(":memory:").await;
    let database = Arc::clone(&db.database);
    drop(
        tokio::spawn(async move { database.begin(Begin::default()).await.map(drop) })
            .await
            .expect("no panic"),
    );
    db.at_rest().await;
    assert_eq!(db.count().await, 1);
}

#[tokio::test]
async fn a_database_grows_no_larger_than_it_may() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open = |file: &str, size: &str| {
        let options: Value = [("max_size", Value::from(size))].into_iter().collect();
        let fields = [("file", Value::from(file)), ("options", options)];
        open("db.sql.sqlite", &fields, folder.path(), Allowed::default())
    };
    let fill = "INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) \
                SELECT randomblob(10000) FROM c LIMIT 1000";
    for file in [":memory:", "test.db"] {
        let db = open(file, "1MiB").expect("it opens");
        let run = |sql: &'static str| db.execute(sql.to_owned(), Vec::new());
        run("CREATE TABLE t (x)").await.expect("there is room");
        let failure = run(fill).await.expect_err("ten megabytes are too much");
        assert_eq!(failure.kind, Kind::Unavailable, "{file}");
        assert!(failure.message.contains("raise `options.max_size`"), "{failure}");
        run("INSERT INTO t VALUES (zeroblob(100000))").await.expect("what was refused took no room");
    }
    // Without a limit of its own, one in memory has one.
    let db = sqlite(":memory:");
    let pages = db.value("SELECT max_page_count AS n FROM pragma_max_page_count", &[]).await;
    assert_eq!(pages, Value::Integer(65_536));
    for size in ["large", "0", "-1"] {
        let failure = open("test.db", size).map(drop).expect_err("it is refused");
        assert!(failure.message.contains("is no size such as 64MiB"), "{failure}");
    }
}

/// Values are made in the host's memory, before anybody counts them for the cell.
#[tokio::test]
async fn a_statement_cannot_take_the_hosts_memory() {
    let many = ["randomblob(16000000)"; 60].join(", ");
    for file in ["test.db", ":memory:"] {
        let db = table(file).await;
        for greedy in [format!("SELECT {many}"), format!("SELECT length(max({many}))")] {
            let failure = db.query(&greedy, &[]).await.expect_err("a gigabyte");
            assert_eq!(failure.kind, Kind::RateLimited, "{failure}");
            let limit = failure.details.as_ref().and_then(|details| details.get("limit"));
            assert_eq!(limit, Some(&"memory".into()));
        }
        assert_eq!(
            db.value("SELECT length(randomblob(16000000))", &[]).await,
            Value::from(16_000_000),
            "{file}"
        );
        assert_eq!(db.count().await, 1);
    }
}

/// A query needs no more rights than reading to have SQLite write temporary files.
#[tokio::test]
async fn a_query_cannot_fill_the_disk() {
    const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)";
    for file in ["test.db", ":memory:"] {
        let db = table(file).await;
        for greedy in [
            "SELECT i FROM n ORDER BY randomblob(8000)",
            "SELECT count(*) FROM (SELECT DISTINCT randomblob(8000) FROM n)",
            "SELECT count(*), max(length(v)) FROM (SELECT randomblob(8000) AS v FROM n) GROUP BY v",
        ] {
            let failure = db.query(&format!("{ROWS} {greedy}"), &[]).await.expect_err(greedy);
            assert_eq!(failure.kind, Kind::RateLimited, "{greedy}: {failure}");
            let limit = failure.details.as_ref().and_then(|details| details.get("limit"));
            assert_eq!(limit, Some(&"temporary".into()), "{greedy}");
            let said = "sorting or grouping would take more than 256 MiB of disk: limit what is sorted, or make an index for it";
            assert_eq!(failure.message, said);
        }
        // What it took is free again, and what spills within the limit works.
        let spilling = format!("{ROWS} SELECT count(*) FROM (SELECT DISTINCT randomblob(200) FROM n)");
        assert_eq!(db.value(&spilling, &[]).await, Value::from(100_000), "{file}");
        assert_eq!(db.count().await, 1);
    }
}
