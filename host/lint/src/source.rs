//! From a text to a tree, or to why there is none.

use crate::bounds;
use crate::lower::lower;
use crate::rule::{self, Rule};
use crate::tree::{Chunk, Span};
use emmylua_parser::{LuaLanguageLevel, LuaParser, ParserConfig};
use perilune_registry::quote;

/// What reading a source gives.
pub(crate) struct Source<'a> {
    pub(crate) chunk: Option<Chunk<'a>>,
    /// Comments of one line.
    pub(crate) comments: Vec<Span>,
    /// The first thing that is wrong with it.
    pub(crate) mistake: Option<(&'static Rule, Span, String)>,
}

/// Reads a source. The caller's stack has [`bounds::STACK`] bytes.
pub(crate) fn read(text: &str) -> Source<'_> {
    let scan = bounds::scan(text);
    let mut source = Source { chunk: None, comments: scan.comments, mistake: None };
    if let Some((span, why)) = scan.refusal {
        source.mistake = Some((rule::NOT_CHECKED, span, why));
        return source;
    }
    let mut config = ParserConfig::with_level(LuaLanguageLevel::Lua54);
    config.enable_emmylua_doc = false;
    let tree = LuaParser::parse(text, config);
    let first = tree.get_errors().iter().min_by_key(|error| error.range.start());
    if let Some(error) = first {
        let start = usize::from(error.range.start()).min(text.len());
        let end = usize::from(error.range.end()).clamp(start, text.len());
        source.mistake = Some((rule::SYNTAX, Span { start, end }, spelt(&error.message, &text[start..end])));
        return source;
    }
    let chunk = lower(text, &tree.get_chunk_node());
    match chunk.mistakes.iter().min() {
        Some((span, why)) => source.mistake = Some((rule::SYNTAX, *span, why.clone())),
        None => source.chunk = Some(chunk),
    }
    source
}

/// The parser's words, with what stands in the source in place of its own names of tokens.
fn spelt(message: &str, near: &str) -> String {
    let Some((before, rest)) = message.split_once("'Tk") else { return message.to_owned() };
    let Some((_, after)) = rest.split_once('\'') else { return message.to_owned() };
    format!("{before}{}{after}", quote(near))
}
