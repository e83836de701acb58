//! From a text to a tree: the part of YAML that settings need.

use crate::code::Code;
use crate::problem::{Place, Problem, Text};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;
use std::sync::Arc;

/// Maps and lists within each other; settings need three.
const MAX_DEPTH: usize = 16;

/// A value and where it stands, in bytes.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
}

/// What stands there.
#[derive(Debug)]
pub(crate) enum Content {
    /// A text; `plain` without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Vec<Pair>),
}

/// A key with its value.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// Whether nothing stands there: `key:`, `~` or `null`.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if ["", "~", "null"].contains(&text.as_str()))
    }
}

/// A list or map whose end has not come.
struct Open {
    start: usize,
    content: Content,
    key: Option<(String, Range<usize>)>,
}

/// Reads a text; `None` where it says nothing.
pub(crate) fn parse(text: &Arc<Text>) -> Result<Option<Node>, Box<Problem>> {
    let mut reader =
        Reader { text, characters: characters(&text.text), open: Vec::new(), root: None, documents: 0 };
    for event in Parser::new_from_str(&text.text) {
        let (event, span) = event.map_err(|error| {
            let at = reader.byte(error.marker().index());
            reader.refuse(at..at + 1, format!("not well-formed YAML: {}", error.info()))
        })?;
        reader.event(event, reader.range(span))?;
    }
    Ok(reader.root.filter(|root| !root.is_nothing()))
}

struct Reader<'a> {
    text: &'a Arc<Text>,
    /// Where each character begins, for the parser counts these; `None` where all of them are bytes.
    characters: Option<Vec<usize>>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Box<Problem>> {
        let (anchor, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            Event::Alias(_) => (1, false),
            _ => (0, false),
        };
        if anchor != 0 {
            return Err(self
                .refuse(span, "settings have no anchors and aliases")
                .help("write the value")
                .into());
        }
        if tagged {
            return Err(self.refuse(span, "settings have no tags").help("write the value without it").into());
        }
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self
                        .refuse(span, "a file of settings holds one document, here a second begins")
                        .into());
                }
            }
            Event::Scalar(text, style, _, _) => {
                let plain = style == ScalarStyle::Plain;
                self.place(Node { span, content: Content::Scalar { text: text.into_owned(), plain } })?;
            }
            Event::SequenceStart(..) => self.begin(Content::List(Vec::new()), span)?,
            Event::MappingStart(..) => self.begin(Content::Map(Vec::new()), span)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let span = open.start..span.end.max(open.start);
                    self.place(Node { span, content: open.content })?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, content: Content, span: Range<usize>) -> Result<(), Box<Problem>> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.refuse(span, format!("nested deeper than {MAX_DEPTH} levels")).into());
        }
        self.open.push(Open { start: span.start, content, key: None });
        Ok(())
    }

    /// Puts a node where it belongs: under the key that waits, into the list, or at the root.
    fn place(&mut self, node: Node) -> Result<(), Box<Problem>> {
        let text = self.text;
        let refuse = |span, message: &str| {
            Problem::new(Code::SYNTAX, Place::Text { text: text.clone(), span }, message)
        };
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(pairs) => match (open.key.take(), node.content) {
                (Some((key, key_span)), content) => {
                    pairs.push(Pair { key, key_span, value: Node { span: node.span, content } });
                }
                (None, Content::Scalar { text: key, .. }) => {
                    if let Some(first) = pairs.iter().find(|pair| pair.key == key) {
                        let first = Place::Text { text: text.clone(), span: first.key_span.clone() };
                        let mut problem =
                            refuse(node.span, &format!("`{}` is there twice", key.escape_debug()));
                        problem.code = Code::DUPLICATE;
                        return Err(problem
                            .related(first, "first here")
                            .help("remove one of the two")
                            .into());
                    }
                    open.key = Some((key, node.span));
                }
                (None, _) => return Err(refuse(node.span, "a key is a text").into()),
            },
            Content::Scalar { .. } => {}
        }
        Ok(())
    }

    fn refuse(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(Code::SYNTAX, Place::Text { text: self.text.clone(), span }, message)
    }

    fn byte(&self, character: usize) -> usize {
        let length = self.text.text.len();
        match &self.characters {
            None => character.min(length),
            Some(starts) => starts.get(character).copied().unwrap_or(length),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }
}

fn characters(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(start, _)| start).collect())
}
