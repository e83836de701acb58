//! The live things of a host.

use crate::{Allowed, Invoke, Opened, Opening, ResourceKind, Shared, placeholder};
use perilune_registry::{Entry, EntryId, Registry, VersionId};
use perilune_value::{Failure, Kind};
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// Looks a variable of the environment up for a placeholder.
pub type Variables = fn(&Arc<Resources>, &str) -> Result<Option<String>, Failure>;

/// What surrounds resources.
pub struct Host {
    /// The entries.
    pub registry: Arc<Registry>,
    /// Who carries out calls of functions.
    pub functions: Arc<dyn Invoke>,
    /// The application's folder, if it has one.
    pub folder: Option<PathBuf>,
    /// What entries may reach outside.
    pub allowed: Allowed,
    /// What exists once.
    pub shared: Shared,
    /// What `${env:NAME}` means.
    pub variables: Variables,
}

/// Opens entries, each once.
pub struct Resources {
    host: Arc<Host>,
    kinds: HashMap<&'static str, ResourceKind>,
    live: RwLock<HashMap<EntryId, Live>>,
}

#[derive(Clone)]
struct Live {
    opened: Opened,
    /// The entry itself and those that it was made with.
    entries: Vec<Arc<Entry>>,
    /// The version at which they were last known to be current.
    seen: VersionId,
}

impl Resources {
    /// Nothing is opened yet.
    pub fn new(host: Host, kinds: impl IntoIterator<Item = ResourceKind>) -> Arc<Self> {
        let kinds = kinds.into_iter().map(|kind| (kind.spec.name, kind)).collect();
        Arc::new(Resources { host: Arc::new(host), kinds, live: RwLock::default() })
    }

    /// What surrounds them.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// The live thing of an entry.
    ///
    /// # Errors
    ///
    /// `Invalid` for an empty id and for an entry that is something else, `NotFound` when there is none, and why it cannot be
    /// opened.
    pub fn get<T: Send + Sync + 'static>(self: &Arc<Self>, id: &str) -> Result<Arc<T>, Failure> {
        let id = EntryId::parse(id).map_err(|error| {
            Failure::invalid(format!("`{id}` is no entry id: {error}; write `namespace:name`"))
        })?;
        let (opened, _) = self.open(&id, &[])?;
        cast(&id, opened.value)
    }

    /// Whether entries of a kind can be opened.
    pub fn knows(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind)
    }

    /// What an entry was opened as, and the entries that it was made with.
    pub(crate) fn open(
        self: &Arc<Self>,
        id: &EntryId,
        way: &[EntryId],
    ) -> Result<(Opened, Vec<Arc<Entry>>), Failure> {
        let head = self.host.registry.head();
        let found = self.live.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(live) = &found
            && live.seen == head
        {
            return Ok((live.opened.clone(), live.entries.clone()));
        }
        let snapshot = self.host.registry.snapshot();
        let is_current =
            |entry: &Arc<Entry>| snapshot.get(entry.id()).is_some_and(|now| Arc::ptr_eq(now, entry));
        let live = match found {
            Some(live) if live.entries.iter().all(is_current) => Live { seen: snapshot.version().id, ..live },
            _ => {
                let entry =
                    snapshot.get(id).ok_or_else(|| Failure::not_found(format!("there is no entry {id}")))?;
                self.make(entry, way, snapshot.version().id)?
            }
        };
        let mut all = self.live.write().unwrap_or_else(PoisonError::into_inner);
        // Of two who opened it at the same time, the first one's is used by both.
        if let Some(other) = all.get(id)
            && other.entries.iter().all(is_current)
            && other.seen >= live.seen
        {
            return Ok((other.opened.clone(), other.entries.clone()));
        }
        all.insert(id.clone(), live.clone());
        Ok((live.opened, live.entries))
    }

    fn make(self: &Arc<Self>, entry: &Arc<Entry>, way: &[EntryId], seen: VersionId) -> Result<Live, Failure> {
        let id = entry.id();
        let named = |failure: Failure| {
            let message = match failure.message.starts_with(&format!("{id}: ")) {
                true => failure.message.clone(),
                false => format!("{id}: {}", failure.message),
            };
            Failure { message, ..failure }
        };
        if way.contains(id) {
            let names: Vec<String> = way.iter().chain([id]).map(EntryId::to_string).collect();
            return Err(Failure::invalid(format!("entries need each other: {}", names.join(" → "))));
        }
        let kind = self
            .kinds
            .get(entry.kind())
            .ok_or_else(|| Failure::invalid(format!("{id} is a {}, which nothing can open", entry.kind())))?;
        let lookup = |name: &str| (self.host.variables)(self, name);
        let rules = self.host.registry.rules();
        let data = placeholder::resolve(entry.data(), &lookup)
            .and_then(|data| rules.resolved(entry, data))
            .map_err(named)?;
        let opening = Opening {
            entry,
            data,
            resources: self,
            way: way.iter().chain([id]).cloned().collect(),
            needs: RefCell::default(),
        };
        let opened = (kind.open)(&opening).map_err(named)?;
        let mut entries = opening.needs.into_inner();
        entries.push(entry.clone());
        Ok(Live { opened, entries, seen })
    }

    /// Forgets what was made from entries that are gone or have changed; what nobody else holds ends with that.
    pub fn forget_outdated(&self) {
        let snapshot = self.host.registry.snapshot();
        let is_current =
            |entry: &Arc<Entry>| snapshot.get(entry.id()).is_some_and(|now| Arc::ptr_eq(now, entry));
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, live| live.entries.iter().all(is_current));
    }
}

/// The thing as what the caller takes it for.
pub(crate) fn cast<T: Send + Sync + 'static>(
    id: &EntryId,
    value: Arc<dyn Any + Send + Sync>,
) -> Result<Arc<T>, Failure> {
    value.downcast().map_err(|_| {
        let name = std::any::type_name::<T>();
        let name = name.rsplit("::").next().unwrap_or(name).to_lowercase();
        Failure::new(Kind::Invalid, format!("{id} is no {name}"))
    })
}
