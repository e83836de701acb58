//! The entries of the current version that can be called, each with its pool.

use crate::cleaner::Cleaner;
use crate::components;
use crate::program::{Linker, PROCESS, Program};
use crate::runtime::Inner;
use crate::target;
use crate::workers::{Workers, settings};
use crate::workflows::WORKFLOW;
use arc_swap::ArcSwap;
use perilune_pool::{Pool, Stats};
use perilune_registry::{EntryId, PoolType, Registry, Snapshot};
use perilune_value::Failure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

/// An idle cell takes 64 KiB more until its memory is given back, which takes 14 µs, and its next call takes 60 µs more for page
/// faults: a second tells those that are called all the time from the others.
const RESTS_AFTER: Duration = Duration::from_secs(1);

/// Finds what a target names. A new version of the registry keeps the pools of entries that are the same in it.
pub(crate) struct Pools {
    linker: Linker,
    cleaner: Cleaner,
    current: ArcSwap<Generation>,
    /// Held while a generation is made from the one before.
    renewing: Mutex<()>,
}

/// What is linked of one version.
struct Generation {
    snapshot: Snapshot,
    linked: Mutex<HashMap<EntryId, Linked>>,
    /// Targets as they were written, for those that were found: most calls are of one that was called before.
    targets: RwLock<HashMap<String, Target>>,
}

/// What a target names.
#[derive(Clone)]
pub(crate) enum Target {
    /// A method of an entry in Lua.
    Lua(LuaTarget),
    /// A component in another language.
    Component(Arc<components::Callee>),
}

/// A method of an entry in Lua.
#[derive(Clone)]
pub(crate) struct LuaTarget {
    pub(crate) callee: Arc<Callee>,
    pub(crate) method: Arc<str>,
}

impl Target {
    /// The entry's id.
    pub(crate) fn name(&self) -> &Arc<str> {
        match self {
            Target::Lua(target) => target.callee.program.name(),
            Target::Component(callee) => callee.name(),
        }
    }

    /// The entry's kind.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Target::Lua(target) => &target.callee.program.kind,
            Target::Component(callee) => callee.kind(),
        }
    }

    /// The target, where it is in Lua.
    ///
    /// # Errors
    ///
    /// `Invalid` for all else.
    pub(crate) fn into_lua(self) -> Result<LuaTarget, Failure> {
        match self {
            Target::Lua(target) => Ok(target),
            Target::Component(callee) => {
                let message = format!("{} is a {}, which holds no Lua", callee.name(), callee.kind());
                Err(Failure::invalid(message))
            }
        }
    }
}

/// An entry that is linked.
#[derive(Clone)]
enum Linked {
    Lua(Arc<Callee>),
    Component(Arc<components::Callee>),
}

impl Linked {
    fn is_current(&self, snapshot: &Snapshot) -> bool {
        match self {
            Linked::Lua(callee) => callee.program.is_current(snapshot),
            Linked::Component(callee) => callee.is_current(snapshot),
        }
    }

    async fn warm(&self) -> Result<(), Failure> {
        match self {
            Linked::Lua(callee) => callee.warm().await,
            Linked::Component(callee) => callee.warm().await,
        }
    }

    fn stats(&self) -> Option<PoolStats> {
        match self {
            Linked::Lua(callee) => callee.stats(),
            Linked::Component(callee) => callee.stats(),
        }
    }
}

/// An entry in Lua that can be called.
pub(crate) struct Callee {
    pub(crate) program: Arc<Program>,
    /// None for a process, whose every run has a cell of its own; it leaves it to the next one in the program's spares.
    pool: Option<Arc<Pool<Workers>>>,
}

impl Pools {
    pub(crate) fn new(linker: Linker, registry: &Registry) -> Self {
        Pools {
            linker,
            cleaner: Cleaner::start(),
            current: ArcSwap::from_pointee(Generation::new(registry.snapshot(), HashMap::new())),
            renewing: Mutex::new(()),
        }
    }

    /// What `name` names in the current version: a change of the registry reaches the next call, not this one.
    pub(crate) fn find(&self, registry: &Registry, name: &str) -> Result<Target, Failure> {
        let mut generation = self.current.load();
        if generation.snapshot.version().id != registry.head() {
            self.renew(registry);
            generation = self.current.load();
        }
        if let Some(target) = generation.known(name) {
            return Ok(target);
        }
        let (id, method) = target::split(&generation.snapshot, name)?;
        let (target, is_declared) = match self.linked(&generation, &id)? {
            Linked::Lua(callee) => {
                let (method, is_declared) = target::method(&callee.program, method)?;
                (Target::Lua(LuaTarget { callee, method: method.into() }), is_declared)
            }
            Linked::Component(callee) => {
                callee.check_method(method.as_deref())?;
                (Target::Component(callee), true)
            }
        };
        if is_declared {
            generation.remember(name, &target);
        }
        Ok(target)
    }

    /// The program of an entry in the current version; `None` for a component.
    pub(crate) fn program(&self, registry: &Registry, id: &EntryId) -> Result<Option<Arc<Program>>, Failure> {
        self.renew(registry);
        Ok(match self.linked(&self.current.load(), id)? {
            Linked::Lua(callee) => Some(callee.program.clone()),
            Linked::Component(_) => None,
        })
    }

    /// What links programs.
    pub(crate) fn linker(&self) -> &Linker {
        &self.linker
    }

    fn linked(&self, generation: &Generation, id: &EntryId) -> Result<Linked, Failure> {
        if let Some(linked) = generation.linked().get(id) {
            return Ok(linked.clone());
        }
        let linked = match self.linker.link_component(&generation.snapshot, id, &self.cleaner.janitor)? {
            Some(component) => Linked::Component(Arc::new(component)),
            None => Linked::Lua(self.link(generation, id)?),
        };
        Ok(generation.linked().entry(id.clone()).or_insert(linked).clone())
    }

    fn link(&self, generation: &Generation, id: &EntryId) -> Result<Arc<Callee>, Failure> {
        let program = Arc::new(self.linker.link(&generation.snapshot, id)?);
        let pool = (!matches!(program.kind.as_str(), PROCESS | WORKFLOW)).then(|| {
            Pool::new(
                Workers { program: program.clone() },
                settings(program.name(), &program.pool),
                &self.cleaner.janitor,
            )
        });
        Ok(Arc::new(Callee { program, pool }))
    }

    /// Pools that are left out live on until the calls that have them end: no call fails because its entry changed.
    fn renew(&self, registry: &Registry) {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = registry.snapshot();
        let before = self.current.load();
        if before.snapshot.version().id == snapshot.version().id {
            return;
        }
        let mut kept = before.linked().clone();
        kept.retain(|_, linked| linked.is_current(&snapshot));
        self.current.store(Arc::new(Generation::new(snapshot, kept)));
    }

    /// Makes the images and workers that entries want ahead of any call. What fails is logged; its calls will say so again.
    pub(crate) async fn warm(&self, registry: &Registry) {
        let snapshot = registry.snapshot();
        for entry in snapshot.entries() {
            let id = entry.id().to_string();
            if !target::is_callable(entry.kind()) {
                continue;
            }
            let generation = self.current.load_full();
            let Ok(linked) = self.linked(&generation, entry.id()) else { continue };
            if let Err(failure) = linked.warm().await {
                tracing::warn!(entry = id, %failure, "the pool could not be warmed");
            }
        }
    }

    /// Gives back the memory of cells that have been idle for a while.
    pub(crate) fn rest(&self) {
        let all: Vec<_> = self.current.load().linked().values().cloned().collect();
        for linked in all {
            let Linked::Lua(callee) = linked else { continue };
            match &callee.pool {
                Some(pool) => {
                    pool.visit_idle(RESTS_AFTER, |cell| callee.program.rest(cell));
                }
                None => callee.program.spares.rest(RESTS_AFTER),
            }
        }
    }

    /// Has the cleaner do [`Pools::rest`] from time to time, as long as the host lives.
    pub(crate) fn rest_regularly(&self, host: Weak<Inner>) {
        self.cleaner.spawn(async move {
            loop {
                tokio::time::sleep(RESTS_AFTER).await;
                let Some(host) = host.upgrade() else { return };
                host.pools.rest();
                host.memory_limit.enforce(&host.pools);
            }
        });
    }

    /// Gives up at most so many idle cells, and says how many.
    pub(crate) fn shed(&self, most: usize) -> usize {
        let mut shed = 0;
        for linked in self.current.load().linked().values() {
            // Components take no cells.
            let Linked::Lua(callee) = linked else { continue };
            if shed >= most {
                break;
            }
            shed += match &callee.pool {
                Some(pool) => pool.shed(most - shed),
                None => callee.program.spares.shed(most - shed),
            };
        }
        shed
    }

    /// What each pool has seen, by entry.
    pub(crate) fn stats(&self) -> Vec<PoolStats> {
        let generation = self.current.load();
        let linked = generation.linked();
        let mut stats: Vec<_> = linked.values().filter_map(Linked::stats).collect();
        drop(linked);
        stats.sort_by(|left, right| left.entry.cmp(&right.entry));
        stats
    }
}

/// What the pool of an entry has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// The entry's id.
    pub entry: String,
    /// Bytes of the entry's image; `None` before its first call.
    pub image: Option<usize>,
    /// Workers, queue, waits and counts.
    pub stats: Stats,
}

impl Generation {
    fn new(snapshot: Snapshot, linked: HashMap<EntryId, Linked>) -> Self {
        Generation { snapshot, linked: Mutex::new(linked), targets: RwLock::default() }
    }

    fn linked(&self) -> MutexGuard<'_, HashMap<EntryId, Linked>> {
        self.linked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, name: &str) -> Option<Target> {
        self.targets.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn remember(&self, name: &str, target: &Target) {
        let mut targets = self.targets.write().unwrap_or_else(PoisonError::into_inner);
        targets.insert(name.to_owned(), target.clone());
    }
}

impl Callee {
    /// What leases its workers.
    pub(crate) fn pool(&self) -> Option<&Arc<Pool<Workers>>> {
        self.pool.as_ref()
    }

    /// Whether its workers keep what a call leaves, and are loaded already.
    pub(crate) fn keeps_state(&self) -> bool {
        self.program.pool.kind == PoolType::Inline
    }

    async fn warm(&self) -> Result<(), Failure> {
        match &self.pool {
            Some(pool) => pool.warm().await,
            None => Ok(()),
        }
    }

    fn stats(&self) -> Option<PoolStats> {
        Some(PoolStats {
            entry: self.program.name().to_string(),
            image: self.program.loaded().map(|image| image.bytes()),
            stats: self.pool.as_ref()?.stats(),
        })
    }
}
