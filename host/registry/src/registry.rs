//! The registry: entries that change, in versions.

use crate::change::{Operation, build_delta, perform};
use crate::check::{self, Subject};
use crate::code::Code;
use crate::entry::Entry;
use crate::history::{History, Version, VersionId};
use crate::origin::Place;
use crate::problem::Problem;
use crate::read::Baseline;
use crate::report::Report;
use crate::rules::Rules;
use crate::state::{Entries, Snapshot};
use arc_swap::ArcSwap;
use perilune_value::{Failure, Kind};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A versioned map of entries. Readers never wait; changes happen one after the other, each whole or not at all.
pub struct Registry {
    rules: Rules,
    history: ArcSwap<History>,
    /// Held while a change is made.
    changing: Mutex<()>,
    /// Told of each new version.
    watchers: Mutex<Vec<Watcher>>,
}

/// What is called with the number of a new version; false ends the watch.
type Watcher = Box<dyn Fn(VersionId) -> bool + Send>;

/// What a change did.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The version that is current now.
    pub version: Version,
    /// The difference to the version before, by id; an entry that was written with the same content is not in it.
    pub operations: Vec<Operation>,
    /// The state before.
    pub before: Snapshot,
    /// The state now.
    pub after: Snapshot,
}

impl Registry {
    /// A registry that begins with these entries, as version 0.
    ///
    /// # Errors
    /// A [`Report`] with everything that is wrong with the files and the entries; then there is no registry.
    pub fn new(baseline: Baseline, rules: Rules) -> Result<Self, Report> {
        let Baseline { entries, mut report, incomplete, .. } = baseline;
        let changed: Vec<Arc<Entry>> = entries.values().cloned().collect();
        let entries: Entries = entries.into_iter().collect();
        report.append(check::check(&Subject { entries: &entries, changed: &changed, incomplete }, &rules));
        // Weighing recurses, which is safe once the depth of every entry was checked.
        if report.is_empty() {
            report.extend(too_large(&entries, &rules));
        }
        report.sort();
        if !report.is_empty() {
            return Err(report);
        }
        let history = History::new(entries, rules.limits);
        Ok(Registry {
            rules,
            history: ArcSwap::from_pointee(history),
            changing: Mutex::new(()),
            watchers: Mutex::default(),
        })
    }

    /// [`Baseline::read_dir`] and [`Registry::new`] in one.
    ///
    /// # Errors
    /// A [`Report`] with everything that is wrong.
    pub fn load(root: &Path, rules: Rules) -> Result<Self, Report> {
        Self::new(Baseline::read_dir(root, &rules), rules)
    }

    /// What this registry accepts.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The current state.
    pub fn snapshot(&self) -> Snapshot {
        self.history.load().snapshot()
    }

    /// The number of the current version: what tells whether anything has changed.
    pub fn head(&self) -> VersionId {
        self.history.load().head()
    }

    /// Calls `watcher` after each change until it returns false. It must neither wait nor change entries.
    pub fn watch(&self, watcher: impl Fn(VersionId) -> bool + Send + 'static) {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(watcher));
    }

    /// The state at a version, the baseline included.
    ///
    /// # Errors
    /// `NotFound` for a version that was never made or is no longer kept.
    pub fn snapshot_at(&self, id: VersionId) -> Result<Snapshot, Failure> {
        self.history.load().snapshot_at(id).ok_or_else(|| unknown_version(id))
    }

    /// The current version.
    pub fn current_version(&self) -> Version {
        *self.snapshot().version()
    }

    /// The versions that are kept, by number.
    pub fn versions(&self) -> Vec<Version> {
        self.history.load().versions()
    }

    /// Applies a change: all operations or none, in order. The state they make must be as right as one read from files.
    ///
    /// With `based_on`, the change counts on that version being current.
    ///
    /// # Errors
    /// * `Invalid`: no operations, or what is wrong with the entries (`details.problems`), or a changed kind
    /// * `NotFound`: an update or deletion of an entry that is not there
    /// * `Conflict`: a creation of one that is, a deletion of one that others import, or a version that is no longer current
    /// * `RateLimited`: more entries than the registry's [limits](crate::Limits) allow
    pub fn apply(&self, operations: &[Operation], based_on: Option<VersionId>) -> Result<Applied, Failure> {
        if operations.is_empty() {
            return Err(Failure::invalid("no changes to apply"));
        }
        let _guard = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut history = History::clone(&self.history.load());
        let before = history.snapshot();
        if let Some(based_on) = based_on.filter(|based_on| *based_on != history.head) {
            let head = history.head;
            let message = format!("the change is based on {based_on}, but the registry is at {head} by now");
            return Err(Failure::new(Kind::Conflict, message).with_retryable(true));
        }
        let entries =
            operations.iter().try_fold(before.entries.clone(), |entries, step| perform(&entries, step))?;
        let written: BTreeSet<_> = operations.iter().map(Operation::id).collect();
        let changed: Vec<_> = written.into_iter().filter_map(|id| entries.get(id)).cloned().collect();
        still_imported(&before.entries, &entries)?;
        let report =
            check::check(&Subject { entries: &entries, changed: &changed, incomplete: false }, &self.rules);
        if !report.is_empty() {
            return Err(report.to_failure(Kind::Invalid));
        }
        within_limits(&entries, &self.rules)?;
        history.push(entries, changed.iter().map(|entry| entry.weight()).sum());
        Ok(self.publish(before, history))
    }

    /// Makes an earlier or later version current again.
    ///
    /// # Errors
    /// `NotFound` for a version that was never made or is no longer kept.
    pub fn apply_version(&self, id: VersionId) -> Result<Applied, Failure> {
        let _guard = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut history = History::clone(&self.history.load());
        let before = history.snapshot();
        history.version(id).ok_or_else(|| unknown_version(id))?;
        history.head = id;
        Ok(self.publish(before, history))
    }

    /// Makes a state that `change` has made from the current one, and checked, the next version. `change` also says how many bytes are
    /// new.
    pub(crate) fn amend<E>(
        &self,
        change: impl FnOnce(&Entries) -> Result<(Entries, usize), E>,
    ) -> Result<Applied, E> {
        let _guard = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut history = History::clone(&self.history.load());
        let before = history.snapshot();
        let (entries, bytes) = change(&before.entries)?;
        history.push(entries, bytes);
        Ok(self.publish(before, history))
    }

    fn publish(&self, before: Snapshot, history: History) -> Applied {
        let after = history.snapshot();
        self.history.store(Arc::new(history));
        let head = after.version().id;
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).retain(|watcher| watcher(head));
        let operations = build_delta(before.entries(), after.entries());
        Applied { version: *after.version(), operations, before, after }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("version", &self.current_version().id).finish_non_exhaustive()
    }
}

fn unknown_version(id: VersionId) -> Failure {
    Failure::not_found(format!("version not found: {id}; it was never made, or is no longer kept"))
}

/// Refuses a state that lacks an entry which it imports and which the state before had.
fn still_imported(before: &Entries, after: &Entries) -> Result<(), Failure> {
    for entry in after.values() {
        for target in check::targets(entry) {
            if !after.contains_key(&target) && before.contains_key(&target) {
                let importers: Vec<String> = after
                    .values()
                    .filter(|entry| check::targets(entry).any(|id| id == target))
                    .map(|entry| format!("`{}`", entry.id))
                    .collect();
                let names = importers.join(", ");
                let message = format!("cannot delete {target}: it is imported by {names}");
                return Err(Failure::new(Kind::Conflict, message).with_detail("entry", target.to_string()));
            }
        }
    }
    Ok(())
}

/// The problem of an application that is too large for its registry.
pub(crate) fn too_large(entries: &Entries, rules: &Rules) -> Option<Problem> {
    let failure = within_limits(entries, rules).err()?;
    Some(Problem::at(Place::Name("the application".to_owned()), Code::TOO_LARGE, failure.message))
}

fn within_limits(entries: &Entries, rules: &Rules) -> Result<(), Failure> {
    let limits = &rules.limits;
    let too_much =
        |what: String| Err(Failure::new(Kind::RateLimited, format!("the registry holds at most {what}")));
    if entries.size() > limits.entries {
        return too_much(format!("{} entries", limits.entries));
    }
    if entries.values().map(|entry| entry.weight()).sum::<usize>() > limits.bytes {
        return too_much(format!("{} bytes of entries", limits.bytes));
    }
    Ok(())
}
