//! One sandboxed VM.

use crate::cpu::instructions;
use crate::event::{self, Event};
use crate::extension::Extension;
use crate::image::{Memory, Private};
use crate::interfaces::{Guest as Instance, GuestPre, exports, failure_from_wit};
use crate::limits::{Death, Limits};
use crate::tickets::panic_text;
use crate::{CellState, Engine, Host, Identity};
use futures_util::FutureExt;
use perilune_value::{Failure, Kind};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;

pub use exports::{Backlog, Chunk, Form, ImportAlias};

/// What a cell is made for.
#[derive(Clone)]
pub struct CellSpec {
    /// Which entry it runs.
    pub identity: Identity,
    /// What it may use.
    pub limits: Limits,
    /// Its surroundings.
    pub host: Arc<dyn Host>,
    /// What its modules find in [`CellState::context`].
    pub context: Arc<dyn Any + Send + Sync>,
    /// Granted modules of the embedding application.
    pub extensions: Arc<[Arc<Extension>]>,
}

/// What one of several calls of the same cell is made with.
pub struct CallSpec {
    /// Whose call it is.
    pub identity: Identity,
    /// What it may use.
    pub limits: Limits,
    /// What its modules find in [`CellState::context`].
    pub context: Arc<dyn Any + Send + Sync>,
    /// When the caller began to wait for the result: the wall-clock limit counts from here.
    pub began: Instant,
}

/// How a turn ended.
#[derive(Debug)]
pub enum Status {
    /// Every coroutine waits for an event.
    Waiting(Backlog),
    /// The method returned a value in MessagePack, or failed.
    Done(Result<Vec<u8>, Failure>),
}

/// One sandboxed VM: a wasm instance, its store, its grants and its limits.
pub struct Cell {
    pub(crate) store: Store<CellState>,
    pub(crate) instance: Instance,
    /// Its linear memory, for cells that were made from an image.
    pub(crate) memory: Option<Memory>,
    /// Which pages of it are its own.
    pub(crate) private: Private,
    /// Whether its memory was made the image's again before.
    pub(crate) was_reset: bool,
    /// Whether its memory was given back, so that it must be made the image's before the next call.
    pub(crate) is_resting: bool,
    /// Why it is dead; every later call says so again.
    dead: Option<Death>,
    /// Its place among the engine's cells, given back when it is dropped.
    _place: OwnedSemaphorePermit,
}

impl Cell {
    pub(crate) async fn new(
        engine: &Engine,
        template: &GuestPre<CellState>,
        spec: CellSpec,
    ) -> Result<Self, Failure> {
        let place = engine.place().await?;
        let entry = spec.identity.entry.clone();
        let mut store = Store::new(
            engine.wasmtime(),
            CellState::new(spec, engine.ticker().clone(), engine.is_deterministic()),
        );
        store.limiter(|state| state);
        refuel(&mut store);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        match template.instantiate_async(&mut store).await {
            Ok(instance) => Ok(Cell {
                store,
                instance,
                memory: None,
                private: Private::default(),
                was_reset: false,
                is_resting: false,
                dead: None,
                _place: place,
            }),
            Err(error) => Err(match store.data().death(&error) {
                // The guest itself does not fit: refused before it ran.
                limit @ Death::Limit(_) => limit.into_failure(&entry),
                other => Failure::new(Kind::Unavailable, format!("{entry}: no sandbox: {other}"))
                    .with_detail("limit", "cells"),
            }),
        }
    }

    /// Which entry it runs.
    pub fn identity(&self) -> &Identity {
        &self.store.data().identity
    }

    /// The host's side.
    pub fn state(&self) -> &CellState {
        self.store.data()
    }

    /// Makes the cell ready for its next call: the pid and the context are new, and so is everything that is counted.
    /// Operations that loading began go on; those of the last call were given up when it ended.
    pub fn begin_call(&mut self, call: CallSpec) {
        self.store.data_mut().begin_call(call);
    }

    /// Gives the cell other surroundings, such as a history in place of the present.
    pub fn surround(&mut self, host: Arc<dyn Host>) {
        self.store.data_mut().host = host;
    }

    /// Tells whether the call has computed for longer than a tick, so that its driver may move it to where it disturbs nobody.
    pub fn ticked(&self) -> Arc<AtomicBool> {
        self.store.data().ticked.clone()
    }

    /// Whether it has ended; nothing can be called in it any more.
    pub fn is_dead(&self) -> bool {
        self.dead.is_some()
    }

    /// Parses a chunk without running it.
    ///
    /// # Errors
    ///
    /// The inner one is a syntax error, with `line` and perhaps `near` in its details.
    pub async fn check(&mut self, id: &str, source: &[u8]) -> Result<Result<(), Failure>, Death> {
        self.alive()?;
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_check(store, id, source)).await;
        Ok(self.settle(called)?.map_err(failure_from_wit))
    }

    /// Compiles a chunk without running it. What it returns depends on the source and the guest alone.
    ///
    /// # Errors
    ///
    /// As [`Cell::check`].
    pub async fn compile(&mut self, id: &str, source: &[u8]) -> Result<Result<Vec<u8>, Failure>, Death> {
        self.alive()?;
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_compile(store, id, source)).await;
        Ok(self.settle(called)?.map_err(failure_from_wit))
    }

    /// Runs chunks in order, dependencies first; the last one is the entry. Returns how many of the first ones were timeless:
    /// an [`Image`](crate::Image) may hold what they left.
    ///
    /// # Errors
    ///
    /// The inner one is what a chunk raised.
    pub async fn load(&mut self, chunks: &[Chunk]) -> Result<Result<u32, Failure>, Death> {
        let seed = self.store.data().host.seed();
        self.load_with(chunks, seed).await
    }

    pub(crate) async fn load_with(
        &mut self,
        chunks: &[Chunk],
        seed: (u64, u64),
    ) -> Result<Result<u32, Failure>, Death> {
        self.alive()?;
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_load(store, chunks, seed)).await;
        Ok(self.settle(called)?.map_err(failure_from_wit))
    }

    /// Calls a method of the loaded entry and takes the first turn. `args` is MessagePack, an array of values.
    ///
    /// # Errors
    ///
    /// [`Death`] when the cell ended; errors of the script are part of [`Status`].
    pub async fn start(&mut self, method: &str, args: &[u8]) -> Result<Status, Death> {
        self.alive()?;
        let seed = self.store.data().host.seed();
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_start(store, method, args, seed)).await;
        Ok(status(self.settle(called)?))
    }

    /// Resumes what the events woke, until nothing can run.
    ///
    /// # Errors
    ///
    /// As [`Cell::start`].
    pub async fn turn(&mut self, events: &[Event]) -> Result<Status, Death> {
        self.alive()?;
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_turn(store, &event::to_wire(events))).await;
        Ok(status(self.settle(called)?))
    }

    pub(crate) fn alive(&self) -> Result<(), Death> {
        self.dead.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn begin(&mut self) -> (&Instance, &mut Store<CellState>) {
        self.private.begin_turn();
        self.store.data_mut().begin_turn();
        self.store.set_epoch_deadline(1);
        refuel(&mut self.store);
        (&self.instance, &mut self.store)
    }

    /// An error of the call is the end of the cell.
    pub(crate) fn settle<T>(&mut self, called: Called<T>) -> Result<T, Death> {
        self.private.end_turn(!called.gave_way);
        let death = match called.outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => self.store.data().death(&error),
            Err(panic) => panic,
        };
        Err(self.end(death))
    }

    /// Nothing can be called in this cell any more.
    pub(crate) fn end(&mut self, death: Death) -> Death {
        self.store.data_mut().tickets.clear();
        self.dead = Some(death.clone());
        death
    }
}

/// Sets how many instructions a turn may execute, on engines that count them.
fn refuel(store: &mut Store<CellState>) {
    let state = store.data();
    if state.counts_instructions() {
        // The only error is an engine that does not count.
        let _ = store.set_fuel(instructions(state.limits.cpu));
    }
}

/// How a call of the guest ended.
pub(crate) struct Called<T> {
    outcome: Result<wasmtime::Result<T>, Death>,
    /// Whether it let others run meanwhile, and may have gone on on another thread.
    gave_way: bool,
}

/// A panic in an import unwinds through the guest to here.
pub(crate) async fn guarded<T>(call: impl Future<Output = wasmtime::Result<T>>) -> Called<T> {
    let mut polls = 0_u32;
    let mut call = pin!(AssertUnwindSafe(call).catch_unwind());
    let outcome = std::future::poll_fn(|context| {
        polls = polls.saturating_add(1);
        call.as_mut().poll(context)
    });
    let outcome = outcome.await.map_err(|panic| Death::Panic(panic_text(&*panic)));
    Called { outcome, gave_way: polls > 1 }
}

fn status(status: exports::Status) -> Status {
    match status {
        exports::Status::Waiting(backlog) => Status::Waiting(backlog),
        exports::Status::Done(done) => Status::Done(done.map_err(failure_from_wit)),
    }
}
