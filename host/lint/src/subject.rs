//! What is looked at: an entry with its tree, and where findings go.

use crate::rule::Rule;
use crate::tree::{Chunk, Span};
use perilune_registry::{Entry, EntryId, FieldPath, Half, Import, Place, Problem, Report, SourceText};
use perilune_value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An entry of a Lua kind, as far as its fields can be read.
pub(crate) struct Subject<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) text: Arc<SourceText>,
    /// What it lists in `modules`, with the number of the item.
    pub(crate) modules: Vec<(usize, &'a str)>,
    pub(crate) imports: BTreeMap<&'a str, Import>,
}

impl<'a> Subject<'a> {
    /// `None` for entries without Lua text: of other kinds, precompiled, or without a source.
    pub(crate) fn of(entry: &'a Entry) -> Option<Self> {
        if !entry.kind().ends_with(".lua") {
            return None;
        }
        let text = entry.source_text("source")?;
        let modules = match entry.data().get("modules") {
            Some(Value::Array(items)) => items.as_slice(),
            _ => &[],
        };
        let modules =
            modules.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_str()?))).collect();
        Some(Subject { entry, text, modules, imports: imports(entry) })
    }

    /// Whether `require` finds a name in `modules` or `imports`, which makes it a global too.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.imports.contains_key(name) || self.modules.iter().any(|(_, module)| *module == name)
    }
}

/// What an entry imports, by alias.
pub(crate) fn imports(entry: &Entry) -> BTreeMap<&str, Import> {
    let pairs = match entry.data().get("imports") {
        Some(Value::Map(pairs)) => pairs.as_slice(),
        _ => &[],
    };
    pairs
        .iter()
        .filter_map(|(alias, target)| Some((alias.as_str()?, Import::parse(target.as_str()?).ok()?)))
        .collect()
}

/// What was found in one source, or of one entry.
pub(crate) struct Findings<'s, 'a> {
    pub(crate) subject: &'s Subject<'a>,
    pub(crate) problems: Vec<Problem>,
}

impl<'s, 'a> Findings<'s, 'a> {
    pub(crate) fn new(subject: &'s Subject<'a>) -> Self {
        Findings { subject, problems: Vec::new() }
    }

    /// Something in the source. What the rule says to do is added, unless `helps` say better.
    pub(crate) fn add(&mut self, rule: &Rule, span: Span, message: impl Into<String>, helps: Vec<String>) {
        let problem = in_source(rule, self.subject.entry.id(), &self.subject.text, span, message);
        self.push(with_help(rule, problem, helps));
    }

    /// Something in the source that another place explains.
    pub(crate) fn add_with(&mut self, rule: &Rule, span: Span, message: String, other: Span, label: &str) {
        let problem = in_source(rule, self.subject.entry.id(), &self.subject.text, span, message);
        let place = place(&self.subject.text, other);
        self.push(with_help(rule, problem.related(place, label), Vec::new()));
    }

    /// Something in a field of the entry.
    pub(crate) fn add_field(
        &mut self,
        rule: &Rule,
        path: FieldPath,
        half: Half,
        message: String,
        helps: Vec<String>,
    ) {
        self.push(in_field(rule, self.subject.entry, path, half, message, helps));
    }

    fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_FINDINGS {
            self.problems.push(problem);
        }
    }
}

/// Findings of one source. A report keeps fewer; comments may silence some first.
const MAX_FINDINGS: usize = 10 * Report::MAX_PROBLEMS;

/// Something in a field of an entry.
pub(crate) fn in_field(
    rule: &Rule,
    entry: &Entry,
    path: FieldPath,
    half: Half,
    message: impl Into<String>,
    helps: Vec<String>,
) -> Problem {
    let problem = Problem::in_half(entry, path, half, rule.problem_code(), message);
    with_help(rule, problem.with_severity(rule.severity), helps)
}

fn in_source(
    rule: &Rule,
    entry: &EntryId,
    text: &Arc<SourceText>,
    span: Span,
    message: impl Into<String>,
) -> Problem {
    Problem::at(place(text, span), rule.problem_code(), message).of(entry).with_severity(rule.severity)
}

fn place(text: &Arc<SourceText>, span: Span) -> Place {
    Place::Text { text: text.clone(), span: span.start..span.end }
}

fn with_help(rule: &Rule, problem: Problem, helps: Vec<String>) -> Problem {
    if helps.is_empty() { problem.help(rule.help) } else { problem.help_all(helps) }
}

/// A source with its tree: what most rules look at.
pub(crate) struct Program<'p, 'a> {
    pub(crate) chunk: &'p Chunk<'a>,
    /// What the source does with globals.
    pub(crate) globals: &'p crate::globals::Globals<'a>,
}
