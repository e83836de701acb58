//! All entries together: imports that exist and make no cycle, names with one meaning, commands with one entry.

use super::closure::imports;
use super::graph::Graph;
use super::{Subject, links, names};
use crate::EntryId;
use crate::code::Code;
use crate::entry::Entry;
use crate::lua::Import;
use crate::origin::Half;
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::report::Report;
use crate::rules::Rules;
use crate::suggest::did_you_mean;
use perilune_value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A suggestion looks at every id, so a file full of wrong imports gets them for the first only.
const MAX_SUGGESTIONS: usize = 25;

pub(crate) fn check(subject: &Subject<'_>, rules: &Rules, report: &mut Report) {
    let entries = subject.entries;
    for entry in entries.values() {
        for (alias, import) in imports(entry) {
            if let Import::Entry(target) = import {
                let suggest = report.len() < MAX_SUGGESTIONS;
                report.extend(target_problem(subject, rules, entry, alias, &target, suggest));
            }
        }
    }
    links::check(subject, rules, report);
    let graph = Graph::new(entries);
    for cycle in &graph.cycles {
        let entries: Vec<&Entry> = cycle.iter().map(|number| graph.entries[*number].as_ref()).collect();
        report.extend(cycle_problem(&entries));
    }
    names::check(&graph, report);
    check_commands(subject, report);
}

pub(super) fn field(alias: &str) -> FieldPath {
    FieldPath::from("imports").key(alias)
}

fn target_problem(
    subject: &Subject<'_>,
    rules: &Rules,
    entry: &Entry,
    alias: &str,
    target: &EntryId,
    suggest: bool,
) -> Option<Problem> {
    let problem = |code, message: String| Problem::in_field(entry, field(alias), code, message);
    let Some(found) = subject.entries.get(target) else {
        let text = target.to_string();
        let ids = subject.entries.keys().take(if suggest { usize::MAX } else { 0 });
        let known: Vec<String> = ids.filter(|id| **id != entry.id).map(EntryId::to_string).collect();
        let close = did_you_mean(&text, known.iter().map(String::as_str));
        let incomplete =
            subject.incomplete.then(|| "it may stand in a file that could not be read".to_owned());
        return Some(
            problem(Code::MISSING_IMPORT, format!("there is no entry {}", quote(&text)))
                .maybe_help(close)
                .maybe_help(incomplete),
        );
    };
    let importable = rules.kinds.get(&found.kind).is_none_or(|kind| kind.importable);
    (!importable).then(|| {
        let message = format!(
            "{} is of kind `{}`, which holds no code to import",
            quote(&target.to_string()),
            found.kind
        );
        problem(Code::NOT_IMPORTABLE, message).help("read it with `registry.get` instead")
    })
}

fn cycle_problem(cycle: &[&Entry]) -> Option<Problem> {
    let (first, last) = (cycle.first()?, cycle.last()?);
    let (alias, _) = imports(last).find(|(_, import)| *import == Import::Entry(first.id.clone()))?;
    let problem = |message: String| Problem::in_field(last, field(alias), Code::IMPORT_CYCLE, message);
    if cycle.len() == 1 {
        return Some(problem("the entry imports itself".to_owned()).help("remove the import"));
    }
    // Enough of a long way to see where to cut it.
    const SHOWN: usize = 8;
    let mut way: Vec<String> = cycle.iter().take(SHOWN).map(|entry| entry.id.to_string()).collect();
    if cycle.len() > SHOWN {
        way.push(format!("… {} more …", cycle.len() - SHOWN));
    }
    way.push(first.id.to_string());
    Some(
        problem(format!("imports form a cycle: {}", way.join(" → ")))
            .help("move what both need into a third entry"),
    )
}

fn check_commands(subject: &Subject<'_>, report: &mut Report) {
    let path = FieldPath::from("meta.command.name");
    let mut commands: BTreeMap<&str, &Entry> = BTreeMap::new();
    let is_process = |entry: &&Arc<Entry>| matches!(entry.runs_as(), "process.lua" | "process.wasm");
    for entry in subject.entries.values().filter(is_process) {
        let command =
            entry.meta.get("command").and_then(|command| command.get("name")).and_then(Value::as_str);
        let Some(command) = command else { continue };
        if let Some(first) = commands.get(command) {
            let message = format!("there is another command {}, `{}`", quote(command), first.id);
            report.push(
                Problem::in_field(entry, path.clone(), Code::DUPLICATE_COMMAND, message)
                    .label("again here")
                    .related(first.origin.place(&first.id, &path, Half::Value), "first here")
                    .help("rename one of the two"),
            );
        } else {
            commands.insert(command, entry);
        }
    }
}
