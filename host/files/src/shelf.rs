//! The files of a pack below one folder: read, never written.

use crate::choice::Choice;
use crate::metadata::{FileType, Item, Metadata};
use crate::{Reason, VirtualPath};
use perilune_pack::{Content, File, Pack};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::time::UNIX_EPOCH;

/// Files by path, and what lies in each folder.
pub(crate) struct Shelf {
    files: BTreeMap<String, File>,
    /// By path, the shelf itself by the empty one.
    folders: BTreeMap<String, BTreeSet<Item>>,
}

impl Shelf {
    /// What a choice shows of the files below `folder`, a path without `/` in front; empty for all.
    pub(crate) fn new(pack: &Pack, folder: &str, choice: &Choice) -> Self {
        let mut shelf = Shelf { files: BTreeMap::new(), folders: BTreeMap::new() };
        shelf.folders.insert(String::new(), BTreeSet::new());
        let embedded = pack.files(Content::Embedded).chain(pack.files(Content::Bytecode));
        for file in embedded {
            let below = match folder {
                "" => Some(file.path()),
                folder => file.path().strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
            };
            if let Some(path) = below.filter(|path| choice.shows(path)) {
                shelf.place(path.to_owned(), file.clone());
            }
        }
        shelf
    }

    fn place(&mut self, path: String, file: File) {
        let (mut below, mut file_type) = (path.as_str(), FileType::File);
        loop {
            let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
            let item = Item { name: name.to_owned(), file_type };
            let is_new = self.folders.entry(folder.to_owned()).or_default().insert(item);
            if folder.is_empty() || !is_new {
                break;
            }
            (below, file_type) = (folder, FileType::Directory);
        }
        self.files.insert(path, file);
    }

    /// A file.
    pub(crate) fn file(&self, path: &VirtualPath) -> Result<File, Reason> {
        match self.files.get(path.as_text()) {
            Some(file) => Ok(file.clone()),
            None if self.folders.contains_key(path.as_text()) => Err(Reason::Directory),
            None => Err(missing()),
        }
    }

    /// What is known of a file or folder.
    pub(crate) fn metadata(&self, path: &VirtualPath) -> Result<Metadata, Reason> {
        match self.file(path) {
            Ok(file) => Ok(describe(path.name(), &file)),
            Err(Reason::Directory) => Ok(Metadata {
                name: if path.is_root() { "/".to_owned() } else { path.name().to_owned() },
                size: 0,
                mode: 0o555,
                modified: UNIX_EPOCH,
                file_type: FileType::Directory,
                hash: None,
            }),
            Err(reason) => Err(reason),
        }
    }

    /// What lies in a folder, sorted by name.
    pub(crate) fn list(&self, path: &VirtualPath, most: usize) -> Result<Vec<Item>, Reason> {
        match self.folders.get(path.as_text()) {
            Some(items) if items.len() > most => {
                Err(Reason::TooMuch(format!("it holds more than {most} files")))
            }
            Some(items) => Ok(items.iter().cloned().collect()),
            None if self.files.contains_key(path.as_text()) => Err(Reason::NotDirectory),
            None => Err(missing()),
        }
    }
}

/// What is known of a file of a pack. A pack says nothing of times: what tells one content from the next is its hash.
pub(crate) fn describe(name: &str, file: &File) -> Metadata {
    Metadata {
        name: name.to_owned(),
        size: file.size(),
        mode: 0o444,
        modified: UNIX_EPOCH,
        file_type: FileType::File,
        hash: Some(file.hash()),
    }
}

pub(crate) fn missing() -> Reason {
    Reason::System(ErrorKind::NotFound.into())
}
