//! The same statements mean the same on every database.

use crate::on_all;
use crate::support::{Db, kind, plenty, single, text};
use perilune_sql::{Dialect, Limit, Param};
use perilune_value::{Kind, Value};

/// The type of a column of bytes.
fn bytes_type(db: &Db) -> &'static str {
    if db.database.dialect() == Dialect::Postgres { "bytea" } else { "blob" }
}

on_all! {
    async fn values_come_back_as_they_were_stored(db: Db) {
        let create = format!(
            "CREATE TABLE T (id integer, big bigint, f double precision, s text, b {}, none integer)", bytes_type(&db)
        );
        db.run(&[&create]).await;
        let bytes = vec![0, 255, 10, 39];
        let params = [
            Param::Integer(-7), Param::Integer(i64::MAX), Param::Float(2.5), text("ä 'quoted' \\ \u{1F319}"),
            Param::Bytes(bytes.clone()), Param::Null,
        ];
        db.execute("INSERT INTO T VALUES (?, ?, ?, ?, ?, ?)", &params).await.expect("the row is stored");
        let rows = db.query("SELECT * FROM T ", &[]).await.expect("the row is read");
        let [row] = &rows[..] else { panic!("one row, not {rows:?}") };
        assert_eq!(row.get("id"), Some(&Value::Integer(-7)));
        assert_eq!(row.get("big"), Some(&Value::Integer(i64::MAX)));
        assert_eq!(row.get("f"), Some(&Value::Float(2.5)));
        assert_eq!(row.get("s"), Some(&Value::from("ä 'quoted' \\ \u{1F319}")));
        assert_eq!(row.get("b"), Some(&Value::String(bytes)));
        assert_eq!(row.get("none"), None, "NULL is an absent key");
    }

    async fn exact_numbers_dates_and_times_are_texts(db: Db) {
        db.run(&["CREATE TABLE T (d decimal(12, 3), at timestamp NULL, day date)"]).await;
        let params = [text("1234567.125"), text("2024-05-06 07:08:09"), text("1999-12-31")];
        db.execute("INSERT INTO T VALUES (?, ?, ?)", &params).await.expect("the row is stored");
        let rows = db.query("SELECT at, day FROM T ", &[]).await.expect("the row is read");
        assert_eq!(rows[0].get("at"), Some(&Value::from("2024-05-06T07:08:09Z")));
        assert_eq!(rows[0].get("day"), Some(&Value::from("1999-12-31T00:00:00Z")));
        // SQLite has no exact numbers.
        if db.database.dialect() != Dialect::Sqlite {
            assert_eq!(db.value("SELECT d FROM T ", &[]).await, Value::from("1234567.125"));
        }
    }

    async fn of_columns_with_one_name_the_last_counts(db: Db) {
        assert_eq!(single(db.query("SELECT 1 AS x, 2 AS x", &[]).await.expect("rows")), Value::Integer(2));
        let rows = db.query("SELECT 1 AS x, NULL AS x", &[]).await.expect("rows");
        assert_eq!(rows, [Value::Map(Vec::new())]);
    }

    async fn no_rows_are_an_empty_array(db: Db) {
        db.run(&["CREATE TABLE T (id integer)"]).await;
        assert_eq!(db.query("SELECT * FROM T ", &[]).await.expect("rows"), Vec::<Value>::new());
        assert_eq!(db.query("DELETE FROM T ", &[]).await.expect("no rows either"), Vec::<Value>::new());
    }

    async fn wide_rows_have_all_their_columns(db: Db) {
        let columns: Vec<String> = (0..300).map(|number| format!("{number} AS c{number}")).collect();
        let rows = db.query(&format!("SELECT {}", columns.join(", ")), &[]).await.expect("rows");
        assert_eq!(rows[0].get("c299"), Some(&Value::Integer(299)));
        assert!(matches!(&rows[0], Value::Map(cells) if cells.len() == 300));
    }

    async fn executing_tells_how_many_rows_and_the_last_id(db: Db) {
        let key = match db.database.dialect() {
            Dialect::Sqlite => "integer primary key",
            Dialect::Postgres => "serial primary key",
            Dialect::MySql => "integer auto_increment primary key",
        };
        db.run(&[&format!("CREATE TABLE T (id {key}, v integer)")]).await;
        let inserted = db.execute("INSERT INTO T (v) VALUES (1), (2), (2)", &[]).await.expect("inserted");
        assert_eq!(inserted.rows_affected, 3);
        match db.database.dialect() {
            Dialect::Sqlite => assert_eq!(inserted.last_insert_id, 3),
            Dialect::Postgres => assert_eq!(inserted.last_insert_id, 0),
            // MySQL tells the first one of several.
            Dialect::MySql => assert_eq!(inserted.last_insert_id, 1),
        }
        let updated = db.execute("UPDATE T SET v = 2 WHERE v = ?", &[Param::Integer(2)]).await.expect("updated");
        assert_eq!((updated.rows_affected, updated.last_insert_id), (2, 0), "rows that were so already count");
        assert_eq!(db.execute("DROP TABLE T ", &[]).await.expect("dropped").rows_affected, 0);
    }

    async fn another_number_of_parameters_is_invalid(db: Db) {
        db.run(&["CREATE TABLE T (a integer, b integer)"]).await;
        for params in [&[][..], &[Param::Null], &[Param::Null, Param::Null, Param::Null]] {
            for failure in [
                db.query("SELECT * FROM T WHERE a = ? OR b = ?", params).await.expect_err("refused"),
                db.execute("INSERT INTO T VALUES (?, ?)", params).await.expect_err("refused"),
            ] {
                assert_eq!(failure.kind, Kind::Invalid);
                let expected = format!("takes 2 parameters, {} were given", params.len());
                assert!(failure.message.contains(&expected), "{}", failure.message);
            }
        }
        assert_eq!(kind(db.execute("DELETE FROM T ", &[Param::Null]).await), Kind::Invalid);
        assert_eq!(db.count().await, 0);
    }

    async fn wrong_statements_are_invalid(db: Db) {
        db.run(&["CREATE TABLE T (a integer)"]).await;
        for sql in [
            "SELEKT 1", "SELECT FROM WHERE", "SELECT 'open", "SELECT * FROM nowhere_at_all", "SELECT nothing FROM T ", "", " ; ",
            "-- nothing", "/* open", "\0", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE T ", ")", "\u{1F319}",
        ] {
            assert_eq!(kind(db.query(sql, &[]).await), Kind::Invalid, "{sql}");
            assert_eq!(kind(db.execute(sql, &[]).await), Kind::Invalid, "{sql}");
            assert_eq!(kind(db.database.prepare(db.sql(sql)).await.map(drop)), Kind::Invalid, "{sql}");
        }
        assert_eq!(db.count().await, 0);
    }

    async fn a_statement_of_megabytes_is_invalid(db: Db) {
        let sql = format!("SELECT '{}'", "x".repeat(2 << 20));
        assert_eq!(kind(db.query(&sql, &[]).await), Kind::Invalid);
        let sql = format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000));
        // Not all parsers mind.
        if let Err(failure) = db.query(&sql, &[]).await {
            assert!(matches!(failure.kind, Kind::Invalid | Kind::RateLimited), "{failure:?}");
        }
        assert_eq!(db.value("SELECT 1 AS x", &[]).await, Value::Integer(1));
    }

    async fn constraints_have_kinds(db: Db) {
        let other = format!("{}_child", db.table);
        let child = format!("CREATE TABLE {other} (parent integer, FOREIGN KEY (parent) REFERENCES T (id))");
        db.run(&["CREATE TABLE T (id integer primary key, v integer NOT NULL, CHECK (v > 0))", &child]).await;
        db.run(&["INSERT INTO T VALUES (1, 1)", &format!("INSERT INTO {other} VALUES (1)")]).await;
        for (sql, expected) in [
            ("INSERT INTO T VALUES (1, 1)", Kind::AlreadyExists),
            ("INSERT INTO T VALUES (2, NULL)", Kind::Invalid),
            ("INSERT INTO T VALUES (2, -1)", Kind::Invalid),
            (&format!("INSERT INTO {other} VALUES (2)"), Kind::Conflict),
            ("DELETE FROM T ", Kind::Conflict),
            ("CREATE TABLE T (id integer)", Kind::AlreadyExists),
        ] {
            let failure = db.execute(sql, &[]).await.expect_err(sql);
            assert_eq!((failure.kind, failure.retryable), (expected, Some(false)), "{sql}: {}", failure.message);
            let details = failure.details.expect("details");
            assert_eq!(details.get("driver").and_then(Value::as_str), Some(db.database.dialect().as_str()));
            assert!(details.get("code").is_some());
        }
    }

    async fn statements_that_begin_and_end_transactions_are_refused(db: Db) {
        let transaction = std::sync::Arc::new(db.database.begin(Default::default()).await.expect("it begins"));
        for sql in [
            "BEGIN", "begin immediate", "START TRANSACTION", "/* x */ COMMIT", "-- x\nEND", "ROLLBACK", "SAVEPOINT a", "RELEASE a",
            "ABORT", "ROLLBACK TO a", ";BEGIN", "/*!50000 BEGIN */", "SET autocommit = 0", "PREPARE TRANSACTION 'x'", "XA START 'x'",
        ] {
            assert_eq!(kind(db.execute(sql, &[]).await), Kind::Invalid, "{sql}");
            assert_eq!(kind(transaction.execute(sql, Vec::new()).await), Kind::Invalid, "{sql}");
        }
        transaction.commit().await.expect("it is still open");
    }

    async fn a_result_beyond_the_budget_names_the_limit(db: Db) {
        db.run(&["CREATE TABLE T (s text)"]).await;
        for _ in 0..20 {
            db.execute("INSERT INTO T VALUES (?)", &[text(&"x".repeat(10_000))]).await.expect("inserted");
        }
        let all = db.sql("SELECT a.s FROM T a, T b, T c");
        let failure = db.database.query(all, Vec::new(), Limit(1 << 20)).await.expect_err("too large");
        assert_eq!(failure.kind, Kind::RateLimited);
        assert_eq!(failure.details.expect("details").get("limit"), Some(&Value::from("memory")));
        // Empty rows take memory where they go, too.
        let many = db.sql("SELECT NULL AS x FROM T a, T b, T c, T d");
        assert_eq!(kind(db.database.query(many, Vec::new(), Limit(1 << 20)).await), Kind::RateLimited);
        assert_eq!(db.count().await, 20);
        db.at_rest().await;
    }

    async fn a_prepared_statement_runs_many_times(db: Db) {
        db.run(&["CREATE TABLE T (id integer)"]).await;
        let insert = db.database.prepare(db.sql("INSERT INTO T VALUES (?)")).await.expect("prepared");
        for number in 0..10 {
            assert_eq!(insert.execute(vec![Param::Integer(number)]).await.expect("inserted").rows_affected, 1);
        }
        let find = db.database.prepare(db.sql("SELECT id FROM T WHERE id = ?")).await.expect("prepared");
        for number in 0..10 {
            let rows = find.query(vec![Param::Integer(number)], plenty()).await.expect("found");
            assert_eq!(single(rows.decode().expect("values")), Value::Integer(number));
        }
        assert_eq!(kind(find.query(Vec::new(), plenty()).await), Kind::Invalid);
    }

    async fn a_prepared_statement_follows_its_table(db: Db) {
        db.run(&["CREATE TABLE T (a integer)", "INSERT INTO T VALUES (1)"]).await;
        let all = db.database.prepare(db.sql("SELECT * FROM T ")).await.expect("prepared");
        for _ in 0..3 {
            assert_eq!(all.query(Vec::new(), plenty()).await.expect("rows").len(), 1);
        }
        db.run(&["ALTER TABLE T ADD COLUMN b integer", "UPDATE T SET b = 2"]).await;
        let rows = all.query(Vec::new(), plenty()).await.expect("rows").decode().expect("values");
        assert_eq!((rows[0].get("a"), rows[0].get("b")), (Some(&Value::Integer(1)), Some(&Value::Integer(2))));
    }

    async fn many_statements_run_at_the_same_time(db: Db) {
        db.run(&["CREATE TABLE T (id integer)"]).await;
        let insert = db.sql("INSERT INTO T VALUES (?)");
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let (database, insert) = (db.database.clone(), insert.clone());
                tokio::spawn(async move { database.execute(insert, vec![Param::Integer(number)]).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic").expect("inserted");
        }
        assert_eq!(db.count().await, 50);
        let stats = db.database.stats();
        assert!(stats.open_connections >= 1 && stats.open_connections <= stats.max_open_connections, "{stats:?}");
    }
}
