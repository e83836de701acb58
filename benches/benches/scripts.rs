//! Lua in a cell beside native PUC Lua, the same scripts in the same run.

use criterion::{Criterion, criterion_group, criterion_main};
use perilune_benches::Bench;
use perilune_value::args_to_msgpack;
use std::hint::black_box;

const SCRIPTS: &[(&str, &str)] = &[
    ("fib", include_str!("../lua/fib.lua")),
    ("nbody", include_str!("../lua/nbody.lua")),
    ("trees", include_str!("../lua/trees.lua")),
    ("sort", include_str!("../lua/sort.lua")),
    ("strings", include_str!("../lua/strings.lua")),
    ("errors", include_str!("../lua/errors.lua")),
    ("yields", include_str!("../lua/yields.lua")),
];

fn scripts(c: &mut Criterion) {
    let bench = Bench::default();
    let args = args_to_msgpack(&[]);
    for (name, source) in SCRIPTS {
        let mut group = c.benchmark_group(format!("lua/{name}"));
        group.sample_size(20);

        let native = mlua::Lua::new();
        let entry: mlua::Table = native.load(*source).eval().expect("the script loads");
        let main: mlua::Function = entry.get("main").expect("the script returns main");
        group.bench_function("native", |b| {
            b.iter(|| black_box(main.call::<mlua::Value>(()).expect("main returns")));
        });

        let mut cell = bench.runtime.block_on(bench.loaded(source));
        group.bench_function("cell", |b| {
            b.iter(|| bench.runtime.block_on(bench.main(&mut cell, &args)));
        });
        group.finish();
    }
}

criterion_group!(benches, scripts);
criterion_main!(benches);
