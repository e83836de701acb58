//! Wasmtime set up for many small instances, and the places they take.

use crate::cache;
use crate::machine::Machine;
use crate::ticker::Ticker;
use perilune_value::{Failure, Kind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Bytes of a used memory that stay mapped and are reset in place. With `pagemap_scan`, which finds the few dirty pages,
/// a fresh instance costs 6 µs instead of 50 µs.
const KEEP_RESIDENT: usize = 512 << 10;

/// Stack of the guest's native code. Lua refuses more than 200 nested C calls, which need a third of this; what compilers of other
/// languages call the stack lies in linear memory mostly.
const WASM_STACK: usize = 1 << 20;

/// Stack of a turn: the guest's, and as much again for the host functions it calls.
const FIBER_STACK: usize = 2 << 20;

/// Core modules that one component may consist of: the guest, and the shims that the component encoder adds.
const CORE_INSTANCES_PER_CELL: u32 = 8;

/// What a host decides about its engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Cells that may exist at the same time; by default as many as the machine can hold. Each takes 8 µs to
    /// set up and reserves 4 GiB of address space.
    pub max_cells: u32,
    /// Callers that may wait for a place; more are refused at once.
    pub max_waiting: usize,
    /// How long a caller waits for a place.
    pub max_wait: Duration,
    /// Where compiled guests are kept; `None` keeps none.
    pub cache: Option<PathBuf>,
    /// Whether cells compute the same on every machine: limits of CPU time count instructions, and every NaN has the same bits.
    /// Such cells compute more slowly.
    pub deterministic: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            max_cells: Machine::detect().cells(),
            max_waiting: 10_000,
            max_wait: Duration::from_secs(30),
            cache: cache::default_folder(),
            deterministic: false,
        }
    }
}

/// Why an engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Wasmtime refused its settings; most often the machine grants too little address space for `max_cells`.
    #[error("the sandbox engine cannot start with room for {max_cells} cells: {reason}; lower `max_cells`")]
    Engine {
        /// As it was asked for.
        max_cells: u32,
        /// Wasmtime's own words.
        reason: String,
    },
    /// The guest is not a component that fits.
    #[error("the guest cannot be compiled: {0}")]
    Guest(String),
    /// A thread could not be started.
    #[error("the ticker thread cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

/// Shared by all cells of a host.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

type Relief = Box<dyn Fn(usize) + Send + Sync>;

struct Inner {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Asked to give up an idle cell when there is no place for another.
    relief: OnceLock<Relief>,
    options: EngineOptions,
}

impl Engine {
    /// Sets wasmtime up and reserves address space.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] where the machine cannot give what the options ask for.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let max_cells = options.max_cells;
        let mut config = wasmtime_config(max_cells);
        config.consume_fuel(options.deterministic).cranelift_nan_canonicalization(options.deterministic);
        let wasmtime = wasmtime::Engine::new(&config)
            .map_err(|error| EngineError::Engine { max_cells, reason: format!("{error:#}") })?;
        let ticker = Ticker::start(wasmtime.weak())?;
        Ok(Engine {
            inner: Arc::new(Inner {
                wasmtime,
                ticker,
                places: Arc::new(Semaphore::new(max_cells as usize)),
                waiting: AtomicUsize::new(0),
                relief: OnceLock::new(),
                options,
            }),
        })
    }

    /// Whether cells compute the same on every machine.
    pub fn is_deterministic(&self) -> bool {
        self.inner.options.deterministic
    }

    /// How it was made.
    pub fn options(&self) -> &EngineOptions {
        &self.inner.options
    }

    /// How many cells exist now.
    pub fn live_cells(&self) -> usize {
        self.inner.options.max_cells as usize - self.inner.places.available_permits()
    }

    /// Names who gives up idle cells when all places are taken: called with how many are wanted, on the task of a caller that
    /// waits. The first one named stays.
    pub fn relieve_by(&self, relief: impl Fn(usize) + Send + Sync + 'static) {
        let _ = self.inner.relief.set(Box::new(relief));
    }

    /// Whether one more cell can be made without waiting for a place or taking it from somebody.
    pub fn has_room(&self) -> bool {
        self.inner.places.available_permits() > 0 && !self.is_crowded()
    }

    /// Whether callers wait for a place.
    pub fn is_crowded(&self) -> bool {
        self.inner.waiting.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    pub(crate) fn ticker(&self) -> &Arc<Ticker> {
        &self.inner.ticker
    }

    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<wasmtime::component::Component, EngineError> {
        cache::compile(&self.inner.wasmtime, wasm, self.inner.options.cache.as_deref())
            .map_err(|error| EngineError::Guest(format!("{error:#}")))
    }

    /// Waits for room for one more cell.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let inner = &self.inner;
        if let Ok(place) = inner.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        // Seen to wait before others are asked, so that a cell that is just becoming idle is not kept meanwhile.
        let waiting = Waiting::enter(&inner.waiting);
        if let Some(relief) = inner.relief.get() {
            relief(1);
            if let Ok(place) = inner.places.clone().try_acquire_owned() {
                return Ok(place);
            }
        }
        let most = inner.options.max_cells;
        if waiting.ahead >= inner.options.max_waiting {
            return Err(busy(format!(
                "all {most} cells are in use and {} callers wait already",
                waiting.ahead
            )));
        }
        match tokio::time::timeout(inner.options.max_wait, inner.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(busy("the host is shutting down".to_owned())),
            Err(_) => Err(busy(format!("all {most} cells were in use for {:?}", inner.options.max_wait))),
        }
    }
}

/// The failure of who waited for a place in vain.
pub fn busy(message: String) -> Failure {
    Failure::new(Kind::Unavailable, message).with_retryable(true).with_detail("limit", "cells")
}

/// Counts the callers that wait, also when one of them gives up.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    ahead: usize,
}

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        Waiting { count, ahead: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The settings of an [`Engine`]'s wasmtime, for whoever measures what this crate adds to it.
pub fn wasmtime_config(max_cells: u32) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(max_cells)
        .total_core_instances(max_cells.saturating_mul(CORE_INSTANCES_PER_CELL))
        .max_core_instances_per_component(CORE_INSTANCES_PER_CELL)
        // One each: the guest's exceptions are lowered to returns, so no heap is needed for them.
        .total_memories(max_cells)
        .max_memories_per_component(1)
        .total_gc_heaps(0)
        .total_tables(max_cells.saturating_mul(4))
        .max_tables_per_component(4)
        .total_stacks(max_cells)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    let mut config = base_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What holds for every engine that a host has, whatever runs on it.
pub fn base_config() -> Config {
    let mut config = Config::new();
    config
        .wasm_exceptions(false)
        .wasm_gc(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        // Nobody reads the guest's native backtraces: Lua has its own.
        .wasm_backtrace_max_frames(None);
    config
}
