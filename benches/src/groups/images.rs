//! What a further entry costs.

use crate::entries::{call, function, threads};
use crate::{Group, Key, Run, Side, Unit};
use perilune::{Entry, Runtime};
use std::time::Instant;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[Key::new(
    "image.create_ms",
    Unit::Millis,
    "first call of an entry in a host that has called others, p50",
)
.at_most(5.0)];

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
    run.record("image.create_ms", first.p50(), Some(first.spread()))
}

/// No two entries have the same source, so that nothing learnt from one serves another.
fn distinct(number: usize) -> anyhow::Result<Entry> {
    let source = format!("return {{ main = function(name) return 'entry {number} greets ' .. name end }}");
    function(&format!("entry{number}"), &source)
}
