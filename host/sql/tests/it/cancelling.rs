//! Operations that are given up: they end where they run, and the database is as good as before.

use crate::on_all;
use crate::support::{Db, eventually, kind, plenty, sqlite};
use perilune_sql::{Begin, Dialect, Param};
use perilune_value::{Kind, Value};
use std::sync::Arc;

/// A query that does not end by itself within a day; `mark` makes it known to the server.
fn endless(db: &Db, mark: &str) -> String {
    match db.database.dialect() {
        Dialect::Sqlite => {
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS x FROM n"
                .to_owned()
        }
        Dialect::Postgres => format!("SELECT pg_sleep(100000) /* {mark} */"),
        Dialect::MySql => format!("SELECT sleep(100000) /* {mark} */"),
    }
}

/// How many of them the server is running.
async fn running(db: &Db, mark: &str) -> i64 {
    let sql = match db.database.dialect() {
        Dialect::Sqlite => return i64::try_from(db.database.stats().in_use).expect("a small number"),
        Dialect::Postgres => format!(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%{mark}%'"
        ),
        Dialect::MySql => format!(
            "SELECT count(*) AS n FROM information_schema.processlist WHERE info LIKE 'SELECT sleep%{mark}%'"
        ),
    };
    db.value(&sql, &[]).await.as_integer().expect("a number")
}

on_all! {
    async fn a_query_that_is_given_up_ends_where_it_runs(db: Db) {
        let mark = db.table.clone();
        let (database, sql) = (db.database.clone(), endless(&db, &mark));
        let query = tokio::spawn(async move { database.query(sql, Vec::new(), plenty()).await });
        eventually("the query runs", async || running(&db, &mark).await == 1).await;
        query.abort();
        eventually("the query ends", async || running(&db, &mark).await == 0).await;
        db.at_rest().await;
        assert_eq!(db.value("SELECT 1 AS x", &[]).await, Value::Integer(1));
    }

    async fn queries_that_are_given_up_leave_no_connection_behind(db: Db) {
        db.run(&["CREATE TABLE T (id integer)"]).await;
        for _ in 0..40 {
            // Given up at once, at its first wait, or somewhere on its way.
            let (database, sql) = (db.database.clone(), db.sql("INSERT INTO T VALUES (?)"));
            let insert = tokio::spawn(async move { database.execute(sql, vec![Param::Integer(1)]).await });
            tokio::task::yield_now().await;
            insert.abort();
        }
        db.at_rest().await;
        assert!(db.count().await <= 40);
    }

    async fn an_operation_that_is_given_up_ends_its_transaction(db: Db) {
        db.run(&["CREATE TABLE T (id integer)"]).await;
        let mark = db.table.clone();
        let transaction = Arc::new(db.database.begin(Begin::default()).await.expect("it begins"));
        transaction.execute(db.sql("INSERT INTO T VALUES (1)"), Vec::new()).await.expect("inserted");
        let mut query = Box::pin(transaction.query(endless(&db, &mark), Vec::new(), plenty()));
        assert!(futures_util::poll!(&mut query).is_pending(), "it is on its way");
        drop(query);
        let after = transaction.execute(db.sql("INSERT INTO T VALUES (2)"), Vec::new()).await;
        assert_eq!(kind(after), Kind::Conflict);
        assert_eq!(kind(transaction.commit().await), Kind::Conflict);
        drop(transaction);
        db.at_rest().await;
        assert_eq!(db.count().await, 0);
    }

    async fn a_beginning_that_is_given_up_leaves_nothing_open(db: Db) {
        for _ in 0..40 {
            let database = db.database.clone();
            let begin = tokio::spawn(async move { database.begin(Begin::default()).await.map(drop) });
            tokio::task::yield_now().await;
            begin.abort();
        }
        db.at_rest().await;
        db.run(&["CREATE TABLE T (id integer)"]).await;
    }
}

/// A host waits for its threads when it shuts down, and its tasks are gone by then.
#[test]
fn a_host_that_shuts_down_stops_what_runs() {
    let host = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("it starts");
    host.block_on(async {
        let db = sqlite("test.db");
        let (database, sql) = (db.database.clone(), endless(&db, "shutdown"));
        tokio::spawn(async move { database.query(sql, Vec::new(), plenty()).await });
        eventually("the query runs", async || running(&db, "shutdown").await == 1).await;
    });
    drop(host);
}
