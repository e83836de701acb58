//! Module `system` over the host.

use crate::pools::PoolStats;
use crate::runtime::Inner;
use perilune_modules::MODULES;
use perilune_modules::system::SystemAccess;
use perilune_process::{Activity, Nature, Run};
use perilune_resource::Status;
use perilune_value::Value;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Questions that come from cells. It must not keep the runtime alive.
pub(crate) struct System(pub(crate) Weak<Inner>);

impl System {
    /// What the host answers, or what is so when it is shutting down.
    fn ask<T: Default>(&self, question: impl FnOnce(&Arc<Inner>) -> T) -> T {
        self.0.upgrade().as_ref().map(question).unwrap_or_default()
    }
}

impl SystemAccess for System {
    fn pools(&self) -> Value {
        Value::Array(self.ask(|inner| inner.pools.stats().iter().map(pool).collect()))
    }

    fn modules(&self) -> Value {
        let built_in = MODULES.iter().map(|module| {
            let classes = module.classes.iter().map(|class| Value::from(class.as_str())).collect();
            described(module.name, module.summary, classes)
        });
        let extensions = self.ask(|inner| inner.extensions.clone());
        let supplied = extensions
            .iter()
            .map(|module| described(module.name(), "A module of the embedding application.", Vec::new()));
        Value::Array(built_in.chain(supplied).collect())
    }

    fn hosts(&self) -> Value {
        Value::Array(self.ask(|inner| hosts(inner)))
    }

    fn processes(&self, host: Option<&str>) -> Value {
        let all = self.ask(|inner| inner.runs.list());
        let now = SystemTime::now();
        let wanted = all.iter().filter(|listed| host.is_none_or(|host| *listed.pid.host == *host));
        Value::Array(wanted.map(|listed| process(listed, now)).collect())
    }

    fn services(&self, id: Option<&str>) -> Value {
        let all = self.ask(|inner| inner.services.statuses());
        let wanted = all.iter().filter(|status| id.is_none_or(|id| status.id.to_string() == id));
        Value::Array(wanted.map(service).collect())
    }

    fn running(&self) -> u64 {
        self.ask(|inner| inner.runs.count() as u64)
    }

    fn cells(&self) -> u64 {
        self.ask(|inner| inner.engine.live_cells() as u64)
    }

    fn memory_limit(&self, new: Option<Option<u64>>) -> Option<u64> {
        self.ask(|inner| inner.memory_limit.change(new))
    }

    fn exit(&self, code: i32) {
        self.ask(|inner| {
            inner.exit.send_if_modified(|wanted| {
                let is_first = wanted.is_none();
                wanted.get_or_insert(code);
                is_first
            })
        });
    }
}

fn described(name: &str, summary: &str, classes: Vec<Value>) -> Value {
    Value::from_iter([
        ("name", Value::from(name)),
        ("description", Value::from(summary)),
        ("class", Value::Array(classes)),
    ])
}

/// What runs functions, each in a worker of its entry's pool; what runs processes by themselves, each in a cell of its own; and the
/// process hosts of the application.
fn hosts(inner: &Inner) -> Vec<Value> {
    let stats = inner.pools.stats();
    let sum = |of: fn(&PoolStats) -> u64| count(stats.iter().map(of).sum());
    let running = inner.runs.list();
    let running =
        |host: &str| count(running.iter().filter(|listed| *listed.pid.host == *host).count() as u64);
    let own = inner.host_infos(&inner.runs.list(), &inner.services.statuses()).into_iter().map(|host| {
        let processes = count(host.processes as u64);
        Value::from_iter([
            ("id", Value::from(host.id)),
            ("workers", processes.clone()),
            ("processes", processes),
            ("memory", count(host.memory as u64)),
        ])
    });
    let standard = [
        Value::from_iter([
            ("id", Value::from("functions")),
            ("workers", sum(|pool| pool.stats.workers.into())),
            ("processes", running("functions")),
            ("executed", sum(|pool| pool.stats.calls)),
            ("queue_depth", sum(|pool| pool.stats.queued as u64)),
        ]),
        Value::from_iter([
            ("id", Value::from("processes")),
            ("workers", running("processes")),
            ("processes", running("processes")),
        ]),
    ];
    standard.into_iter().chain(own).collect()
}

fn process(listed: &Run, now: SystemTime) -> Value {
    let state = match listed.nature {
        Nature::Process => listed.vitals.activity(),
        // A call has a worker as long as it lasts.
        Nature::Call | Nature::Outside => Activity::Running,
    };
    let (messages, bytes) = listed.waiting_messages();
    let stats = [
        ("memory", listed.vitals.memory() as u64),
        ("received", listed.vitals.received()),
        ("waiting", messages as u64),
        ("waiting_bytes", bytes as u64),
    ];
    let parent = listed.parent.as_ref().map_or(Value::Nil, |parent| Value::from(parent.to_string()));
    let actor = listed.actor.as_ref().map_or(Value::Nil, |actor| Value::from(actor.id.as_str()));
    Value::from_iter([
        ("pid", Value::from(listed.pid.to_string())),
        ("host", Value::from(&*listed.pid.host)),
        ("source", Value::from(&*listed.entry())),
        ("state", Value::from(state.as_str())),
        ("steps", count(listed.vitals.turns())),
        ("started_at", instant(now.checked_sub(listed.began.elapsed()).unwrap_or(UNIX_EPOCH))),
        ("parent", parent),
        ("actor_id", actor),
        ("stats", stats.map(|(name, number)| (name, count(number))).into_iter().collect()),
    ])
}

fn service(status: &Status) -> Value {
    Value::from_iter([
        ("id", Value::from(status.id.to_string())),
        ("status", Value::from(status.state.as_str())),
        ("desired", Value::from(if status.is_wanted { "running" } else { "stopped" })),
        ("retry_count", count(status.failures.into())),
        ("last_update", instant(status.since)),
        ("started_at", status.started.map_or(Value::Nil, instant)),
        ("details", status.details.as_deref().map_or(Value::Nil, Value::from)),
    ])
}

/// A pool's statistics.
fn pool(pool: &PoolStats) -> Value {
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

/// Nanoseconds since 1970.
fn instant(time: SystemTime) -> Value {
    nanoseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
