//! A host: entries, and everything that runs them.

use crate::call::Call;
use crate::functions::{FromCells, Run};
use crate::heavy::Heavy;
use crate::pools::{PoolStats, Pools};
use crate::processes::{Command, decode};
use crate::program::Linker;
use crate::surroundings::Surroundings;
use crate::system::System;
use crate::{RuntimeBuilder, access};
use perilune_cell::{Engine, Extension, Guest, Limits};
use perilune_modules::funcs::Functions;
use perilune_modules::registry::RegistryAccess;
use perilune_modules::system::SystemAccess;
use perilune_modules::{CallContext, Chain};
use perilune_registry::Registry;
use perilune_value::{Failure, TypeError, Value, from_value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Weak};

/// A host of entries. Cheap to clone; all clones are the same host.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) registry: Arc<Registry>,
    pub(crate) pools: Pools,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) services: Services,
    pub(crate) heavy: Heavy,
}

/// What modules in cells ask the host for.
#[derive(Clone)]
pub(crate) struct Services {
    functions: Arc<dyn Functions>,
    registry: Arc<dyn RegistryAccess>,
    system: Arc<dyn SystemAccess>,
}

impl Services {
    /// The context of a call.
    pub(crate) fn context(&self, values: Value, chain: Chain) -> CallContext {
        let Services { functions, registry, system } = self.clone();
        CallContext { values, chain, functions, registry, system }
    }
}

impl Inner {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts { registry, engine, guest, extensions, limits, surroundings, registry_writable } = parts;
        let surroundings = Arc::new(surroundings);
        let inner = Arc::new_cyclic(|inner: &Weak<Inner>| {
            let services = Services {
                functions: Arc::new(FromCells(inner.clone())),
                registry: Arc::new(access::Access::new(registry.clone(), registry_writable)),
                system: Arc::new(System(inner.clone())),
            };
            let context = Arc::new(services.context(Value::Map(Vec::new()), Chain::default()));
            let linker = Linker {
                guest,
                extensions,
                defaults: limits,
                host: surroundings.clone(),
                context,
                processes: "processes".into(),
                functions: "functions".into(),
            };
            let pools = Pools::new(linker, &registry);
            Inner { registry, pools, surroundings, services, heavy: Heavy::default() }
        });
        inner.pools.rest_regularly(Arc::downgrade(&inner));
        let relieved = Arc::downgrade(&inner);
        engine.relieve_by(move |wanted| {
            if let Some(inner) = relieved.upgrade() {
                inner.pools.shed(wanted);
            }
        });
        inner
    }
}

/// What a builder makes a host from.
pub(crate) struct Parts {
    pub(crate) registry: Arc<Registry>,
    pub(crate) engine: Engine,
    pub(crate) guest: Arc<Guest>,
    pub(crate) extensions: Vec<Arc<Extension>>,
    /// Of entries that say nothing.
    pub(crate) limits: Limits,
    pub(crate) surroundings: Surroundings,
    pub(crate) registry_writable: bool,
}

/// Why a typed call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The call failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// An argument or the result is not of the Rust type.
    #[error(transparent)]
    Type(#[from] TypeError),
}

impl Runtime {
    /// A host to be set up.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// Calls a function, a module's method, or a process to its end.
    ///
    /// # Errors
    ///
    /// What the entry raised or returned as its error; `NotFound` for a target that is not there; `Timeout`,
    /// `RateLimited`, `PermissionDenied` or `Internal` when its cell was ended, with `details.entry` and `details.limit`.
    pub async fn call(&self, target: &str, args: impl IntoIterator<Item = Value>) -> Result<Value, Failure> {
        self.call_with(Call::new(target).args(args)).await
    }

    /// [`Runtime::call`] with a context and a timeout.
    ///
    /// # Errors
    ///
    /// As [`Runtime::call`].
    pub async fn call_with(&self, call: Call) -> Result<Value, Failure> {
        let target = self.inner.find(&call.target)?;
        let args = call.encoded_args();
        let context = Value::Map(call.context);
        let run = Run { target, args, context, timeout: call.timeout, chain: Chain::default() };
        decode(self.inner.run(run).await?)
    }

    /// [`Runtime::call`] with a tuple, list or single value as arguments and a Rust type as result.
    ///
    /// # Errors
    ///
    /// As [`Runtime::call`], and when a type does not fit.
    pub async fn call_typed<A: Serialize, R: DeserializeOwned>(
        &self,
        target: &str,
        args: A,
    ) -> Result<R, CallError> {
        let args = match to_value(&args)? {
            Value::Array(args) => args,
            Value::Nil => Vec::new(),
            single => vec![single],
        };
        Ok(from_value(self.call(target, args).await?)?)
    }

    /// Commands that the application defines: processes with `meta.command.name`.
    pub fn commands(&self) -> Vec<Command> {
        self.inner.commands()
    }

    /// Runs a command to its end. Its arguments are texts.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such command; else as [`Runtime::call`].
    pub async fn run_command(&self, name: &str, args: &[String]) -> Result<Value, Failure> {
        self.inner.run_command(name, args).await
    }

    /// Makes the images and workers of pools that want them ahead of any call: static ones, and those with `warm_start`. An
    /// entry that fails to load is logged, and its calls fail with the same error.
    pub async fn warm(&self) {
        self.inner.pools.warm(&self.inner.registry).await;
    }

    /// What the pools of entries that were called have seen, by entry.
    pub fn pools(&self) -> Vec<PoolStats> {
        self.inner.pools.stats()
    }

    /// The entries. A change reaches calls that begin after it.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }
}
