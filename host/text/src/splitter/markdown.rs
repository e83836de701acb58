//! The way of Markdown: blocks under their headings.

use super::{Chunks, Measures, characters, recursive};
use perilune_value::Failure;
use pulldown_cmark::{CowStr, Event, LinkType, Parser, Tag};
use std::ops::Range;

/// What chunks of Markdown hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Code blocks, which are left out otherwise.
    pub(super) code_blocks: bool,
    /// `[text](url)` in place of `[text][label]`.
    pub(super) reference_links: bool,
    /// All headings above a chunk, not the nearest alone.
    pub(super) heading_hierarchy: bool,
    /// As many rows of a table as fit, not each in a chunk of its own; the table's head is repeated either way.
    pub(super) join_table_rows: bool,
}

/// A block of the document.
enum Block {
    Heading { level: usize, text: String },
    Table(String),
    Text(String),
}

pub(super) fn cut(
    text: &str,
    options: &Options,
    measures: &Measures,
    chunks: &mut Chunks,
) -> Result<(), Failure> {
    let mut writer = Writer {
        options,
        measures,
        chunks,
        headings: Vec::new(),
        body: String::new(),
        length: 0,
        bare: false,
    };
    for block in blocks(text, options) {
        match block {
            Block::Heading { level, text } => writer.heading(level, text)?,
            Block::Table(table) => writer.table(&table)?,
            Block::Text(text) => writer.block(&text)?,
        }
    }
    writer.end()
}

fn blocks(text: &str, options: &Options) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut depth = 0_usize;
    // The block that is being read, and what is written in place of parts of it.
    let mut outer: Option<(Tag<'_>, Range<usize>)> = None;
    let mut edits = Vec::new();
    for (event, range) in Parser::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if options.reference_links
                    && let Some(link) = inlined(text, &tag, &range)
                {
                    edits.push((range.clone(), link));
                }
                if depth == 0 {
                    outer = Some((tag, range));
                }
                depth += 1;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0
                    && let Some((tag, range)) = outer.take()
                {
                    blocks.extend(block(&tag, edited(text, range, &edits), options));
                    edits.clear();
                }
            }
            Event::Rule if depth == 0 => blocks.push(Block::Text(text[range].trim_end().to_owned())),
            _ => {}
        }
    }
    blocks
}

fn block(tag: &Tag<'_>, text: String, options: &Options) -> Option<Block> {
    match tag {
        Tag::Heading { level, .. } => {
            let level = *level as usize;
            // Headings may be underlined by a second line.
            let line = text.lines().next().unwrap_or_default().trim();
            let words = line.trim_start_matches('#').trim_end_matches('#').trim();
            Some(Block::Heading { level, text: format!("{} {words}", "#".repeat(level)) })
        }
        Tag::CodeBlock(_) if !options.code_blocks => None,
        Tag::Table(_) => Some(Block::Table(text)),
        _ => Some(Block::Text(text.trim_end().to_owned())),
    }
}

/// A link that refers to a definition, with the definition in it.
fn inlined(text: &str, tag: &Tag<'_>, range: &Range<usize>) -> Option<String> {
    let (link_type, url, title, mark) = match tag {
        Tag::Link { link_type, dest_url, title, .. } => (link_type, dest_url, title, ""),
        Tag::Image { link_type, dest_url, title, .. } => (link_type, dest_url, title, "!"),
        _ => return None,
    };
    let written = text[range.clone()].strip_prefix(mark)?.strip_prefix('[')?;
    let words = match link_type {
        LinkType::Reference => written.rsplit_once("][")?.0,
        LinkType::Collapsed => written.strip_suffix("][]")?,
        LinkType::Shortcut => written.strip_suffix(']')?,
        _ => return None,
    };
    Some(format!("{mark}[{words}]({url}{})", quoted(title)))
}

fn quoted(title: &CowStr<'_>) -> String {
    if title.is_empty() { String::new() } else { format!(" \"{}\"", title.replace('"', "\\\"")) }
}

fn edited(text: &str, range: Range<usize>, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::new();
    let mut copied = range.start;
    for (place, new) in edits {
        // A link within a link's text was replaced with it.
        if place.start >= copied && place.end <= range.end {
            out.push_str(&text[copied..place.start]);
            out.push_str(new);
            copied = place.end;
        }
    }
    out.push_str(&text[copied..range.end]);
    out
}

struct Writer<'a> {
    options: &'a Options,
    measures: &'a Measures,
    chunks: &'a mut Chunks,
    /// Those above the present place, the outermost first.
    headings: Vec<(usize, String)>,
    /// What the next chunk holds so far, its headings apart.
    body: String,
    /// Its characters.
    length: usize,
    /// Whether the last heading has nothing below it yet.
    bare: bool,
}

impl Writer<'_> {
    fn heading(&mut self, level: usize, text: String) -> Result<(), Failure> {
        self.flush()?;
        let above =
            self.headings.last().is_some_and(|(last, _)| *last < level) && self.options.heading_hierarchy;
        if self.bare && !above {
            self.chunks.push(&self.prefix())?;
        }
        self.headings.retain(|(outer, _)| *outer < level);
        self.headings.push((level, text));
        self.bare = true;
        Ok(())
    }

    fn block(&mut self, text: &str) -> Result<(), Failure> {
        self.bare = false;
        let room = self.room();
        let length = characters(text);
        if !self.body.is_empty() && self.length + 2 + length > room {
            self.flush()?;
        }
        if length <= room {
            if !self.body.is_empty() {
                self.body.push_str("\n\n");
                self.length += 2;
            }
            self.body.push_str(text);
            self.length += length;
            return Ok(());
        }
        let measures =
            Measures { size: room, overlap: self.measures.overlap.min(room / 2), ..self.measures.clone() };
        for part in recursive::cut(text, &measures, false, self.chunks.room)? {
            self.write(part)?;
        }
        Ok(())
    }

    fn table(&mut self, table: &str) -> Result<(), Failure> {
        let mut lines = table.trim_end().lines();
        let head: Vec<&str> = lines.by_ref().take(2).collect();
        let head = head.join("\n");
        let rows: Vec<&str> = lines.collect();
        if rows.is_empty() {
            return self.block(&head);
        }
        let (mut part, mut length) = (head.clone(), characters(&head));
        for row in rows {
            let added = 1 + characters(row);
            let is_full = length + added > self.room() || !self.options.join_table_rows;
            if is_full && part.len() > head.len() {
                self.table_part(&part)?;
                (part, length) = (head.clone(), characters(&head));
            }
            part.push('\n');
            part.push_str(row);
            length += added;
        }
        self.table_part(&part)
    }

    fn table_part(&mut self, part: &str) -> Result<(), Failure> {
        if !self.options.join_table_rows {
            self.flush()?;
        }
        self.block(part)?;
        if self.options.join_table_rows { Ok(()) } else { self.flush() }
    }

    fn end(mut self) -> Result<(), Failure> {
        self.flush()?;
        if self.bare { self.chunks.push(&self.prefix()) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let body = std::mem::take(&mut self.body);
        self.length = 0;
        if body.is_empty() { Ok(()) } else { self.write(&body) }
    }

    fn write(&mut self, body: &str) -> Result<(), Failure> {
        let prefix = self.prefix();
        if prefix.is_empty() {
            self.chunks.push(body)
        } else {
            self.chunks.push(&format!("{prefix}\n{body}"))
        }
    }

    /// Characters for what stands below the headings.
    fn room(&self) -> usize {
        match characters(&self.prefix()) {
            0 => self.measures.size,
            length => self.measures.size - length - 1,
        }
    }

    /// The headings of a chunk, the innermost ones, in at most half of it.
    fn prefix(&self) -> String {
        let wanted = if self.options.heading_hierarchy { self.headings.len() } else { 1 };
        let mut lines = Vec::new();
        let mut room = self.measures.size / 2;
        for (_, heading) in self.headings.iter().rev().take(wanted) {
            match room.checked_sub(characters(heading) + 1) {
                Some(left) => room = left,
                None => break,
            }
            lines.push(heading.as_str());
        }
        lines.reverse();
        lines.join("\n")
    }
}
