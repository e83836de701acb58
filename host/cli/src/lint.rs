//! `perilune lint`: mistakes that are found without running anything.

use crate::application;
use crate::arguments::{Deny, Lint};
use crate::exit::Exit;
use crate::output;
use perilune::packs::{self, Pack};
use perilune::{Baseline, BuildError, Entry, EntryId, Problem, Report, Severity};
use perilune_lint::{Document, Options, RULES, Rule, is_syntax};
use perilune_settings::Settings;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn lint(directory: &Path, settings: &Settings, command: Lint) -> Exit {
    match command.explain.as_deref() {
        Some(code) => explain(code),
        None => look(directory, settings, &command).unwrap_or_else(|exit| exit),
    }
}

fn explain(code: &str) -> Exit {
    match Rule::of(code) {
        Some(rule) => {
            output::line(rule.explain().trim_end().as_bytes());
            Exit::done()
        }
        None => unknown_rule("--explain", code),
    }
}

fn unknown_rule(option: &str, code: &str) -> Exit {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    Exit::usage(format!("{option} {code}: there is no such rule"))
        .with_help(&format!("rules are {}", codes.join(", ")))
}

fn look(directory: &Path, settings: &Settings, command: &Lint) -> Result<Exit, Exit> {
    let rule = |code: &String| Rule::of(code).ok_or_else(|| unknown_rule("--allow", code));
    let allow = command.allow.iter().map(rule).collect::<Result<Vec<_>, Exit>>()?;
    application::check(directory)?;
    let (entries, refused) = load(directory, settings)?;
    if entries.is_empty() && refused.is_none() {
        return Err(application::without_entries(directory));
    }
    let only = wanted(&command.entries, &entries)?;
    let mut report = perilune_lint::check(&entries, &Options { only, allow })
        .map_err(|error| Exit::failed(format!("cannot start a thread: {error}")))?;
    merge(&mut report, refused);
    print(&report, entries.len(), command.format.json)?;
    Ok(exit(&report, command.deny == Some(Deny::Warnings)))
}

/// The entries of an application, and what it is refused for.
fn load(directory: &Path, settings: &Settings) -> Result<(Vec<Arc<Entry>>, Option<Report>), Exit> {
    match application::find(directory, settings, application::builder(settings))?.build() {
        Ok(runtime) => Ok((runtime.registry().snapshot().entries().cloned().collect(), None)),
        Err(BuildError::Entries(report)) => {
            let baseline = baseline(directory)?;
            Ok((baseline.entries().cloned().collect(), Some(report)))
        }
        Err(other) => Err(Exit::failed(other.to_string())),
    }
}

/// What an application that is refused holds, as far as it can be read.
fn baseline(path: &Path) -> Result<Baseline, Exit> {
    if path.is_dir() {
        return Ok(Baseline::read_dir(path, &perilune::rules()));
    }
    let files = Pack::open(path).and_then(|pack| packs::files(&pack));
    let files = files.map_err(|error| Exit::failed(format!("`{}`: {error}", path.display())))?;
    Ok(Baseline::read_files(files, &perilune::rules()))
}

/// The entries that are named; `None` for all.
fn wanted(names: &[String], entries: &[Arc<Entry>]) -> Result<Option<BTreeSet<EntryId>>, Exit> {
    let mut wanted = BTreeSet::new();
    for name in names {
        let id = entries.iter().map(|entry| entry.id()).find(|id| id.to_string() == *name);
        let id = id.ok_or_else(|| {
            Exit::usage(format!("there is no entry `{name}`"))
                .with_help("`perilune registry list` shows the entries there are")
        })?;
        wanted.insert(id.clone());
    }
    Ok((!wanted.is_empty()).then_some(wanted))
}

/// Adds what an application is refused for. A source that is not Lua is told of once.
fn merge(report: &mut Report, refused: Option<Report>) {
    let Some(refused) = refused else { return };
    let syntax = |one: &Problem| one.code().as_str() == SYNTAX;
    let told: BTreeSet<EntryId> = report
        .problems()
        .iter()
        .filter(|one| is_syntax(one.code()))
        .filter_map(|one| one.entry().cloned())
        .collect();
    let is_new = |one: &&Problem| !syntax(one) || one.entry().is_none_or(|entry| !told.contains(entry));
    report.extend(refused.problems().iter().filter(is_new).cloned());
    report.sort();
}

/// What loading calls a source that is not Lua.
const SYNTAX: &str = "E401";

fn print(report: &Report, entries: usize, json: bool) -> Result<(), Exit> {
    if json {
        let text = serde_json::to_string(&Document::of(report, entries))
            .map_err(|error| Exit::failed(format!("the findings cannot be written as JSON: {error}")))?;
        output::line(text.as_bytes());
    } else if report.is_empty() {
        let what = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        output::line(format!("nothing found in {what}").as_bytes());
    } else {
        output::line(report.render(output::stdout_color()).trim_end().as_bytes());
    }
    Ok(())
}

fn exit(report: &Report, deny_warnings: bool) -> Exit {
    let is_wrong = |one: &Problem| deny_warnings || one.severity() == Severity::Error;
    // Of those that are not kept nobody knows how bad they are.
    let is_cut = report.len() > report.problems().len();
    if is_cut || report.problems().iter().any(is_wrong) { Exit::code(1) } else { Exit::done() }
}
