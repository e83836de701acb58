//! Module `system` over the host.

use crate::pools::PoolStats;
use crate::runtime::Inner;
use perilune_modules::system::SystemAccess;
use perilune_value::Value;
use std::sync::Weak;
use std::time::Duration;

/// Questions that come from cells. It must not keep the runtime alive.
pub(crate) struct System(pub(crate) Weak<Inner>);

impl SystemAccess for System {
    fn pools(&self) -> Value {
        let stats = self.0.upgrade().map(|inner| inner.pools.stats()).unwrap_or_default();
        Value::Array(stats.iter().map(table).collect())
    }
}

/// A pool's statistics as module `system` shows them.
fn table(pool: &PoolStats) -> Value {
    let PoolStats { entry, image, stats } = pool;
    let waits = [
        ("p50", nanoseconds(stats.waits.p50)),
        ("p99", nanoseconds(stats.waits.p99)),
        ("longest", nanoseconds(stats.waits.longest)),
    ];
    [
        ("entry", Value::from(entry.as_str())),
        ("type", Value::from(stats.kind.as_str())),
        ("image", image.map_or(Value::Nil, |bytes| count(bytes as u64))),
        ("limit", count(stats.limit.into())),
        ("workers", count(stats.workers.into())),
        ("busy", count(stats.busy.into())),
        ("ready", count(stats.ready.into())),
        ("queued", count(stats.queued as u64)),
        ("waits", waits.into_iter().collect()),
        ("calls", count(stats.calls)),
        ("created", count(stats.created)),
        ("reset", count(stats.reset)),
        ("retired", count(stats.retired)),
        ("reaped", count(stats.reaped)),
        ("refused", count(stats.refused)),
        ("timed_out", count(stats.timed_out)),
        ("cancelled", count(stats.cancelled)),
        ("failed", count(stats.failed)),
    ]
    .into_iter()
    .collect()
}

fn count(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn nanoseconds(time: Duration) -> Value {
    Value::Integer(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}
