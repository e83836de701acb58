//! What the host keeps of an instance.

use crate::names::{Names, admit};
use crate::{Call, Network, Peers};
use cap_std::fs::Dir;
use perilune_cell::{Budget, Death, Identity, Inbox, Limit, Limits, Ticker};
use std::collections::HashMap;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

/// Parts that one component may consist of. Composed ones have a handful of each.
const MOST_INSTANCES: usize = 100;
const MOST_MEMORIES: usize = 20;
const MOST_TABLES: usize = 100;

/// Entries of all tables: functions that are called by address, of which interpreters have 20,000.
const MOST_TABLE_ELEMENTS: usize = 200_000;

/// What it has open on the host: files, streams, sockets, things to wait for.
const MOST_HANDLES: usize = 1024;

/// Random bytes that it may ask for at once.
const MOST_RANDOM: u64 = 1 << 20;

/// The host's side of one instance.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) identity: Identity,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) inbox: Inbox,
    pub(crate) network: Option<Arc<dyn Network>>,
    pub(crate) names: Names,
    /// Names that are being looked up, by the handles of their answers.
    pub(crate) lookups: HashMap<u32, String>,
    limits: Limits,
    deadline: Option<Instant>,
    ticker: Arc<Ticker>,
    budget: Budget,
    ticked: Arc<AtomicBool>,
    /// Set at each tick: who finds it unset when the instance does not go on knows that it waits.
    gave_way: Arc<AtomicBool>,
    /// Set when it has waited: what it computes next is another turn.
    waited: Arc<AtomicBool>,
    memory: usize,
    elements: usize,
    memory_refused: bool,
}

impl State {
    pub(crate) fn new(call: &Call, mut wasi: WasiCtxBuilder, ticker: Arc<Ticker>) -> wasmtime::Result<Self> {
        let names = Names::default();
        admit(&mut wasi, call.network.clone(), &names);
        wasi.max_random_size(MOST_RANDOM);
        for (name, value) in &call.env {
            wasi.env(name, value);
        }
        for mount in &call.mounts {
            let permissions = if mount.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            wasi.preopened_dir(location(&mount.directory), &mount.path, permissions)?;
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_HANDLES);
        Ok(State {
            wasi: wasi.build(),
            table,
            identity: call.identity.clone(),
            peers: call.peers.clone(),
            inbox: call.inbox.clone(),
            network: call.network.clone(),
            names,
            lookups: HashMap::new(),
            limits: call.limits,
            deadline: call.limits.timeout.and_then(|timeout| call.began.checked_add(timeout)),
            ticker,
            budget: Budget::default(),
            ticked: call.ticked.clone(),
            gave_way: Arc::default(),
            waited: Arc::default(),
            memory: 0,
            elements: 0,
            memory_refused: false,
        })
    }

    /// What tells a turn from the next one.
    pub(crate) fn turns(&self) -> Turns {
        Turns { ticker: self.ticker.clone(), gave_way: self.gave_way.clone(), waited: self.waited.clone() }
    }

    /// Bytes of its memories.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// After a wait that [`Peers::waits`] was told of.
    pub(crate) fn goes_on(&self) -> impl Future<Output = wasmtime::Result<()>> + Send + use<> {
        let going = self.peers.goes_on();
        async move { going.await.map_err(|reason| wasmtime::Error::new(Death::Killed(reason))) }
    }

    /// The limit on the bytes of its memories.
    pub(crate) fn most_memory(&self) -> u64 {
        self.limits.memory
    }

    /// The end of a call at its deadline.
    pub(crate) fn too_long(limits: &Limits) -> Death {
        Death::Limit(Limit::Timeout(limits.timeout.unwrap_or_default()))
    }

    /// Called each time the epoch passes while the instance computes: it gives way to others, or dies.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticker.running();
        if let Some(reason) = self.inbox.killed() {
            return Err(wasmtime::Error::new(Death::Killed(reason)));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(wasmtime::Error::new(Self::too_long(&self.limits)));
        }
        if self.waited.swap(false, Ordering::Relaxed) {
            self.budget.restart();
        }
        let is_first = self.budget.is_first();
        if self.budget.charge() > self.limits.cpu {
            return Err(wasmtime::Error::new(Death::Limit(Limit::Cpu(self.limits.cpu))));
        }
        if is_first {
            return Ok(UpdateDeadline::Continue(1));
        }
        self.ticked.store(true, Ordering::Relaxed);
        self.gave_way.store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(self.budget.yield_slice())))
    }

    /// Names the reason for an error that ended the instance.
    pub(crate) fn death(&self, error: &wasmtime::Error) -> Death {
        if let Some(death) = error.downcast_ref::<Death>() {
            return death.clone();
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::StackOverflow) => Death::Limit(Limit::Stack),
            _ if self.memory_refused => Death::Limit(Limit::Memory(self.limits.memory)),
            Some(trap) => Death::Trap(trap.to_string()),
            None => Death::Trap(format!("{error:#}")),
        }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_sub(current).saturating_add(desired);
        let fits = total as u64 <= self.limits.memory && maximum.is_none_or(|maximum| desired <= maximum);
        self.memory_refused = !fits;
        if fits {
            self.memory = total;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_sub(current).saturating_add(desired);
        let fits = total <= MOST_TABLE_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum);
        if fits {
            self.elements = total;
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        MOST_INSTANCES
    }

    fn memories(&self) -> usize {
        MOST_MEMORIES
    }

    fn tables(&self) -> usize {
        MOST_TABLES
    }
}

/// A path to what is open already: asking for the directory by its name once more could find another one.
#[cfg(unix)]
fn location(directory: &Dir) -> PathBuf {
    use std::os::fd::AsRawFd;
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    Path::new(folder).join(directory.as_raw_fd().to_string())
}

/// Other systems have no such path, and nothing is mounted there.
#[cfg(not(unix))]
fn location(_: &Dir) -> PathBuf {
    PathBuf::new()
}

/// Tells whether an instance that does not go on waits for something, or only gives way to others.
pub(crate) struct Turns {
    ticker: Arc<Ticker>,
    gave_way: Arc<AtomicBool>,
    waited: Arc<AtomicBool>,
}

impl Turns {
    /// It is about to compute.
    pub(crate) fn begin(&self) {
        self.ticker.running();
        self.gave_way.store(false, Ordering::Relaxed);
    }

    /// It does not go on for now.
    pub(crate) fn pause(&self) {
        if !self.gave_way.load(Ordering::Relaxed) {
            self.waited.store(true, Ordering::Relaxed);
        }
    }
}
