//! Pools from YAML to statistics: who runs, who waits, who is refused, and what happens when entries change or fail to load.
//!
//! | file | promises |
//! |---|---|
//! | `queue.rs` | how many calls run at once, and what becomes of those that wait |
//! | `inline.rs` | pools without workers, and calls that lead back to their own pool |
//! | `changes.rs` | entries that change, go, or fail to load |
//! | `room.rs` | cells made beforehand, given up when idle, and shared among more pools than there are places |

mod changes;
mod inline;
mod queue;
mod room;

use perilune::{EngineOptions, Entry, EntryId, Failure, Operation, Value};
use perilune_tests::counter::Counter;
use perilune_tests::gate::Gate;
use perilune_tests::{App, Definition};
use std::sync::Arc;
use tokio::task::JoinHandle;

type Calls = Vec<JoinHandle<Result<Value, Failure>>>;

/// Counts, then waits at the gate, then returns its argument.
const WAITS: &str = "return function(...) require('counter').next() require('gate').wait() return ... end";

struct Waiting {
    app: App,
    gate: Gate,
    counter: Counter,
}

/// `app:main`, whose calls wait at a gate, with these fields.
fn waiting(fields: &str) -> Waiting {
    let (gate, counter) = (Gate::default(), Counter::default());
    let fields = format!("modules: [gate, counter], {fields}");
    let app = App::entries_with(&[("main", "function", &fields, WAITS)], |builder| {
        builder.module(gate.module()).module(counter.module())
    });
    Waiting { app, gate, counter }
}

impl Waiting {
    /// Begins so many calls, and waits until so many of them are at the gate.
    async fn begin(&self, calls: usize, at_gate: usize) -> Calls {
        let calls = (0..calls).map(|n| self.app.spawn("app:main", &[Value::from(n as i64)])).collect();
        for _ in 0..at_gate {
            self.gate.entered().await;
        }
        calls
    }

    /// Lets all calls end well.
    async fn finish(&self, calls: Calls) {
        calls.iter().for_each(|_| self.gate.open());
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.await.expect("no panic"), Ok(Value::from(n as i64)));
        }
    }
}

/// Entries with small engines, modules `gate` and `counter`.
fn app(entries: &[Definition<'_>], max_cells: u32) -> (App, Gate, Counter) {
    let (gate, counter) = (Gate::default(), Counter::default());
    let app = App::entries_with(entries, |builder| {
        builder
            .engine(EngineOptions { max_cells, ..EngineOptions::default() })
            .module(gate.module())
            .module(counter.module())
    });
    (app, gate, counter)
}

fn entry(name: &str, kind: &str, source: &str) -> Entry {
    let id = EntryId::parse(&format!("app:{name}")).expect("a valid id");
    let entry = Entry::new(id, kind).with_field("source", source);
    if kind == "function.lua" { entry.with_field("method", "main") } else { entry }
}

fn update(app: &App, entry: Entry) {
    app.runtime.registry().apply(&[Operation::Update(Arc::new(entry))], None).expect("it is applied");
}
