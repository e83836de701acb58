//! All rules over all entries.

use crate::allow::Allowed;
use crate::bounds::STACK;
use crate::everything::Everything;
use crate::globals::Globals;
use crate::rule::{self, Rule};
use crate::rules::entries::Texts;
use crate::rules::exports::Exports;
use crate::rules::{calls, comparisons, entries, exports, flow, locals, names, requires, tables};
use crate::source::{self, Source};
use crate::subject::{Findings, Program, Subject};
use perilune_registry::{Code, Entry, EntryId, Place, Problem, Report};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::thread;

/// What is looked for, and where.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The entries whose findings are wanted; all without it.
    pub only: Option<BTreeSet<EntryId>>,
    /// Rules that are left out.
    pub allow: Vec<&'static Rule>,
}

/// Bytes of texts whose trees are kept from the first look at all sources to the second, at thirty times as many in memory. What is
/// longer in all is read twice.
const MOST_KEPT: usize = 4 << 20;

/// Looks at all entries of an application and reports what is found, ordered by file and place. Nothing is run.
///
/// The entries need not be right: those of a registry are, those of a [`Baseline`](perilune_registry::Baseline) may not be.
///
/// # Errors
///
/// When the system gives no thread.
pub fn check(all: &[Arc<Entry>], options: &Options) -> std::io::Result<Report> {
    // Trees are as high as `bounds` lets them; the caller's stack may be too small for that.
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("lint".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || check_all(all, options))?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn check_all(all: &[Arc<Entry>], options: &Options) -> Report {
    let mut subjects: Vec<Subject<'_>> = all.iter().filter_map(|entry| Subject::of(entry)).collect();
    // Entries that share a file come one after the other: it is read once.
    subjects.sort_by(|a, b| a.text.path().cmp(b.text.path()).then_with(|| a.entry.id().cmp(b.entry.id())));
    let groups =
        || subjects.chunk_by(|a, b| a.text.path() == b.text.path() && a.text.text() == b.text.text());

    let mut texts = Texts::default();
    let mut everything = Everything::new(all);
    let (mut kept, mut room) = (Vec::new(), MOST_KEPT);
    for group in groups() {
        let text = group[0].text.text();
        let source = source::read(text);
        match &source.chunk {
            Some(chunk) => {
                texts.add_source(chunk);
                let exports = Exports::of(chunk);
                let ids = group.iter().map(|subject| subject.entry.id().clone());
                everything.exports.extend(ids.map(|id| (id, exports.clone())));
            }
            None => texts.is_open = true,
        }
        let left = room.checked_sub(text.len());
        room = left.unwrap_or(room);
        kept.push(left.map(|_| source));
    }
    for entry in all {
        texts.add_fields(entry);
        texts.is_open |= entry.kind().ends_with(".lua.bc");
    }
    texts.is_open |= subjects.iter().any(|subject| subject.names("registry"));

    let mut unreached: BTreeMap<Option<EntryId>, Vec<Problem>> = BTreeMap::new();
    for problem in entries::check(all, &texts) {
        unreached.entry(problem.entry().cloned()).or_default().push(problem);
    }
    let mut report = Report::default();
    for (group, kept) in groups().zip(kept) {
        let source = kept.unwrap_or_else(|| source::read(group[0].text.text()));
        let mut seen = HashSet::new();
        for subject in group {
            let mut problems = unreached.remove(&Some(subject.entry.id().clone())).unwrap_or_default();
            problems.extend(check_one(subject, &source, &everything));
            let mut to = Findings::new(subject);
            let allowed = Allowed::read(&source.comments, &mut to);
            problems.append(&mut to.problems);
            problems.retain(|problem| !allowed.covers(problem, &subject.text));
            problems.retain(|problem| is_wanted(problem, options) && seen.insert(key(problem)));
            report.extend(problems);
        }
    }
    report.extend(unreached.into_values().flatten().filter(|problem| is_wanted(problem, options)));
    report.sort();
    report
}

fn is_wanted(problem: &Problem, options: &Options) -> bool {
    let is_allowed = options.allow.iter().any(|rule| rule.code == problem.code().as_str());
    let entry = problem.entry();
    !is_allowed && options.only.as_ref().is_none_or(|only| entry.is_some_and(|entry| only.contains(entry)))
}

/// What two entries of one file would be told alike.
fn key(problem: &Problem) -> (Code, String, usize, String) {
    let (file, start) = match problem.place() {
        Place::Text { text, span } => (text.path().to_owned(), span.start),
        Place::Name(name) => (name.clone(), 0),
    };
    (problem.code(), file, start, problem.message().to_owned())
}

fn check_one<'a>(subject: &Subject<'a>, source: &Source<'a>, all: &Everything<'_>) -> Vec<Problem> {
    let mut to = Findings::new(subject);
    if let Some((rule, span, why)) = &source.mistake {
        to.add(rule, *span, why.clone(), Vec::new());
    }
    let Some(chunk) = &source.chunk else { return to.problems };
    let globals = Globals::of(chunk);
    let program = Program { chunk, globals: &globals };
    names::check(&program, &mut to);
    locals::check(&program, &mut to);
    requires::check(&program, all, &mut to);
    calls::check(&program, all, &mut to);
    flow::check(&program, &mut to);
    tables::check(&program, &mut to);
    comparisons::check(&program, &mut to);
    exports::check(all.exports.get(subject.entry.id()).unwrap_or(&Exports::Unknown), &mut to);
    to.problems
}

/// Whether a code is one of a source that is not Lua, by whoever found it.
pub fn is_syntax(code: Code) -> bool {
    code.as_str() == rule::SYNTAX.code
}
