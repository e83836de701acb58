//! The application directory, and nothing outside it; or files that are kept elsewhere, as if they were one.

use crate::source::BYTECODE;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// A directory that reads cannot leave: not through `..`, not through absolute paths, not through symbolic links.
pub(crate) struct Tree<'a> {
    root: Root<'a>,
}

enum Root<'a> {
    Disk(Dir),
    Kept(&'a Files),
}

/// An application's files that lie in no directory. Paths are relative to the application root, with `/` between their parts.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// YAML and JSON files of entries.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// What they refer to by `file://`.
    pub sources: BTreeMap<String, Vec<u8>>,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("there is no such file")]
    Missing,
    #[error("it is a directory")]
    Directory,
    #[error("it is no regular file")]
    Special,
    #[error("it leads out of the application directory")]
    Escapes,
    #[error("it has {size} bytes, more than the {max} allowed")]
    TooLarge { size: u64, max: u64 },
    #[error("it is precompiled Lua bytecode")]
    Bytecode,
    #[error("it is not UTF-8")]
    NotUtf8 {
        /// Of the first wrong byte.
        offset: usize,
        utf16: bool,
    },
    #[error("{0}")]
    Other(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => ReadError::Missing,
            ErrorKind::IsADirectory => ReadError::Directory,
            // What the operating system denies has an error number, a path that leaves the tree has none.
            ErrorKind::PermissionDenied if error.raw_os_error().is_none() => ReadError::Escapes,
            _ => ReadError::Other(error),
        }
    }
}

/// What lies in a directory.
pub(crate) struct Listing {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) directories: Vec<PathBuf>,
    /// Symbolic links to directories.
    pub(crate) links: Vec<PathBuf>,
}

impl<'a> Tree<'a> {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Ok(Tree { root: Root::Disk(Dir::open_ambient_dir(root, ambient_authority())?) })
    }

    pub(crate) fn kept(files: &'a Files) -> Self {
        Tree { root: Root::Kept(files) }
    }

    /// Reads a file of entries, of at most `max` bytes; as [`Tree::read_text`].
    pub(crate) fn read_document(&self, path: &Path, max: u64) -> Result<String, ReadError> {
        match &self.root {
            Root::Disk(root) => text(read(root, path, max)?),
            Root::Kept(files) => text(find(&files.documents, path, max)?),
        }
    }

    /// Reads a text of at most `max` bytes; a byte order mark is dropped. No more than `max + 1` bytes are ever read.
    pub(crate) fn read_text(&self, path: &Path, max: u64) -> Result<String, ReadError> {
        match &self.root {
            Root::Disk(root) => text(read(root, path, max)?),
            Root::Kept(files) => text(find(&files.sources, path, max)?),
        }
    }

    /// The files of entries, where that is known without a look at each file.
    pub(crate) fn documents(&self) -> Option<Vec<PathBuf>> {
        match &self.root {
            Root::Disk(_) => None,
            Root::Kept(files) => Some(files.documents.keys().map(PathBuf::from).collect()),
        }
    }

    /// Lists a directory, each part sorted by name.
    pub(crate) fn list(&self, directory: &Path) -> io::Result<Listing> {
        match &self.root {
            Root::Disk(root) => list(root, directory),
            Root::Kept(files) => {
                let paths = files.sources.keys().map(PathBuf::from);
                let inside = paths.filter(|path| path.parent() == Some(directory));
                Ok(Listing { files: inside.collect(), directories: Vec::new(), links: Vec::new() })
            }
        }
    }
}

/// A file among those that are kept.
fn find(files: &BTreeMap<String, Vec<u8>>, path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
    let shown = shown(path);
    if path.is_absolute() || shown.split('/').next() == Some("..") {
        return Err(ReadError::Escapes);
    }
    let bytes = files.get(&shown).ok_or(ReadError::Missing)?;
    let size = bytes.len() as u64;
    if size > max { Err(ReadError::TooLarge { size, max }) } else { Ok(bytes.clone()) }
}

fn read(root: &Dir, path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
    // Opening a pipe would wait for its writer, so the type is asked for first.
    let metadata = root.metadata(path)?;
    if metadata.is_dir() {
        return Err(ReadError::Directory);
    }
    if !metadata.is_file() {
        return Err(ReadError::Special);
    }
    if metadata.len() > max {
        return Err(ReadError::TooLarge { size: metadata.len(), max });
    }
    let mut bytes = Vec::new();
    root.open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(ReadError::TooLarge { size: bytes.len() as u64, max });
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, ReadError> {
    if bytes.starts_with(BYTECODE) {
        return Err(ReadError::Bytecode);
    }
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let text = String::from_utf8(bytes)
        .map_err(|error| ReadError::NotUtf8 { offset: error.utf8_error().valid_up_to(), utf16 })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn list(root: &Dir, directory: &Path) -> io::Result<Listing> {
    let mut listing = Listing { files: Vec::new(), directories: Vec::new(), links: Vec::new() };
    for entry in root.read_dir(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })? {
        let entry = entry?;
        let path = directory.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            listing.directories.push(path);
        } else if kind.is_symlink() && root.metadata(&path).is_ok_and(|target| target.is_dir()) {
            listing.links.push(path);
        } else {
            listing.files.push(path);
        }
    }
    for part in [&mut listing.files, &mut listing.directories, &mut listing.links] {
        part.sort();
    }
    Ok(listing)
}

/// A path as diagnostics show it: with `/` on every system, and without the way back that `..` is.
pub(crate) fn shown(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                parts.pop();
            }
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    parts.join("/")
}
