//! Entries in memory, and findings as short lines.

use perilune_lint::{Options, check};
use perilune_registry::{Entry, EntryId, Place, Problem, Report};
use perilune_value::Value;
use std::sync::Arc;

/// An entry of a kind, with modules separated by spaces.
pub(crate) fn entry(name: &str, kind: &str, modules: &str, source: &str) -> Entry {
    let modules: Vec<Value> = modules.split_whitespace().map(Value::from).collect();
    Entry::new(EntryId::new("app", name).expect("a name"), kind)
        .with_field("source", source)
        .with_field("modules", modules)
}

/// The entry `app:main`, a function whose method is `main`.
pub(crate) fn function(modules: &str, source: &str) -> Entry {
    entry("main", "function.lua", modules, source).with_field("method", "main")
}

pub(crate) fn lint(entries: &[Entry]) -> Report {
    let entries: Vec<Arc<Entry>> = entries.iter().cloned().map(Arc::new).collect();
    check(&entries, &Options::default()).expect("a thread starts")
}

/// `L114:2 message` for each finding.
pub(crate) fn lines(report: &Report) -> Vec<String> {
    report.problems().iter().map(line).collect()
}

pub(crate) fn line(problem: &Problem) -> String {
    let at = match problem.place() {
        Place::Text { text, span } => format!(":{}", text.line_of(span.start)),
        Place::Name(_) => String::new(),
    };
    format!("{}{at} {}", problem.code(), problem.message())
}

/// What is found in the source of a function with these modules.
pub(crate) fn found(modules: &str, source: &str) -> Vec<String> {
    lines(&lint(&[function(modules, source)]))
}

/// The same for the body of a function, which uses what it has.
pub(crate) fn in_body(modules: &str, body: &str) -> Vec<String> {
    let problems = found(modules, &format!("return function(...)\n{body}\nend"));
    // That nothing uses a listed module is no matter of these tests.
    problems.into_iter().filter(|line| !line.starts_with("L123")).collect()
}
