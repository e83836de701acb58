//! The versions that a registry keeps.

use crate::rules::Limits;
use crate::state::{Entries, Snapshot};
use perilune_value::Failure;
use std::collections::BTreeMap;
use std::fmt;

/// The number of a version; the baseline is 0, each change makes the next number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(u64);

impl VersionId {
    /// The state that the registry started with.
    pub const BASELINE: VersionId = VersionId(0);

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl TryFrom<i64> for VersionId {
    type Error = Failure;

    /// Reads the number that Lua has.
    fn try_from(number: i64) -> Result<Self, Failure> {
        u64::try_from(number)
            .map(VersionId)
            .map_err(|_| Failure::invalid(format!("invalid version {number}; the first is 0")))
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// A version and its neighbours, as far as they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub id: VersionId,
    /// The version that it was made from.
    pub previous: Option<VersionId>,
    /// The last version that was made from it.
    pub next: Option<VersionId>,
}

/// A kept version.
#[derive(Clone)]
struct Kept {
    previous: Option<VersionId>,
    entries: Entries,
    /// Bytes of the entries that its change made.
    bytes: usize,
}

/// Every version that can be looked at, and which one is current. States share their entries.
#[derive(Clone)]
pub(crate) struct History {
    versions: BTreeMap<VersionId, Kept>,
    pub(crate) head: VersionId,
    last: VersionId,
    limits: Limits,
}

impl History {
    pub(crate) fn new(entries: Entries, limits: Limits) -> Self {
        let baseline = Kept { previous: None, entries, bytes: 0 };
        let versions = BTreeMap::from([(VersionId::BASELINE, baseline)]);
        History { versions, head: VersionId::BASELINE, last: VersionId::BASELINE, limits }
    }

    /// Makes a state the current version. `bytes` is what its change added.
    pub(crate) fn push(&mut self, entries: Entries, bytes: usize) {
        self.last = VersionId(self.last.0 + 1);
        self.versions.insert(self.last, Kept { previous: Some(self.head), entries, bytes });
        self.head = self.last;
        self.forget();
    }

    /// Drops the oldest versions beyond the limits; the baseline and the current version stay.
    fn forget(&mut self) {
        let bytes =
            |versions: &BTreeMap<VersionId, Kept>| versions.values().map(|kept| kept.bytes).sum::<usize>();
        // The baseline and the head come on top of what the limit counts.
        while self.versions.len() > self.limits.versions + 2
            || bytes(&self.versions) > self.limits.history_bytes
        {
            let oldest =
                self.versions.keys().find(|id| **id != VersionId::BASELINE && **id != self.head).copied();
            match oldest {
                Some(oldest) => self.versions.remove(&oldest),
                None => return,
            };
        }
    }

    pub(crate) fn head(&self) -> VersionId {
        self.head
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshot_at(self.head).unwrap_or_else(|| Snapshot {
            version: Version { id: self.head, previous: None, next: None },
            entries: Entries::new_sync(),
        })
    }

    pub(crate) fn snapshot_at(&self, id: VersionId) -> Option<Snapshot> {
        Some(Snapshot { version: self.version(id)?, entries: self.versions.get(&id)?.entries.clone() })
    }

    pub(crate) fn version(&self, id: VersionId) -> Option<Version> {
        let kept = self.versions.get(&id)?;
        let next =
            self.versions.iter().rev().find(|(_, other)| other.previous == Some(id)).map(|(id, _)| *id);
        Some(Version { id, previous: kept.previous.filter(|id| self.versions.contains_key(id)), next })
    }

    pub(crate) fn versions(&self) -> Vec<Version> {
        self.versions.keys().filter_map(|id| self.version(*id)).collect()
    }
}
