//! Calls of an instance that is there, beside a typed call without a host around it.

use crate::entries::{HELLO, block, call, function, moon, threads};
use crate::floor::{Floor, plain};
use crate::run::micros;
use crate::{Group, Key, Run, Side, Unit};
use perilune::{EngineOptions, Runtime};
use perilune_value::args_to_msgpack;
use std::time::Instant;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new("floor.typed_call_us", Unit::Micros, "bare wasmtime: `start` of a loaded instance, p50"),
    Key::new("call.warm_us", Unit::Micros, "public API, `pool: {type: inline}`, the same handler, p50"),
    Key::new("call.warm_over_floor", Unit::Ratio, "the ratio of the two p50").at_most(1.5),
];

/// Calls that make one sample: reading the clock costs a twentieth of a microsecond, which is much of one call.
const CALLS: u32 = 50;

/// Samples of a round.
const SAMPLES: u32 = 20;

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let floor = Floor::new(EngineOptions::default().max_cells).map_err(plain)?;
    let mut floor = floor.load(HELLO).map_err(plain)?;
    let args = args_to_msgpack(&moon());
    let typed = || {
        (0..SAMPLES)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..CALLS {
                    floor.start("main", &args).map_err(plain)?;
                }
                Ok(micros(began.elapsed() / CALLS))
            })
            .collect()
    };

    let hello = function("hello", HELLO)?.with_field("pool", block([("type", "inline")]));
    let runtime = Runtime::builder().entry(hello).build()?;
    let threads = threads(2)?;
    let inline = || {
        let runtime = runtime.clone();
        let task = threads.spawn(async move {
            let mut samples = Vec::new();
            for _ in 0..SAMPLES {
                let began = Instant::now();
                for _ in 0..CALLS {
                    call(&runtime, "bench:hello").await?;
                }
                samples.push(micros(began.elapsed() / CALLS));
            }
            anyhow::Ok(samples)
        });
        threads.block_on(task)?
    };

    let [floor, warm] = run.interleave("warm", [Side::new("floor", typed), Side::new("inline", inline)])?;
    run.record("floor.typed_call_us", floor.p50(), Some(floor.spread()))?;
    run.record("call.warm_us", warm.p50(), Some(warm.spread()))?;
    let ratio = warm.over(&floor, 0.5);
    run.record("call.warm_over_floor", ratio.value, Some(ratio.spread))
}
