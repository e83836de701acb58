//! What a sandbox costs, beside the floor: an instance of the same component by bare wasmtime.

use criterion::{Criterion, criterion_group, criterion_main};
use perilune_benches::Bench;
use perilune_value::{Value, args_to_msgpack};
use std::hint::black_box;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const HELLO: &str = "return { main = function(name) return 'hello ' .. name end }";
const ECHO: &str = "return { main = function(...) return ... end }";

/// Nothing of ours: pooling, reset by dirty pages, imports that trap.
fn floor(c: &mut Criterion) {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(64).linear_memory_keep_resident(512 << 10).pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .wasm_exceptions(false)
        .wasm_gc(false);
    let engine = Engine::new(&config).expect("an engine");
    let component = Component::new(&engine, perilune_guest_lua::COMPONENT).expect("the guest compiles");
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&component).expect("all imports defined");
    let prepared = linker.instantiate_pre(&component).expect("linked");
    c.bench_function("cell/floor: bare wasmtime instance", |b| {
        b.iter(|| {
            let mut store = Store::new(&engine, ());
            black_box(prepared.instantiate(&mut store).expect("an instance"));
        });
    });
}

fn cells(c: &mut Criterion) {
    let bench = Bench::default();
    let args = args_to_msgpack(&[Value::from("moon")]);

    c.bench_function("cell/fresh: instance", |b| {
        b.iter(|| bench.runtime.block_on(bench.cell()));
    });
    c.bench_function("cell/fresh call: instance, load, run", |b| {
        b.iter(|| {
            bench.runtime.block_on(async {
                let mut cell = bench.loaded(HELLO).await;
                bench.main(&mut cell, &args).await
            })
        });
    });
    let mut cell = bench.runtime.block_on(bench.loaded(HELLO));
    c.bench_function("cell/warm call", |b| {
        b.iter(|| bench.runtime.block_on(bench.main(&mut cell, &args)));
    });

    let record = |i: i64| -> Value {
        [("id", Value::from(i)), ("name", Value::from("somebody")), ("score", Value::from(0.5))]
            .into_iter()
            .collect()
    };
    let list = Value::Array((0..100).map(record).collect());
    let args = args_to_msgpack(&[list]);
    let mut cell = bench.runtime.block_on(bench.loaded(ECHO));
    c.bench_function("cell/value round trip: 100 records", |b| {
        b.iter(|| bench.runtime.block_on(bench.main(&mut cell, &args)));
    });
}

criterion_group!(benches, floor, cells);
criterion_main!(benches);
