//! Files that are not what they should be.

use crate::world::{Host, World, completed};
use perilune_test_log::Log;
use perilune_value::Value;
use perilune_workflow::{Backend, Code, Status, Target, WorkflowError};
use std::path::PathBuf;

async fn filled() -> (World, PathBuf) {
    let world = World::with(|flow| async move {
        flow.receive("go").await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    for id in 0..200 {
        host.begin(&format!("w{id}"), vec![Value::String(vec![7; 500])]).await;
    }
    host.stop().await;
    let path = world.settings().path;
    (world, path)
}

async fn refusal(world: &World) -> WorkflowError {
    let before = std::fs::read(world.settings().path).unwrap();
    let error = world.try_host(world.settings()).await.err().unwrap();
    assert_eq!(std::fs::read(world.settings().path).unwrap(), before, "the file was changed");
    assert!(error.to_string().starts_with(&format!("[{}]", error.code)));
    error
}

fn sqlite(path: &PathBuf, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_store_has_one_host() {
    let world = World::new();
    let host = world.host().await;
    assert_eq!(world.try_host(world.settings()).await.err().unwrap().code, Code::StoreLocked);
    host.stop().await;
    world.host().await;
}

#[tokio::test]
async fn a_store_that_another_program_has_locked_is_refused() {
    let (world, path) = filled().await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let error = world.try_host(world.settings()).await.err().unwrap();
    assert_eq!(error.code, Code::StoreLocked);
    assert_eq!(
        error.message,
        format!("another program holds a lock on the workflows in `{}`: database is locked", path.display())
    );
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let (world, path) = filled().await;
    sqlite(&path, "PRAGMA user_version = 99");
    assert_eq!(refusal(&world).await.code, Code::StoreNewer);
}

#[tokio::test]
async fn a_store_of_something_else_is_refused() {
    let world = World::new();
    sqlite(&world.settings().path, "CREATE TABLE notes (text)");
    let error = refusal(&world).await;
    let path = world.settings().path;
    assert_eq!(error.code, Code::StoreForeign);
    assert_eq!(
        error.message,
        format!("`{}` is a database of something else; give another path", path.display())
    );
    std::fs::write(world.settings().path, "no database at all, but long enough to look like one".repeat(100))
        .unwrap();
    assert_eq!(refusal(&world).await.code, Code::StoreForeign);
}

#[tokio::test]
async fn a_truncated_store_is_refused() {
    let (world, path) = filled().await;
    let whole = std::fs::read(&path).unwrap();
    for part in [whole.len() / 2, 5000, 700] {
        std::fs::write(&path, &whole[..part]).unwrap();
        let code = refusal(&world).await.code;
        assert!(matches!(code, Code::StoreCorrupt | Code::StoreForeign), "{code}");
    }
    std::fs::write(&path, &whole).unwrap();
    world.host().await;
}

#[tokio::test]
async fn a_damaged_run_does_not_stop_the_others() {
    let (world, path) = filled().await;
    sqlite(
        &path,
        "UPDATE history SET body = CAST(substr(body, 1, 20) || x'00' || substr(body, 22) AS BLOB) WHERE run = 2",
    );
    let log = Log::keep();
    let host: Host = world.host().await;
    let said = "ERROR perilune_durable::engine: a workflow cannot go on run=";
    assert!(log.says(said), "{:?}", log.records());
    host.send("w5", "go", vec![]).await;
    assert_eq!(host.end("w5").await, completed(Value::Nil));
    let trouble = host.describe(Target::from("w1")).await.unwrap().trouble.unwrap();
    assert_eq!(trouble.code, "WF_STORE_CORRUPT");
    assert_eq!(
        host.signal(Target::from("w1"), Default::default()).await.unwrap_err().code,
        Code::StoreCorrupt
    );
    host.terminate(Target::from("w1"), "damaged").await.unwrap();
    assert_eq!(host.describe(Target::from("w1")).await.unwrap().summary.status, Status::Terminated);
}
