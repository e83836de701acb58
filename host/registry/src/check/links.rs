//! Fields that name other entries: each exists and is of a kind that fits.

use super::Subject;
use super::fields::has_placeholder;
use crate::EntryId;
use crate::code::Code;
use crate::entry::Entry;
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::report::Report;
use crate::rules::Rules;
use crate::schema::Type;
use crate::suggest::did_you_mean;
use perilune_value::Value;

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
    let fits = |kind: &str| kinds.is_empty() || kinds.contains(&kind);
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
