//! Why an application cannot be packed.

use perilune_pack::PackError;
use perilune_value::Failure;

/// Why an application cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackingError {
    /// `P101`: a pattern of entries to keep as bytecode that means none.
    #[error("{0}")]
    Pattern(String),
    /// `P102`: an entry that was made in memory.
    #[error("{0} was made by a program and stands in no file, so that there is nothing to pack")]
    NoFile(String),
    /// `P103`: a path that stands for two texts, since a symbolic link lies on the way.
    #[error(
        "`{0}` is read as two different texts, since a symbolic link lies on the way to it: name the file by one path"
    )]
    TwoTexts(String),
    /// `P104`: an entry of the application has the place of the one that packing adds.
    #[error("{0} is the name of the entry that packing adds for bytecode: rename the application's own")]
    Taken(String),
    /// `P105`: embedded files that cannot be read, or a source that is not compiled.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// `P106`: what was written is read back as something else.
    #[error("{0} would not be the same in the pack; nothing was written")]
    Unfaithful(String),
    /// `P107`: it was told to stop.
    #[error("packing was stopped")]
    Stopped,
    /// What the pack itself refuses.
    #[error(transparent)]
    Pack(#[from] PackError),
}

impl PackingError {
    /// A code that stays the same when the message does not: `P101`. Of a failure its kind.
    pub fn code(&self) -> &'static str {
        match self {
            PackingError::Pattern(_) => "P101",
            PackingError::NoFile(_) => "P102",
            PackingError::TwoTexts(_) => "P103",
            PackingError::Taken(_) => "P104",
            PackingError::Failed(_) => "P105",
            PackingError::Unfaithful(_) => "P106",
            PackingError::Stopped => "P107",
            PackingError::Pack(error) => error.code(),
        }
    }
}
