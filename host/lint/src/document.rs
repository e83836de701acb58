//! Findings as data, for programs.

use crate::rule::{Rule, level};
use perilune_registry::{EntryId, Place, Problem, Report, Severity};
use serde::Serialize;

/// All findings, as `perilune lint --json` prints them. Fields may be added, and none goes away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// Of this shape: 1.
    pub version: u32,
    /// How many entries were looked at.
    pub entries: usize,
    /// How many findings are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many more there are; only the first [`Report::MAX_PROBLEMS`] are kept.
    pub more: usize,
    /// The findings, by file and place.
    pub findings: Vec<Finding>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `L…` is a rule, `E…` what an application is refused for.
    pub code: &'static str,
    /// The rule in a few words; empty for `E…`.
    pub name: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The entry concerned; null where a file is no readable entry file.
    pub entry: Option<String>,
    /// The field concerned; null where it is in the source.
    pub field: Option<String>,
    /// Relative to the application, or the entry's id where the text stands in its YAML.
    pub file: String,
    /// Where it begins, counted from 1; null where there is no text.
    pub line: Option<usize>,
    /// In characters, counted from 1.
    pub column: Option<usize>,
    /// Behind its last character.
    pub end: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to do, a sentence each.
    pub help: Vec<String>,
}

/// A place in a text, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Document {
    /// A report about so many entries.
    pub fn of(report: &Report, entries: usize) -> Self {
        let count = |severity| report.problems().iter().filter(|one| one.severity() == severity).count();
        Document {
            version: 1,
            entries,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            more: report.len() - report.problems().len(),
            findings: report.problems().iter().map(Finding::of).collect(),
        }
    }
}

impl Finding {
    fn of(problem: &Problem) -> Self {
        let (file, start, end) = match problem.place() {
            Place::Name(name) => (name.clone(), None, None),
            Place::Text { text, span } => {
                let position = |offset: usize| {
                    let offset = text.text().floor_char_boundary(offset);
                    let line = text.line_of(offset);
                    let before = &text.text()[text.line_span(line).start..offset];
                    Position { line, column: before.chars().count() + 1 }
                };
                (text.path().to_owned(), Some(position(span.start)), Some(position(span.end)))
            }
        };
        Finding {
            code: problem.code().as_str(),
            name: Rule::of(problem.code().as_str()).map_or("", |rule| rule.name),
            severity: level(problem.severity()),
            entry: problem.entry().map(EntryId::to_string),
            field: problem.field().map(ToString::to_string),
            file,
            line: start.map(|start| start.line),
            column: start.map(|start| start.column),
            end,
            message: problem.message().to_owned(),
            help: problem.helps().to_vec(),
        }
    }
}
