//! Cutting text into chunks of bounded length, such as for embeddings.

mod markdown;
mod recursive;

use perilune_value::{Failure, Kind, Value, from_value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Bytes of a text: a long book.
pub const MAX_TEXT: usize = 4 << 20;

/// Bytes of a text that is cut in no noticeable time: 2 ms at the worst (measured on one of nothing but link brackets).
pub const QUICK_TEXT: usize = 16 << 10;

/// How much longer than the text all chunks together may be: they repeat the overlap and their headings.
const MAX_GROWTH: usize = 16;

/// Each separator is one pass over the text.
const MAX_SEPARATORS: usize = 32;

const CHUNK_SIZE: i64 = 4000;
const CHUNK_OVERLAP: i64 = 200;

/// How text is cut. Lengths are characters; no chunk is longer than the chunk size.
#[derive(Clone, Debug, PartialEq)]
pub struct Splitter {
    way: Way,
    measures: Measures,
}

#[derive(Clone, Debug, PartialEq)]
enum Way {
    Recursive { keep_separator: bool },
    Markdown(markdown::Options),
}

/// What both ways need.
#[derive(Clone, Debug, PartialEq)]
struct Measures {
    size: usize,
    overlap: usize,
    /// Tried in turn; after the last a text is cut between characters.
    separators: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecursiveOptions {
    chunk_size: Option<i64>,
    chunk_overlap: Option<i64>,
    separators: Option<Vec<String>>,
    #[serde(default)]
    keep_separator: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkdownOptions {
    chunk_size: Option<i64>,
    chunk_overlap: Option<i64>,
    separators: Option<Vec<String>>,
    #[serde(default)]
    code_blocks: bool,
    #[serde(default)]
    reference_links: bool,
    #[serde(default)]
    heading_hierarchy: bool,
    #[serde(default)]
    join_table_rows: bool,
}

impl Splitter {
    /// Cuts at paragraphs, lines and words, or at other separators, each where the one before leaves too long a piece.
    ///
    /// # Errors
    ///
    /// `Invalid` naming the option.
    pub fn recursive(options: Value) -> Result<Self, Failure> {
        let options: RecursiveOptions = read(options)?;
        let measures = Measures::new(options.chunk_size, options.chunk_overlap, options.separators)?;
        Ok(Splitter { way: Way::Recursive { keep_separator: options.keep_separator }, measures })
    }

    /// Cuts Markdown at headings and blocks, and blocks that are too long as [`Splitter::recursive`] does.
    ///
    /// # Errors
    ///
    /// `Invalid` naming the option.
    pub fn markdown(options: Value) -> Result<Self, Failure> {
        let options: MarkdownOptions = read(options)?;
        let measures = Measures::new(options.chunk_size, options.chunk_overlap, options.separators)?;
        let way = Way::Markdown(markdown::Options {
            code_blocks: options.code_blocks,
            reference_links: options.reference_links,
            heading_hierarchy: options.heading_hierarchy,
            join_table_rows: options.join_table_rows,
        });
        Ok(Splitter { way, measures })
    }

    /// The chunks of a text, without white space around them and without empty ones.
    ///
    /// # Errors
    ///
    /// `Invalid` for text that is not UTF-8, `RateLimited` when the text or all chunks together are too long.
    pub fn split(&self, text: &[u8]) -> Result<Vec<String>, Failure> {
        if text.len() > MAX_TEXT {
            return Err(too_much(format!(
                "a text of {} bytes is longer than the {MAX_TEXT} allowed",
                text.len()
            )));
        }
        let text = std::str::from_utf8(text)
            .map_err(|error| Failure::invalid(format!("the text is not UTF-8: {error}")))?;
        let mut chunks =
            Chunks { chunks: Vec::new(), room: text.len().saturating_mul(MAX_GROWTH).max(1 << 20) };
        match &self.way {
            Way::Recursive { keep_separator } => {
                for piece in recursive::cut(text, &self.measures, *keep_separator, chunks.room)? {
                    chunks.push(piece)?;
                }
            }
            Way::Markdown(options) => markdown::cut(text, options, &self.measures, &mut chunks)?,
        }
        Ok(chunks.chunks)
    }
}

fn read<T: DeserializeOwned>(options: Value) -> Result<T, Failure> {
    let options = if options == Value::Nil { Value::Map(Vec::new()) } else { options };
    from_value(options).map_err(|error| Failure::invalid(format!("options of the splitter: {error}")))
}

impl Measures {
    fn new(
        size: Option<i64>,
        overlap: Option<i64>,
        separators: Option<Vec<String>>,
    ) -> Result<Self, Failure> {
        let size = size.unwrap_or(CHUNK_SIZE);
        let overlap = overlap.unwrap_or(CHUNK_OVERLAP.min(size / 2));
        let separators = separators
            .unwrap_or_else(|| ["\n\n", "\n", " "].iter().map(|&separator| separator.to_owned()).collect());
        match (usize::try_from(size), usize::try_from(overlap)) {
            (Ok(0), _) => Err(Failure::invalid("option `chunk_size` is a positive integer, not 0")),
            (Err(_), _) => {
                Err(Failure::invalid(format!("option `chunk_size` is a positive integer, not {size}")))
            }
            (Ok(size), Ok(overlap)) if overlap < size => {
                if separators.len() > MAX_SEPARATORS {
                    let message = format!("option `separators` has more than {MAX_SEPARATORS} items");
                    return Err(Failure::invalid(message));
                }
                Ok(Measures { size, overlap, separators })
            }
            _ => {
                let message = format!(
                    "option `chunk_overlap` is an integer from 0 to below `chunk_size`, {size}, not {overlap}"
                );
                Err(Failure::invalid(message))
            }
        }
    }
}

/// Chunks so far, and how many bytes there may still be.
struct Chunks {
    chunks: Vec<String>,
    room: usize,
}

impl Chunks {
    fn push(&mut self, chunk: &str) -> Result<(), Failure> {
        let chunk = chunk.trim();
        if chunk.is_empty() {
            return Ok(());
        }
        self.room = self.room.checked_sub(chunk.len() + 16).ok_or_else(too_large)?;
        self.chunks.push(chunk.to_owned());
        Ok(())
    }
}

fn too_large() -> Failure {
    too_much(format!(
        "the chunks together are more than {MAX_GROWTH} times as long as the text; choose a smaller `chunk_overlap`"
    ))
}

fn too_much(message: String) -> Failure {
    Failure::new(Kind::RateLimited, message).with_detail("limit", "size")
}

fn characters(text: &str) -> usize {
    text.chars().count()
}
