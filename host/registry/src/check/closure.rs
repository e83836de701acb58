//! What an entry brings with it: the entries it imports, and theirs.

use crate::EntryId;
use crate::entry::Entry;
use crate::lua::{self, Import};
use crate::state::Entries;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The imports of an entry that can be read: alias and target.
pub(crate) fn imports(entry: &Entry) -> impl Iterator<Item = (&str, Import)> {
    lua::pairs(entry.data.get("imports"))
        .filter_map(|(alias, target)| Some((alias?, Import::parse(target?).ok()?)))
}

/// The entries that an entry imports.
pub(crate) fn targets(entry: &Entry) -> impl Iterator<Item = EntryId> {
    imports(entry).filter_map(|(_, import)| match import {
        Import::Entry(id) => Some(id),
        Import::Module(_) => None,
    })
}

/// A walk over imports, without recursion: a chain may be as long as a registry.
pub(crate) struct Closure {
    /// Every entry that was reached, dependencies first, the starting point last.
    pub(crate) order: Vec<EntryId>,
    /// Import cycles that were met, each a path whose last entry imports its first.
    pub(crate) cycles: Vec<Vec<EntryId>>,
}

impl Closure {
    /// Most entries in one closure; each is loaded before the first call.
    pub(crate) const MAX: usize = 1_000;

    /// The closure of one entry, dependencies first, the entry itself last; `None` when it has more than [`Closure::MAX`] entries.
    pub(crate) fn of(entries: &Entries, start: &EntryId) -> Option<Vec<EntryId>> {
        let mut walk = Closure { order: Vec::new(), cycles: Vec::new() };
        walk.walk(entries, start, &mut HashSet::new(), Self::MAX).then_some(walk.order)
    }

    /// Walks from every entry.
    pub(crate) fn all(entries: &Entries) -> Self {
        let mut walk = Closure { order: Vec::new(), cycles: Vec::new() };
        let mut done = HashSet::new();
        for id in entries.keys() {
            walk.walk(entries, id, &mut done, usize::MAX);
        }
        walk
    }

    /// False when there are more than `most` entries.
    fn walk(&mut self, entries: &Entries, start: &EntryId, done: &mut HashSet<EntryId>, most: usize) -> bool {
        let open = |id: &EntryId| entries.get(id).map(|entry| targets(entry).collect::<Vec<_>>());
        if done.contains(start) {
            return true;
        }
        let Some(first) = open(start) else { return true };
        // Each entry on the way down with the targets it still has to visit.
        let mut way = vec![(start.clone(), first)];
        let mut on_way = HashSet::from([start.clone()]);
        while let Some((_, waiting)) = way.last_mut() {
            let Some(next) = waiting.pop() else {
                if let Some((id, _)) = way.pop() {
                    on_way.remove(&id);
                    done.insert(id.clone());
                    self.order.push(id);
                }
                continue;
            };
            if on_way.contains(&next) {
                let begin = way.iter().position(|(id, _)| *id == next).unwrap_or(0);
                self.cycles.push(way[begin..].iter().map(|(id, _)| id.clone()).collect());
            } else if !done.contains(&next)
                && let Some(targets) = open(&next)
            {
                on_way.insert(next.clone());
                way.push((next, targets));
                if done.len() + way.len() > most {
                    return false;
                }
            }
        }
        true
    }
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
