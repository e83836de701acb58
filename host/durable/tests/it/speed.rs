//! Measurements, for `cargo test -- --ignored --nocapture speed`. They promise nothing.

#![allow(clippy::print_stdout, reason = "measurements are printed")]

use crate::world::{World, seconds};
use perilune_durable::{Settings, SystemClock, replay};
use perilune_value::Value;
use perilune_workflow::{Backend, StartOptions, Target};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn world() -> World {
    World::with(|flow| async move {
        for _ in 0..flow.args()[0].as_integer().unwrap() {
            flow.call("echo", vec![Value::Integer(1)]).await?;
        }
        Ok(Value::Nil)
    })
}

fn real(world: &World) -> Settings {
    Settings { clock: Arc::new(SystemClock), ..world.settings() }
}

/// The same bytes by nothing but SQLite on the same disk: what a step cannot be faster than.
fn bare(world: &World) -> impl FnMut() -> Duration {
    let connection = rusqlite::Connection::open(world.folder.path().join("bare.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    let table = "CREATE TABLE history (run INTEGER, first INTEGER, body BLOB, PRIMARY KEY (run, first)) WITHOUT ROWID";
    connection.execute_batch(table).unwrap();
    let mut first = 0;
    move || {
        first += 1;
        let begin = Instant::now();
        connection
            .prepare_cached("INSERT INTO history VALUES (1, ?1, ?2)")
            .unwrap()
            .execute(rusqlite::params![first, vec![0u8; 900]])
            .unwrap();
        begin.elapsed()
    }
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn steps() {
    let world = world();
    let mut bare = bare(&world);
    let host = world.host_with(real(&world)).await;
    let (mut floors, mut steps) = (Vec::new(), Vec::new());
    // In turns, since the disk has other users.
    for round in 0..50 {
        floors.extend((0..20).map(|_| bare()));
        let id = format!("one{round}");
        let begin = Instant::now();
        host.begin(&id, vec![Value::Integer(18)]).await;
        host.end(&id).await;
        // The start, 18 activities, and the end: 20 commits, one after the other.
        steps.push(begin.elapsed() / 20);
    }
    let (floor, step) = (median(floors), median(steps));
    println!("bare commit {floor:?}, step {step:?} ({:.2}x)", step.as_secs_f64() / floor.as_secs_f64());
    let begin = Instant::now();
    let (runs, count) = (100, 100);
    for run in 0..runs {
        host.begin(&format!("r{run}"), vec![Value::Integer(count)]).await;
    }
    for run in 0..runs {
        host.end(&format!("r{run}")).await;
    }
    println!("100 runs: {:.0} steps/s", (runs * count) as f64 / begin.elapsed().as_secs_f64());
    host.stop().await;
}

#[tokio::test]
#[ignore = "a measurement"]
async fn replays() {
    let world = world();
    let host = world.host_with(Settings { most_events: 1 << 20, most_bytes: 1 << 30, ..real(&world) }).await;
    let options = StartOptions { id: Some("a".into()), ..StartOptions::default() };
    host.try_begin(options, vec![Value::Integer(12_000)]).await.unwrap();
    while host.describe(Target::from("a")).await.unwrap().summary.history_length < 45_000 {
        tokio::time::sleep(seconds(1)).await;
    }
    let begin = Instant::now();
    let history = host.history(Target::from("a")).await.unwrap();
    let read = begin.elapsed();
    let mut machine = world.programs.machine("main").unwrap();
    let begin = Instant::now();
    assert_eq!(replay(&history, &mut *machine).await, Ok(()));
    let took = begin.elapsed();
    let rate = history.len() as f64 / (took + read).as_secs_f64();
    println!("{} events: read {read:?}, replay {took:?}: {rate:.0} events/s in all", history.len());
    host.stop().await;
}
