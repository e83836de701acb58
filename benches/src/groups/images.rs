//! What a further entry costs.

use super::idle::resident;
use crate::entries::{call, function, imports, threads};
use crate::{Group, Key, Run, Side, Unit};
use anyhow::Context;
use perilune::{Entry, Runtime};
use std::time::Instant;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "image.create_ms",
        Unit::Millis,
        "first call of an entry in a host that has called others, image and cell included, p50",
    )
    .at_most(5.0),
    Key::new("image.kib", Unit::KiB, "what the image of a trivial entry takes, on average").at_most(128.0),
    Key::new("image.imports_kib", Unit::KiB, "the same for an entry with three libraries of 300 lines")
        .at_most(128.0),
    Key::new(
        "image.tenants_mib",
        Unit::MiB,
        "resident memory of a host with 10,000 entries, each called once",
    )
    .at_most(2048.0),
];

/// Entries of a host of many tenants.
const TENANTS: usize = 10_000;

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let count = run.effort.pick(50, 200);
    let threads = threads(2)?;
    let round = || {
        let entries = (0..=count).map(distinct).collect::<anyhow::Result<Vec<_>>>()?;
        let runtime = Runtime::builder().entries(entries).build()?;
        let task = threads.spawn(async move {
            call(&runtime, "bench:entry0").await?;
            let mut samples = Vec::new();
            for number in 1..=count {
                let target = format!("bench:entry{number}");
                let began = Instant::now();
                call(&runtime, &target).await?;
                samples.push(began.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(samples)
        });
        threads.block_on(task)?
    };
    let [first] = run.interleave("images", [Side::new("first call, ms", round)])?;
    run.record("image.create_ms", first.p50(), Some(first.spread()))?;
    sizes(run, &threads)?;
    tenants(run, &threads)
}

fn sizes(run: &mut Run, threads: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let runtime = Runtime::builder().entry(distinct(1)?).entries(imports()?).build()?;
    for (key, target) in [("image.kib", "bench:entry1"), ("image.imports_kib", "bench:imports")] {
        threads.block_on(call(&runtime, target))?;
        let pool = runtime.pools().into_iter().find(|pool| pool.entry == target);
        let bytes = pool.and_then(|pool| pool.image).context("a called entry has an image")?;
        run.record(key, bytes as f64 / 1024.0, None)?;
    }
    Ok(())
}

fn tenants(run: &mut Run, threads: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let before = resident()?;
    let entries = (0..TENANTS).map(distinct).collect::<anyhow::Result<Vec<_>>>()?;
    let runtime = Runtime::builder().entries(entries).build()?;
    for number in 0..TENANTS {
        threads.block_on(call(&runtime, &format!("bench:entry{number}")))?;
    }
    let grown = resident()?.saturating_sub(before);
    run.record("image.tenants_mib", grown as f64 / 1024.0, None)
}

/// No two entries have the same source, so that nothing learnt from one serves another.
fn distinct(number: usize) -> anyhow::Result<Entry> {
    let source = format!("return {{ main = function(name) return 'entry {number} greets ' .. name end }}");
    function(&format!("entry{number}"), &source)
}
