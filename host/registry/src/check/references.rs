//! All entries together: imports that exist and make no cycle, names with one meaning, commands with one entry.

use super::Subject;
use super::closure::{Closure, imports, targets};
use crate::EntryId;
use crate::code::Code;
use crate::entry::Entry;
use crate::lua::Import;
use crate::origin::{Half, Place};
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::report::Report;
use crate::rules::Rules;
use crate::suggest::did_you_mean;
use perilune_value::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A suggestion looks at every id, so a file full of wrong imports gets them for the first only.
const MAX_SUGGESTIONS: usize = 100;

/// Aliases and modules in one closure, repetitions counted: a thousand entries with sixteen each.
const MAX_NAMES: usize = 16 * Closure::MAX;

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
    let walk = Closure::all(entries);
    for cycle in &walk.cycles {
        report.extend(cycle_problem(subject, cycle));
    }
    // A closure is part of its importers' closures, so only entries that nobody imports need a look.
    let imported: HashSet<EntryId> = entries.values().flat_map(|entry| targets(entry)).collect();
    let mut reported = BTreeSet::new();
    for root in entries.values().filter(|entry| !imported.contains(&entry.id)) {
        check_names(subject, root, &mut reported, report);
    }
    check_commands(subject, report);
}

fn field(alias: &str) -> FieldPath {
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
        let known: Vec<String> = subject.entries.keys().filter(|_| suggest).map(EntryId::to_string).collect();
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

fn cycle_problem(subject: &Subject<'_>, cycle: &[EntryId]) -> Option<Problem> {
    let (first, last) = (cycle.first()?, cycle.last()?);
    let entry = subject.entries.get(last)?;
    let (alias, _) = imports(entry).find(|(_, import)| *import == Import::Entry(first.clone()))?;
    let problem = |message: String| Problem::in_field(entry, field(alias), Code::IMPORT_CYCLE, message);
    if cycle.len() == 1 {
        return Some(problem("the entry imports itself".to_owned()).help("remove the import"));
    }
    // Enough of a long way to see where to cut it.
    const SHOWN: usize = 8;
    let mut way: Vec<String> = cycle.iter().take(SHOWN).map(EntryId::to_string).collect();
    if cycle.len() > SHOWN {
        way.push(format!("… {} more …", cycle.len() - SHOWN));
    }
    way.push(first.to_string());
    Some(
        problem(format!("imports form a cycle: {}", way.join(" → ")))
            .help("move what both need into a third entry"),
    )
}

/// What a name means to `require`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Meaning {
    import: Import,
    entry: EntryId,
    field: FieldPath,
}

/// Reports names with two meanings in the closure of `root`, each pair of places once.
fn check_names(
    subject: &Subject<'_>,
    root: &Entry,
    reported: &mut BTreeSet<(EntryId, FieldPath, EntryId, FieldPath)>,
    report: &mut Report,
) {
    let too_large = |most: usize, what: &str| {
        let message = format!("it brings in more than {most} {what}, directly and through others");
        Problem::in_field(root, "imports", Code::CLOSURE_TOO_LARGE, message)
    };
    let Some(closure) = Closure::of(subject.entries, &root.id) else {
        return report.push(too_large(Closure::MAX, "entries"));
    };
    let mut names: BTreeMap<String, Meaning> = BTreeMap::new();
    let mut seen = 0;
    // The root first: what it says itself is the first place.
    for id in closure.iter().rev() {
        let Some(entry) = subject.entries.get(id) else { continue };
        for (name, import, field) in bindings(entry) {
            seen += 1;
            if seen > MAX_NAMES {
                return report.push(too_large(MAX_NAMES, "names"));
            }
            let meaning = Meaning { import, entry: id.clone(), field };
            match names.get(name) {
                None => {
                    names.insert(name.to_owned(), meaning);
                }
                Some(first) if first.import == meaning.import => {}
                Some(first) => {
                    let pair = (
                        first.entry.clone(),
                        first.field.clone(),
                        meaning.entry.clone(),
                        meaning.field.clone(),
                    );
                    if reported.insert(pair) {
                        report.push(collision(subject, root, name, first, &meaning, entry));
                    }
                }
            }
        }
    }
}

/// Every name that an entry gives a meaning, with the meaning and where it does.
fn bindings(entry: &Entry) -> impl Iterator<Item = (&str, Import, FieldPath)> {
    let modules = match entry.data.get("modules") {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    let modules = modules.iter().enumerate().filter_map(|(index, item)| {
        let name = item.as_str()?;
        Some((name, Import::Module(name.to_owned()), FieldPath::from("modules").item(index)))
    });
    modules.chain(imports(entry).map(|(alias, import)| (alias, import, field(alias))))
}

fn collision(
    subject: &Subject<'_>,
    root: &Entry,
    name: &str,
    first: &Meaning,
    second: &Meaning,
    entry: &Entry,
) -> Problem {
    let what = |import: &Import| match import {
        Import::Entry(id) => format!("the entry `{id}`"),
        Import::Module(module) => format!("the module `{module}`"),
    };
    let (here, there) = (what(&second.import), what(&first.import));
    let message = format!("{} means {here} here and {there} in `{}`", quote(name), first.entry);
    let place = match subject.entries.get(&first.entry) {
        Some(other) => other.origin.place(&other.id, &first.field, Half::Value),
        None => Place::Name(first.entry.to_string()),
    };
    let mut problem = Problem::in_field(entry, second.field.clone(), Code::NAME_COLLISION, message)
        .label(here)
        .related(place, there)
        .help("give one of the two another alias");
    if root.id != first.entry && root.id != second.entry {
        problem = problem.help(format!("both are loaded for `{}`", root.id));
    }
    problem
}

fn check_commands(subject: &Subject<'_>, report: &mut Report) {
    let path = FieldPath::from("meta.command.name");
    let mut commands: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in subject.entries.values().filter(|entry| entry.kind == "process.lua") {
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
