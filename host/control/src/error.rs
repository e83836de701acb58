//! What goes wrong between an application and its operator.

use crate::protocol::Refusal;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no socket, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens.
    #[error("no `perilune run` of {} answers", .0.display())]
    NotRunning(PathBuf),
    /// Somebody listens already.
    #[error("another `perilune run` of {} answers already", .0.display())]
    AlreadyRunning(PathBuf),
    /// The folder of the socket is not the user's alone.
    #[error("{} is no safe place for a control socket: {reason}", .folder.display())]
    Unsafe {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },
    /// Somebody listens and says nothing.
    #[error("the `perilune run` of {} does not answer", .0.display())]
    Silent(PathBuf),
    /// What came is no reply.
    #[error("the answer of `perilune run` cannot be read: {0}")]
    Malformed(String),
    /// The application says no.
    #[error("{message}")]
    Refused {
        /// A stable word such as `NotFound`.
        code: String,
        /// For people.
        message: String,
    },
    /// The system says no.
    #[error("{}: {error}", .path.display())]
    Io {
        /// What it is about.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// This system has no such sockets.
    #[error("this system has no control sockets")]
    Unsupported,
}

impl ControlError {
    /// A stable word for it.
    pub fn code(&self) -> &str {
        match self {
            ControlError::NotRunning(_) => "NotRunning",
            ControlError::AlreadyRunning(_) => "AlreadyRunning",
            ControlError::Unsafe { .. } => "Unsafe",
            ControlError::Silent(_) => "Silent",
            ControlError::Malformed(_) => "Malformed",
            ControlError::Refused { code, .. } => code,
            ControlError::Io { .. } => "Io",
            ControlError::Unsupported => "Unsupported",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| ControlError::Io { path, error }
    }
}

impl From<Refusal> for ControlError {
    fn from(Refusal { code, message }: Refusal) -> Self {
        ControlError::Refused { code, message }
    }
}
