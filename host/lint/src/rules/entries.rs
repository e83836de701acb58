//! Entries that nothing leads to.

use crate::rule;
use crate::subject::{imports, in_field};
use crate::tree::{Chunk, Expr, ExprKind};
use crate::walk::{self, Visitor};
use perilune_registry::{Entry, EntryId, FieldPath, Half, Import, Problem};
use perilune_value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds that do nothing unless somebody names them. Others run by themselves, are called from outside, or look for what they
/// serve, such as an `http.router`.
const RESOURCES: [&str; 9] = [
    "db.sql.mysql",
    "db.sql.postgres",
    "db.sql.sqlite",
    "fs.directory",
    "process.host",
    "queue.driver.memory",
    "store.memory",
    "store.sql",
    "template.set",
];

/// Texts in sources and fields: one of them may be the id of an entry.
#[derive(Default)]
pub(crate) struct Texts {
    known: BTreeSet<String>,
    /// Whether a source could not be read, or looks for entries by other things than ids.
    pub(crate) is_open: bool,
}

/// Longer texts are no ids.
const MAX_TEXT: usize = 2 * EntryId::MAX_PART + 1;

impl Texts {
    /// Adds what a source has.
    pub(crate) fn add_source(&mut self, chunk: &Chunk<'_>) {
        walk::block(&chunk.block, self);
    }

    /// Adds what an entry's fields have. Imports are ways of their own.
    pub(crate) fn add_fields(&mut self, entry: &Entry) {
        match entry.data() {
            Value::Map(pairs) => {
                let fields = pairs.iter().filter(|(key, _)| key.as_str() != Some("imports"));
                fields.for_each(|(_, value)| self.add_value(value));
            }
            data => self.add_value(data),
        }
        self.add_value(entry.meta());
    }

    /// Values nest no deeper than the registry lets them, or than files do.
    fn add_value(&mut self, value: &Value) {
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Array(items) => waiting.extend(items),
                Value::Map(pairs) => waiting.extend(pairs.iter().map(|(_, value)| value)),
                _ => self.add(value.as_str().unwrap_or_default()),
            }
        }
    }

    fn add(&mut self, text: &str) {
        if !text.is_empty() && text.len() <= MAX_TEXT {
            self.known.insert(text.to_owned());
        }
    }

    /// Whether a text is the entry's id or name, or a beginning of the id to which something may be joined.
    fn reach(&self, id: &EntryId) -> bool {
        let full = id.to_string();
        let least = id.namespace().len() + 1;
        self.known.contains(id.name())
            || (least..=full.len())
                .filter_map(|end| full.get(..end))
                .any(|beginning| self.known.contains(beginning))
    }
}

impl<'a> Visitor<'a> for Texts {
    fn expr(&mut self, expr: &Expr<'a>) {
        if let ExprKind::String(Some(text)) = &expr.kind {
            self.add(text);
        }
    }
}

/// Looks at all entries together.
pub(crate) fn check(entries: &[Arc<Entry>], texts: &Texts) -> Vec<Problem> {
    let reached = reached(entries);
    let unreached = entries.iter().filter(|entry| match entry.kind() {
        kind if is_library(kind) => {
            !reached.contains(entry.id()) && !texts.known.contains(&entry.id().to_string())
        }
        kind => {
            RESOURCES.contains(&kind)
                && !texts.is_open
                && !texts.reach(entry.id())
                && entry.data().get("lifecycle").is_none()
        }
    });
    let problem = |entry: &Arc<Entry>| {
        let message = match is_library(entry.kind()) {
            true => "no entry imports this library".to_owned(),
            false => format!("nothing names this `{}`", entry.kind()),
        };
        in_field(rule::UNREACHED, entry, FieldPath::from("name"), Half::Value, message, Vec::new())
    };
    unreached.map(problem).collect()
}

fn is_library(kind: &str) -> bool {
    matches!(kind, "library.lua" | "library.lua.bc")
}

/// What entries that are no libraries import, directly and through others.
fn reached(entries: &[Arc<Entry>]) -> BTreeSet<EntryId> {
    let by_id: BTreeMap<&EntryId, &Arc<Entry>> = entries.iter().map(|entry| (entry.id(), entry)).collect();
    let mut waiting: Vec<&Arc<Entry>> = entries.iter().filter(|entry| !is_library(entry.kind())).collect();
    let mut reached = BTreeSet::new();
    while let Some(entry) = waiting.pop() {
        for import in imports(entry).into_values() {
            if let Import::Entry(id) = import
                && let Some(target) = by_id.get(&id)
                && reached.insert(id)
            {
                waiting.push(target);
            }
        }
    }
    reached
}
