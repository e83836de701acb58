//! The tree that YAML and JSON have in common: values with the place of each.

use crate::code::Code;
use crate::origin::Spans;
use crate::path::Segment;
use crate::value::key_text;
use perilune_value::Value;
use std::ops::Range;

/// A value and the bytes it was written in.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Neither list nor map.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Pair>),
}

#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) key: Value,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

/// Why a text is no tree.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) span: Range<usize>,
    pub(crate) help: Option<String>,
    /// An earlier place that belongs to it.
    pub(crate) related: Option<(Range<usize>, &'static str)>,
}

impl Refusal {
    pub(crate) fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), span, help: None, related: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn duplicate_key(key: &Value, first: Range<usize>, again: Range<usize>) -> Self {
        let message = format!("the key {} is there twice", crate::problem::quote(&key_text(key)));
        Refusal {
            related: Some((first, "first here")),
            ..Refusal::new(Code::DUPLICATE_KEY, again, message).help("remove one of the two")
        }
    }

    pub(crate) fn too_deep(span: Range<usize>) -> Self {
        Refusal::new(Code::TOO_COMPLEX, span, format!("values nest deeper than {MAX_DEPTH} levels"))
    }

    pub(crate) fn too_many(span: Range<usize>) -> Self {
        Refusal::new(
            Code::TOO_COMPLEX,
            span,
            format!("the document has more than {MAX_NODES} values, or its aliases expand to more than {MAX_WEIGHT} bytes"),
        )
        .help("write fewer values, or spread the entries over several files")
    }
}

/// Nesting in a file. Lower than [`Value::MAX_DEPTH`], because an entry crosses to Lua inside tables that hold it.
pub(crate) const MAX_DEPTH: usize = Value::MAX_DEPTH - 8;

/// Values in one document. One takes about 200 bytes with its spans, so that a file costs some 50 MiB while it is read.
pub(crate) const MAX_NODES: usize = 250_000;

/// Bytes of scalars in one document with its aliases written out: four times the longest file, where an alias bomb has no end.
pub(crate) const MAX_WEIGHT: usize = 16 * 1024 * 1024;

/// What a document may still grow by.
pub(crate) struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Budget { nodes: MAX_NODES, bytes: MAX_WEIGHT }
    }

    /// Takes room for one more value; false when there is none.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        match (self.nodes.checked_sub(1), self.bytes.checked_sub(bytes)) {
            (Some(nodes), Some(bytes)) => {
                *self = Budget { nodes, bytes };
                true
            }
            _ => false,
        }
    }

    /// Takes room for a copy of a tree; stops as soon as there is none.
    pub(crate) fn take_tree(&mut self, node: &Node) -> bool {
        match &node.content {
            Content::Scalar(value) => self.take(text_length(value)),
            Content::List(items) => self.take(0) && items.iter().all(|item| self.take_tree(item)),
            Content::Map(pairs) => {
                self.take(0)
                    && pairs
                        .iter()
                        .all(|pair| self.take(text_length(&pair.key)) && self.take_tree(&pair.value))
            }
        }
    }
}

pub(crate) fn text_length(value: &Value) -> usize {
    match value {
        Value::String(bytes) => bytes.len(),
        _ => 0,
    }
}

impl Node {
    pub(crate) fn scalar(value: Value, span: Range<usize>) -> Self {
        Node { span, content: Content::Scalar(value) }
    }

    /// The pairs, if this is a map.
    pub(crate) fn pairs(&self) -> Option<&[Pair]> {
        match &self.content {
            Content::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value under a string key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Pair> {
        self.pairs()?.iter().find(|pair| pair.key.as_str() == Some(key))
    }

    /// The text, if this is a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// How deep lists and maps nest; 0 for a scalar.
    pub(crate) fn height(&self) -> usize {
        match &self.content {
            Content::Scalar(_) => 0,
            Content::List(items) => 1 + items.iter().map(Node::height).max().unwrap_or(0),
            Content::Map(pairs) => 1 + pairs.iter().map(|pair| pair.value.height()).max().unwrap_or(0),
        }
    }

    /// The word for what this is, as a file's author would say it.
    pub(crate) fn type_name(&self) -> &'static str {
        crate::check::type_name(&self.to_value())
    }

    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Content::Map(pairs) => {
                Value::Map(pairs.iter().map(|pair| (pair.key.clone(), pair.value.to_value())).collect())
            }
        }
    }

    pub(crate) fn to_spans(&self, key: Range<usize>) -> Spans {
        let mut children: Vec<_> = match &self.content {
            Content::Scalar(_) => Vec::new(),
            Content::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (Segment::Item(index), item.to_spans(0..0)))
                .collect(),
            Content::Map(pairs) => pairs
                .iter()
                .map(|pair| (Segment::Key(key_text(&pair.key)), pair.value.to_spans(pair.key_span.clone())))
                .collect(),
        };
        children.sort_by(|(a, _), (b, _)| a.cmp(b));
        Spans { key, value: self.span.clone(), children }
    }
}
