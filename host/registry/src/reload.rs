//! Reading files again: what has changed in them becomes the next version.

use crate::check::{self, Subject};
use crate::entry::Entry;
use crate::read::{Baseline, Places, Reader};
use crate::registry::{Applied, Registry, too_large};
use crate::report::Report;
use crate::state::Entries;
use crate::{EntryId, VersionId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Reads the directory of a registry again whenever it is asked to, and applies what has changed since the last time.
///
/// Only that: an entry that was made or changed at run time stays as it is until its file changes, and then it is as in the file.
pub struct Reload {
    reader: Reader,
    /// The entries of the files as they were last applied.
    last: BTreeMap<EntryId, Arc<Entry>>,
}

impl Reload {
    /// Begins with what the registry began with. `root` is the directory that it was read from.
    pub fn new(registry: &Registry, root: impl Into<PathBuf>) -> Self {
        let baseline = registry.snapshot_at(VersionId::BASELINE).unwrap_or_else(|_| registry.snapshot());
        let from_files = baseline.entries().filter(|entry| entry.file().is_some());
        let last = from_files.map(|entry| (entry.id.clone(), entry.clone())).collect();
        Reload { reader: Reader::new(root), last }
    }

    /// Reads the files that have changed, and applies what that means as one version; `None` where it means nothing.
    ///
    /// # Errors
    /// Everything that is wrong with the files and the entries. The registry stays as it is.
    pub fn apply(&mut self, registry: &Registry) -> Result<Option<Applied>, Report> {
        self.apply_with(registry, |_| Vec::new())
    }

    /// As [`Reload::apply`]. `touched` says of the entries that were read which are to be checked although they are the same, because of something that only
    /// their owner knows of.
    ///
    /// # Errors
    /// Everything that is wrong with the files and the entries. The registry stays as it is.
    pub fn apply_with(
        &mut self,
        registry: &Registry,
        touched: impl FnOnce(&BTreeMap<EntryId, Arc<Entry>>) -> Vec<Arc<Entry>>,
    ) -> Result<Option<Applied>, Report> {
        let baseline = self.reader.read(registry.rules());
        let touched = touched(&baseline.entries);
        self.take(registry, baseline, touched)
    }

    /// As [`Reload::apply`], where nothing but these files has changed since the last time, relative to the directory: no other is looked
    /// at. `None` where that cannot be done, and everything has to be.
    pub fn apply_changed(
        &mut self,
        registry: &Registry,
        changed: &BTreeSet<PathBuf>,
    ) -> Option<Result<Option<Applied>, Report>> {
        let baseline = self.reader.read_changed(registry.rules(), changed)?;
        Some(self.take(registry, baseline, Vec::new()))
    }

    fn take(
        &mut self,
        registry: &Registry,
        baseline: Baseline,
        mut checked: Vec<Arc<Entry>>,
    ) -> Result<Option<Applied>, Report> {
        let Baseline { entries, mut report, incomplete, .. } = baseline;
        let change = Change::between(&self.last, &entries);
        if change.is_empty() && checked.is_empty() && report.is_empty() {
            self.last = entries;
            return Ok(None);
        }
        checked.retain(|entry| !change.written.iter().any(|written| written.id == entry.id));
        checked.extend_from_slice(&change.written);
        let applied = registry.amend(|before| {
            let after = change.made_to(before);
            // What has not changed may stand elsewhere in its file by now, and is to be shown there.
            let mut shown = after.clone();
            for (id, entry) in &entries {
                if let Some(now) = after.get(id)
                    && !Arc::ptr_eq(now, entry)
                    && now == entry
                {
                    shown.insert_mut(id.clone(), entry.clone());
                }
            }
            let subject = Subject { entries: &shown, changed: &checked, incomplete };
            report.append(check::check(&subject, registry.rules()));
            if report.is_empty() {
                report.extend(too_large(&after, registry.rules()));
            }
            report.sort();
            match report.is_empty() {
                false => Err(Some(report)),
                true if change.is_empty() => Err(None),
                true => Ok((after, change.weight())),
            }
        });
        let applied = match applied {
            Ok(applied) => Some(applied),
            Err(None) => None,
            Err(Some(report)) => return Err(report),
        };
        self.last = entries;
        Ok(applied)
    }

    /// What the last reading depended on.
    pub fn places(&self) -> &Places {
        self.reader.places()
    }
}

/// What differs between two readings.
struct Change {
    removed: Vec<EntryId>,
    written: Vec<Arc<Entry>>,
}

impl Change {
    fn between(from: &BTreeMap<EntryId, Arc<Entry>>, to: &BTreeMap<EntryId, Arc<Entry>>) -> Self {
        let removed = from.keys().filter(|id| !to.contains_key(*id)).cloned().collect();
        // Where an entry stands decides what its relative paths mean.
        let is_same = |old: &Arc<Entry>, new: &Arc<Entry>| {
            Arc::ptr_eq(old, new) || (old == new && old.file() == new.file())
        };
        let written = to.iter().filter(|(id, new)| from.get(*id).is_none_or(|old| !is_same(old, new)));
        Change { removed, written: written.map(|(_, entry)| entry.clone()).collect() }
    }

    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.written.is_empty()
    }

    fn made_to(&self, before: &Entries) -> Entries {
        let mut after = before.clone();
        for id in &self.removed {
            after.remove_mut(id);
        }
        for entry in &self.written {
            after.insert_mut(entry.id.clone(), entry.clone());
        }
        after
    }

    /// Bytes of what is new.
    fn weight(&self) -> usize {
        self.written.iter().map(|entry| entry.weight()).sum()
    }
}
