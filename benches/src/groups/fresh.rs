//! Calls with clean memory, beside the floor.

use crate::entries::{HELLO, burst, function, imports, threads};
use crate::floor::{Floor, plain};
use crate::run::each;
use crate::{Group, Key, Run, Side, Unit};
use perilune::{EngineOptions, Runtime};

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "floor.instantiate_us",
        Unit::Micros,
        "bare wasmtime: instantiate and drop of the same pre-initialised component, p50",
    ),
    Key::new(
        "call.fresh_p50_us",
        Unit::Micros,
        "public API, trivial handler, default pool, clean memory, sequential",
    ),
    Key::new("call.fresh_p99_us", Unit::Micros, "the same, p99"),
    Key::new("call.fresh_p50_over_floor", Unit::Ratio, "the ratio of the two p50").at_most(2.0),
    Key::new(
        "call.fresh_imports_p50_us",
        Unit::Micros,
        "handler that calls into three imported libraries of 300 lines",
    ),
    Key::new("call.fresh_imports_p50_over_floor", Unit::Ratio, "the same over the floor, p50").at_most(5.0),
];

/// Calls of one side in a row. What the other side left in the caches is gone after the first few, and so weighs on less
/// than the p99.
const CALLS: usize = 200;

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let floor = Floor::new(EngineOptions::default().max_cells).map_err(plain)?;
    let runtime = Runtime::builder().entry(function("hello", HELLO)?).entries(imports()?).build()?;
    let threads = threads(2)?;
    let count = |calls| calls < CALLS;
    let [floor, fresh, imports] = run.interleave(
        "fresh",
        [
            Side::new("floor", || each(CALLS, || floor.instantiate().map_err(plain))),
            Side::new("call", || burst(&threads, &runtime, "bench:hello", count)),
            Side::new("call with imports", || burst(&threads, &runtime, "bench:imports", count)),
        ],
    )?;
    run.record("floor.instantiate_us", floor.p50(), Some(floor.spread()))?;
    run.record("call.fresh_p50_us", fresh.p50(), Some(fresh.spread()))?;
    run.record("call.fresh_p99_us", fresh.p99(), None)?;
    let ratio = fresh.over(&floor, 0.5);
    run.record("call.fresh_p50_over_floor", ratio.value, Some(ratio.spread))?;
    run.record("call.fresh_imports_p50_us", imports.p50(), Some(imports.spread()))?;
    let ratio = imports.over(&floor, 0.5);
    run.record("call.fresh_imports_p50_over_floor", ratio.value, Some(ratio.spread))
}
