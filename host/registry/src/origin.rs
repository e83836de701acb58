//! Where an entry was written: what lets a diagnostic underline it.

use crate::path::{FieldPath, Segment};
use crate::{EntryId, SourceText};
use std::ops::Range;
use std::sync::Arc;

/// A place that a diagnostic points at.
#[derive(Clone, Debug)]
pub enum Place {
    /// Bytes of a text.
    Text {
        /// The text.
        text: Arc<SourceText>,
        /// The bytes to underline.
        span: Range<usize>,
    },
    /// Something without a text: an entry built in memory, a file that cannot be read.
    Name(String),
}

/// The half of a `key: value` pair that a diagnostic underlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The key, when the key itself is wrong.
    Key,
    /// The value.
    Value,
}

/// The spans of a value and of everything in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
    /// Sorted: a hostile map has as many keys as problems.
    pub(crate) children: Vec<(Segment, Spans)>,
}

impl Spans {
    fn child(&self, segment: &Segment) -> Option<&Spans> {
        let found = self.children.binary_search_by(|(name, _)| name.cmp(segment)).ok()?;
        Some(&self.children[found].1)
    }
}

#[derive(Debug)]
struct Written {
    file: Arc<SourceText>,
    spans: Spans,
    /// The file's `meta:`, whose fields an entry inherits.
    shared_meta: Option<Arc<Spans>>,
}

/// Where an entry came from. Empty for entries built in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    written: Option<Arc<Written>>,
    sources: Vec<(FieldPath, Arc<SourceText>)>,
    /// Fields with the bytes of a file, and its path.
    files: Vec<(FieldPath, String)>,
    /// A `file://` reference could not be replaced by a text; that is a problem of its own.
    pub(crate) unresolved: bool,
}

impl Origin {
    pub(crate) fn new(file: Arc<SourceText>, spans: Spans, shared_meta: Option<Arc<Spans>>) -> Self {
        Origin {
            written: Some(Arc::new(Written { file, spans, shared_meta })),
            sources: Vec::new(),
            files: Vec::new(),
            unresolved: false,
        }
    }

    pub(crate) fn file(&self) -> Option<&Arc<SourceText>> {
        self.written.as_ref().map(|written| &written.file)
    }

    pub(crate) fn add_source(&mut self, field: FieldPath, text: Arc<SourceText>) {
        self.sources.push((field, text));
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = (&FieldPath, &Arc<SourceText>)> {
        self.sources.iter().map(|(field, text)| (field, text))
    }

    pub(crate) fn add_file(&mut self, field: FieldPath, path: String) {
        self.files.push((field, path));
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&FieldPath, &str)> {
        self.files.iter().map(|(field, path)| (field, path.as_str()))
    }

    pub(crate) fn source(&self, field: &FieldPath) -> Option<&Arc<SourceText>> {
        self.sources.iter().find(|(path, _)| path == field).map(|(_, text)| text)
    }

    /// The place of a field, or of the nearest thing around it that was written.
    pub(crate) fn place(&self, id: &EntryId, field: &FieldPath, half: Half) -> Place {
        let Some(written) = &self.written else {
            return Place::Name(id.to_string());
        };
        let span = written.find(field.segments(), half);
        Place::Text { text: written.file.clone(), span }
    }
}

impl Written {
    fn find(&self, path: &[Segment], half: Half) -> Range<usize> {
        let data = Segment::Key("data".to_owned());
        let (mut found, mut rest) = descend(&self.spans, path);
        if rest == path.len() && !path.is_empty() {
            // Not written directly: under `data:`, or inherited from the file's `meta:`.
            if let Some(nested) = self.spans.child(&data) {
                (found, rest) = descend(nested, path);
            }
        }
        if rest > 0
            && let (Some(shared), Some(Segment::Key(first))) = (&self.shared_meta, path.first())
            && first == "meta"
        {
            let (inherited, missing) = descend(shared, &path[1..]);
            if missing < rest {
                (found, rest) = (inherited, missing);
            }
        }
        let [first, second] = match (rest, half) {
            (0, Half::Value) => [&found.value, &found.key],
            (0, Half::Key) => [&found.key, &found.value],
            // Something absent is pointed at by the key it should stand under, or by the kind that asks for it.
            (rest, _) if rest < path.len() => [&found.key, &found.value],
            _ => [&self.asking().value, &self.spans.value],
        };
        if first.is_empty() { second.clone() } else { first.clone() }
    }

    fn asking(&self) -> &Spans {
        let child = |key: &str| self.spans.child(&Segment::Key(key.to_owned()));
        child("kind").or_else(|| child("name")).unwrap_or(&self.spans)
    }
}

/// Follows a path as far as it was written; the number is how many steps were not found.
fn descend<'a>(from: &'a Spans, path: &[Segment]) -> (&'a Spans, usize) {
    let mut at = from;
    for (depth, segment) in path.iter().enumerate() {
        match at.child(segment) {
            Some(child) => at = child,
            None => return (at, path.len() - depth),
        }
    }
    (at, 0)
}
