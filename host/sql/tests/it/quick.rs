//! Queries that are answered at once, and those that must not be.

use crate::support::{Db, PATIENCE, plenty, sqlite, text};
use perilune_sql::{Begin, Param};
use perilune_value::Value;

async fn table(file: &str, rows: i64) -> Db {
    let db = sqlite(file);
    db.run(&["CREATE TABLE T (id integer primary key, v text)"]).await;
    let fill = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) \
                INSERT INTO T SELECT x, 'row ' || x FROM n";
    db.execute(fill, &[Param::Integer(rows)]).await.expect("filled");
    db
}

/// What a query answers at once, after it was run before.
async fn quick(db: &Db, sql: &str, params: &[Param]) -> Option<Vec<Value>> {
    let slow = db.query(sql, params).await.unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    let quick = db.database.quick_query(&db.sql(sql), params)?.decode().expect("values");
    assert_eq!(quick, slow, "{sql}");
    Some(quick)
}

const BY_KEY: &str = "SELECT id, v FROM T WHERE id = ?";

#[tokio::test]
async fn a_row_is_found_by_its_key_at_once() {
    for file in ["test.db", ":memory:"] {
        let db = table(file, 1_000).await;
        assert!(
            db.database.quick_query(&db.sql(BY_KEY), &[Param::Integer(7)]).is_none(),
            "nothing is known about it"
        );
        let rows = quick(&db, BY_KEY, &[Param::Integer(7)]).await.expect("quick");
        assert_eq!(rows[0].get("v"), Some(&Value::from("row 7")));
        for params in [vec![Param::Integer(-1)], vec![Param::Null], vec![text("7")]] {
            quick(&db, BY_KEY, &params).await.expect("quick");
        }
    }
}

#[tokio::test]
async fn what_may_take_long_is_never_answered_at_once() {
    let db = table("test.db", 10_000).await;
    db.run(&[
        "CREATE VIRTUAL TABLE words USING fts5(word)",
        "CREATE VIEW counted AS SELECT count(*) AS n FROM T ",
    ])
    .await;
    for sql in [
        "SELECT count(*) AS n FROM T ",
        "SELECT max(v) AS m FROM T ",
        "SELECT * FROM counted",
        "SELECT upper(v) AS u FROM T WHERE id = 1",
        "SELECT v LIKE 'a%' AS u FROM T WHERE id = 1",
        "SELECT v || v AS u FROM T WHERE id = 1",
        "SELECT * FROM words",
        "SELECT id FROM T ORDER BY v LIMIT 1",
        "SELECT value FROM json_each('[1]')",
        "PRAGMA user_version",
        // Cheap step by step, but there are too many steps.
        "SELECT id FROM T WHERE v = 'nothing'",
        "SELECT a.id FROM T a, T b WHERE a.v = b.v AND b.v = 'nothing'",
    ] {
        assert_eq!(quick(&db, sql, &[]).await, None, "{sql}");
    }
    let all = db.sql("SELECT id FROM T ");
    assert_eq!(db.query("SELECT id FROM T ", &[]).await.expect("rows").len(), 10_000);
    assert!(db.database.quick_query(&all, &[]).is_none(), "its result is large");
}

#[tokio::test]
async fn large_values_are_left_to_others() {
    let db = table("test.db", 1).await;
    db.execute("UPDATE T SET v = ?", &[text(&"x".repeat(1 << 20))]).await.expect("updated");
    assert_eq!(quick(&db, BY_KEY, &[Param::Integer(1)]).await, None);
    db.execute("UPDATE T SET v = 'small'", &[]).await.expect("updated");
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
}

#[tokio::test]
async fn wrong_parameters_are_left_to_who_explains_them() {
    let db = table("test.db", 10).await;
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    assert!(db.database.quick_query(&db.sql(BY_KEY), &[]).is_none());
    assert!(db.database.quick_query(&db.sql(BY_KEY), &[Param::Null, Param::Null]).is_none());
}

#[tokio::test]
async fn what_is_known_of_a_statement_ends_with_its_table() {
    let db = table("test.db", 10_000).await;
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    let transaction = db.database.begin(Begin::default()).await.expect("it begins");
    let other = format!("{}_other", db.table);
    transaction
        .execute(db.sql(&format!("ALTER TABLE T RENAME TO {other}")), Vec::new())
        .await
        .expect("renamed");
    let by_key = db.sql(BY_KEY);
    assert!(db.database.quick_query(&by_key, &[Param::Integer(1)]).is_none(), "a table is being changed");
    let view = db.sql(&format!("CREATE VIEW T AS SELECT count(*) AS id, 'all' AS v FROM {other}"));
    transaction.execute(view, Vec::new()).await.expect("created");
    transaction.commit().await.expect("committed");
    assert!(
        db.database.quick_query(&by_key, &[Param::Integer(10_000)]).is_none(),
        "it is another statement now"
    );
    assert_eq!(quick(&db, BY_KEY, &[Param::Integer(10_000)]).await, None);
}

#[tokio::test]
async fn all_connections_in_use_is_no_reason_to_wait() {
    let db = table(":memory:", 10).await;
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    let transaction = db.database.begin(Begin::default()).await.expect("it begins");
    assert!(db.database.quick_query(&db.sql(BY_KEY), &[Param::Integer(1)]).is_none());
    transaction.commit().await.expect("committed");
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
}

#[tokio::test]
async fn what_others_commit_is_seen_at_once() {
    let db = table("test.db", 10).await;
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    db.execute("UPDATE T SET v = 'new' WHERE id = 1", &[]).await.expect("updated");
    let rows = quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    assert_eq!(rows[0].get("v"), Some(&Value::from("new")));
}

/// Another connection to the same file, as another process has one.
fn another(db: &Db) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(db.folder().join("test.db")).expect("it opens");
    other.busy_timeout(PATIENCE).expect("a number");
    other
}

/// What each of some queries answers, one after the other and each at once.
fn at_once(db: &Db, times: usize) -> Vec<Value> {
    let by_key = db.sql(BY_KEY);
    let query = |_| {
        let rows = db.database.quick_query(&by_key, &[Param::Integer(1)]).expect("quick");
        rows.decode().expect("values")[0].get("v").cloned().expect("a value")
    };
    (0..times).map(query).collect()
}

/// Queries that follow each other read without locks as long as nobody writes.
#[tokio::test]
async fn what_anybody_commits_between_two_queries_is_seen() {
    let db = table("test.db", 10).await;
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    let other = another(&db);
    for n in 0..20 {
        at_once(&db, n / 2);
        let set = db.sql(&format!("UPDATE T SET v = 'version {n}' WHERE id = 1"));
        match n % 2 {
            0 => other.execute_batch(&set).expect("updated"),
            _ => drop(db.database.execute(set, Vec::new()).await.expect("updated")),
        }
        assert_eq!(at_once(&db, 3), vec![Value::from(format!("version {n}")); 3]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_at_once_do_not_keep_the_log_from_beginning_anew() {
    let db = table("test.db", 10).await;
    quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
    let other = another(&db);
    for n in 0..5 {
        at_once(&db, 10);
        other.execute_batch(&db.sql(&format!("UPDATE T SET v = '{n}' WHERE id = 1"))).expect("updated");
        at_once(&db, 10);
        // Waits for those that read.
        let is_busy = tokio::task::block_in_place(|| {
            other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        assert_eq!(is_busy.expect("the log is written back"), 0, "somebody reads for ever");
    }
}

#[tokio::test]
async fn after_queries_at_once_transactions_are_as_ever() {
    for file in ["test.db", ":memory:"] {
        let db = table(file, 10).await;
        quick(&db, BY_KEY, &[Param::Integer(1)]).await.expect("quick");
        for read_only in [true, false] {
            at_once(&db, 3);
            let begin = Begin { read_only, ..Begin::default() };
            let transaction = db.database.begin(begin).await.expect("it begins");
            let rows = transaction.query(db.sql(BY_KEY), vec![Param::Integer(2)], plenty()).await;
            assert_eq!(rows.expect("rows").len(), 1);
            transaction.rollback().await.expect("rolled back");
        }
        db.at_rest().await;
    }
}
