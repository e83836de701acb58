//! Why something did not work.

use perilune_value::{Failure, Kind};
use std::fmt::Display;
use std::io::{self, ErrorKind};

/// Why an operation on a file did not work. It names no path of the machine.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// A directory where a file is needed.
    #[error("it is a directory")]
    Directory,
    /// A file where a directory is needed.
    #[error("it is no directory")]
    NotDirectory,
    /// A pipe, a socket, a device: opening it could wait for ever or act on the machine.
    #[error("it is no regular file")]
    Special,
    /// The directory itself, which stays.
    #[error("the directory itself cannot be removed")]
    Root,
    /// The entry's `mode`.
    #[error("the `mode` of the directory does not let entries {0}")]
    Masked(&'static str),
    /// Files that are part of the application.
    #[error("embedded files are read, and never written: use an `fs.directory` for files that change")]
    Embedded,
    /// More than is allowed of something.
    #[error("{0}")]
    TooMuch(String),
    /// A limit of the entry.
    #[error("{message}")]
    Exceeded {
        /// Which.
        limit: &'static str,
        /// How.
        message: String,
    },
    /// What the system says.
    #[error("{}", describe(.0))]
    System(io::Error),
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::IsADirectory => Reason::Directory,
            ErrorKind::NotADirectory => Reason::NotDirectory,
            _ => Reason::System(error),
        }
    }
}

impl Reason {
    /// Whether a path leads out of the directory that it was to stay in.
    pub fn is_escape(&self) -> bool {
        matches!(self, Reason::System(error) if is_escape(error))
    }

    /// Whether nothing is there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Reason::System(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The class of failure that it is.
    pub fn kind(&self) -> Kind {
        match self {
            Reason::Directory | Reason::NotDirectory | Reason::Special | Reason::Root => Kind::Invalid,
            Reason::Masked(_) | Reason::Embedded => Kind::PermissionDenied,
            Reason::TooMuch(_) | Reason::Exceeded { .. } => Kind::RateLimited,
            Reason::System(error) => match error.kind() {
                ErrorKind::NotFound => Kind::NotFound,
                ErrorKind::AlreadyExists => Kind::AlreadyExists,
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Kind::PermissionDenied,
                ErrorKind::InvalidInput
                | ErrorKind::InvalidFilename
                | ErrorKind::DirectoryNotEmpty
                | ErrorKind::FileTooLarge
                | ErrorKind::Unsupported => Kind::Invalid,
                ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::ResourceBusy
                | ErrorKind::TimedOut
                | ErrorKind::OutOfMemory
                | ErrorKind::StaleNetworkFileHandle => Kind::Unavailable,
                _ => by_number(error),
            },
        }
    }

    /// The failure of what was done to `what`.
    pub fn of(&self, what: impl Display) -> Failure {
        let kind = self.kind();
        let retryable = kind == Kind::Unavailable;
        let failure = Failure::new(kind, format!("{what}: {self}")).with_retryable(retryable);
        match self {
            Reason::Exceeded { limit, .. } => failure.with_detail("limit", *limit),
            _ => failure,
        }
    }
}

/// What the system denies has a number; a path that leads out, which cap-std refuses, has none.
fn is_escape(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

/// Errors that std does not name.
fn by_number(error: &io::Error) -> Kind {
    #[cfg(unix)]
    match error.raw_os_error() {
        Some(libc::ELOOP | libc::ENXIO | libc::EOVERFLOW) => return Kind::Invalid,
        Some(libc::EMFILE | libc::ENFILE | libc::EIO) => return Kind::Unavailable,
        _ => {}
    }
    let _ = error;
    Kind::Internal
}

fn describe(error: &io::Error) -> String {
    if is_escape(error) {
        return "it leads out of the directory".to_owned();
    }
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        ErrorKind::AlreadyExists => "it exists already".to_owned(),
        ErrorKind::PermissionDenied => "the system does not permit it".to_owned(),
        ErrorKind::DirectoryNotEmpty => "the directory is not empty".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}
