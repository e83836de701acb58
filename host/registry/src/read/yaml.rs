//! YAML 1.2 with the core schema: events of `saphyr-parser` composed into a tree.
//!
//! Anchors, aliases and the merge key `<<` are written out within a [`Budget`]. What entry files do not use (several documents,
//! tags) is noted, not refused at once: the file may belong to another program.

use super::node::{Budget, Content, MAX_DEPTH, Node, Pair, Refusal, text_length};
use crate::code::Code;
use crate::problem::quote;
use perilune_value::Value;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// What a YAML file holds.
pub(crate) struct Yaml {
    /// The first document; `None` when there is none.
    pub(crate) root: Option<Node>,
    /// What would be refused in an entry file.
    pub(crate) foreign: Vec<Refusal>,
}

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Yaml, Refusal> {
    let mut composer = Composer {
        offsets: Offsets::new(text),
        anchors: HashMap::new(),
        open: Vec::new(),
        root: None,
        documents: 0,
        foreign: Vec::new(),
        budget: Budget::new(),
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| composer.syntax(&error))?;
        composer.event(event, composer.offsets.range(span))?;
    }
    Ok(Yaml { root: composer.root, foreign: composer.foreign })
}

struct Composer {
    offsets: Offsets,
    /// Finished nodes by anchor; one that is still open is absent, so an alias to it cannot make a cycle.
    anchors: HashMap<usize, Node>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    foreign: Vec<Refusal>,
    budget: Budget,
}

/// A list or map whose end has not come.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
    /// In a map: the key that waits for its value.
    key: Option<(Value, Range<usize>)>,
    /// In a map: where each key stands, and the maps to merge in.
    seen: HashMap<Vec<u8>, Range<usize>>,
    merges: Vec<Node>,
}

impl Composer {
    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Refusal> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents == 2 {
                    let help = "give each document a file of its own";
                    self.foreign.push(
                        Refusal::new(
                            Code::YAML_FEATURE,
                            span,
                            "a file holds one document, here a second begins",
                        )
                        .help(help),
                    );
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(text, style, tag.as_deref(), &span);
                self.room(text_length(&value), &span)?;
                self.finish(Node::scalar(value, span), anchor)?;
            }
            Event::SequenceStart(anchor, tag) => self.begin(Content::List(Vec::new()), anchor, tag, span)?,
            Event::MappingStart(anchor, tag) => self.begin(Content::Map(Vec::new()), anchor, tag, span)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Refusal::new(
                        Code::SYNTAX,
                        span,
                        "an alias cannot stand inside what it refers to",
                    ));
                };
                if !self.budget.take_tree(node) {
                    return Err(Refusal::too_many(span));
                }
                // The copy keeps the spans of the original: what is wrong in it is wrong there.
                let copy = node.clone();
                if self.open.len() + copy.height() > MAX_DEPTH {
                    return Err(Refusal::too_deep(span));
                }
                self.place(copy, span)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: Range<usize>,
    ) -> Result<(), Refusal> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Refusal::too_deep(span));
        }
        self.room(0, &span)?;
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.tagged(&tag, &span);
        }
        let (seen, merges) = (HashMap::new(), Vec::new());
        self.open.push(Open { start: span.start, anchor, content, key: None, seen, merges });
        Ok(())
    }

    fn end(&mut self, span: Range<usize>) -> Result<(), Refusal> {
        let Some(mut open) = self.open.pop() else { return Ok(()) };
        for merged in std::mem::take(&mut open.merges) {
            self.merge(&mut open, merged)?;
        }
        let span = open.start..span.end.max(open.start);
        self.finish(Node { span, content: open.content }, open.anchor)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Refusal> {
        if anchor != 0 {
            if !self.budget.take_tree(&node) {
                return Err(Refusal::too_many(node.span));
            }
            self.anchors.insert(anchor, node.clone());
        }
        let span = node.span.clone();
        self.place(node, span)
    }

    /// Puts a node where it belongs: under the key that waits, into the list, or at the root.
    fn place(&mut self, node: Node, span: Range<usize>) -> Result<(), Refusal> {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(pairs) => match open.key.take() {
                Some((key, _)) if is_merge_key(&key) => open.merges.push(node),
                Some((key, key_span)) => pairs.push(Pair { key, key_span, value: node }),
                None => {
                    let key = map_key(node, &span)?;
                    if let Some(first) = open.seen.insert(key_bytes(&key), span.clone()) {
                        return Err(Refusal::duplicate_key(&key, first, span));
                    }
                    open.key = Some((key, span));
                }
            },
            Content::Scalar(_) => {}
        }
        Ok(())
    }

    /// Adds the pairs of a map, or of each map of a list, that the map does not have itself.
    fn merge(&mut self, open: &mut Open, merged: Node) -> Result<(), Refusal> {
        let maps = match merged.content {
            Content::List(items) => items,
            content => vec![Node { content, ..merged }],
        };
        for map in maps {
            let Content::Map(additions) = map.content else {
                return Err(Refusal::new(
                    Code::YAML_FEATURE,
                    map.span,
                    "`<<` merges a map, or a list of maps",
                ));
            };
            let Content::Map(pairs) = &mut open.content else { continue };
            for pair in additions {
                if open.seen.insert(key_bytes(&pair.key), pair.key_span.clone()).is_none() {
                    pairs.push(pair);
                }
            }
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Range<usize>,
    ) -> Value {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => {
                return Value::from(text.as_ref());
            }
            Some(tag) if !tag.is_yaml_core_schema() => self.tagged(tag, span),
            _ => {}
        }
        if style != ScalarStyle::Plain {
            return Value::from(text.as_ref());
        }
        core_schema(&text).unwrap_or_else(|| {
            let message = format!("the integer {} does not fit into 64 bits", quote(&text));
            self.foreign.push(
                Refusal::new(Code::BAD_VALUE, span.clone(), message)
                    .help("put it in quotes to make it a string"),
            );
            Value::Nil
        })
    }

    fn tagged(&mut self, tag: &Tag, span: &Range<usize>) {
        let message = format!("the tag {} is not supported", quote(&tag.to_string()));
        self.foreign
            .push(Refusal::new(Code::YAML_FEATURE, span.clone(), message).help("write the value without it"));
    }

    fn room(&mut self, bytes: usize, span: &Range<usize>) -> Result<(), Refusal> {
        if self.budget.take(bytes) { Ok(()) } else { Err(Refusal::too_many(span.clone())) }
    }

    fn syntax(&self, error: &ScanError) -> Refusal {
        let at = self.offsets.byte(error.marker().index());
        Refusal::new(Code::SYNTAX, at..at + 1, format!("not well-formed YAML: {}", error.info()))
    }
}

fn is_merge_key(key: &Value) -> bool {
    key.as_str() == Some("<<")
}

fn map_key(node: Node, span: &Range<usize>) -> Result<Value, Refusal> {
    match node.content {
        Content::Scalar(key @ (Value::String(_) | Value::Integer(_) | Value::Bool(_))) => Ok(key),
        _ => {
            Err(Refusal::new(Code::YAML_FEATURE, span.clone(), "a key is a string, an integer or a boolean"))
        }
    }
}

/// A key as bytes that tell `1` from `"1"`.
fn key_bytes(key: &Value) -> Vec<u8> {
    match key {
        Value::String(bytes) => [b"s", bytes.as_slice()].concat(),
        other => format!("{other:?}").into_bytes(),
    }
}

/// What a plain scalar means in the core schema of YAML 1.2; `None` for an integer beyond 64 bits.
fn core_schema(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Nil,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
                return text.parse().ok().map(Value::Integer);
            }
            for (prefix, radix) in [("0x", 16), ("0o", 8)] {
                if let Some(digits) = text.strip_prefix(prefix)
                    && !digits.is_empty()
                    && digits.chars().all(|c| c.is_digit(radix))
                {
                    return i64::from_str_radix(digits, radix).ok().map(Value::Integer);
                }
            }
            // Rust also reads `inf`, `nan` and `infinity`, which are strings in YAML.
            let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            match text.parse() {
                Ok(float) if number => Value::Float(float),
                _ => Value::from(text),
            }
        }
    })
}

/// From character counts, which the parser reports, to byte offsets.
struct Offsets {
    length: usize,
    /// `None` for ASCII, where the two are the same.
    bytes: Option<Vec<u32>>,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = (!text.is_ascii()).then(|| {
            // A file is at most a few MiB long.
            text.char_indices().map(|(offset, _)| u32::try_from(offset).unwrap_or(u32::MAX)).collect()
        });
        Offsets { length: text.len(), bytes }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            None => character.min(self.length),
            Some(bytes) => bytes.get(character).map_or(self.length, |offset| *offset as usize),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }
}
