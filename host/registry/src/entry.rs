//! Entries: what the registry holds.

use crate::kinds::source_kind;
use crate::origin::{Half, Origin, Place};
use crate::path::FieldPath;
use crate::problem::quote;
use crate::value::{same, weight};
use crate::{EntryId, SourceText};
use perilune_value::{Failure, Value};
use std::sync::{Arc, OnceLock};

/// Lines between the beginning of a YAML block and its text where it is looked for.
const MOST_BLANK_LINES: usize = 8;

/// A named piece of configuration or code.
///
/// Two entries are equal when id, kind, meta and data are; where they were read from does not count.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) id: EntryId,
    pub(crate) kind: String,
    pub(crate) meta: Value,
    pub(crate) data: Value,
    pub(crate) origin: Origin,
    weight: OnceLock<usize>,
}

impl Entry {
    /// An entry with empty meta and data. It is checked when it enters a registry, not here.
    pub fn new(id: EntryId, kind: impl Into<String>) -> Self {
        let empty = || Value::Map(Vec::new());
        Entry {
            id,
            kind: kind.into(),
            meta: empty(),
            data: empty(),
            origin: Origin::default(),
            weight: OnceLock::new(),
        }
    }

    /// Replaces the metadata, a map.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.meta = table(meta);
        self
    }

    /// Replaces the data: the fields of the entry's kind, a map.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = table(data);
        self
    }

    /// Sets one field of the data.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Map(fields) = &mut self.data {
            fields.retain(|(key, _)| key.as_str() != Some(name));
            fields.push((name.into(), value.into()));
        }
        self
    }

    /// Its name.
    pub fn id(&self) -> &EntryId {
        &self.id
    }

    /// Its kind, such as `function.lua`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its metadata, which queries search.
    pub fn meta(&self) -> &Value {
        &self.meta
    }

    /// The fields of its kind. A field that was written `file://…` holds the text of that file.
    pub fn data(&self) -> &Value {
        &self.data
    }

    /// The kind whose rules it runs by: of precompiled Lua that of its text, `function.lua` for `function.lua.bc`.
    pub fn runs_as(&self) -> &str {
        source_kind(&self.kind)
    }

    /// The text that diagnostics of a source field quote: the file behind `file://`, otherwise the literal text under
    /// the entry's id.
    pub fn source_text(&self, field: &str) -> Option<Arc<SourceText>> {
        let path = FieldPath::from(field);
        self.origin.source(&path).cloned().or_else(|| {
            let text = self.data.get(field)?.as_str()?;
            Some(Arc::new(SourceText::new(self.id.to_string(), text)))
        })
    }

    /// Where the text of a source field stands: a file, relative to the application root, and the line that the text's first line
    /// is there. `None` where it is not in a file line by line, as in JSON.
    pub fn source_place(&self, field: &str) -> Option<(String, usize)> {
        let path = FieldPath::from(field);
        if let Some(file) = self.origin.source(&path) {
            return Some((file.path().to_owned(), 1));
        }
        let source = self.data.get(field)?.as_str()?;
        let Place::Text { text: file, span } = self.origin.place(&self.id, &path, Half::Value) else {
            return None;
        };
        // A block begins on the line after its `|`, or some blank lines later.
        let start = file.line_of(span.start);
        let stands_at = |first: usize| {
            let mut lines = source.lines().zip(first..);
            lines.all(|(line, at)| file.text()[file.line_span(at)].contains(line.trim()))
        };
        let first = (start..start + MOST_BLANK_LINES).find(|first| stands_at(*first))?;
        Some((file.path().to_owned(), first))
    }

    /// The file that this entry was written in, relative to the application root; `None` for one built in memory.
    pub fn file(&self) -> Option<&str> {
        self.origin.file().map(|file| file.path())
    }

    /// The text of the file that this entry was written in; `None` for one built in memory.
    pub fn document(&self) -> Option<&Arc<SourceText>> {
        self.origin.file()
    }

    /// The line of that file on which its kind stands, counted from 1.
    pub fn line(&self) -> Option<usize> {
        match self.origin.place(&self.id, &"kind".into(), Half::Key) {
            Place::Text { text, span } => Some(text.line_of(span.start)),
            Place::Name(_) => None,
        }
    }

    /// The fields that were written `file://…`, with the files' texts.
    pub fn sources(&self) -> impl Iterator<Item = (&FieldPath, &Arc<SourceText>)> {
        self.origin.sources()
    }

    /// The fields that were written `file://…` and hold the file's bytes, with its path from the application root.
    pub fn files(&self) -> impl Iterator<Item = (&FieldPath, &str)> {
        self.origin.files()
    }

    /// Bytes that this entry takes, roughly; what the registry's limits count. Asked of finished entries only.
    pub(crate) fn weight(&self) -> usize {
        *self.weight.get_or_init(|| self.kind.len() + weight(&self.meta) + weight(&self.data))
    }

    /// The table that Lua sees: `{id, kind, meta, data}`.
    pub fn to_value(&self) -> Value {
        Value::from_iter([
            ("id", Value::from(self.id.to_string())),
            ("kind", Value::from(self.kind.as_str())),
            ("meta", self.meta.clone()),
            ("data", self.data.clone()),
        ])
    }

    /// Reads the table that [`Entry::to_value`] makes; `id` may also be a table `{ns, name}`, `meta` and `data` may be absent.
    ///
    /// # Errors
    /// `Invalid` when a field is missing, unknown or of the wrong type.
    pub fn from_value(value: &Value) -> Result<Self, Failure> {
        let wrong = |field: &str, expected: &str, found: Option<&Value>| {
            let found = found.map_or("nothing", Value::type_name);
            Failure::invalid(format!("entry: field `{field}`: expected {expected}, found {found}"))
        };
        let Value::Map(fields) = value else {
            return Err(Failure::invalid(format!(
                "an entry is a table {{id, kind, meta, data}}, found {}",
                value.type_name()
            )));
        };
        for (key, _) in fields {
            if !matches!(key.as_str(), Some("id" | "kind" | "meta" | "data")) {
                let key = quote(&crate::value::key_text(key));
                return Err(Failure::invalid(format!(
                    "entry: unknown field {key}; known are id, kind, meta and data"
                )));
            }
        }
        let id = Self::id_from_value(value.get("id").ok_or_else(|| wrong("id", "`namespace:name`", None))?)?;
        let kind = value.get("kind");
        let kind = kind.and_then(Value::as_str).ok_or_else(|| wrong("kind", "a string", kind))?;
        let mut entry = Entry::new(id, kind);
        if let Some(meta) = value.get("meta") {
            entry = entry.with_meta(meta.clone());
        }
        if let Some(data) = value.get("data") {
            entry = entry.with_data(data.clone());
        }
        Ok(entry)
    }

    /// Reads an id as Lua writes it: `"namespace:name"` or a table `{ns, name}`.
    ///
    /// # Errors
    /// `Invalid` when it is neither.
    pub fn id_from_value(value: &Value) -> Result<EntryId, Failure> {
        let read = match value {
            Value::Map(_) => match (value.get("ns").map(Value::as_str), value.get("name").map(Value::as_str))
            {
                (Some(Some(ns)), Some(Some(name))) => EntryId::new(ns, name),
                _ => {
                    return Err(Failure::invalid("an id written as a table has the strings `ns` and `name`"));
                }
            },
            _ => match value.as_str() {
                Some(text) => EntryId::parse(text),
                None => return Err(Failure::invalid(format!("expected an id, found {}", value.type_name()))),
            },
        };
        read.map_err(|error| {
            let shown = value.as_str().map(|text| format!(" {}", quote(text))).unwrap_or_default();
            Failure::invalid(format!("no valid id{shown}: {error}"))
        })
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.kind == other.kind
            && same(&self.meta, &other.meta)
            && same(&self.data, &other.data)
    }
}

/// An empty table has no keys to tell an array from a map; where a map is meant it is one.
fn table(value: Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Map(Vec::new()),
        other => other,
    }
}
