//! Writing a pack.

use crate::blocks::{self, BLOCK};
use crate::error::{PackError, quote};
use crate::header::Header;
use crate::index::{Content, Index, Record};
use crate::paths;
use crate::reader::Limits;
use crate::signature::SigningKey;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Gathers files and writes a pack of them. The same files give the same bytes, in whatever order they were added.
#[derive(Clone, Default)]
pub struct Writer {
    descriptions: BTreeMap<String, String>,
    files: BTreeMap<(Content, String), Packed>,
    total: u64,
}

/// A content in blocks.
#[derive(Clone)]
struct Packed {
    size: u64,
    hash: [u8; 32],
    blocks: Vec<u32>,
    bytes: Vec<u8>,
}

impl Writer {
    /// A pack without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text that describes the pack, or replaces the one with this key. Nothing that changes from one time to the next
    /// belongs here, or packs of the same files are no longer the same.
    ///
    /// # Errors
    ///
    /// [`PackError::Description`] for one of more than 65,535 bytes.
    pub fn describe(&mut self, key: &str, text: &str) -> Result<(), PackError> {
        let max = u16::MAX.into();
        if let Some(long) = [key, text].into_iter().find(|text| text.len() as u64 > max) {
            return Err(PackError::Description { key: key.to_owned(), size: long.len() as u64, max });
        }
        self.descriptions.insert(key.to_owned(), text.to_owned());
        Ok(())
    }

    /// Adds a file; compresses it at once.
    ///
    /// # Errors
    ///
    /// [`PackError::Path`] for a path that has no place in a pack, [`PackError::Duplicate`] for one that is there,
    /// [`PackError::TooLarge`] and [`PackError::TooMany`] for more than [`Limits::default`] lets readers accept.
    pub fn add(&mut self, content: Content, path: &str, bytes: &[u8]) -> Result<(), PackError> {
        paths::check(path)?;
        let limits = Limits::default();
        let size = bytes.len() as u64;
        self.total = self.total.saturating_add(size);
        if self.total > limits.contents {
            let what = format!("{} with all before it", quote(path));
            return Err(PackError::TooLarge { what, size: self.total, max: limits.contents });
        }
        if self.files.len() == limits.files {
            return Err(PackError::TooMany { max: limits.files });
        }
        let key = (content, path.to_owned());
        if self.files.contains_key(&key) {
            return Err(PackError::Duplicate { path: path.to_owned() });
        }
        let mut packed =
            Packed { size, hash: Sha256::digest(bytes).into(), blocks: Vec::new(), bytes: Vec::new() };
        for block in bytes.chunks(BLOCK) {
            let stored = blocks::pack(block);
            // At most as long as a block.
            packed.blocks.push(u32::try_from(stored.len()).unwrap_or(u32::MAX));
            packed.bytes.extend_from_slice(&stored);
        }
        self.files.insert(key, packed);
        Ok(())
    }

    /// Files that were added.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The pack, signed where there is a key.
    ///
    /// # Errors
    ///
    /// [`PackError::CaseDouble`] and [`PackError::FileAndFolder`] for paths that some systems cannot keep beside each other.
    pub fn finish(self, key: Option<&SigningKey>) -> Result<Vec<u8>, PackError> {
        let mut contents = Vec::with_capacity(self.files.len());
        let mut records = Vec::with_capacity(self.files.len());
        for ((content, path), Packed { size, hash, blocks, bytes }) in self.files {
            records.push(Record { content, path, size, hash, blocks, offset: 0 });
            contents.push(bytes);
        }
        let index = Index { descriptions: self.descriptions, records };
        index.check_paths()?;
        let index = index.to_bytes();
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let header = Header::of(key.is_some(), &index, &contents);
        let mut pack = header.to_bytes().to_vec();
        pack.extend(index);
        contents.iter().for_each(|content| pack.extend_from_slice(content));
        if let Some(key) = key {
            pack.extend(key.sign(&header.hash));
        }
        Ok(pack)
    }
}
