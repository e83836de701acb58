//! Whether entries are right: each by itself, then all together.

mod closure;
mod fields;
mod graph;
mod links;
mod names;
mod references;
mod together;

pub(crate) use closure::{closure, dependents, targets};
pub(crate) use fields::{check as check_fields, type_name};

use crate::entry::Entry;
use crate::report::Report;
use crate::rules::Rules;
use crate::state::Entries;
use std::sync::Arc;

/// Entries to check, and what is known about them.
pub(crate) struct Subject<'a> {
    /// The whole state.
    pub(crate) entries: &'a Entries,
    /// Those that are new or changed.
    pub(crate) changed: &'a [Arc<Entry>],
    /// Whether entries may be missing for no fault of those that name them.
    pub(crate) incomplete: bool,
}

/// Everything that is wrong with the changed entries and with the state they make.
pub(crate) fn check(subject: &Subject<'_>, rules: &Rules) -> Report {
    let mut report = Report::default();
    for entry in subject.changed {
        fields::check(entry, rules, &mut report);
        // Of an unknown kind nobody knows what its fields mean.
        let readable = !entry.origin.unresolved && rules.kinds.get(&entry.kind).is_some();
        if let Some(check) = rules.check.as_ref().filter(|_| readable) {
            report.extend(check(entry));
        }
    }
    references::check(subject, rules, &mut report);
    together::check(subject, rules, &mut report);
    report
}
