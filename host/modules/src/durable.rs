//! What every cell asks about durable workflows, and how modules are durable in one.
//!
//! A workflow's code runs again from its beginning whenever its cell was given up. So in its cell everything that comes from
//! outside is answered by its history: who drives it puts a [`Durable`] into the call's context.

use crate::CallContext;
use crate::bindings::durable::{Host, add_to_linker};
use futures_util::future::BoxFuture;
use perilune_cell::{CellState, Class, Module};
use perilune_value::{Failure, Value};
use rand::{CryptoRng, RngCore};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::HasSelf;

/// The interface.
pub const MODULE: Module = Module {
    name: "durable",
    summary: "What every cell asks about durable workflows.",
    classes: &[Class::Workflow],
    link: |linker| add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// The history behind a workflow's cell.
pub trait Durable: Send + Sync {
    /// Where in the script what follows is asked for, as `entry:line`.
    fn mark(&self, position: String);

    /// A map that says which run this is.
    fn info(&self) -> Value;

    /// Whether the run only repeats what it did before: what it prints and logs was seen already.
    fn is_replaying(&self) -> bool;

    /// The next of the run's random bytes.
    fn random(&self, bytes: &mut [u8]);

    /// Waits. Dropping the future ends the timer.
    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()>;

    /// The version of a piece of code that the run uses.
    fn version(&self, change: &str, min: i64, max: i64) -> Result<i64, Failure>;

    /// Sets search attributes and fields of the memo.
    fn attrs(&self, fields: Value) -> Result<(), Failure>;

    /// Answers a query.
    fn answer_query(&self, id: &str, outcome: Result<Value, Failure>);

    /// Takes an update on.
    fn accept_update(&self, id: &str);

    /// Refuses an update.
    fn reject_update(&self, id: &str, why: Failure);

    /// Ends an update.
    fn complete_update(&self, id: &str, outcome: Result<Value, Failure>);
}

/// The history behind a cell, if it runs a workflow that has begun.
pub(crate) fn of(state: &CellState) -> Option<&Arc<dyn Durable>> {
    state.context.downcast_ref::<CallContext>()?.durable.as_ref()
}

/// Whether what the script shows was shown before.
pub(crate) fn is_replaying(state: &CellState) -> bool {
    of(state).is_some_and(|durable| durable.is_replaying())
}

/// Where modules take random bytes from: the system, or the run's own seed.
pub(crate) struct Randomness(Option<Arc<dyn Durable>>);

impl Randomness {
    pub(crate) fn of(state: &CellState) -> Self {
        Randomness(of(state).cloned())
    }

    /// So many of them.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill_bytes(&mut bytes);
        bytes
    }
}

impl RngCore for Randomness {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        match &self.0 {
            Some(durable) => durable.random(bytes),
            None => rand::rng().fill_bytes(bytes),
        }
    }
}

/// As good as what is behind it: both are made for secrets.
impl CryptoRng for Randomness {}

impl Host for CellState {
    fn is_workflow(&mut self) -> wasmtime::Result<bool> {
        Ok(self.context.downcast_ref::<CallContext>().is_some_and(|context| context.is_workflow))
    }

    fn mark(&mut self, position: String) -> wasmtime::Result<()> {
        if let Some(durable) = of(self) {
            durable.mark(position);
        }
        Ok(())
    }
}
