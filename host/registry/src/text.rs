//! Source texts that diagnostics can quote.

use std::ops::Range;
use std::sync::OnceLock;

/// A text with the path it was read from.
#[derive(Debug)]
pub struct SourceText {
    path: String,
    text: String,
    line_starts: OnceLock<Vec<usize>>,
}

impl SourceText {
    /// A text; `path` is what diagnostics show, for files relative to the application root.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        SourceText { path: path.into(), text: text.into(), line_starts: OnceLock::new() }
    }

    /// The path that diagnostics show.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of a line without its line break; lines count from 1. Empty and at the end when there is no such line.
    pub fn line_span(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let Some(&start) = line.checked_sub(1).and_then(|index| starts.get(index)) else {
            return self.text.len()..self.text.len();
        };
        let end = starts.get(line).map_or(self.text.len(), |next| next - 1);
        start..start + self.text[start..end].trim_end_matches('\r').len()
    }

    /// The line that holds a byte offset, counted from 1.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|start| *start <= offset)
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(newline, _)| newline + 1)).collect()
        })
    }
}
