//! Everything that can be wrong with a pack.

use crate::header::FORMAT;
use std::io;
use std::path::PathBuf;

/// Why a pack is refused, or cannot be made.
///
/// Each message says what is wrong, where, and what to do; it does not name the pack itself, which the caller knows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// `P001`: something else.
    #[error("it is no pack: a file made by `perilune pack` begins with other bytes")]
    NotAPack,
    /// `P002`: made by a later version.
    #[error(
        "its format is version {found}, and this program reads version {FORMAT}: use a newer perilune, or pack the application again \
         with this one"
    )]
    Newer {
        /// The version that it says it has.
        found: u32,
    },
    /// `P003`: its end is missing.
    #[error("it is cut off: it has {have} bytes of {want}; copy it again")]
    Truncated {
        /// Bytes that are there.
        have: u64,
        /// Bytes that should be.
        want: u64,
    },
    /// `P004`: something follows its end.
    #[error("it goes on behind its end ({extra} B), and nothing vouches for that: copy it again")]
    Trailing {
        /// How many.
        extra: u64,
    },
    /// `P005`: a bit has changed.
    #[error("its bytes do not match their hash: it was damaged or changed, copy it again")]
    Damaged,
    /// `P006`: the header says what cannot be.
    #[error("its header is wrong: {0}; make the pack again")]
    Header(String),
    /// `P007`: more than is allowed.
    #[error(
        "{what} has {size} bytes, more than the {max} allowed: leave out files that the application does not need"
    )]
    TooLarge {
        /// Of what.
        what: String,
        /// Bytes that it has, or says it has.
        size: u64,
        /// Bytes that it may have.
        max: u64,
    },
    /// `P007`: a description, or its key, of more bytes than the format has room for.
    #[error("the description {} has {size} bytes, more than the {max} allowed: shorten it", quote(key))]
    Description {
        /// Which one.
        key: String,
        /// Bytes of its key or of its text, whichever is too long.
        size: u64,
        /// Bytes that it may have.
        max: u64,
    },
    /// `P007`: more files than are allowed.
    #[error("it would hold more than {max} files: leave out those that the application does not need")]
    TooMany {
        /// Files that it may hold.
        max: usize,
    },
    /// `P008`: the list of files is malformed.
    #[error("its index is wrong at byte {offset}: {reason}; make the pack again")]
    Index {
        /// Byte of the file.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// `P009`: a path that could lead elsewhere.
    #[error("the path {} {reason}: rename the file", quote(path))]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },
    /// `P010`: two files with the same name.
    #[error("{} is there twice: a pack holds each file once", quote(path))]
    Duplicate {
        /// The path.
        path: String,
    },
    /// `P011`: two names that some systems take for the same.
    #[error(
        "{} and {} differ in case only, which some systems take for the same file: rename one",
        quote(first),
        quote(second)
    )]
    CaseDouble {
        /// A path.
        first: String,
        /// The other.
        second: String,
    },
    /// `P012`: a name for two things.
    #[error("{} is a file, and a folder with {} in it: rename one", quote(file), quote(inside))]
    FileAndFolder {
        /// The file.
        file: String,
        /// The path below it.
        inside: String,
    },
    /// `P013`: a content is not what the index says.
    #[error("{}: {reason}; make the pack again", quote(path))]
    Content {
        /// The path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// `P014`: signed, but not by whom it says, or something else.
    #[error(
        "its signature does not fit: it was changed after it was signed, or the signature was; get it from its author again"
    )]
    Signature,
    /// `P015`: a signature is asked for, and there is none.
    #[error("it is not signed, and a signature is required: pack it with `--sign KEY`")]
    Unsigned,
    /// `P016`: signed by somebody else.
    #[error(
        "it is signed with {found}, which is none of the required keys: get it from its author, or require that key"
    )]
    Foreign {
        /// Whose signature it is.
        found: String,
    },
    /// `P017`: a text or file that should be a key.
    #[error("{what} is no key: {reason}")]
    Key {
        /// The text or file.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// `P018`: the system.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// `P019`: a file that would be lost.
    #[error("{} is there, and will not be replaced: choose another name, or remove it", quote(&.0.display().to_string()))]
    Occupied(PathBuf),
    /// `P020`: the system.
    #[error("it cannot be written: {0}")]
    Unwritten(io::Error),
}

impl PackError {
    /// A code that stays the same when the message does not: `P001`.
    pub fn code(&self) -> &'static str {
        match self {
            PackError::NotAPack => "P001",
            PackError::Newer { .. } => "P002",
            PackError::Truncated { .. } => "P003",
            PackError::Trailing { .. } => "P004",
            PackError::Damaged => "P005",
            PackError::Header(_) => "P006",
            PackError::TooLarge { .. } | PackError::Description { .. } | PackError::TooMany { .. } => "P007",
            PackError::Index { .. } => "P008",
            PackError::Path { .. } => "P009",
            PackError::Duplicate { .. } => "P010",
            PackError::CaseDouble { .. } => "P011",
            PackError::FileAndFolder { .. } => "P012",
            PackError::Content { .. } => "P013",
            PackError::Signature => "P014",
            PackError::Unsigned => "P015",
            PackError::Foreign { .. } => "P016",
            PackError::Key { .. } => "P017",
            PackError::Io(_) => "P018",
            PackError::Occupied(_) => "P019",
            PackError::Unwritten(_) => "P020",
        }
    }
}

/// Characters of a foreign text that a message shows.
const SHOWN: usize = 120;

/// A text that nobody vouches for, as messages show it: between backticks, on one line, not too long.
pub fn quote(text: &str) -> String {
    let mut shown = String::from("`");
    for (position, character) in text.chars().enumerate() {
        if position == SHOWN {
            shown.push('…');
            break;
        }
        match character {
            '\\' | '`' => shown.push(character),
            other if other.is_control() || is_invisible(other) => shown.extend(other.escape_unicode()),
            other => shown.push(other),
        }
    }
    shown.push('`');
    shown
}

/// Marks that turn the direction of text round or take no room.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
