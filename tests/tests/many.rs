//! Many entries and many live cells in one host.

use perilune::{EngineOptions, Entry, EntryId, Runtime, Value};
use std::sync::Arc;

fn cells(max_cells: u32) -> EngineOptions {
    EngineOptions { max_cells, ..EngineOptions::default() }
}

/// Function `app:f<n>`, which returns `n` and what it is called with, with this `pool:`.
fn function(n: usize, pool: &[(&str, Value)]) -> Entry {
    Entry::new(id(n), "function.lua")
        .with_field("method", "main")
        .with_field(
            "source",
            format!("local n = {n} return function(...) n = n + 1 return {{n - 1, ...}} end"),
        )
        .with_field("pool", Value::from_iter(pool.iter().cloned()))
}

fn id(n: usize) -> EntryId {
    EntryId::parse(&format!("app:f{n}")).expect("a valid id")
}

async fn call(runtime: &Runtime, n: usize) {
    let result = runtime.call(&id(n).to_string(), ["x".into()]).await;
    assert_eq!(result, Ok(Value::Array(vec![(n as i64).into(), "x".into()])), "app:f{n}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_cells_live_at_once_and_all_work() {
    let pool = [("type", "static".into()), ("size", 10.into())];
    let entries = (0..100).map(|n| function(n, &pool));
    let runtime = Runtime::builder().entries(entries).engine(cells(1000)).build().expect("it is valid");
    runtime.warm().await;
    let ready: u32 = runtime.pools().iter().map(|pool| pool.stats.ready).sum();
    assert_eq!(ready, 1000);
    for round in 0..12 {
        for n in 0..100 {
            call(&runtime, n).await;
        }
        let workers: u32 = runtime.pools().iter().map(|pool| pool.stats.workers).sum();
        assert_eq!(workers, 1000, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_entries_are_loaded_in_one_host_and_all_work() {
    const ENTRIES: usize = 2000;
    let pool = [("type", "lazy".into())];
    let entries = (0..ENTRIES).map(|n| function(n, &pool));
    let runtime = Runtime::builder().entries(entries).engine(cells(32)).build().expect("it is valid");
    let runtime = Arc::new(runtime);
    for _ in 0..2 {
        let tasks = (0..8).map(|lane| {
            let runtime = runtime.clone();
            tokio::spawn(async move {
                for n in (lane..ENTRIES).step_by(8) {
                    call(&runtime, n).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("every call works");
        }
    }
    let pools = runtime.pools();
    assert_eq!(pools.len(), ENTRIES);
    for pool in pools {
        assert!(pool.image.is_some_and(|bytes| bytes < 128 << 10), "{}: {:?}", pool.entry, pool.image);
        assert_eq!((pool.stats.calls, pool.stats.failed), (2, 0), "{}", pool.entry);
    }
}
