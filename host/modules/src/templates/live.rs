//! A set of templates that follows the registry: templates come and go without the set's own entry changing.

use super::kinds::template;
use perilune_registry::{Entry, EntryId, Registry, VersionId};
use perilune_text::templates::{Delimiters, Set, Settings, Source};
use perilune_value::{Failure, Value};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The field `engine` of a set.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Engine {
    development_mode: bool,
    delimiters: Delimiters,
    extensions: Vec<String>,
    globals: BTreeMap<String, serde_json::Value>,
}

pub(super) struct LiveSet {
    id: EntryId,
    registry: Arc<Registry>,
    settings: Settings,
    /// Whether nothing is kept.
    development: bool,
    made: Mutex<Option<Made>>,
}

/// Templates as they were at a version.
struct Made {
    seen: VersionId,
    entries: Vec<Arc<Entry>>,
    set: Result<Arc<Set>, Failure>,
}

impl LiveSet {
    pub(super) fn new(id: EntryId, registry: Arc<Registry>, engine: Engine) -> Self {
        let Engine { development_mode, delimiters, extensions, globals } = engine;
        let globals = globals.into_iter().map(|(name, value)| (name, value_of(value))).collect();
        LiveSet {
            id,
            registry,
            settings: Settings { delimiters, extensions, globals },
            development: development_mode,
            made: Mutex::default(),
        }
    }

    /// The set at the present version. Templates are read again only when one of them changed, came or went.
    pub(super) fn current(&self) -> Result<Arc<Set>, Failure> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.registry.head();
        if let Some(made) = &*made
            && made.seen == head
            && !self.development
        {
            return made.set.clone();
        }
        let snapshot = self.registry.snapshot();
        let entries: Vec<Arc<Entry>> = snapshot.entries().filter(|entry| self.holds(entry)).cloned().collect();
        let is_same = |old: &Made| {
            old.entries.len() == entries.len() && old.entries.iter().zip(&entries).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        let set = match &*made {
            Some(old) if !self.development && is_same(old) => old.set.clone(),
            _ => self.make(&entries),
        };
        *made = Some(Made { seen: snapshot.version().id, entries, set: set.clone() });
        set
    }

    fn make(&self, entries: &[Arc<Entry>]) -> Result<Arc<Set>, Failure> {
        let sources: Vec<Source<'_>> = entries.iter().filter_map(|entry| template(entry)).collect();
        Set::new(&self.settings, &sources)
            .map(Arc::new)
            .map_err(|failure| Failure { message: format!("{}: {}", self.id, failure.message), ..failure })
    }

    fn holds(&self, entry: &Entry) -> bool {
        let set = template(entry).and_then(|_| entry.data().get("set")?.as_str());
        set.is_some_and(|set| EntryId::relative(set, entry.id().namespace()).is_ok_and(|set| set == self.id))
    }
}

fn value_of(json: serde_json::Value) -> Value {
    perilune_value::to_value(&json).unwrap_or_default()
}
