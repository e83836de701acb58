//! What a pool adds to a call, without the call: `cargo bench --workspace --bench lease`.

use criterion::{Criterion, criterion_group, criterion_main};
use perilune_pool::{Janitor, Kind, Pool, Settings, Supply};
use perilune_value::Failure;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Workers that cost nothing.
struct Nothing;

impl Supply for Nothing {
    type Worker = u64;

    async fn create(&self) -> Result<u64, Failure> {
        Ok(1)
    }

    async fn reset(&self, used: u64) -> Option<u64> {
        Some(used)
    }
}

/// Takes and returns a worker `count` times on a runtime's own thread, with so much work for the worker as a trivial call has.
async fn calls(pool: Arc<Pool<Nothing>>, count: u64, work: Duration) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        let begun = Instant::now();
        let Ok(lease) = pool.lease(None).await else { unreachable!("invariant: the supply never fails") };
        let leased = begun.elapsed();
        let working = Instant::now();
        while working.elapsed() < work {
            std::hint::spin_loop();
        }
        let begun = Instant::now();
        black_box(*lease);
        lease.finish();
        spent += leased + begun.elapsed();
        tokio::task::yield_now().await;
    }
    spent
}

fn lease(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let runtime = runtime.expect("invariant: two threads can be started");
    let mut group = c.benchmark_group("lease_and_finish");
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    for (kind, warm) in
        [(Kind::Inline, false), (Kind::Lazy, false), (Kind::Static, true), (Kind::Adaptive, false)]
    {
        for (name, work) in [("back_to_back", Duration::ZERO), ("calls_of_10us", Duration::from_micros(10))] {
            let pool = Pool::new(Nothing, Settings::new("app:handler", kind), &Janitor::new());
            if warm {
                runtime.block_on(pool.warm()).expect("invariant: the supply never fails");
            }
            group.bench_function(format!("{kind}/{name}"), |b| {
                b.iter_custom(|count| {
                    let calls = runtime.spawn(calls(pool.clone(), count, work));
                    runtime.block_on(calls).expect("invariant: nothing panics")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, lease);
criterion_main!(benches);
