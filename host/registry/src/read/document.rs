//! From a document to entries: `version`, `namespace`, `meta`, and `entries` or a single entry.

use super::node::{Content, Node, Pair};
use crate::code::Code;
use crate::entry::Entry;
use crate::origin::{Origin, Place, Spans};
use crate::problem::{Problem, quote};
use crate::schema::Kinds;
use crate::suggest::did_you_mean;
use crate::value::{key_text, weight};
use crate::{EntryId, SourceText};
use perilune_value::Value;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The only version of the file format.
const VERSION: &str = "1.0";

/// Bytes that a file's `meta` may take in all entries together: a short file can name thousands of entries.
const MAX_SHARED_META: usize = 64 << 20;

/// Keys of a file with `entries`.
const FRAME: [&str; 4] = ["version", "namespace", "meta", "entries"];

/// Why a document is none of ours; `None` when it is one.
///
/// A document with a namespace is. Without one it still is when it looks like one whose namespace was forgotten: it has `entries`,
/// `name` and `kind` together, or a `kind` that the table knows. Either key alone is common elsewhere.
pub(crate) fn foreign(root: &Node, kinds: &Kinds) -> Option<&'static str> {
    let Content::Map(_) = root.content else {
        return Some("its top level is no map");
    };
    let has = |key| root.get(key).is_some();
    let known_kind = || {
        root.get("kind").and_then(|pair| pair.value.as_str()).is_some_and(|kind| kinds.get(kind).is_some())
    };
    let ours = has("namespace") || has("entries") || (has("name") && has("kind")) || known_kind();
    (!ours).then_some("it has neither `namespace` nor `entries`")
}

/// What a document holds.
#[derive(Default)]
pub(crate) struct Document {
    pub(crate) entries: Vec<Entry>,
    pub(crate) problems: Vec<Problem>,
}

/// Reads the entries of a document that is ours.
pub(crate) fn read(file: &Arc<SourceText>, root: &Node) -> Document {
    let mut reader = Reader { file, document: Document::default() };
    reader.read(root);
    reader.document
}

struct Reader<'a> {
    file: &'a Arc<SourceText>,
    document: Document,
}

impl Reader<'_> {
    fn read(&mut self, root: &Node) {
        self.version(root);
        let namespace = self.namespace(root);
        let single = root.get("name").or_else(|| root.get("kind"));
        match (root.get("entries"), single) {
            (Some(entries), None) => {
                self.unknown_keys(root);
                self.batch(root, entries, namespace);
            }
            (Some(_), Some(single)) => {
                let message = format!("`{}` and `entries` cannot stand side by side", key_text(&single.key));
                self.problem(&single.key_span, message).help("move it into an item of `entries`").push(self);
            }
            (None, Some(_)) => self.entry(root, namespace, None, "entry"),
            (None, None) => {
                let close = root.pairs().unwrap_or_default().iter().find(|pair| {
                    pair.key.as_str().is_some_and(|key| {
                        !FRAME.contains(&key) && crate::suggest::closest(key, ["entries"]).is_some()
                    })
                });
                let (span, help) = match close {
                    Some(pair) => (pair.key_span.clone(), "did you mean `entries`?"),
                    None => (root.span.start..root.span.start + 1, "write `entries: []` for none"),
                };
                let message = "an entry file has `entries`, a list, or `name` and `kind` of a single entry";
                self.problem(&span, message).help(help).push(self);
            }
        }
    }

    fn version(&mut self, root: &Node) {
        let Some(pair) = root.get("version") else { return };
        let right = match &pair.value.content {
            Content::Scalar(Value::Float(version)) => *version == 1.0,
            _ => pair.value.as_str() == Some(VERSION),
        };
        if !right {
            let message = format!("`version` must be \"{VERSION}\"");
            self.problem(&pair.value.span, message).label("unknown version").push(self);
        }
    }

    fn namespace<'n>(&mut self, root: &'n Node) -> Option<&'n str> {
        let Some(pair) = root.get("namespace") else {
            let start = root.span.start;
            self.problem(&(start..start + 1), "`namespace` is missing")
                .help("add `namespace: app`, the first half of the ids of this file's entries")
                .push(self);
            return None;
        };
        match pair.value.as_str() {
            Some(namespace) if namespace.trim().is_empty() => {
                self.problem(&pair.key_span, "`namespace` is empty").push(self);
                None
            }
            Some(namespace) => Some(namespace),
            None => {
                let message = format!("`namespace` must be a string, found {}", pair.value.type_name());
                self.coded(Code::WRONG_TYPE, &pair.value.span, message).push(self);
                None
            }
        }
    }

    fn unknown_keys(&mut self, root: &Node) {
        for pair in root.pairs().unwrap_or_default() {
            let key = key_text(&pair.key);
            if !FRAME.contains(&key.as_str()) {
                self.coded(
                    Code::UNKNOWN_FIELD,
                    &pair.key_span,
                    format!("an entry file has no field {}", quote(&key)),
                )
                .maybe_help(did_you_mean(&key, FRAME))
                .help("known are `version`, `namespace`, `meta` and `entries`")
                .push(self);
            }
        }
    }

    fn batch(&mut self, root: &Node, entries: &Pair, namespace: Option<&str>) {
        let shared = root.get("meta").and_then(|meta| self.meta(meta, "`meta`"));
        let Content::List(items) = &entries.value.content else {
            let message = format!("`entries` must be a list, found {}", entries.value.type_name());
            self.coded(Code::WRONG_TYPE, &entries.key_span, message).push(self);
            return;
        };
        let shared = shared.map(|(value, spans)| (value, Arc::new(spans)));
        let copies = shared.as_ref().map_or(0, |(meta, _)| weight(meta).saturating_mul(items.len()));
        if copies > MAX_SHARED_META {
            let message = "`meta` is copied into every entry of the file, and is too large for that";
            self.coded(Code::TOO_COMPLEX, &entries.key_span, message)
                .help("move it to the entries that need it")
                .push(self);
            return;
        }
        for (index, item) in items.iter().enumerate() {
            let what = format!("entries[{}]", index + 1);
            if item.pairs().is_none() {
                let message =
                    format!("{what} must be a map with `name` and `kind`, found {}", item.type_name());
                self.coded(Code::WRONG_TYPE, &item.span, message).push(self);
                continue;
            }
            self.entry(item, namespace, shared.as_ref(), &what);
        }
    }

    /// Reads one entry. `shared` is the file's `meta`; absent for a single entry, whose frame and fields are one map.
    fn entry(
        &mut self,
        node: &Node,
        namespace: Option<&str>,
        shared: Option<&(Value, Arc<Spans>)>,
        what: &str,
    ) {
        let single = what == "entry";
        let name = self.required(node, "name", what);
        let kind = self.required(node, "kind", what);
        let own = node.get("meta").map(|meta| match (namespace, &name) {
            (Some(namespace), Some((name, _))) => {
                self.meta(meta, &format!("{namespace}:{name}: field `meta`"))
            }
            _ => self.meta(meta, "`meta`"),
        });
        let (Some((name, name_span)), Some((kind, _)), Some(namespace)) = (name, kind, namespace) else {
            return;
        };
        let id = match EntryId::new(namespace, name) {
            Ok(id) => id,
            Err(error) => {
                let message =
                    format!("{what}: no valid id {}: {error}", quote(&format!("{namespace}:{name}")));
                return self.coded(Code::BAD_ID, &name_span, message).push(self);
            }
        };
        let mut meta = shared.map_or(Value::Map(Vec::new()), |(meta, _)| meta.clone());
        if let (Value::Map(fields), Some(Some((Value::Map(own), _)))) = (&mut meta, own) {
            let overridden: HashSet<String> = own.iter().map(|(key, _)| key_text(key)).collect();
            fields.retain(|(key, _)| !overridden.contains(&key_text(key)));
            fields.extend(own);
        }
        let origin =
            Origin::new(self.file.clone(), node.to_spans(0..0), shared.map(|(_, spans)| spans.clone()));
        let reserved = |key: &str| {
            matches!(key, "name" | "kind" | "meta" | "data")
                || (single && matches!(key, "version" | "namespace"))
        };
        let fields: Vec<&Pair> = node
            .pairs()
            .unwrap_or_default()
            .iter()
            .filter(|pair| !pair.key.as_str().is_some_and(reserved))
            .collect();
        let mut entry = Entry::new(id, kind).with_meta(meta);
        entry.origin = origin;
        match node.get("data") {
            Some(data) => {
                for pair in fields {
                    let key = key_text(&pair.key);
                    let message = format!(
                        "{}: `data` holds all fields of an entry, {} cannot stand beside it",
                        entry.id,
                        quote(&key)
                    );
                    self.coded(Code::UNKNOWN_FIELD, &pair.key_span, message)
                        .help("move it into `data`")
                        .push(self);
                }
                entry = entry.with_data(data.value.to_value());
            }
            None => {
                let fields = fields.iter().map(|pair| (pair.key.clone(), pair.value.to_value())).collect();
                entry = entry.with_data(Value::Map(fields));
            }
        }
        self.document.entries.push(entry);
    }

    fn required<'n>(&mut self, node: &'n Node, key: &str, what: &str) -> Option<(&'n str, Range<usize>)> {
        let Some(pair) = node.get(key) else {
            // Point at what names the entry, else at its start.
            let start = node.span.start;
            let at = node.get("name").map_or(start..start + 1, |name| name.value.span.clone());
            let close = node.pairs().unwrap_or_default().iter().find_map(|pair| {
                let written = pair.key.as_str()?;
                (crate::suggest::closest(written, [key]).is_some())
                    .then(|| format!("did you mean `{key}` by {}?", quote(written)))
            });
            self.coded(Code::MISSING_FIELD, &at, format!("{what}: `{key}` is missing"))
                .maybe_help(close)
                .push(self);
            return None;
        };
        match pair.value.as_str() {
            Some(text) if !text.trim().is_empty() => Some((text, pair.value.span.clone())),
            Some(_) => {
                self.coded(Code::MISSING_FIELD, &pair.key_span, format!("{what}: `{key}` is empty"))
                    .push(self);
                None
            }
            None => {
                let message = format!("{what}: `{key}` must be a string, found {}", pair.value.type_name());
                self.coded(Code::WRONG_TYPE, &pair.key_span, message).push(self);
                None
            }
        }
    }

    /// `what` is how a refusal calls it.
    fn meta(&mut self, pair: &Pair, what: &str) -> Option<(Value, Spans)> {
        if pair.value.pairs().is_none() {
            let message = format!("{what} must be a map, found {}", pair.value.type_name());
            self.coded(Code::WRONG_TYPE, &pair.key_span, message).push(self);
            return None;
        }
        Some((pair.value.to_value(), pair.value.to_spans(pair.key_span.clone())))
    }

    fn problem(&self, span: &Range<usize>, message: impl Into<String>) -> Problem {
        self.coded(Code::FILE_SHAPE, span, message)
    }

    fn coded(&self, code: Code, span: &Range<usize>, message: impl Into<String>) -> Problem {
        Problem::at(Place::Text { text: self.file.clone(), span: span.clone() }, code, message)
    }
}

impl Problem {
    fn push(self, reader: &mut Reader<'_>) {
        reader.document.problems.push(self);
    }
}
