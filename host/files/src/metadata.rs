//! What is known of a file or directory.

use std::time::{SystemTime, UNIX_EPOCH};

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link that leads to nothing inside of the directory.
    Link,
    /// A pipe, a socket, a device.
    Other,
}

/// What is known of a file or directory; a symbolic link was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The last part of its path; `/` for the directory itself.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// When its content last changed; the epoch where the system does not say.
    pub modified: SystemTime,
    /// What it is.
    pub file_type: FileType,
    /// SHA-256 of its content, where that is known without reading it: then `modified` says nothing.
    pub hash: Option<[u8; 32]>,
}

impl Metadata {
    /// `modified` in seconds since the epoch, below zero before it.
    pub fn modified_seconds(&self) -> i64 {
        let seconds = |of: std::time::Duration| i64::try_from(of.as_secs()).unwrap_or(i64::MAX);
        match self.modified.duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => -seconds(before.duration()),
        }
    }

    pub(crate) fn of_path(name: &str, metadata: &cap_std::fs::Metadata) -> Self {
        let file_type = match metadata.file_type() {
            found if found.is_file() => FileType::File,
            found if found.is_dir() => FileType::Directory,
            found if found.is_symlink() => FileType::Link,
            _ => FileType::Other,
        };
        Metadata {
            name: name.to_owned(),
            size: metadata.len(),
            mode: bits(metadata),
            modified: metadata.modified().map_or(UNIX_EPOCH, cap_std::time::SystemTime::into_std),
            file_type,
            hash: None,
        }
    }
}

#[cfg(unix)]
fn bits(metadata: &cap_std::fs::Metadata) -> u32 {
    use cap_std::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn bits(metadata: &cap_std::fs::Metadata) -> u32 {
    match (metadata.is_dir(), metadata.permissions().readonly()) {
        (true, true) => 0o555,
        (true, false) => 0o755,
        (false, true) => 0o444,
        (false, false) => 0o644,
    }
}

/// One thing in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its name; what is not UTF-8 in it is shown as `�`, and then it cannot be opened by that name.
    pub name: String,
    /// What it is, links followed.
    pub file_type: FileType,
}
