//! What only MySQL and MariaDB have.

use crate::support::{Db, kind, mysql, server, text};
use perilune_sql::Param;
use perilune_value::{Kind, Value};

#[tokio::test]
async fn every_common_type_has_a_form() {
    let Some(db) = mysql() else { return };
    for (ty, written, expected) in [
        ("boolean", "true", Value::Integer(1)),
        ("tinyint", "-128", Value::Integer(-128)),
        ("bigint unsigned", "9223372036854775807", Value::Integer(i64::MAX)),
        ("bigint unsigned", "18446744073709551615", Value::from("18446744073709551615")),
        ("float", "1.5", Value::Float(1.5)),
        ("double", "-2.25", Value::Float(-2.25)),
        ("decimal(10, 2)", "3.10", Value::from("3.10")),
        ("varchar(10)", "'ä'", Value::from("ä")),
        ("varbinary(10)", "x'00ff'", Value::String(vec![0, 255])),
        ("datetime(6)", "'2024-05-06 07:08:09.123456'", Value::from("2024-05-06T07:08:09.123456Z")),
        ("timestamp", "'2024-05-06 07:08:09'", Value::from("2024-05-06T07:08:09Z")),
        ("date", "'2024-05-06'", Value::from("2024-05-06T00:00:00Z")),
        ("time", "'-26:03:04'", Value::from("-26:03:04")),
        ("year", "2024", Value::Integer(2024)),
        ("bit(12)", "b'101000000001'", Value::Integer(0xA01)),
        ("enum('a', 'b')", "'b'", Value::from("b")),
        ("json", "'[1, null]'", Value::from("[1, null]")),
    ] {
        db.run(&[
            "DROP TABLE IF EXISTS T ",
            &format!("CREATE TABLE T (v {ty})"),
            &format!("INSERT INTO T VALUES ({written})"),
        ])
        .await;
        assert_eq!(db.value("SELECT v FROM T ", &[]).await, expected, "{ty}");
    }
}

#[tokio::test]
async fn parameters_are_converted_by_the_server_which_refuses_what_does_not_fit() {
    let Some(db) = mysql() else { return };
    for (ty, param, expected) in [
        ("int", text("7"), Value::Integer(7)),
        ("varchar(10)", Param::Integer(7), Value::from("7")),
        ("boolean", Param::Bool(true), Value::Integer(1)),
        ("datetime", text("2024-05-06 07:08:09"), Value::from("2024-05-06T07:08:09Z")),
        ("decimal(10, 3)", Param::Float(2.5), Value::from("2.500")),
        ("blob", Param::Bytes(vec![0, 255]), Value::String(vec![0, 255])),
    ] {
        db.run(&["DROP TABLE IF EXISTS T ", &format!("CREATE TABLE T (v {ty})")]).await;
        db.execute("INSERT INTO T VALUES (?)", std::slice::from_ref(&param)).await.expect(ty);
        assert_eq!(db.value("SELECT v FROM T ", &[]).await, expected, "{ty}");
    }
    for (ty, param) in [
        ("int", text("x")),
        ("tinyint", Param::Integer(1_000)),
        ("varchar(1)", text("long")),
        ("date", text("never")),
    ] {
        db.run(&["DROP TABLE IF EXISTS T ", &format!("CREATE TABLE T (v {ty})")]).await;
        assert_eq!(kind(db.execute("INSERT INTO T VALUES (?)", &[param]).await), Kind::Invalid, "{ty}");
    }
}

/// A pool of one, so that the next caller gets the same connection.
fn alone() -> Option<Db> {
    let pool: Value = [("max_open", Value::Integer(1))].into_iter().collect();
    server("PERILUNE_TEST_MYSQL", "db.sql.mysql", &[("pool", pool)])
}

#[tokio::test]
async fn what_a_caller_leaves_on_its_connection_is_undone() {
    let Some(db) = alone() else { return };
    let process = db.value("SELECT connection_id() AS v", &[]).await;
    db.run(&["SET @mine = 5", "SET SESSION sql_mode = ''", "CREATE TEMPORARY TABLE left_behind (x int)"])
        .await;
    assert_eq!(db.query("SELECT @mine AS v", &[]).await.expect("rows"), [Value::Map(Vec::new())]);
    assert_ne!(db.value("SELECT @@sql_mode AS v", &[]).await, Value::from(""));
    assert_eq!(db.value("SELECT @@time_zone AS v", &[]).await, Value::from("+00:00"));
    assert_eq!(kind(db.query("SELECT * FROM left_behind", &[]).await), Kind::Invalid);
    assert_eq!(
        db.value("SELECT connection_id() AS v", &[]).await,
        process,
        "the connection is still the same"
    );
}

#[tokio::test]
async fn statements_that_the_server_cannot_prepare_are_sent_as_text() {
    let Some(db) = mysql() else { return };
    let name = &db.table;
    db.run(&[&format!("CREATE PROCEDURE {name}() BEGIN SELECT 1 AS a; SELECT 2 AS b; END")]).await;
    let rows = db.query(&format!("CALL {name}()"), &[]).await.expect("rows");
    assert_eq!(rows, [[("a", 1_i64)].into_iter().collect::<Value>()], "the first set of rows counts");
    db.run(&[&format!("DROP PROCEDURE {name}")]).await;
    db.run(&["CREATE TABLE T (x int)", "LOCK TABLES T WRITE"]).await;
    assert_eq!(db.count().await, 0, "the lock ended with its caller");
}

#[tokio::test]
async fn files_of_the_host_cannot_be_loaded() {
    let Some(db) = mysql() else { return };
    db.run(&["CREATE TABLE T (x text)"]).await;
    assert!(db.execute("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE T ", &[]).await.is_err());
    assert_eq!(db.count().await, 0);
}

#[tokio::test]
async fn options_are_session_variables() {
    let options: Value =
        [("sql_mode", Value::from("ANSI_QUOTES")), ("net_write_timeout", Value::Integer(77))]
            .into_iter()
            .collect();
    let Some(db) = server("PERILUNE_TEST_MYSQL", "db.sql.mysql", &[("options", options)]) else { return };
    assert_eq!(db.value("SELECT @@sql_mode AS v", &[]).await, Value::from("ANSI_QUOTES"));
    assert_eq!(db.value("SELECT @@net_write_timeout AS v", &[]).await, Value::Integer(77));
}
