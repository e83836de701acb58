//! The application directory, and nothing outside it; or files that are kept elsewhere, as if they were one.

use crate::source::BYTECODE;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A directory that reads cannot leave: not through `..`, not through absolute paths, not through symbolic links.
pub(crate) struct Tree {
    root: Root,
}

enum Root {
    Disk(Disk),
    Kept(BTreeMap<String, Vec<u8>>),
}

/// A directory on the disk, and where it lies.
struct Disk {
    root: Dir,
    place: PathBuf,
}

/// An application's files that lie in no directory. Paths are relative to the application root, with `/` between their parts.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// YAML and JSON files of entries.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// What they refer to by `file://`.
    pub sources: BTreeMap<String, Vec<u8>>,
}

/// What tells without reading it that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// What else changes when a file is replaced, or written and given back its old time.
    identity: [u64; 4],
}

/// Clocks of file systems tick every 4 ms to 2 s: of two changes within one tick, the second leaves the same time.
const COARSEST_TICK: Duration = Duration::from_secs(2);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().map(|time| time.into_std());
        Stamp { length: metadata.len(), modified, identity: identity(metadata) }
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file was last changed so long ago that the next change gets another stamp.
    pub(crate) fn is_settled(&self) -> bool {
        let age = self.modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        age.is_some_and(|age| age > COARSEST_TICK) && !self.was_touched_lately()
    }

    /// Whether it was replaced or given an old time just now.
    fn was_touched_lately(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.identity[2] != 0 && self.identity[2].saturating_add(COARSEST_TICK.as_secs()) >= now.as_secs()
    }
}

/// Device, number, and when anything about the file was last changed, in seconds and nanoseconds.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> [u64; 4] {
    use cap_std::fs::MetadataExt;
    [metadata.dev(), metadata.ino(), metadata.ctime().cast_unsigned(), metadata.ctime_nsec().cast_unsigned()]
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> [u64; 4] {
    [0; 4]
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
        let place = root.to_owned();
        Ok(Tree { root: Root::Disk(Disk { root: Dir::open_ambient_dir(root, ambient_authority())?, place }) })
    }

    /// Files by path, as if they lay in a directory.
    pub(crate) fn kept(files: BTreeMap<String, Vec<u8>>) -> Self {
        Tree { root: Root::Kept(files) }
    }

    /// What a file is told by.
    pub(crate) fn stamp(&self, path: &Path) -> Result<Stamp, ReadError> {
        match &self.root {
            Root::Disk(disk) => Ok(Stamp::of(&disk.root.metadata(path)?)),
            Root::Kept(files) => {
                Ok(Stamp { length: kept(files, path)?.len() as u64, modified: None, identity: [0; 4] })
            }
        }
    }

    /// Where a symbolic link to a file leads, seen from the root; `None` for what is no link.
    pub(crate) fn behind_link(&self, path: &Path) -> Option<PathBuf> {
        let Root::Disk(Disk { root, place }) = &self.root else { return None };
        if !root.symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
            return None;
        }
        let root = place.canonicalize().ok()?;
        let real = place.join(path).canonicalize().ok()?;
        real.strip_prefix(root).map(Path::to_owned).ok()
    }

    /// Reads a file of at most `max` bytes. No more than `max + 1` bytes are ever read from the disk.
    pub(crate) fn read_bytes(&self, path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = match &self.root {
            Root::Disk(disk) => disk.read(path, max)?,
            Root::Kept(files) => kept(files, path)?.to_vec(),
        };
        if bytes.len() as u64 > max {
            return Err(ReadError::TooLarge { size: bytes.len() as u64, max });
        }
        Ok(bytes)
    }

    /// Reads a text of at most `max` bytes; a byte order mark is dropped.
    pub(crate) fn read_text(&self, path: &Path, max: u64) -> Result<String, ReadError> {
        text(self.read_bytes(path, max)?, max)
    }

    /// Lists a directory, each part sorted by name.
    pub(crate) fn list(&self, directory: &Path) -> io::Result<Listing> {
        match &self.root {
            Root::Disk(disk) => disk.list(directory),
            Root::Kept(files) => {
                let paths = files.keys().map(PathBuf::from);
                let inside = paths.filter(|path| path.parent() == Some(directory));
                Ok(Listing { files: inside.collect(), directories: Vec::new(), links: Vec::new() })
            }
        }
    }
}

impl Disk {
    fn read(&self, path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
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
        Ok(bytes)
    }

    fn list(&self, directory: &Path) -> io::Result<Listing> {
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

/// A file among those that are kept.
fn kept<'a>(files: &'a BTreeMap<String, Vec<u8>>, path: &Path) -> Result<&'a [u8], ReadError> {
    let shown = shown(path);
    if path.is_absolute() || shown.split('/').next() == Some("..") {
        return Err(ReadError::Escapes);
    }
    files.get(&shown).map(Vec::as_slice).ok_or(ReadError::Missing)
}

/// The text in bytes, which are at most so many; a byte order mark is dropped.
pub(crate) fn text(bytes: Vec<u8>, max: u64) -> Result<String, ReadError> {
    if bytes.len() as u64 > max {
        return Err(ReadError::TooLarge { size: bytes.len() as u64, max });
    }
    if bytes.starts_with(BYTECODE) {
        return Err(ReadError::Bytecode);
    }
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let text = String::from_utf8(bytes)
        .map_err(|error| ReadError::NotUtf8 { offset: error.utf8_error().valid_up_to(), utf16 })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
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
