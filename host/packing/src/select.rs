//! Which entries the patterns of `--bytecode` mean.

use crate::error::PackingError;
use perilune_pack::quote;
use perilune_registry::{Entry, EntryId, Glob, Kinds, did_you_mean};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A pattern: everything (`**`), all of a namespace (`app:**`), an id, or a name in any namespace. `*` and `**` stand for anything.
struct Pattern {
    namespace: Option<Glob>,
    name: Glob,
}

impl Pattern {
    fn new(text: &str) -> Self {
        match text.split_once(':') {
            Some((namespace, name)) => {
                Pattern { namespace: Some(Glob::new(namespace)), name: Glob::new(name) }
            }
            None => Pattern { namespace: None, name: Glob::new(text) },
        }
    }

    fn matches(&self, id: &EntryId) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| namespace.matches(id.namespace()))
            && self.name.matches(id.name())
    }
}

/// Whether entries of a kind can be kept as bytecode.
fn is_source(entry: &Entry, kinds: &Kinds) -> bool {
    entry.kind().ends_with(".lua") && kinds.get(&format!("{}.bc", entry.kind())).is_some()
}

/// The entries that any of the patterns means and that hold Lua text; all that do without patterns.
pub(super) fn select(
    entries: &[Arc<Entry>],
    patterns: &[String],
    kinds: &Kinds,
) -> Result<BTreeSet<EntryId>, PackingError> {
    let sources = || entries.iter().filter(|entry| is_source(entry, kinds));
    if patterns.is_empty() {
        return Ok(sources().map(|entry| entry.id().clone()).collect());
    }
    let mut selected = BTreeSet::new();
    for text in patterns {
        let pattern = Pattern::new(text);
        let before: Vec<EntryId> =
            sources().map(|entry| entry.id().clone()).filter(|id| pattern.matches(id)).collect();
        if before.is_empty() {
            return Err(PackingError::Pattern(nothing(text, &pattern, entries)));
        }
        selected.extend(before);
    }
    Ok(selected)
}

/// What to say of a pattern that means no Lua text.
fn nothing(text: &str, pattern: &Pattern, entries: &[Arc<Entry>]) -> String {
    let shown = quote(text);
    if let Some(other) = entries.iter().find(|entry| pattern.matches(entry.id())) {
        let (id, kind) = (other.id(), other.kind());
        return format!("{shown} means no entry with Lua text: {id} is a {kind}");
    }
    let ids: Vec<String> = entries.iter().map(|entry| entry.id().to_string()).collect();
    let names = entries.iter().map(|entry| entry.id().name());
    let namespaces = entries.iter().map(|entry| entry.id().namespace());
    let hint = match text.split_once(':') {
        Some((namespace, name)) => did_you_mean(text, ids.iter().map(String::as_str)).or_else(|| {
            did_you_mean(namespace, namespaces.clone()).map(|hint| hint.replace("`?", &format!(":{name}`?")))
        }),
        None => did_you_mean(text, names),
    };
    let hint = hint.unwrap_or_else(|| {
        let mut known: Vec<&str> = namespaces.collect();
        known.dedup();
        let known: Vec<String> = known.iter().take(8).map(|namespace| format!("`{namespace}:**`")).collect();
        format!("write an id, a name, or all of a namespace: {}", known.join(", "))
    });
    format!("{shown} means no entry; {hint}")
}
