//! The application directory, and nothing outside it.

use crate::source::BYTECODE;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// A directory that reads cannot leave: not through `..`, not through absolute paths, not through symbolic links.
pub(crate) struct Tree {
    root: Dir,
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

impl Tree {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Ok(Tree { root: Dir::open_ambient_dir(root, ambient_authority())? })
    }

    /// Reads a file of at most `max` bytes. No more than `max + 1` bytes are ever read.
    pub(crate) fn read_bytes(&self, path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
        // Opening a pipe would wait for its writer, so the type is asked for first.
        let metadata = self.root.metadata(path)?;
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
        self.root.open(path)?.take(max + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max {
            return Err(ReadError::TooLarge { size: bytes.len() as u64, max });
        }
        Ok(bytes)
    }

    /// Reads a text as [`Tree::read_bytes`] does; a byte order mark is dropped.
    pub(crate) fn read_text(&self, path: &Path, max: u64) -> Result<String, ReadError> {
        let bytes = self.read_bytes(path, max)?;
        if bytes.starts_with(BYTECODE) {
            return Err(ReadError::Bytecode);
        }
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let text = String::from_utf8(bytes)
            .map_err(|error| ReadError::NotUtf8 { offset: error.utf8_error().valid_up_to(), utf16 })?;
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    /// Lists a directory, each part sorted by name.
    pub(crate) fn list(&self, directory: &Path) -> io::Result<Listing> {
        let mut listing = Listing { files: Vec::new(), directories: Vec::new(), links: Vec::new() };
        for entry in
            self.root.read_dir(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?
        {
            let entry = entry?;
            let path = directory.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                listing.directories.push(path);
            } else if kind.is_symlink() && self.root.metadata(&path).is_ok_and(|target| target.is_dir()) {
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
