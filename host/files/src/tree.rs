//! What each operation does, on a capability for the directory. These functions block.

use crate::metadata::{FileType, Item, Metadata};
use crate::{Mode, Reason, VirtualPath};
use cap_std::fs::{Dir, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read what is there.
    Read,
    /// To write from the start; what was there is gone.
    Write,
    /// To write a file that must not exist yet.
    Create,
    /// To write behind what is there.
    Append,
}

impl Access {
    /// Whether it only reads.
    pub fn reads(self) -> bool {
        self == Access::Read
    }
}

/// Opens a regular file, and nothing that is none.
///
/// # Errors
///
/// As the system says; `Special` and `Directory` for what is no regular file.
pub fn open(dir: &Dir, path: &VirtualPath, access: Access, mode: Mode) -> Result<cap_std::fs::File, Reason> {
    // What exists is never opened to be created.
    if access != Access::Create {
        match dir.metadata(path.as_path()) {
            Ok(found) => regular(&found)?,
            Err(error) if error.kind() == ErrorKind::NotFound && !access.reads() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut options = OpenOptions::new();
    match access {
        Access::Read => options.read(true),
        Access::Write => options.write(true).create(true).truncate(true),
        Access::Create => options.write(true).create_new(true),
        Access::Append => options.append(true).create(true),
    };
    restrict(&mut options, mode);
    let file = dir.open_with(path.as_path(), &options)?;
    // Something else may have taken its place in between.
    regular(&file.metadata()?)?;
    Ok(file)
}

fn regular(metadata: &cap_std::fs::Metadata) -> Result<(), Reason> {
    match metadata.file_type() {
        found if found.is_file() => Ok(()),
        found if found.is_dir() => Err(Reason::Directory),
        _ => Err(Reason::Special),
    }
}

/// A pipe that takes a file's place at the last moment is opened without waiting for its other end.
#[cfg(unix)]
fn restrict(options: &mut OpenOptions, mode: Mode) {
    use cap_std::fs::OpenOptionsExt;
    options.mode(mode.file()).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
}

#[cfg(not(unix))]
fn restrict(_: &mut OpenOptions, _: Mode) {}

/// What is known of a file or directory. Links are followed.
///
/// # Errors
///
/// As the system says.
pub fn metadata(dir: &Dir, path: &VirtualPath) -> Result<Metadata, Reason> {
    let name = if path.is_root() { "/" } else { path.name() };
    Ok(Metadata::of_path(name, &dir.metadata(path.as_path())?))
}

/// What lies in a directory, sorted by name.
///
/// # Errors
///
/// As the system says; `TooMuch` when it is more than `most`.
pub fn list(dir: &Dir, path: &VirtualPath, most: usize) -> Result<Vec<Item>, Reason> {
    let below = dir.open_dir(path.as_path())?;
    let mut items = Vec::new();
    for entry in below.entries()? {
        let entry = entry?;
        if items.len() == most {
            return Err(Reason::TooMuch(format!("it holds more than {most} files")));
        }
        let name = entry.file_name();
        let file_type = match entry.file_type()? {
            // Links are followed as they would be by opening them: from the directory of the entry.
            found if found.is_symlink() => behind_link(dir, &path.as_path().join(&name)),
            found if found.is_file() => FileType::File,
            found if found.is_dir() => FileType::Directory,
            _ => FileType::Other,
        };
        items.push(Item { name: name.to_string_lossy().into_owned(), file_type });
    }
    items.sort();
    Ok(items)
}

fn behind_link(dir: &Dir, path: &Path) -> FileType {
    dir.metadata(path).map_or(FileType::Link, |found| Metadata::of_path("", &found).file_type)
}

/// Makes one directory.
///
/// # Errors
///
/// As the system says.
pub fn create_directory(dir: &Dir, path: &VirtualPath, mode: Mode) -> Result<(), Reason> {
    if path.is_root() {
        return Err(Reason::System(ErrorKind::AlreadyExists.into()));
    }
    Ok(dir.create_dir_with(path.as_path(), &builder(mode))?)
}

pub(crate) fn builder(mode: Mode) -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use cap_std::fs::DirBuilderExt;
        builder.mode(mode.directory());
    }
    let _ = mode;
    builder
}

/// Removes a file, a link or an empty directory.
///
/// # Errors
///
/// As the system says; `Root` for the directory itself.
pub fn remove(dir: &Dir, path: &VirtualPath) -> Result<(), Reason> {
    if path.is_root() {
        return Err(Reason::Root);
    }
    let removed = match dir.symlink_metadata(path.as_path())?.is_dir() {
        true => dir.remove_dir(path.as_path()),
        false => dir.remove_file(path.as_path()),
    };
    Ok(removed?)
}

/// Reads a small file whole.
///
/// # Errors
///
/// As [`open`]; `TooMuch` when it has more than `most` bytes.
pub fn read(dir: &Dir, path: &VirtualPath, most: usize) -> Result<Vec<u8>, Reason> {
    let file = open(dir, path, Access::Read, Mode::default())?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(Reason::TooMuch(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Writes a file whole: readers see what was there or all of this, and so does the disk after a power failure.
///
/// # Errors
///
/// As the system says. What was there stays.
pub fn replace(dir: &Dir, path: &VirtualPath, bytes: &[u8], permissions: u32) -> Result<(), Reason> {
    match dir.metadata(path.as_path()) {
        Ok(found) => regular(&found)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let beside = path.as_path().with_file_name(format!(".{}.new", path.name()));
    // Left behind by a host that was ended in the middle; whoever writes this file takes turns.
    match dir.remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let written =
        write_new(dir, &beside, bytes, permissions).and_then(|()| dir.rename(&beside, dir, path.as_path()));
    if written.is_err() {
        // The first error is the one that counts.
        let _ = dir.remove_file(&beside);
    }
    Ok(written?)
}

fn write_new(dir: &Dir, path: &Path, bytes: &[u8], permissions: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        options.mode(permissions);
    }
    let _ = permissions;
    let mut file = dir.open_with(path, &options)?;
    file.write_all(bytes)?;
    file.sync_all()
}
