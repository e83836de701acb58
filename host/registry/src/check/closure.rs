//! What an entry brings with it: the entries it imports, and theirs.

use crate::EntryId;
use crate::entry::Entry;
use crate::lua::{self, Import};
use crate::state::Entries;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The imports of an entry that can be read: alias and target.
pub(crate) fn imports(entry: &Entry) -> impl Iterator<Item = (&str, Import)> {
    let named = |alias: &&str| !alias.is_empty();
    lua::pairs(entry.data.get("imports"))
        .filter_map(move |(alias, target)| Some((alias.filter(named)?, Import::parse(target?).ok()?)))
}

/// The entries that an entry imports.
pub(crate) fn targets(entry: &Entry) -> impl Iterator<Item = EntryId> {
    imports(entry).filter_map(|(_, import)| match import {
        Import::Entry(id) => Some(id),
        Import::Module(_) => None,
    })
}

/// An entry and everything it imports, dependencies first; empty when there is no such entry.
pub(crate) fn closure(entries: &Entries, start: &EntryId) -> Vec<EntryId> {
    let open = |id: &EntryId| entries.get(id).map(|entry| targets(entry).collect::<Vec<_>>());
    let mut order = Vec::new();
    let mut seen = HashSet::from([start.clone()]);
    // Each entry on the way down with the targets it still has to visit: a chain may be too long for recursion.
    let mut way: Vec<_> = open(start).map(|targets| (start.clone(), targets)).into_iter().collect();
    while let Some((_, waiting)) = way.last_mut() {
        match waiting.pop() {
            None => order.extend(way.pop().map(|(id, _)| id)),
            Some(next) => {
                if seen.insert(next.clone())
                    && let Some(targets) = open(&next)
                {
                    way.push((next, targets));
                }
            }
        }
    }
    order
}

/// Every entry that reaches one of `ids` over imports, and the ids themselves, sorted.
pub(crate) fn dependents<'a>(entries: &Entries, ids: impl IntoIterator<Item = &'a EntryId>) -> Vec<EntryId> {
    let mut importers: HashMap<EntryId, Vec<&EntryId>> = HashMap::new();
    for entry in entries.values() {
        for target in targets(entry) {
            importers.entry(target).or_default().push(&entry.id);
        }
    }
    let mut found: BTreeSet<EntryId> = BTreeSet::new();
    let mut waiting: Vec<EntryId> = ids.into_iter().cloned().collect();
    while let Some(id) = waiting.pop() {
        if found.insert(id.clone()) {
            waiting.extend(importers.get(&id).into_iter().flatten().map(|id| (*id).clone()));
        }
    }
    found.into_iter().collect()
}
