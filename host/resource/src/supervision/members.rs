//! Who is a member of which group: a group starts and stops its members, so all that waits for a member waits for its group.

use super::group::GROUP;
use crate::Resources;
use perilune_registry::{Entry, EntryId, Snapshot};
use perilune_value::{Failure, Value};
use std::collections::HashMap;

/// Groups inside of groups; entries that are opened for each other have a limit as well.
pub(crate) const DEEPEST: usize = 32;

/// The groups of an application.
#[derive(Default)]
pub(crate) struct Members {
    group_of: HashMap<EntryId, EntryId>,
    /// Groups that cannot be, with the reason.
    refused: HashMap<EntryId, Failure>,
}

impl Members {
    pub(crate) fn of(snapshot: &Snapshot, resources: &Resources) -> Self {
        let mut all = Members::default();
        if !resources.knows(GROUP) {
            return all;
        }
        for group in snapshot.entries().filter(|entry| entry.kind() == GROUP) {
            for member in listed(group) {
                if let Some(other) = all.group_of.get(&member) {
                    let twice = match other == group.id() {
                        true => format!("{} lists {member} twice", group.id()),
                        false => format!("{member} is a member of {other} and of {}", group.id()),
                    };
                    all.refused.insert(group.id().clone(), Failure::invalid(twice));
                } else {
                    all.group_of.insert(member, group.id().clone());
                }
            }
        }
        all
    }

    /// Who starts an entry: itself, or the outermost group that it is in.
    pub(crate) fn starter<'a>(&'a self, id: &'a EntryId) -> &'a EntryId {
        // Groups that hold each other are found when they are opened.
        std::iter::successors(Some(id), |id| self.group_of.get(*id)).take(DEEPEST).last().unwrap_or(id)
    }

    pub(crate) fn refusal(&self, group: &EntryId) -> Option<&Failure> {
        self.refused.get(group)
    }
}

/// The members of a group in their order; none for what is no group.
pub(crate) fn listed(group: &Entry) -> Vec<EntryId> {
    let Some(Value::Array(items)) = group.data().get("services").filter(|_| group.kind() == GROUP) else {
        return Vec::new();
    };
    let id = |item: &Value| EntryId::relative(item.as_str()?, group.id().namespace()).ok();
    items.iter().filter_map(id).collect()
}
