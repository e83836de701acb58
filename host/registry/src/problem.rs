//! One thing that is wrong, with its place.

use crate::code::Code;
use crate::origin::{Half, Place};
use crate::path::FieldPath;
use crate::{Entry, EntryId, SourceText};
use perilune_value::Value;
use std::sync::Arc;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is wrong.
    Error,
    /// It works, but is hardly meant so.
    Warning,
}

/// One thing that is wrong with a file or an entry: what, where, and what to do.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    pub(crate) entry: Option<EntryId>,
    pub(crate) field: Option<FieldPath>,
    pub(crate) message: String,
    pub(crate) place: Place,
    pub(crate) label: Option<String>,
    pub(crate) related: Vec<(Place, String)>,
    pub(crate) help: Vec<String>,
}

impl Problem {
    /// A problem of a file, at a place in it.
    pub fn at(place: Place, code: Code, message: impl Into<String>) -> Self {
        Problem {
            code,
            severity: Severity::Error,
            entry: None,
            field: None,
            message: message.into(),
            place,
            label: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A problem with the value of a field of an entry.
    pub fn in_field(
        entry: &Entry,
        field: impl Into<FieldPath>,
        code: Code,
        message: impl Into<String>,
    ) -> Self {
        Self::in_half(entry, field.into(), Half::Value, code, message)
    }

    /// A problem with the key or the value of a field of an entry.
    pub fn in_half(
        entry: &Entry,
        field: FieldPath,
        half: Half,
        code: Code,
        message: impl Into<String>,
    ) -> Self {
        let place = entry.origin.place(&entry.id, &field, half);
        Problem { entry: Some(entry.id.clone()), field: Some(field), ..Self::at(place, code, message) }
    }

    /// A problem in the text of a source field, on a line counted from 1.
    ///
    /// `near` is the offending text on that line; without it, or when the line does not hold it, the whole line is underlined.
    /// For a field written `file://…` the place is in that file.
    pub fn in_source(
        entry: &Entry,
        field: &str,
        line: usize,
        near: Option<&str>,
        code: Code,
        message: impl Into<String>,
    ) -> Self {
        let Some(text) = entry.source_text(field) else {
            return Self::in_field(entry, field, code, message);
        };
        let place = near_place(text, line, near);
        Problem { entry: Some(entry.id.clone()), field: Some(field.into()), ..Self::at(place, code, message) }
    }

    /// Says which entry the problem is of, without a field.
    #[must_use]
    pub fn of(mut self, entry: &EntryId) -> Self {
        self.entry = Some(entry.clone());
        self
    }

    /// Sets how bad it is; an error without this.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets the words beside the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// [`Problem::help`], when there is any.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        self.help_all(help)
    }

    /// Adds ways out.
    #[must_use]
    pub fn help_all(mut self, helps: impl IntoIterator<Item = String>) -> Self {
        self.help.extend(helps);
        self
    }

    /// Adds another place that matters, such as the first of two duplicates.
    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// [`Problem::related`] with a field of another entry.
    #[must_use]
    pub fn related_field(self, entry: &Entry, field: impl Into<FieldPath>, label: impl Into<String>) -> Self {
        let place = entry.origin.place(&entry.id, &field.into(), Half::Value);
        self.related(place, label)
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The entry concerned; `None` where a file is no readable entry file.
    pub fn entry(&self) -> Option<&EntryId> {
        self.entry.as_ref()
    }

    /// The field concerned.
    pub fn field(&self) -> Option<&FieldPath> {
        self.field.as_ref()
    }

    /// What is wrong, for people, without entry and field.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, for people.
    pub fn helps(&self) -> &[String] {
        &self.help
    }

    /// The whole sentence: entry, field and message.
    pub fn title(&self) -> String {
        match (&self.entry, &self.field) {
            (Some(entry), Some(field)) => format!("{entry}: field `{field}`: {}", self.message),
            (Some(entry), None) => format!("{entry}: {}", self.message),
            _ => self.message.clone(),
        }
    }

    /// `{code, entry, field, message, help}`, for the details of a failure.
    pub fn to_value(&self) -> Value {
        let text = |text: Option<String>| text.map_or(Value::Nil, Value::from);
        Value::from_iter([
            ("code", Value::from(self.code.as_str())),
            ("entry", text(self.entry.as_ref().map(EntryId::to_string))),
            ("field", text(self.field.as_ref().map(FieldPath::to_string))),
            ("message", Value::from(self.message.as_str())),
            ("help", text(Some(self.help.join("\n")).filter(|help| !help.is_empty()))),
        ])
    }
}

fn near_place(text: Arc<SourceText>, line: usize, near: Option<&str>) -> Place {
    let whole = text.line_span(line);
    let content = &text.text()[whole.clone()];
    let indent = content.len() - content.trim_start().len();
    let span =
        match near.filter(|near| !near.is_empty()).and_then(|near| Some((content.find(near)?, near.len()))) {
            Some((start, length)) => whole.start + start..whole.start + start + length,
            None => whole.start + indent..whole.start + content.trim_end().len().max(indent),
        };
    Place::Text { text, span }
}

/// A user's text in backticks, fit for one line of a message: shortened, control characters spelled out.
pub fn quote(text: &str) -> String {
    // Long enough for an id or a path, short enough for a terminal's line.
    const SHOWN: usize = 80;
    let mut shown: String = text.chars().take(SHOWN).flat_map(printable).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

fn printable(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}
