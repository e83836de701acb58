//! The live things of a host.

use crate::basis::Basis;
use crate::guard::guarded;
use crate::{Allowed, Invoke, Opened, Opening, ResourceKind, Shared, placeholder};
use perilune_registry::{Entry, EntryId, Registry, Snapshot, VersionId};
use perilune_value::{Failure, Kind};
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// Looks a variable of the environment up for a placeholder of an entry that is being opened.
pub type Variables = fn(&Opening<'_>, &str) -> Result<Option<String>, Failure>;

/// Entries that are opened because one needs the other. Applications have a handful; each takes a part of the stack.
const DEEPEST: usize = 32;

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
    live: RwLock<Things>,
    /// Told of changes that may outdate what is live.
    changes: watch::Sender<()>,
}

/// What is live, by entry.
struct Things {
    things: HashMap<EntryId, Live>,
    /// At this number those of entries that are gone are looked for: a script may make entries, use them and delete them again.
    prune_at: usize,
}

impl Default for Things {
    fn default() -> Self {
        Things { things: HashMap::new(), prune_at: Self::FEW }
    }
}

impl Things {
    /// Not worth looking through.
    const FEW: usize = 64;

    /// Takes out what is outdated, for the caller to drop once nothing is locked.
    fn prune(&mut self, snapshot: &Snapshot) -> Vec<Live> {
        let gone =
            self.things.extract_if(|_, live| !live.basis.holds(snapshot)).map(|(_, live)| live).collect();
        self.prune_at = Self::FEW.max(2 * self.things.len());
        gone
    }
}

#[derive(Clone)]
struct Live {
    opened: Opened,
    /// The entry itself, those that it was made with, and the values of variables.
    basis: Arc<Basis>,
    /// The version at which the entries were last known to be current.
    seen: VersionId,
}

impl Resources {
    /// Nothing is opened yet.
    pub fn new(host: Host, kinds: impl IntoIterator<Item = ResourceKind>) -> Arc<Self> {
        let kinds = kinds.into_iter().map(|kind| (kind.spec.name, kind)).collect();
        let (changes, _) = watch::channel(());
        Arc::new(Resources { host: Arc::new(host), kinds, live: RwLock::default(), changes })
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

    /// Says that something has changed that live things may have been made from.
    pub fn touch(&self) {
        self.changes.send_replace(());
    }

    /// Wakes after [`Resources::touch`], once for all that came since it was last looked at; ends with the resources.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// What an entry was opened as, and what that was made from.
    pub(crate) fn open(
        self: &Arc<Self>,
        id: &EntryId,
        way: &[EntryId],
    ) -> Result<(Opened, Arc<Basis>), Failure> {
        let head = self.host.registry.head();
        let found = self.live.read().unwrap_or_else(PoisonError::into_inner).things.get(id).cloned();
        if let Some(live) = &found
            && live.seen == head
            && live.basis.values_hold()
        {
            return Ok((live.opened.clone(), live.basis.clone()));
        }
        let snapshot = self.host.registry.snapshot();
        let live = match found {
            Some(live) if live.basis.holds(&snapshot) => Live { seen: snapshot.version().id, ..live },
            _ => {
                let entry =
                    snapshot.get(id).ok_or_else(|| Failure::not_found(format!("there is no entry {id}")))?;
                self.make(entry, way, snapshot.version().id)?
            }
        };
        Ok(self.keep(id, live))
    }

    /// Keeps what was made, unless somebody else has made the same meanwhile: then both use that.
    fn keep(&self, id: &EntryId, made: Live) -> (Opened, Arc<Basis>) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.host.registry.snapshot();
        if let Some(other) = live.things.get(id)
            && !Arc::ptr_eq(&other.basis, &made.basis)
            && other.basis.holds(&snapshot)
        {
            return (other.opened.clone(), other.basis.clone());
        }
        let kept = (made.opened.clone(), made.basis.clone());
        let mut gone: Vec<Live> = live.things.insert(id.clone(), made).into_iter().collect();
        if live.things.len() >= live.prune_at {
            gone.extend(live.prune(&snapshot));
        }
        drop(live);
        // Ended only now: what is dropped may look others up.
        drop(gone);
        kept
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
        if way.len() >= DEEPEST {
            let message = format!("more than {DEEPEST} entries need each other, one the next");
            return Err(Failure::invalid(message));
        }
        let kind = self
            .kinds
            .get(entry.kind())
            .ok_or_else(|| Failure::invalid(format!("{id} is a {}, which nothing can open", entry.kind())))?;
        let mut opening = Opening {
            entry,
            data: entry.data().clone(),
            resources: self,
            way: way.iter().chain([id]).cloned().collect(),
            basis: RefCell::default(),
        };
        if kind.spec.placeholders {
            let lookup = |name: &str| (self.host.variables)(&opening, name);
            let rules = self.host.registry.rules();
            opening.data = placeholder::resolve(entry.data(), &lookup)
                .and_then(|data| rules.resolved(entry, data))
                .map_err(named)?;
        }
        let opened =
            guarded("opened it", || (kind.open)(&opening)).and_then(|opened| opened).map_err(named)?;
        let mut basis = opening.basis.into_inner();
        basis.entry(entry);
        Ok(Live { opened, basis: Arc::new(basis), seen })
    }

    /// Forgets what was made from entries or values that are gone or have changed; what nobody else holds ends with that.
    pub fn forget_outdated(&self) {
        let snapshot = self.host.registry.snapshot();
        let gone = self.live.write().unwrap_or_else(PoisonError::into_inner).prune(&snapshot);
        drop(gone);
    }
}

/// The thing as what the caller takes it for.
pub(crate) fn cast<T: Send + Sync + 'static>(
    id: &EntryId,
    value: Arc<dyn Any + Send + Sync>,
) -> Result<Arc<T>, Failure> {
    value.downcast().map_err(|_| {
        let name = std::any::type_name::<T>();
        let name = name.rsplit("::").next().unwrap_or(name);
        let mut words = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.extend(c.to_lowercase());
        }
        Failure::new(Kind::Invalid, format!("{id} is no {words}"))
    })
}
