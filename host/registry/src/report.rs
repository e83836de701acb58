//! All problems of all files, shown at once.

use crate::SourceText;
use crate::origin::Place;
use crate::problem::{Problem, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use perilune_value::{Failure, Value};
use std::fmt;
use std::ops::Range;

/// Every problem that a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    /// Problems beyond [`Report::MAX_PROBLEMS`], only counted.
    suppressed: usize,
}

/// Lines longer than this are named but not quoted: minified JSON would fill screens, and rendering costs time per byte.
const MAX_QUOTED_LINE: usize = 4096;

impl Report {
    /// Problems that are kept; a hostile file can hold one per two bytes, and nobody reads further.
    pub const MAX_PROBLEMS: usize = 1000;

    /// The problems, ordered by place once the check is complete.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many problems there are, those included that are not kept.
    pub fn len(&self) -> usize {
        self.problems.len() + self.suppressed
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < Self::MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.suppressed += 1;
        }
    }

    /// Adds all problems of another report.
    pub fn append(&mut self, other: Report) {
        self.suppressed += other.suppressed;
        self.extend(other.problems);
    }

    /// Orders the problems by file and position; those of one place stay in the order they were found.
    pub fn sort(&mut self) {
        self.problems.sort_by(|a, b| order(a).cmp(&order(b)));
    }

    /// The text for people: each problem with file, line, column and the offending text underlined. `color` adds ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&renderer.render(&[group(problem)]));
            out.push_str("\n\n");
        }
        let total = self.len();
        let kept = self.problems.len();
        let more = if self.suppressed > 0 { format!(", the first {kept} shown") } else { String::new() };
        out.push_str(&format!("{} found{more}\n", self.count(total)));
        out
    }

    /// `3 problems`; where there are warnings, `2 errors and 1 warning`.
    fn count(&self, total: usize) -> String {
        let number = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let warnings = self.problems.iter().filter(|one| one.severity == Severity::Warning).count();
        match self.problems.len() - warnings {
            _ if warnings == 0 || self.suppressed > 0 => number(total, "problem"),
            0 => number(warnings, "warning"),
            errors => format!("{} and {}", number(errors, "error"), number(warnings, "warning")),
        }
    }

    /// The failure that Lua gets: the first problem in its message, all in `details.problems`.
    pub fn to_failure(&self, kind: perilune_value::Kind) -> Failure {
        let first = self.problems.first().map_or_else(|| "nothing is wrong".to_owned(), Problem::title);
        let message = match self.len() {
            0 | 1 => first,
            n => format!("{first} (and {} more)", n - 1),
        };
        let problems: Vec<Value> = self.problems.iter().map(Problem::to_value).collect();
        Failure::new(kind, message).with_detail("problems", problems)
    }
}

impl Extend<Problem> for Report {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        for problem in problems {
            self.push(problem);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

fn order(problem: &Problem) -> (&str, usize) {
    match &problem.place {
        Place::Text { text, span } => (text.path(), span.start),
        Place::Name(name) => (name, 0),
    }
}

fn group(problem: &Problem) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(problem.title()).id(problem.code.as_str()).elements(None::<Origin>);
    group = quoted(group, &problem.place, AnnotationKind::Primary, problem.label.as_deref());
    for (place, label) in &problem.related {
        group = quoted(group, place, AnnotationKind::Context, Some(label));
    }
    for help in &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

fn quoted<'a>(group: Group<'a>, place: &'a Place, kind: AnnotationKind, label: Option<&'a str>) -> Group<'a> {
    let (text, span) = match place {
        Place::Name(name) => return group.element(Origin::path(name.as_str())),
        Place::Text { text, span } => (text, span),
    };
    let number = text.line_of(span.start);
    let line = text.line_span(number);
    let content = &text.text()[line.clone()];
    let within = within(text, span, &line);
    if content.len() > MAX_QUOTED_LINE {
        let column = content[..within.start].chars().count() + 1;
        return group.element(Origin::path(text.path()).line(number).char_column(column));
    }
    let annotation = kind.span(within).label(label);
    group.element(Snippet::source(content).path(text.path()).line_start(number).annotation(annotation))
}

/// The part of a span that lies on its first line, on character boundaries.
fn within(text: &SourceText, span: &Range<usize>, line: &Range<usize>) -> Range<usize> {
    let floor = |offset: usize| text.text().floor_char_boundary(offset.clamp(line.start, line.end));
    let (start, end) = (floor(span.start), floor(span.end));
    let end = start + text.text()[start..end.max(start)].trim_end().len();
    start - line.start..end - line.start
}
