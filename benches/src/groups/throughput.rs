//! How many fresh calls all cores serve.

use crate::entries::{HELLO, call, function, threads};
use crate::series::{quantile, spread};
use crate::{Group, Key, Run, Side, Unit};
use perilune::Runtime;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[Key::new(
    "pool.throughput_per_core",
    Unit::PerSecond,
    "fresh calls of one entry in a second and core, all cores busy, two callers per core",
)];

/// How long one sample lasts.
const WINDOW: Duration = Duration::from_millis(250);

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let cores = available_parallelism()?.get();
    let runtime = Runtime::builder().entry(function("hello", HELLO)?).build()?;
    let threads = threads(cores)?;
    let window = || {
        let began = Instant::now();
        let callers: Vec<_> = (0..cores * 2)
            .map(|_| {
                let runtime = runtime.clone();
                threads.spawn(async move {
                    let mut calls = 0_u64;
                    while began.elapsed() < WINDOW {
                        call(&runtime, "bench:hello").await?;
                        calls += 1;
                    }
                    anyhow::Ok(calls)
                })
            })
            .collect();
        let mut calls = 0;
        for caller in callers {
            calls += threads.block_on(caller)??;
        }
        Ok(vec![calls as f64 / began.elapsed().as_secs_f64() / cores as f64])
    };
    let [windows] = run.interleave("throughput", [Side::new("calls/s/core", window)])?;
    let rates = windows.all();
    run.record("pool.throughput_per_core", quantile(&rates, 0.5), Some(spread(&rates)))
}
