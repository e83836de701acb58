//! Changes: what turns one state into another.

use crate::EntryId;
use crate::entry::Entry;
use crate::problem::quote;
use crate::state::Entries;
use perilune_value::{Failure, Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One step of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Adds an entry whose id is free.
    Create(Arc<Entry>),
    /// Replaces an entry by one of the same id and kind.
    Update(Arc<Entry>),
    /// Removes an entry.
    Delete(EntryId),
}

impl Operation {
    /// The entry concerned.
    pub fn id(&self) -> &EntryId {
        match self {
            Operation::Create(entry) | Operation::Update(entry) => &entry.id,
            Operation::Delete(id) => id,
        }
    }

    /// The entry that is written; of a deleted one only the id is known.
    pub fn entry(&self) -> Option<&Arc<Entry>> {
        match self {
            Operation::Create(entry) | Operation::Update(entry) => Some(entry),
            Operation::Delete(_) => None,
        }
    }

    /// The table that Lua sees: `{kind = "entry.create", entry = …}`; of a deleted entry only its `id`.
    pub fn to_value(&self) -> Value {
        let (kind, entry) = match self {
            Operation::Create(entry) => ("entry.create", entry.to_value()),
            Operation::Update(entry) => ("entry.update", entry.to_value()),
            Operation::Delete(id) => ("entry.delete", Value::from_iter([("id", id.to_string())])),
        };
        Value::from_iter([("kind", Value::from(kind)), ("entry", entry)])
    }

    /// Reads the table that [`Operation::to_value`] makes.
    ///
    /// # Errors
    /// `Invalid` when it is something else.
    pub fn from_value(value: &Value) -> Result<Self, Failure> {
        let missing = || Failure::invalid("an operation is a table {kind, entry}");
        let entry = value.get("entry").ok_or_else(missing)?;
        let read = || Entry::from_value(entry).map(Arc::new);
        match value.get("kind").and_then(Value::as_str) {
            Some("entry.create") => read().map(Operation::Create),
            Some("entry.update") => read().map(Operation::Update),
            Some("entry.delete") => {
                Entry::id_from_value(entry.get("id").ok_or_else(missing)?).map(Operation::Delete)
            }
            Some(other) => Err(Failure::invalid(format!(
                "{} is no kind of operation; known are `entry.create`, `entry.update` and `entry.delete`",
                quote(other)
            ))),
            None => Err(missing()),
        }
    }
}

/// The state after an operation.
pub(crate) fn perform(entries: &Entries, operation: &Operation) -> Result<Entries, Failure> {
    let id = operation.id();
    let existing = entries.get(id);
    let failure =
        |kind, message: String| Err(Failure::new(kind, message).with_detail("entry", id.to_string()));
    match (operation, existing) {
        (Operation::Create(_), Some(_)) => failure(Kind::Conflict, format!("entry already exists: {id}")),
        (Operation::Update(_) | Operation::Delete(_), None) => {
            failure(Kind::NotFound, format!("entry not found: {id}"))
        }
        (Operation::Update(entry), Some(old)) if entry.kind != old.kind => failure(
            Kind::Invalid,
            format!(
                "{id}: an update cannot change the kind from {} to {}; delete the entry and create it anew",
                quote(&old.kind),
                quote(&entry.kind)
            ),
        ),
        (Operation::Create(entry), None) | (Operation::Update(entry), Some(_)) => {
            Ok(entries.insert(id.clone(), entry.clone()))
        }
        (Operation::Delete(_), Some(_)) => Ok(entries.remove(id)),
    }
}

/// The change that turns one list of entries into another: deletions, then creations and updates, each by id.
///
/// An entry whose kind changes is deleted and created. Of several entries with one id the last counts.
pub fn build_delta<'a>(
    from: impl IntoIterator<Item = &'a Arc<Entry>>,
    to: impl IntoIterator<Item = &'a Arc<Entry>>,
) -> Vec<Operation> {
    let by_id = |entry: &'a Arc<Entry>| (&entry.id, entry);
    let from: BTreeMap<_, _> = from.into_iter().map(by_id).collect();
    let to: BTreeMap<_, _> = to.into_iter().map(by_id).collect();
    let replaced = |old: &Entry, new: &Entry| old.kind != new.kind;
    let deleted = from
        .iter()
        .filter(|(id, old)| to.get(*id).is_none_or(|new| replaced(old, new)))
        .map(|(id, _)| Operation::Delete((*id).clone()));
    let written = to.iter().filter_map(|(id, new)| match from.get(id) {
        Some(old) if Arc::ptr_eq(old, new) || old == new => None,
        Some(old) if !replaced(old, new) => Some(Operation::Update((*new).clone())),
        _ => Some(Operation::Create((*new).clone())),
    });
    deleted.chain(written).collect()
}
