//! Wasmtime set up for components of any shape, and the places that their instances take.

use perilune_cell::{EngineError, Ticker, base_config, busy, compile};
use perilune_value::Failure;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Component;

use crate::Refusal;

/// Compiled components that are kept in case that they are wanted again: between the check of an entry and its first call.
const KEPT: usize = 32;

/// What a host decides about components.
#[derive(Clone, Debug)]
pub struct Options {
    /// Instances that may exist at the same time. Each reserves 4 GiB of address space for each of its memories.
    pub max_instances: u32,
    /// How long a caller waits for a place.
    pub max_wait: Duration,
    /// Where compiled components are kept; `None` keeps none.
    pub cache: Option<PathBuf>,
}

/// Shared by all components of a host. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
    places: Arc<Semaphore>,
    options: Options,
    /// The last ones, by their hashes.
    kept: Mutex<VecDeque<([u8; 32], Component)>>,
}

impl Engine {
    /// Sets wasmtime up.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where the machine cannot give what the options ask for.
    pub fn new(options: Options) -> Result<Self, EngineError> {
        let max_cells = options.max_instances;
        let wasmtime = wasmtime::Engine::new(&base_config())
            .map_err(|error| EngineError::Engine { max_cells, reason: format!("{error:#}") })?;
        let ticker = Ticker::start(wasmtime.weak())?;
        let places = Arc::new(Semaphore::new(max_cells as usize));
        Ok(Engine { inner: Arc::new(Inner { wasmtime, ticker, places, options, kept: Mutex::default() }) })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    pub(crate) fn ticker(&self) -> Arc<Ticker> {
        self.inner.ticker.clone()
    }

    /// How many instances exist now.
    pub fn live_instances(&self) -> usize {
        self.inner.options.max_instances as usize - self.inner.places.available_permits()
    }

    /// Compiles a component, or takes it from those that were compiled before.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Component, Refusal> {
        let hash: [u8; 32] = Sha256::digest(wasm).into();
        let kept = || self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, component)) = kept().iter().find(|(known, _)| *known == hash) {
            return Ok(component.clone());
        }
        // The compiler is large, and what it is given may be made to break it.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            compile(&self.inner.wasmtime, wasm, self.inner.options.cache.as_deref())
        }));
        let component = match compiled {
            Ok(compiled) => compiled.map_err(|error| Refusal::NoComponent(reason(&error)))?,
            Err(_) => return Err(Refusal::NoComponent("the compiler gave up on it".to_owned())),
        };
        let mut kept = kept();
        kept.push_back((hash, component.clone()));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(component)
    }

    /// Waits for room for one more instance.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let Options { max_instances, max_wait, .. } = self.inner.options;
        match tokio::time::timeout(max_wait, self.inner.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                Err(busy(format!("all {max_instances} instances of components were in use for {max_wait:?}")))
            }
        }
    }
}

/// The innermost reason, which says most; bounded, since it may quote what the component is full of.
fn reason(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}").replace('\n', " ");
    let text = text.strip_prefix("failed to parse WebAssembly module: ").unwrap_or(&text);
    text.chars().take(500).collect()
}
