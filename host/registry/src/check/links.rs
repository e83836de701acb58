//! Fields that name other entries: each exists and is of a kind that fits.

use super::Subject;
use super::fields::has_placeholder;
use crate::EntryId;
use crate::code::Code;
use crate::entry::Entry;
use crate::kinds::source_kind;
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::report::Report;
use crate::rules::Rules;
use crate::schema::Type;
use crate::suggest::did_you_mean;
use perilune_value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Names that a suggestion is sought among.
const MAX_NAMES: usize = 1_000;

/// A suggestion looks at every id, so a file full of wrong names gets them for the first only.
const MAX_SUGGESTIONS: usize = 25;

pub(super) fn check(subject: &Subject<'_>, rules: &Rules, report: &mut Report) {
    for entry in subject.entries.values() {
        let Some(kind) = rules.kinds.get(&entry.kind) else { continue };
        kind.each_value(entry, &mut |ty, value, path| {
            if let Type::Entry(kinds) = ty
                && !has_placeholder(value)
                && let Some(problem) =
                    problem(subject, entry, kinds, value, path, report.len() < MAX_SUGGESTIONS)
            {
                report.push(problem);
            }
        });
    }
    introductions(subject, rules, report);
}

/// Names that entries introduce: whoever uses one means one that exists.
fn introductions(subject: &Subject<'_>, rules: &Rules, report: &mut Report) {
    let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    each_name(subject, rules, &mut |_, ty, name, _| {
        if let Type::Introduces(what) = ty {
            known.entry(what).or_default().insert(name);
        }
    });
    each_name(subject, rules, &mut |entry, ty, name, path| {
        let Type::Introduced(what) = ty else { return };
        let names = known.get(what);
        if names.is_some_and(|names| names.contains(&name)) {
            return;
        }
        let close =
            names.and_then(|names| did_you_mean(&name, names.iter().take(MAX_NAMES).map(String::as_str)));
        let incomplete =
            subject.incomplete.then(|| "it may stand in a file that could not be read".to_owned());
        report.push(
            Problem::in_field(
                entry,
                path,
                Code::MISSING_ENTRY,
                format!("there is no {what} {}", quote(&name)),
            )
            .maybe_help(close)
            .maybe_help(incomplete),
        );
    });
}

/// Shows each name in lists of types [`Type::Introduces`] and [`Type::Introduced`], complete with its namespace.
fn each_name<'a>(
    subject: &Subject<'a>,
    rules: &Rules,
    visit: &mut dyn FnMut(&'a Entry, &Type, String, FieldPath),
) {
    for entry in subject.entries.values() {
        let Some(kind) = rules.kinds.get(&entry.kind) else { continue };
        kind.each_value(entry, &mut |ty, value, path| {
            let (Type::Introduces(_) | Type::Introduced(_), Value::Array(items)) = (ty, value) else {
                return;
            };
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !has_placeholder(item)) {
                // What is no name was refused with the field itself.
                let name = item.as_str().and_then(|text| EntryId::relative(text, entry.id.namespace()).ok());
                if let Some(name) = name {
                    visit(entry, ty, name.to_string(), path.item(index));
                }
            }
        });
    }
}

fn problem(
    subject: &Subject<'_>,
    entry: &Entry,
    kinds: &[&str],
    value: &Value,
    path: FieldPath,
    suggest: bool,
) -> Option<Problem> {
    // What is no id was refused with the field itself.
    let reference = value.as_str()?;
    let id = EntryId::relative(reference, entry.id.namespace()).ok()?;
    let fits = |kind: &str| kinds.is_empty() || kinds.contains(&kind) || kinds.contains(&source_kind(kind));
    let Some(found) = subject.entries.get(&id) else {
        let text = id.to_string();
        let fitting =
            subject.entries.values().filter(|other| suggest && fits(&other.kind) && other.id != entry.id);
        let known: Vec<String> = fitting.map(|other| other.id.to_string()).collect();
        let incomplete =
            subject.incomplete.then(|| "it may stand in a file that could not be read".to_owned());
        let message = format!("there is no entry {}", quote(&text));
        return Some(
            Problem::in_field(entry, path, Code::MISSING_ENTRY, message)
                .maybe_help(did_you_mean(&text, known.iter().map(String::as_str)))
                .maybe_help(incomplete),
        );
    };
    (!fits(&found.kind)).then(|| {
        let message = format!("{} is of kind `{}`", quote(&id.to_string()), found.kind);
        let wanted: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        Problem::in_field(entry, path, Code::WRONG_KIND, message)
            .help(format!("name an entry of kind {}", wanted.join(" or ")))
    })
}
