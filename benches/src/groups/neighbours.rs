//! What an entry's callers feel of another entry that spins on every core.

use crate::entries::{HELLO, block, burst, function, threads};
use crate::{Group, Key, Run, Side, Unit};
use anyhow::{Context, bail};
use perilune::{Extension, Kind, Runtime, Value};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "pool.neighbour_p99_us",
        Unit::Micros,
        "fresh calls of one entry, sequential, nothing else running, p99",
    ),
    Key::new(
        "pool.spinner_neighbour_p99_us",
        Unit::Micros,
        "the same beside one spinning entry per core, p99",
    ),
    Key::new("pool.spinner_neighbour_p99_ratio", Unit::Ratio, "the ratio of the two p99").at_most(2.0),
];

/// How long a round's burst lasts: many calls even if each waits for a tick of a millisecond.
const WINDOW: Duration = Duration::from_millis(300);

const SPIN: &str =
    "local bell = require('bell') return { main = function() bell.ring() while true do end end }";

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let cores = available_parallelism()?.get();
    let rung = Arc::new(Semaphore::new(0));
    let bell = rung.clone();
    let bell = Extension::new("bell").function("ring", move |_| {
        bell.add_permits(1);
        Ok(Value::Nil)
    });
    let spin = function("spin", SPIN)?
        .with_field("modules", vec![Value::from("bell")])
        .with_field("limits", block([("cpu", "60s"), ("timeout", "1h")]));
    let runtime = Runtime::builder().module(bell).entry(function("hello", HELLO)?).entry(spin).build()?;
    let threads = threads(cores)?;

    let window = || {
        let began = Instant::now();
        burst(&threads, &runtime, "bench:hello", move |_| began.elapsed() < WINDOW)
    };
    let beside_spinners = || {
        let mut spinners = JoinSet::new();
        for _ in 0..cores {
            let runtime = runtime.clone();
            spinners.spawn_on(async move { spin_for_ever(&runtime).await }, threads.handle());
        }
        let turning = u32::try_from(cores).context("as many cores")?;
        let begun = async {
            tokio::select! {
                Some(ended) = spinners.join_next() => ended?.map(drop),
                all = rung.acquire_many(turning) => all.map(|rung| rung.forget()).map_err(Into::into),
            }
        };
        threads.block_on(begun)?;
        let samples = window();
        if let Some(ended) = spinners.try_join_next() {
            ended?.context("a spinner ended")?;
        }
        threads.block_on(spinners.shutdown());
        // Those of a spinner that was started again count for nobody.
        rung.forget_permits(rung.available_permits());
        samples
    };
    let [alone, beside] = run.interleave(
        "neighbours",
        [Side::new("alone", window), Side::new("beside spinners", beside_spinners)],
    )?;
    run.record("pool.neighbour_p99_us", alone.p99(), None)?;
    run.record("pool.spinner_neighbour_p99_us", beside.p99(), None)?;
    let ratio = beside.over(&alone, 0.99);
    run.record("pool.spinner_neighbour_p99_ratio", ratio.value, Some(ratio.spread))
}

/// Starts again when the CPU limit ended it.
async fn spin_for_ever(runtime: &Runtime) -> anyhow::Result<()> {
    loop {
        match runtime.call("bench:spin", []).await {
            Err(failure) if failure.kind == Kind::Timeout => {}
            Err(failure) => return Err(failure.into()),
            Ok(value) => bail!("the spinner returned {value:?}"),
        }
    }
}
