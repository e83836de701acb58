//! What only PostgreSQL has.

use crate::support::{Db, kind, postgres, server, single, text};
use perilune_resource::Allowed;
use perilune_sql::Param;
use perilune_value::{Kind, Value};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[tokio::test]
async fn every_common_type_has_a_form() {
    let Some(db) = postgres() else { return };
    let array = |items: Vec<Value>| Value::Array(items);
    for (sql, expected) in [
        ("true", Value::Bool(true)),
        ("(-32768)::int2", Value::Integer(-32_768)),
        ("2147483647", Value::Integer(2_147_483_647)),
        ("(-9223372036854775808)::int8", Value::Integer(i64::MIN)),
        ("1.5::float4", Value::Float(1.5)),
        ("'-infinity'::float8", Value::Float(f64::NEG_INFINITY)),
        ("0.10", Value::from("0.10")),
        ("-1234567890123456789.000000001", Value::from("-1234567890123456789.000000001")),
        ("'NaN'::numeric", Value::from("NaN")),
        ("1e20::numeric", Value::from("100000000000000000000")),
        ("0::numeric(10, 4)", Value::from("0.0000")),
        ("'text'", Value::from("text")),
        ("'pad'::char(5)", Value::from("pad  ")),
        ("'\\x00ff'::bytea", Value::String(vec![0, 255])),
        ("'2024-05-06 07:08:09.123456+02'::timestamptz", Value::from("2024-05-06T05:08:09.123456Z")),
        ("'2024-05-06 07:08:09'::timestamp", Value::from("2024-05-06T07:08:09Z")),
        ("'infinity'::timestamp", Value::from("infinity")),
        ("'0044-03-15 BC'::date", Value::from("-0043-03-15T00:00:00Z")),
        ("'23:59:59.5'::time", Value::from("23:59:59.5")),
        ("'1 year 2 months -3 days 04:05:06.7'::interval", Value::from("1 years 2 mons -3 days 04:05:06.7")),
        ("'0'::interval", Value::from("00:00:00")),
        ("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid", Value::from("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
        ("'{\"a\": [1, null]}'::json", Value::from("{\"a\": [1, null]}")),
        ("'{\"a\":   1}'::jsonb", Value::from("{\"a\": 1}")),
        ("'10.0.0.1'::inet", Value::from("10.0.0.1")),
        ("'10.0.0.0/8'::cidr", Value::from("10.0.0.0/8")),
        ("'fe80::1/64'::inet", Value::from("fe80::1/64")),
        ("ARRAY[1, NULL, 3]", array(vec![1.into(), Value::Nil, 3.into()])),
        ("ARRAY['a', 'b']", array(vec!["a".into(), "b".into()])),
        ("'{}'::int[]", array(Vec::new())),
        (
            "ARRAY[[1, 2], [3, 4]]",
            array(vec![array(vec![1.into(), 2.into()]), array(vec![3.into(), 4.into()])]),
        ),
    ] {
        assert_eq!(db.value(&format!("SELECT {sql} AS v"), &[]).await, expected, "{sql}");
    }
    for sql in ["point(1, 2)", "int4range(1, 5)", "row(1, 2)"] {
        let failure = db.query(&format!("SELECT {sql} AS v"), &[]).await.expect_err(sql);
        assert!(failure.kind == Kind::Invalid && failure.message.contains("v::text"), "{}", failure.message);
    }
    let failure = db.query("SELECT point(1, 2) AS v", &[]).await.expect_err("it has no form");
    assert_eq!(
        failure.message,
        "column `v` is a point, which has no form in Lua; write `v::text`, for example"
    );
    assert_eq!(db.value("SELECT point(1, 2)::text AS v", &[]).await, Value::from("(1,2)"));
}

#[tokio::test]
async fn parameters_become_what_the_statement_expects() {
    let Some(db) = postgres() else { return };
    let integer = Param::Integer;
    for (ty, param, expected) in [
        ("int2", integer(-5), Value::Integer(-5)),
        ("int4", Param::Float(7.0), Value::Integer(7)),
        ("int8", text("8"), Value::Integer(8)),
        ("float4", integer(3), Value::Float(3.0)),
        ("float8", integer(3), Value::Float(3.0)),
        ("numeric", integer(3), Value::from("3")),
        ("numeric", Param::Float(2.5), Value::from("2.5")),
        ("numeric", text("0.30"), Value::from("0.30")),
        ("text", integer(3), Value::from("3")),
        ("text", Param::Bool(true), Value::from("true")),
        ("bool", Param::Bool(false), Value::Bool(false)),
        ("bool", text("yes"), Value::Bool(true)),
        ("bytea", text("\\x41"), Value::from("\\x41")),
        ("bytea", Param::Bytes(vec![1, 0]), Value::String(vec![1, 0])),
        ("timestamptz", text("2024-05-06T07:08:09Z"), Value::from("2024-05-06T07:08:09Z")),
        ("date", text("2024-05-06"), Value::from("2024-05-06T00:00:00Z")),
        (
            "uuid",
            text("6BA7B810-9dad-11d1-80b4-00c04fd430c8"),
            Value::from("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ),
        ("jsonb", text("[1]"), Value::from("[1]")),
        ("jsonb", integer(5), Value::from("5")),
        ("inet", text("::1"), Value::from("::1")),
        ("int[]", text("{1,2}"), Value::Array(vec![1.into(), 2.into()])),
    ] {
        assert_eq!(
            db.value(&format!("SELECT ?::{ty} AS v"), std::slice::from_ref(&param)).await,
            expected,
            "{ty} {param:?}"
        );
    }
}

#[tokio::test]
async fn parameters_out_of_range_are_invalid_and_named() {
    let Some(db) = postgres() else { return };
    for (ty, param) in [
        ("int2", Param::Integer(32_768)),
        ("int4", Param::Integer(1 << 31)),
        ("int4", Param::Float(0.5)),
        ("int8", Param::Float(1e19)),
        ("float4", Param::Float(1e300)),
        ("float8", Param::Integer((1 << 53) + 1)),
        ("bool", Param::Integer(1)),
        ("int4", Param::Bool(true)),
        ("text", Param::Bytes(vec![255])),
        ("bytea", Param::Integer(1)),
    ] {
        let failure =
            db.query(&format!("SELECT ?::{ty} AS v"), std::slice::from_ref(&param)).await.expect_err(ty);
        assert!(
            failure.kind == Kind::Invalid && failure.message.contains("parameter 1"),
            "{ty}: {}",
            failure.message
        );
    }
    let failure = db.query("SELECT ?::text AS v", &[Param::Bytes(vec![255])]).await.expect_err("no text");
    assert!(
        failure.message.ends_with(" is no text; bytes that are no UTF-8 go into columns of type bytea"),
        "{failure}"
    );
    // What only the server can judge.
    for (ty, param) in [
        ("int4", text("x")),
        ("uuid", text("x")),
        ("jsonb", text("{")),
        ("date", text("never")),
        ("text", text("\0")),
    ] {
        assert_eq!(kind(db.query(&format!("SELECT ?::{ty} AS v"), &[param]).await), Kind::Invalid, "{ty}");
    }
}

#[tokio::test]
async fn enums_and_domains_are_their_texts_and_bases() {
    let Some(db) = postgres() else { return };
    let name = &db.table;
    db.run(&[
        &format!("CREATE TYPE {name}_e AS ENUM ('a', 'b')"),
        &format!("CREATE DOMAIN {name}_d AS int CHECK (value > 0)"),
    ])
    .await;
    assert_eq!(db.value(&format!("SELECT ?::{name}_e AS v"), &[text("b")]).await, Value::from("b"));
    assert_eq!(kind(db.query(&format!("SELECT ?::{name}_e AS v"), &[text("c")]).await), Kind::Invalid);
    assert_eq!(db.value(&format!("SELECT ?::{name}_d AS v"), &[Param::Integer(3)]).await, Value::Integer(3));
    assert_eq!(
        kind(db.query(&format!("SELECT ?::{name}_d AS v"), &[Param::Integer(-3)]).await),
        Kind::Invalid
    );
}

#[test]
fn exact_numbers_come_back_digit_for_digit() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let Some(db) = runtime.block_on(async { postgres() }) else { return };
    let mut runner = TestRunner::new(Config::with_cases(64));
    let digits = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?";
    let checked = runner.run(&digits, |number| {
        let shown = runtime.block_on(db.value("SELECT ?::numeric AS v", &[text(&number)]));
        let printed = runtime.block_on(db.value("SELECT (?::numeric)::text AS v", &[text(&number)]));
        prop_assert_eq!(shown, printed);
        Ok(())
    });
    checked.expect("every number");
}

/// A pool of one, so that the next caller gets the same connection.
fn alone() -> Option<Db> {
    let pool: Value = [("max_open", Value::Integer(1))].into_iter().collect();
    server("PERILUNE_TEST_POSTGRES", "db.sql.postgres", &[("pool", pool)])
}

#[tokio::test]
async fn what_a_caller_leaves_on_its_connection_is_undone() {
    let Some(db) = alone() else { return };
    let path = db.value("SELECT current_setting('search_path') AS v", &[]).await;
    let process = db.value("SELECT pg_backend_pid() AS v", &[]).await;
    for leave in ["SET search_path TO pg_catalog", "SELECT set_config('search_path', 'pg_catalog', false)"] {
        db.query(leave, &[]).await.expect(leave);
        assert_eq!(db.value("SELECT current_setting('search_path') AS v", &[]).await, path, "{leave}");
    }
    db.run(&["CREATE TEMP TABLE left_behind (x int)"]).await;
    assert_eq!(kind(db.query("SELECT * FROM left_behind", &[]).await), Kind::Invalid);
    let transaction = db.database.begin(Default::default()).await.expect("it begins");
    transaction.execute("SET search_path TO pg_catalog", Vec::new()).await.expect("set");
    transaction.commit().await.expect("committed");
    assert_eq!(db.value("SELECT current_setting('search_path') AS v", &[]).await, path);
    assert_eq!(
        db.value("SELECT pg_backend_pid() AS v", &[]).await,
        process,
        "the connection is still the same"
    );
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_connection_is_told_why() {
    let Some(db) = alone() else { return };
    let _open = db.database.begin(Default::default()).await.expect("it begins");
    let failure = db.query("SELECT 1", &[]).await.expect_err("there is no other connection");
    assert_eq!((failure.kind, failure.retryable), (Kind::Unavailable, Some(true)));
    assert_eq!(
        failure.message,
        "waited too long for a connection: all that `pool.max_open` allows are in use, or the server does not answer"
    );
}

#[tokio::test]
async fn ever_new_statements_do_not_fill_the_server() {
    let Some(db) = alone() else { return };
    for number in 0..500 {
        assert_eq!(db.value(&format!("SELECT {number} AS v"), &[]).await, Value::Integer(number));
    }
    let prepared = db.value("SELECT count(*) AS n FROM pg_prepared_statements", &[]).await;
    assert!(prepared.as_integer().is_some_and(|count| count < 250), "{prepared:?}");
}

#[tokio::test]
async fn options_are_settings_of_the_server() {
    let options: Value =
        [("application_name", "a shop"), ("statement_timeout", "100"), ("search_path", "pg_catalog, public")]
            .map(|(name, value)| (name, Value::from(value)))
            .into_iter()
            .collect();
    let Some(db) = server("PERILUNE_TEST_POSTGRES", "db.sql.postgres", &[("options", options)]) else {
        return;
    };
    assert_eq!(db.value("SELECT current_setting('application_name') AS v", &[]).await, Value::from("a shop"));
    assert_eq!(
        db.value("SELECT current_setting('search_path') AS v", &[]).await,
        Value::from("pg_catalog, public")
    );
    let failure = db.query("SELECT pg_sleep(1000)", &[]).await.expect_err("it takes too long");
    assert_eq!(failure.kind, Kind::Timeout);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port")
        .port();
    for kind in ["db.sql.postgres", "db.sql.mysql"] {
        let fields = [
            ("host", Value::from("127.0.0.1")),
            ("port", Value::Integer(port.into())),
            ("username", Value::from("nobody")),
            ("password", Value::from("none")),
            ("database", Value::from("none")),
        ];
        let allowed = Allowed { network: vec!["127.0.0.1".to_owned()], ..Allowed::default() };
        let database = crate::support::open(kind, &fields, folder.path(), allowed).expect("not tried yet");
        let failure = database.execute("SELECT 1", Vec::new()).await.expect_err("nobody is there");
        assert_eq!((failure.kind, failure.retryable), (Kind::Unavailable, Some(true)), "{}", failure.message);
    }
}

#[tokio::test]
async fn tls_that_is_asked_for_is_not_gone_without() {
    let options: Value = [("sslmode", Value::from("require"))].into_iter().collect();
    let Some(db) = server("PERILUNE_TEST_POSTGRES", "db.sql.postgres", &[("options", options)]) else {
        return;
    };
    // The server for tests has no certificate.
    assert_eq!(kind(db.query("SELECT 1", &[]).await), Kind::Unavailable);
}

#[tokio::test]
async fn a_failed_statement_spoils_its_transaction() {
    let Some(db) = postgres() else { return };
    db.run(&["CREATE TABLE T (id integer)"]).await;
    let transaction = db.database.begin(Default::default()).await.expect("it begins");
    transaction.execute(db.sql("INSERT INTO T VALUES (1)"), Vec::new()).await.expect("inserted");
    assert_eq!(kind(transaction.execute("SELECT 1 / 0", Vec::new()).await), Kind::Invalid);
    assert_eq!(kind(transaction.execute("SELECT 1", Vec::new()).await), Kind::Conflict);
    let failure =
        transaction.commit().await.expect_err("what was not committed is not reported as committed");
    assert_eq!(failure.kind, Kind::Conflict);
    assert_eq!(failure.message, "a statement failed before, so the transaction was rolled back");
    assert_eq!(db.count().await, 0);
    assert_eq!(single(db.query("SELECT 1 AS x", &[]).await.expect("rows")), Value::Integer(1));
}
