//! Module `system`: what the host is doing, and a few things that it does when asked.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `locks.rs` | locks by name, one holder each |
//! | `machine.rs` | what the operating system tells of the host's process |

mod locks;
mod machine;

use crate::CallContext;
use crate::bindings::{Answer, answer, system as wit};
use locks::Locks;
pub use machine::resident;
use perilune_cell::{CellState, Class, Module};
use perilune_value::{Failure, Kind, Value};
use std::path::Path;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "system",
    summary: "What the host is doing: pools, memory, services, locks.",
    classes: &[Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What the module needs of the host.
pub trait SystemAccess: Send + Sync {
    /// An array with a map for each pool, sorted by entry.
    fn pools(&self) -> Value;

    /// The modules that entries may list: an array of `{name, description, class}`.
    fn modules(&self) -> Value;

    /// What runs calls and processes: an array of `{id, workers, processes, executed, queue_depth}`.
    fn hosts(&self) -> Value;

    /// Calls and processes that run, of one host or of all: an array of `{pid, host, source, state, started_at, actor_id}`.
    fn processes(&self, host: Option<&str>) -> Value;

    /// One service or all: an array of `{id, status, desired, retry_count, last_update, started_at, details}`.
    fn services(&self, id: Option<&str>) -> Value;

    /// How many calls and processes run.
    fn running(&self) -> u64;

    /// How many cells exist.
    fn cells(&self) -> u64;

    /// Bytes of memory above which idle cells are given up; sets it where a new one is given. Returns what it was before.
    fn memory_limit(&self, new: Option<Option<u64>>) -> Option<u64>;

    /// Asks whoever runs the host to end it.
    fn exit(&self, code: i32);
}

/// Asks for permission to read something.
fn may_read(state: &CellState, what: &str) -> wasmtime::Result<Result<(), Failure>> {
    Ok(CallContext::of(state)?.check("system.read", what))
}

/// What the host says, for a call that may read it.
fn told(state: &CellState, what: &str, tell: impl FnOnce(&dyn SystemAccess) -> Value) -> Answer<Vec<u8>> {
    let allowed = may_read(state, what)?;
    let host = &CallContext::of(state)?.host.system;
    answer(allowed.map(|()| tell(&**host).to_msgpack()))
}

/// Something that is known without the host, for a call that may read it.
fn known<T>(state: &CellState, what: &str, tell: impl FnOnce() -> Result<T, Failure>) -> Answer<T> {
    answer(may_read(state, what)?.and_then(|()| tell()))
}

fn version(state: &CellState, what: &str) -> Answer<u64> {
    let head = CallContext::of(state)?.host.registry.registry().head();
    known(state, what, || Ok(head.number()))
}

impl wit::Host for CellState {
    fn pools(&mut self) -> Answer<Vec<u8>> {
        told(self, "pools", |host| host.pools())
    }

    fn exit(&mut self, code: i32) -> Answer<()> {
        let context = CallContext::of(self)?;
        answer(context.check("system.exit", "").map(|()| context.host.system.exit(code)))
    }

    fn modules(&mut self) -> Answer<Vec<u8>> {
        told(self, "modules", |host| host.modules())
    }

    fn memory(&mut self) -> Answer<wit::MemoryFigures> {
        let (cell, cells) = (self.memory_size() as u64, CallContext::of(self)?.host.system.cells());
        known(self, "memory", || {
            let machine::Memory { resident, peak } = machine::memory()?;
            Ok(wit::MemoryFigures { resident, peak, cell, cells })
        })
    }

    fn memory_limit(&mut self) -> Answer<Option<u64>> {
        let host = &CallContext::of(self)?.host.system;
        known(self, "memory_limit", || Ok(host.memory_limit(None)))
    }

    fn set_memory_limit(&mut self, bytes: Option<u64>) -> Answer<Option<u64>> {
        let context = CallContext::of(self)?;
        let allowed = context.check("system.control", "memory_limit");
        answer(allowed.map(|()| context.host.system.memory_limit(Some(bytes))))
    }

    fn may_collect(&mut self, how: wit::Collecting) -> Answer<()> {
        let (action, what) = match how {
            wit::Collecting::Collect => ("system.gc", "gc"),
            wit::Collecting::Read => ("system.read", "gc_percent"),
            wit::Collecting::Change => ("system.gc", "gc_percent"),
        };
        answer(CallContext::of(self)?.check(action, what))
    }

    fn running(&mut self) -> Answer<u64> {
        let host = &CallContext::of(self)?.host.system;
        known(self, "goroutines", || Ok(host.running()))
    }

    fn threads(&mut self, wanted: Option<u32>) -> Answer<u32> {
        if wanted.is_none() {
            return known(self, "gomaxprocs", || Ok(machine::threads()));
        }
        let allowed = CallContext::of(self)?.check("system.control", "gomaxprocs");
        answer(allowed.and_then(|()| {
            Err(Failure::invalid("the host's threads are set when it starts: start it anew with others"))
        }))
    }

    fn cores(&mut self) -> Answer<u32> {
        known(self, "cpu", || Ok(machine::cores()))
    }

    fn process_id(&mut self) -> Answer<u32> {
        known(self, "pid", || Ok(std::process::id()))
    }

    fn hostname(&mut self) -> Answer<String> {
        known(self, "hostname", machine::hostname)
    }

    fn folder(&mut self) -> Answer<String> {
        known(self, "cwd", || {
            let folder = std::env::current_dir();
            folder.map(|folder| shown(&folder)).map_err(|error| machine::unavailable(&error))
        })
    }

    fn node(&mut self) -> Answer<String> {
        known(self, "node", machine::hostname)
    }

    fn cluster(&mut self) -> Answer<String> {
        known(self, "cluster", machine::hostname)
    }

    fn raft(&mut self) -> Answer<u64> {
        version(self, "raft")
    }

    fn raft_stats(&mut self) -> Answer<u64> {
        version(self, "raft_stats")
    }

    fn acquire_lock(&mut self, name: String) -> Answer<()> {
        let context = CallContext::of(self)?;
        let (allowed, locks) = (context.check("system.lock", &name), context.shared().get::<Locks>());
        answer(allowed.and_then(|()| locks.acquire(&mut self.handles, &name)))
    }

    fn release_lock(&mut self, name: String) -> Answer<bool> {
        let context = CallContext::of(self)?;
        let (allowed, locks) = (context.check("system.lock", &name), context.shared().get::<Locks>());
        answer(allowed.map(|()| locks.release(&mut self.handles, &name)))
    }

    fn service(&mut self, id: String) -> Answer<Vec<u8>> {
        let host = &CallContext::of(self)?.host.system;
        known(self, "supervisor", || match host.services(Some(&id)) {
            Value::Array(mut found) if !found.is_empty() => Ok(found.remove(0).to_msgpack()),
            _ => {
                let shown: String = id.chars().take(256).collect();
                Err(Failure::new(Kind::NotFound, format!("no service `{shown}` was started")))
            }
        })
    }

    fn services(&mut self) -> Answer<Vec<u8>> {
        told(self, "supervisor", |host| host.services(None))
    }

    fn hosts(&mut self) -> Answer<Vec<u8>> {
        told(self, "hosts", |host| host.hosts())
    }

    fn processes(&mut self, of: Option<String>) -> Answer<Vec<u8>> {
        told(self, "hosts", |host| host.processes(of.as_deref()))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
