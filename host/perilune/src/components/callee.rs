//! An entry with its component and its pool.

use super::{Components, FUNCTION_WASM, PROCESS_WASM};
use crate::pools::PoolStats;
use crate::program::{Linker, limits, unknown};
use crate::workers::settings;
use perilune_cell::{Host, Limits};
use perilune_component::Program;
use perilune_pool::{Janitor, Pool, Supply};
use perilune_registry::{ComponentEntry, Entry, EntryId, Mount, Snapshot};
use perilune_value::Failure;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// An entry that is a component.
pub(crate) struct Callee {
    name: Arc<str>,
    source: Arc<Entry>,
    limits: Limits,
    method: Option<String>,
    pub(super) env: Vec<EntryId>,
    pub(super) mounts: Vec<Mount>,
    pub(super) network: Option<Vec<String>>,
    /// None for a process.
    pool: Option<Arc<Pool<Places>>>,
    /// The host part of its pids.
    pub(super) runs_on: Arc<str>,
    /// Who prints its lines.
    pub(super) host: Arc<dyn Host>,
    components: Arc<Components>,
    /// Looked at when the entry was checked; compiled then, as a rule.
    program: OnceCell<Arc<Program>>,
}

/// Workers without anything: each call makes its instance itself, and a pool says how many may.
pub(crate) struct Places;

impl Supply for Places {
    type Worker = ();

    async fn create(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn reset(&self, (): ()) -> Option<()> {
        Some(())
    }
}

impl Linker {
    /// The entry of an id, if it is a component.
    pub(crate) fn link_component(
        &self,
        snapshot: &Snapshot,
        id: &EntryId,
        janitor: &Arc<Janitor>,
    ) -> Result<Option<Callee>, Failure> {
        let entry = snapshot.get(id).ok_or_else(|| unknown(id))?;
        if !matches!(entry.kind(), FUNCTION_WASM | PROCESS_WASM) {
            return Ok(None);
        }
        let ComponentEntry { method, env, mounts, network, limits: own, pool, .. } =
            ComponentEntry::decode(entry)?;
        let name: Arc<str> = id.to_string().into();
        let is_function = entry.kind() == FUNCTION_WASM;
        Ok(Some(Callee {
            pool: is_function.then(|| Pool::new(Places, settings(&name, &pool), janitor)),
            name,
            source: entry.clone(),
            limits: limits(&self.defaults, &own, entry.kind()),
            method,
            env,
            mounts,
            network,
            runs_on: if is_function { self.functions.clone() } else { self.processes.clone() },
            host: self.host.clone(),
            components: self.components.clone(),
            program: OnceCell::new(),
        }))
    }
}

impl Callee {
    /// The entry's id.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The entry's kind.
    pub(crate) fn kind(&self) -> &str {
        self.source.kind()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn pool(&self) -> Option<&Arc<Pool<Places>>> {
        self.pool.as_ref()
    }

    /// Whether the entry is the same in a snapshot.
    pub(crate) fn is_current(&self, snapshot: &Snapshot) -> bool {
        snapshot.get(self.source.id()).is_some_and(|entry| Arc::ptr_eq(entry, &self.source))
    }

    /// Refuses a method that a call names: the entry does that.
    pub(crate) fn check_method(&self, named: Option<&str>) -> Result<(), Failure> {
        let Some(method) = named else { return Ok(()) };
        let (id, kind) = (&self.name, self.kind());
        let message = format!(
            "{id}.{method}: only a module.lua has methods to call by name, and {id} is a {kind}, whose `method` says which export it is"
        );
        Err(Failure::not_found(message))
    }

    /// Its component, compiled.
    pub(super) async fn program(&self) -> Result<Arc<Program>, Failure> {
        let compiled = self.program.get_or_try_init(|| async {
            let (source, components) = (self.source.clone(), self.components.clone());
            let (name, method) = (self.name.clone(), self.method.clone());
            let compile = move || {
                let entry = ComponentEntry::decode(&source)?;
                let program =
                    Program::new(components.engine()?, &entry.component, method.as_deref(), &entry.modules);
                program.map(Arc::new).map_err(|refusal| Failure::invalid(format!("{name}: {refusal}")))
            };
            let failed = |_| Failure::internal("the host failed while it compiled a component");
            tokio::task::spawn_blocking(compile).await.map_err(failed)?
        });
        compiled.await.cloned()
    }

    /// Does ahead of any call what the first one would have to wait for.
    pub(crate) async fn warm(&self) -> Result<(), Failure> {
        self.program().await?;
        match &self.pool {
            Some(pool) => pool.warm().await,
            None => Ok(()),
        }
    }

    pub(crate) fn stats(&self) -> Option<PoolStats> {
        Some(PoolStats { entry: self.name.to_string(), image: None, stats: self.pool.as_ref()?.stats() })
    }
}
