//! What the host keeps of a cell.

use crate::cpu::{Budget, PATIENCE};
use crate::extension::Extension;
use crate::limits::{Death, Limit, Limits};
use crate::mailbox::KillSwitch;
use crate::{CallSpec, Handles, Held, Host, Identity, Reservation, Tickets};
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::ticker::Ticker;

/// Entries of a table of function references; the guest needs a few hundred.
const MOST_TABLE_ELEMENTS: usize = 100_000;

/// Places of [`CellState::computing`].
pub(crate) const COMPUTING: usize = 1;

/// The context between calls.
static NO_CALL: LazyLock<Arc<dyn Any + Send + Sync>> = LazyLock::new(|| Arc::new(()));

/// The host's side of one cell: what implementations of interfaces are given.
pub struct CellState {
    /// Which entry runs.
    pub identity: Identity,
    /// Operations under way.
    pub tickets: Tickets,
    /// What is open.
    pub handles: Handles,
    /// Bytes that the host keeps for the cell; at most as many as the cell may use itself.
    pub held: Arc<Held>,
    /// One place: what the cell has the host compute is computed one after the other, so that a cell that asks for much takes
    /// its share of the host and no more.
    pub computing: Arc<Semaphore>,
    /// The surroundings.
    pub host: Arc<dyn Host>,
    /// What the driver of the cell wants its modules to find, such as the call's context.
    pub context: Arc<dyn Any + Send + Sync>,
    /// Modules of the embedding application that are granted.
    pub(crate) extensions: Arc<[Arc<Extension>]>,
    pub(crate) limits: Limits,
    pub(crate) started: Instant,
    /// Set when a turn of the call has computed for a whole tick.
    pub(crate) ticked: Arc<AtomicBool>,
    /// When the call must have ended.
    pub(crate) deadline: Option<Instant>,
    pub(crate) ticker: Arc<Ticker>,
    /// Set when memory was refused, cleared when it was given: a trap after a refusal is the memory limit.
    memory_refused: bool,
    /// Bytes of linear memory, and what they were before it last grew.
    pub(crate) memory: usize,
    memory_before: usize,
    budget: Budget,
    /// How many times its limit of CPU time a turn may take by the clock.
    patience: u32,
    /// Who may end the run that is under way.
    pub(crate) kill_switch: Option<KillSwitch>,
}

impl CellState {
    pub(crate) fn new(spec: crate::CellSpec, ticker: Arc<Ticker>, counts_instructions: bool) -> Self {
        CellState {
            identity: spec.identity,
            tickets: Tickets::default(),
            handles: Handles::default(),
            held: Held::new(usize::try_from(spec.limits.memory).unwrap_or(usize::MAX)),
            computing: Arc::new(Semaphore::new(COMPUTING)),
            host: spec.host,
            context: spec.context,
            extensions: spec.extensions,
            limits: spec.limits,
            started: Instant::now(),
            ticked: Arc::default(),
            deadline: spec.limits.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            ticker,
            memory_refused: false,
            memory: 0,
            memory_before: 0,
            budget: Budget::default(),
            patience: if counts_instructions { PATIENCE } else { 1 },
            kill_switch: None,
        }
    }

    pub(crate) fn begin_call(&mut self, call: CallSpec) {
        let CallSpec { identity, limits, context, began } = call;
        self.handles.begin_call();
        self.identity = identity;
        self.limits = limits;
        self.context = context;
        // A new one where somebody still watches the last call.
        if Arc::strong_count(&self.ticked) > 1 {
            self.ticked = Arc::default();
        }
        self.ticked.store(false, Ordering::Relaxed);
        self.started = Instant::now();
        self.deadline = limits.timeout.and_then(|timeout| began.checked_add(timeout));
        // What the last call held may outlive it in operations that are just being given up.
        if Arc::strong_count(&self.held) > 1 {
            self.held = Held::new(usize::try_from(limits.memory).unwrap_or(usize::MAX));
        }
    }

    /// What a call left under way ends with it, and nothing of it is kept.
    pub(crate) fn end_call(&mut self) {
        self.tickets.clear();
        self.handles.end_call();
        self.context = NO_CALL.clone();
        self.kill_switch = None;
    }

    /// As [`CellState::end_call`], but what is open stays so.
    pub(crate) fn pause_call(&mut self) {
        self.tickets.clear();
        self.context = NO_CALL.clone();
        self.kill_switch = None;
    }

    /// Whether turns are limited by their instructions.
    pub(crate) fn counts_instructions(&self) -> bool {
        self.patience > 1
    }

    pub(crate) fn begin_turn(&mut self) {
        self.budget.restart();
        self.ticked.store(false, Ordering::Relaxed);
        self.ticker.running();
    }

    /// Called each time the epoch passes while the guest runs: the cell gives way to others, or dies.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticker.running();
        if let Some(reason) = self.kill_switch.as_ref().and_then(KillSwitch::killed) {
            return Err(wasmtime::Error::new(Death::Killed(reason)));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(wasmtime::Error::new(self.too_long()));
        }
        let is_first = self.budget.is_first();
        if self.budget.charge() > self.limits.cpu.saturating_mul(self.patience) {
            return Err(wasmtime::Error::new(Death::Limit(Limit::Cpu(self.limits.cpu))));
        }
        // It may catch a turn that has just begun, or one whose thread was kept waiting. To move either would cost much more
        // than it disturbs.
        if is_first {
            return Ok(UpdateDeadline::Continue(1));
        }
        self.ticked.store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(self.budget.yield_slice())))
    }

    /// The end of a call at its deadline.
    pub(crate) fn too_long(&self) -> Death {
        Death::Limit(Limit::Timeout(self.limits.timeout.unwrap_or_default()))
    }

    /// Names the reason for an error that ended the guest.
    pub(crate) fn death(&self, error: &wasmtime::Error) -> Death {
        if let Some(death) = error.downcast_ref::<Death>() {
            return death.clone();
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::StackOverflow) => Death::Limit(Limit::Stack),
            Some(wasmtime::Trap::OutOfFuel) => Death::Limit(Limit::Instructions(self.limits.cpu)),
            _ if self.memory_refused => Death::Limit(Limit::Memory(self.limits.memory)),
            Some(trap) => Death::Trap(trap.to_string()),
            None => Death::Trap(format!("{error:#}")),
        }
    }

    /// Counts bytes that the host is about to keep for the cell.
    ///
    /// # Errors
    ///
    /// Traps the cell when it would be more than its memory limit.
    pub fn hold(&self, bytes: usize) -> wasmtime::Result<Reservation> {
        let death = || wasmtime::Error::new(Death::Limit(Limit::Memory(self.limits.memory)));
        self.held.reserve(bytes).ok_or_else(death)
    }

    /// Bytes of its linear memory.
    pub fn memory_size(&self) -> usize {
        self.memory
    }

    /// How long the cell has existed.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

impl ResourceLimiter for CellState {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired as u64 <= self.limits.memory && maximum.is_none_or(|maximum| desired <= maximum);
        self.memory_refused = !fits;
        if fits {
            (self.memory_before, self.memory) = (current, desired);
        }
        Ok(fits)
    }

    /// The system had no memory after all.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        tracing::debug!(entry = &*self.identity.entry, %error, "memory could not grow");
        self.memory = self.memory_before;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MOST_TABLE_ELEMENTS)
    }
}
