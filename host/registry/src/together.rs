//! Checks of several entries at once, which a kind brings with it.

use crate::EntryId;
use crate::entry::Entry;
use crate::problem::Problem;
use crate::state::Entries;

/// What no entry can be asked alone, such as whether two want the same. It must not depend on an entry being absent: nothing is
/// checked where entries are only deleted.
#[derive(Debug)]
pub struct Together {
    /// The kinds whose entries it looks at; without a change of one of them it is not called.
    pub kinds: &'static [&'static str],
    /// What is wrong. Fields of the entries may be wrong as well, and are then no concern of this check.
    pub check: fn(&Everything<'_>) -> Vec<Problem>,
}

/// All entries of a state that may be wrong yet.
pub struct Everything<'a>(&'a Entries);

impl<'a> Everything<'a> {
    pub(crate) fn new(entries: &'a Entries) -> Self {
        Everything(entries)
    }

    /// The entry of an id.
    pub fn get(&self, id: &EntryId) -> Option<&'a Entry> {
        self.0.get(id).map(AsRef::as_ref)
    }

    /// The entries of a kind and of its precompiled counterpart, by id.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'a Entry> {
        self.0.values().map(AsRef::as_ref).filter(move |entry: &&Entry| entry.runs_as() == kind)
    }
}
