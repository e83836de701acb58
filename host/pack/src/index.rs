//! The list of files.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | number of descriptions |
//! | each | key and text, each behind its length in 2 bytes; sorted by key |
//! | 4 | number of files |
//! | each | 1 byte: the content's kind · the path behind its length in 2 bytes · 8 bytes: size · 32 bytes: SHA-256 of the content · 4 bytes for each block: bytes it is stored in |
//!
//! Files are sorted by kind, then by path. A file of `size` bytes has `size / 256 KiB` blocks, rounded up; blocks follow each other
//! in this order, so that there are no offsets that could overlap or leave gaps. A block that is stored in as many bytes as it has
//! is not compressed, any other is a zstd frame.

use crate::blocks;
use crate::cursor::Cursor;
use crate::error::{PackError, quote};
use crate::header;
use crate::paths;
use crate::reader::Limits;
use std::collections::BTreeMap;

/// What a file of a pack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// A YAML or JSON file of entries.
    Document,
    /// A text that an entry names by `file://`.
    Source,
    /// A file of an embedded folder.
    Embedded,
    /// Precompiled Lua.
    Bytecode,
    /// The memory that loading an entry leaves.
    Image,
}

impl Content {
    const ALL: [Content; 5] =
        [Content::Document, Content::Source, Content::Embedded, Content::Bytecode, Content::Image];

    /// How it is called in lists.
    pub fn name(self) -> &'static str {
        match self {
            Content::Document => "document",
            Content::Source => "source",
            Content::Embedded => "embedded",
            Content::Bytecode => "bytecode",
            Content::Image => "image",
        }
    }

    fn byte(self) -> u8 {
        self as u8 + 1
    }
}

/// A file as the index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) content: Content,
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) hash: [u8; 32],
    /// Bytes that each block is stored in.
    pub(crate) blocks: Vec<u32>,
    /// Where the first block begins in the contents. Follows from the records before, and is not written.
    pub(crate) offset: usize,
}

/// The list of files, and texts that describe the pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) descriptions: BTreeMap<String, String>,
    pub(crate) records: Vec<Record>,
}

/// The bytes of a record whose path is empty and that has no blocks.
const LEAST_RECORD: usize = 1 + 2 + 8 + 32;

impl Index {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Their lengths were checked when they were added.
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        bytes.extend(number(self.descriptions.len()));
        for (key, value) in &self.descriptions {
            text(&mut bytes, key);
            text(&mut bytes, value);
        }
        bytes.extend(number(self.records.len()));
        for record in &self.records {
            bytes.push(record.content.byte());
            text(&mut bytes, &record.path);
            bytes.extend(record.size.to_le_bytes());
            bytes.extend(record.hash);
            record.blocks.iter().for_each(|stored| bytes.extend(stored.to_le_bytes()));
        }
        bytes
    }

    /// Reads the index of a pack whose contents have so many bytes.
    pub(crate) fn read(bytes: &[u8], contents: u64, limits: &Limits) -> Result<Self, PackError> {
        let mut cursor = Cursor::new(bytes, header::LENGTH as u64);
        let descriptions = descriptions(&mut cursor)?;
        let count = cursor.count(LEAST_RECORD, "the number of files")?;
        if count > limits.files {
            return Err(
                cursor.wrong(format!("it lists {count} files, more than the {} allowed", limits.files))
            );
        }
        let mut records: Vec<Record> = Vec::with_capacity(count);
        let (mut offset, mut total) = (0_u64, 0_u64);
        for _ in 0..count {
            let record = record(&mut cursor, contents, &mut offset, &mut total, limits)?;
            if let Some(last) = records.last() {
                let (before, now) = ((last.content, &last.path), (record.content, &record.path));
                if before == now {
                    return Err(PackError::Duplicate { path: record.path });
                }
                if before > now {
                    let reason = format!("{} stands after {}", quote(&record.path), quote(&last.path));
                    return Err(cursor.wrong(format!("files are not sorted: {reason}")));
                }
            }
            records.push(record);
        }
        if cursor.left() > 0 {
            return Err(cursor.wrong(format!("{} bytes follow the last file", cursor.left())));
        }
        if offset != contents {
            return Err(
                cursor.wrong(format!("the files take {offset} bytes of the {contents} that are there"))
            );
        }
        let index = Index { descriptions, records };
        index.check_paths()?;
        Ok(index)
    }

    pub(crate) fn check_paths(&self) -> Result<(), PackError> {
        for content in Content::ALL {
            let of_kind = self.records.iter().filter(|record| record.content == content);
            paths::check_all(of_kind.map(|record| record.path.as_str()))?;
        }
        Ok(())
    }

    /// The position of a file.
    pub(crate) fn find(&self, content: Content, path: &str) -> Option<usize> {
        let key = (content, path);
        self.records.binary_search_by(|record| (record.content, record.path.as_str()).cmp(&key)).ok()
    }
}

fn descriptions(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, String>, PackError> {
    let count = cursor.count(4, "the number of descriptions")?;
    let mut descriptions: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..count {
        let key = cursor.text("the key of a description")?;
        let value = cursor.text("the text of a description")?;
        if descriptions.last_key_value().is_some_and(|(last, _)| last.as_str() >= key) {
            return Err(cursor.wrong(format!("the description {} is not in its place", quote(key))));
        }
        descriptions.insert(key.to_owned(), value.to_owned());
    }
    Ok(descriptions)
}

/// Reads one record. `offset` is where its content begins, `total` the bytes of all files so far; both move on.
fn record(
    cursor: &mut Cursor<'_>,
    contents: u64,
    offset: &mut u64,
    total: &mut u64,
    limits: &Limits,
) -> Result<Record, PackError> {
    let kind = cursor.u8("a kind of content")?;
    let Some(content) = Content::ALL.into_iter().find(|content| content.byte() == kind) else {
        return Err(cursor.wrong(format!("there is no kind of content {kind}")));
    };
    let path = cursor.text("a path")?;
    paths::check(path)?;
    let size = cursor.u64("a size")?;
    *total = total.checked_add(size).filter(|total| *total <= limits.contents).ok_or_else(|| {
        PackError::TooLarge {
            what: format!("{} with all before it", quote(path)),
            size: total.saturating_add(size),
            max: limits.contents,
        }
    })?;
    let hash = cursor.array("a hash")?;
    let count = blocks::count(size);
    if count > (cursor.left() / 4) as u64 {
        let left = cursor.left();
        return Err(
            cursor.wrong(format!("{} has {count} blocks, and {left} bytes are left for them", quote(path)))
        );
    }
    let wrong = |reason: &str| PackError::Content { path: path.to_owned(), reason: reason.to_owned() };
    // The cast is of a number below that of the bytes that are left.
    let mut stored = Vec::with_capacity(count as usize);
    let start = *offset;
    for block in 0..count as usize {
        let bytes = cursor.u32("a block")?;
        if bytes == 0 {
            return Err(wrong("a block is stored in no bytes"));
        }
        if bytes as usize > blocks::length(size, block) {
            return Err(wrong("a block is stored in more bytes than it has"));
        }
        *offset += u64::from(bytes);
        if *offset > contents {
            return Err(wrong("its blocks reach beyond the end of the contents"));
        }
        stored.push(bytes);
    }
    let offset =
        usize::try_from(start).map_err(|_| wrong("it begins beyond what this machine can address"))?;
    Ok(Record { content, path: path.to_owned(), size, hash, blocks: stored, offset })
}
