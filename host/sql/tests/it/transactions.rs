//! Transactions: all or nothing, and nobody is left holding a connection.

use crate::on_all;
use crate::support::{Db, kind, plenty, single};
use perilune_sql::{Begin, Dialect, Isolation, Param, Transaction};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;

async fn begin(db: &Db) -> Arc<Transaction> {
    Arc::new(db.database.begin(Begin::default()).await.expect("it begins"))
}

async fn insert(db: &Db, transaction: &Transaction, number: i64) -> Result<(), Failure> {
    transaction.execute(db.sql("INSERT INTO T VALUES (?)"), vec![Param::Integer(number)]).await.map(drop)
}

on_all! {
    async fn what_is_committed_stays(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        insert(&db, &transaction, 1).await.expect("inserted");
        let rows = transaction.query(db.sql("SELECT id FROM T "), Vec::new(), plenty()).await.expect("rows");
        assert_eq!(single(rows.decode().expect("values")), Value::Integer(1), "it sees what it did");
        transaction.commit().await.expect("committed");
        assert_eq!(db.count().await, 1);
    }

    async fn what_is_rolled_back_is_gone(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        insert(&db, &transaction, 1).await.expect("inserted");
        transaction.rollback().await.expect("rolled back");
        assert_eq!(db.count().await, 0);
    }

    async fn a_dropped_transaction_rolls_back_and_gives_its_connection_back(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        for number in 0..20 {
            let transaction = begin(&db).await;
            insert(&db, &transaction, number).await.expect("inserted");
        }
        db.at_rest().await;
        assert_eq!(db.count().await, 0);
    }

    async fn a_transaction_dropped_outside_of_the_runtime_rolls_back(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        insert(&db, &transaction, 1).await.expect("inserted");
        std::thread::spawn(move || drop(transaction)).join().expect("dropping does not panic");
        db.at_rest().await;
        assert_eq!(db.count().await, 0);
    }

    async fn a_transaction_ends_once(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        let statement = transaction.prepare(db.sql("SELECT * FROM T ")).await.expect("prepared");
        transaction.commit().await.expect("committed");
        let failure = transaction.commit().await.expect_err("it has ended");
        assert_eq!(failure.kind, Kind::Invalid);
        assert_eq!(failure.message, "the transaction was committed or rolled back before");
        assert_eq!(kind(transaction.rollback().await), Kind::Invalid);
        assert_eq!(kind(transaction.savepoint("a").await), Kind::Invalid);
        assert_eq!(kind(insert(&db, &transaction, 1).await), Kind::Invalid);
        assert_eq!(kind(statement.query(Vec::new(), plenty()).await), Kind::Invalid);
    }

    async fn savepoints_divide_it(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        insert(&db, &transaction, 1).await.expect("inserted");
        transaction.savepoint("first").await.expect("marked");
        insert(&db, &transaction, 2).await.expect("inserted");
        transaction.rollback_to("first").await.expect("undone");
        insert(&db, &transaction, 3).await.expect("inserted");
        transaction.release("first").await.expect("forgotten");
        assert_eq!(kind(transaction.rollback_to("never").await), Kind::Invalid);
        if db.database.dialect() == Dialect::Postgres {
            // There, a statement that fails spoils the rest.
            assert_eq!(kind(transaction.commit().await), Kind::Conflict);
            return;
        }
        transaction.commit().await.expect("committed");
        let rows = db.query("SELECT id FROM T ORDER BY id", &[]).await.expect("rows");
        let ids: Vec<_> = rows.iter().filter_map(|row| row.get("id")?.as_integer()).collect();
        assert_eq!(ids, [1, 3]);
    }

    async fn a_savepoint_saves_a_transaction_from_a_failed_statement(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        insert(&db, &transaction, 1).await.expect("inserted");
        transaction.savepoint("before").await.expect("marked");
        assert_eq!(kind(insert(&db, &transaction, 1).await), Kind::AlreadyExists);
        transaction.rollback_to("before").await.expect("undone");
        insert(&db, &transaction, 2).await.expect("inserted");
        transaction.commit().await.expect("committed");
        assert_eq!(db.count().await, 2);
    }

    async fn savepoints_have_plain_names(db: Db) {
        let transaction = begin(&db).await;
        let long = "x".repeat(64);
        for name in ["", "a b", "a;b", "a\"b", "a`b", "ä", "a-b", "a\0", long.as_str()] {
            assert_eq!(kind(transaction.savepoint(name).await), Kind::Invalid, "{name}");
        }
        for name in ["a", "A_1", "1", "_", "select"] {
            transaction.savepoint(name).await.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
            transaction.release(name).await.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        }
        transaction.rollback().await.expect("rolled back");
    }

    async fn a_read_only_transaction_refuses_to_write(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)", "INSERT INTO T VALUES (1)"]).await;
        let options = Begin { read_only: true, ..Begin::default() };
        let transaction = db.database.begin(options).await.expect("it begins");
        let rows = transaction.query(db.sql("SELECT id FROM T "), Vec::new(), plenty()).await.expect("rows");
        assert_eq!(rows.len(), 1);
        assert_eq!(kind(insert(&db, &transaction, 2).await), Kind::Invalid);
        transaction.rollback().await.expect("rolled back");
        assert_eq!(db.count().await, 1);
    }

    async fn every_isolation_but_one_is_there(db: Db) {
        for name in ["default", "read_uncommitted", "read_committed", "repeatable_read", "serializable"] {
            let isolation: Isolation = name.parse().expect("a name");
            let transaction = db.database.begin(Begin { isolation, read_only: false }).await;
            transaction.expect("it begins").commit().await.expect("committed");
        }
        let isolation = Isolation::WriteCommitted;
        assert_eq!(kind(db.database.begin(Begin { isolation, read_only: false }).await.map(drop)), Kind::Invalid);
        assert_eq!(kind("snapshot".parse::<Isolation>()), Kind::Invalid);
        db.at_rest().await;
        assert_eq!(db.value("SELECT 1 AS x", &[]).await, Value::Integer(1));
    }

    async fn operations_of_one_transaction_take_their_turn(db: Db) {
        db.run(&["CREATE TABLE T (id integer primary key)"]).await;
        let transaction = begin(&db).await;
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (transaction, sql) = (transaction.clone(), db.sql("INSERT INTO T VALUES (?)"));
                tokio::spawn(async move { transaction.execute(sql, vec![Param::Integer(number)]).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic").expect("inserted");
        }
        transaction.commit().await.expect("committed");
        assert_eq!(db.count().await, 20);
    }
}

/// Two transactions that each read what the other writes.
async fn cross(db: &Db, isolation: Isolation) -> Result<(), Failure> {
    db.run(&["CREATE TABLE T (id integer primary key, v integer)", "INSERT INTO T VALUES (1, 0), (2, 0)"])
        .await;
    let options = Begin { isolation, read_only: false };
    let one = db.database.begin(options).await.expect("it begins");
    let two = db.database.begin(options).await.expect("it begins");
    let sum = db.sql("SELECT sum(v) AS s FROM T ");
    one.query(sum.clone(), Vec::new(), plenty()).await.expect("rows");
    two.query(sum, Vec::new(), plenty()).await.expect("rows");
    one.execute(db.sql("UPDATE T SET v = 1 WHERE id = 1"), Vec::new()).await.expect("updated");
    one.commit().await?;
    two.execute(db.sql("UPDATE T SET v = 1 WHERE id = 2"), Vec::new()).await?;
    two.commit().await
}

#[tokio::test]
async fn transactions_that_cannot_be_put_in_order_are_a_conflict_worth_retrying() {
    let Some(db) = crate::support::postgres() else { return };
    let failure = cross(&db, Isolation::Serializable).await.expect_err("no order");
    assert_eq!((failure.kind, failure.retryable), (Kind::Conflict, Some(true)));
    db.at_rest().await;
}

/// Two transactions, each waiting for what the other holds. Where the database ends one, its statements must not be carried
/// out by themselves afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_a_conflict_worth_retrying_and_ends_one_transaction() {
    for db in [crate::support::postgres(), crate::support::mysql()].into_iter().flatten() {
        let engine = if db.database.dialect() == Dialect::MySql { " engine=innodb" } else { "" };
        let create = format!("CREATE TABLE T (id integer primary key, v integer){engine}");
        db.run(&[&create, "INSERT INTO T VALUES (1, 0), (2, 0)"]).await;
        let (one, two) = (begin(&db).await, begin(&db).await);
        let update = |id: i64| db.sql(&format!("UPDATE T SET v = v + 1 WHERE id = {id}"));
        one.execute(update(1), Vec::new()).await.expect("updated");
        two.execute(update(2), Vec::new()).await.expect("updated");
        let (waiting, second) = (one, update(2));
        let first = tokio::spawn(async move { (waiting.execute(second, Vec::new()).await, waiting) });
        let second = two.execute(update(1), Vec::new()).await;
        let (first, one) = first.await.expect("no panic");
        let (failure, victim, winner) = match (first, second) {
            (Err(failure), Ok(_)) => (failure, one, two),
            (Ok(_), Err(failure)) => (failure, two, one),
            other => panic!("one of them is ended: {other:?}"),
        };
        assert_eq!((failure.kind, failure.retryable), (Kind::Conflict, Some(true)));
        assert_eq!(kind(victim.execute(update(1), Vec::new()).await), Kind::Conflict);
        drop(victim);
        winner.commit().await.expect("committed");
        let total = db.value("SELECT CAST(sum(v) AS char(9)) AS s FROM T ", &[]).await;
        assert_eq!(total.as_str().map(str::trim), Some("2"), "nothing of the victim remains");
        db.at_rest().await;
    }
}
