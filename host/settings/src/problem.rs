//! What is wrong, and where it was said.

use crate::code::Code;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file's text with the path that is shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    Text {
        /// The file.
        text: Arc<Text>,
        /// Its bytes.
        span: Range<usize>,
    },
    /// Elsewhere: a flag, a variable, a file that cannot be read.
    Name(String),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) place: Place,
    pub(crate) related: Option<(Place, String)>,
    pub(crate) help: Vec<String>,
}

/// Everything that is wrong with all sources of settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render(false))]
pub struct Problems(Vec<Problem>);

/// Lines longer than this are named but not quoted.
const MAX_QUOTED_LINE: usize = 1024;

/// Problems that are kept: nobody reads further.
const MOST: usize = 100;

impl Text {
    /// Line and column of a byte, both from 1.
    fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(byte)];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
    }

    /// The bytes of the line that holds a byte.
    fn line(&self, byte: usize) -> Range<usize> {
        let byte = self.text.floor_char_boundary(byte);
        let start = self.text[..byte].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[byte..].find('\n').map_or(self.text.len(), |newline| byte + newline);
        start..start + self.text[start..end].trim_end_matches('\r').len()
    }
}

/// `perilune.yaml:3:8`, or the flag or the variable.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Text { text, span } => {
                let (line, column) = text.position(span.start);
                write!(f, "{}:{line}:{column}", text.path)
            }
            Place::Name(name) => f.write_str(name),
        }
    }
}

impl Problem {
    /// A problem at a place.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Problem { code, message: message.into(), place, related: None, help: Vec::new() }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds what to do, where that is known.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    /// Adds another place that has to do with it.
    pub(crate) fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related = Some((place, label.into()));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl Problems {
    /// One problem.
    pub fn one(problem: Problem) -> Self {
        Problems(vec![problem])
    }

    /// Adds a problem; those beyond the first hundred are dropped.
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.0.len() < MOST {
            self.0.push(problem);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// The text for people: each problem with its place, and the offending text underlined. `color` adds ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let rendered = self.0.iter().map(|problem| renderer.render(&[group(problem)]) + "\n");
        rendered.collect::<Vec<_>>().join("\n")
    }
}

fn group(problem: &Problem) -> Group<'_> {
    let group = Level::ERROR.primary_title(problem.message.as_str()).id(problem.code.as_str());
    let mut group = group.elements(None::<Origin>);
    group = shown(group, &problem.place, AnnotationKind::Primary, None);
    if let Some((place, label)) = &problem.related {
        group = shown(group, place, AnnotationKind::Context, Some(label));
    }
    for help in &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

fn shown<'a>(group: Group<'a>, place: &'a Place, kind: AnnotationKind, label: Option<&'a str>) -> Group<'a> {
    let (text, span) = match place {
        Place::Name(name) => return group.element(Origin::path(name.as_str())),
        Place::Text { text, span } => (text, span),
    };
    let (number, column) = text.position(span.start);
    let line = text.line(span.start);
    let content = &text.text[line.clone()];
    if content.len() > MAX_QUOTED_LINE {
        return group.element(Origin::path(text.path.as_str()).line(number).char_column(column));
    }
    let within = |byte: usize| text.text.floor_char_boundary(byte.clamp(line.start, line.end)) - line.start;
    let start = within(span.start);
    let end = start + content[start..within(span.end).max(start)].trim_end().len();
    let annotation = kind.span(start..end).label(label);
    group.element(Snippet::source(content).path(text.path.as_str()).line_start(number).annotation(annotation))
}
