//! Lua in a cell, epochs on, beside native PUC Lua.

use crate::cells::Cells;
use crate::native::Native;
use crate::run::each;
use crate::series::geometric_mean;
use crate::{Group, Key, Ratio, Run, Side, Unit};
use anyhow::ensure;
use perilune_value::{Value, args_to_msgpack};

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const GEOMEAN: &str = "lua.geomean_over_native";

const KEYS: &[Key] = &[
    Key::new(GEOMEAN, Unit::Ratio, "geometric mean of the nine scripts below").at_most(1.5),
    script("lua.fib_over_native", "function calls, integers"),
    script("lua.nbody_over_native", "floats in fields of tables"),
    script("lua.spectral_over_native", "floats in arrays"),
    script("lua.trees_over_native", "allocation and collection"),
    script("lua.sort_over_native", "`table.sort` with and without a comparator"),
    script("lua.tables_over_native", "maps and arrays that grow and shrink"),
    script("lua.strings_over_native", "format, concat, gsub, gmatch"),
    script("lua.objects_over_native", "methods, metatables, closures"),
    script("lua.queens_over_native", "backtracking, integers in arrays"),
    script("lua.yield_over_native", "100,000 times yield and resume").at_most(1.3),
    script("lua.pcall_error_over_native", "100,000 errors raised and caught").at_most(1.3),
];

const fn script(name: &'static str, meaning: &'static str) -> Key {
    Key::new(name, Unit::Ratio, meaning)
}

/// Each takes 10 to 60 ms: thousands of times what a call costs, and short enough for many turns.
const NINE: &[(&str, &str)] = &[
    ("lua.fib_over_native", include_str!("../../lua/fib.lua")),
    ("lua.nbody_over_native", include_str!("../../lua/nbody.lua")),
    ("lua.spectral_over_native", include_str!("../../lua/spectral.lua")),
    ("lua.trees_over_native", include_str!("../../lua/trees.lua")),
    ("lua.sort_over_native", include_str!("../../lua/sort.lua")),
    ("lua.tables_over_native", include_str!("../../lua/tables.lua")),
    ("lua.strings_over_native", include_str!("../../lua/strings.lua")),
    ("lua.objects_over_native", include_str!("../../lua/objects.lua")),
    ("lua.queens_over_native", include_str!("../../lua/queens.lua")),
];

/// What a throw costs; not part of the mean.
const THROWS: &[(&str, &str)] = &[
    ("lua.yield_over_native", include_str!("../../lua/yields.lua")),
    ("lua.pcall_error_over_native", include_str!("../../lua/errors.lua")),
];

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let cells = Cells::new(4)?;
    let mut ratios = Vec::new();
    for (name, source) in NINE {
        if run.wants(name) || run.wants(GEOMEAN) {
            let ratio = compare(run, &cells, name, source)?;
            ratios.push(ratio.value);
        }
    }
    if run.wants(GEOMEAN) {
        run.record(GEOMEAN, geometric_mean(&ratios), None)?;
    }
    for (name, source) in THROWS {
        if run.wants(name) {
            compare(run, &cells, name, source)?;
        }
    }
    Ok(())
}

/// Runs `main` of a script on both sides, each in one state that lives on.
fn compare(run: &mut Run, cells: &Cells, name: &str, source: &str) -> anyhow::Result<Ratio> {
    let native = Native::load(source)?;
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut cell = thread.block_on(cells.loaded(source))?;
    let args = args_to_msgpack(&[]);

    let theirs = native.main()?;
    let ours = Value::from_msgpack(&thread.block_on(cell.run("main", &args, None))?)?;
    let ours = match ours {
        Value::Integer(integer) => integer as f64,
        Value::Float(float) => float,
        _ => f64::NAN,
    };
    ensure!(close(ours, theirs), "{name}: the cell computes {ours}, native Lua {theirs}");

    let [theirs, ours] = run.interleave(
        name.trim_end_matches("_over_native"),
        [
            Side::new("native", || each(1, || native.main())),
            Side::new("cell", || each(1, || Ok(thread.block_on(cell.run("main", &args, None))?))),
        ],
    )?;
    let ratio = ours.over(&theirs, 0.5);
    run.record(name, ratio.value, Some(ratio.spread))?;
    Ok(ratio)
}

/// `pow` of different C libraries may differ in its last bit.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= theirs.abs() * 1e-9
}
