//! Paths as entries write them: `/` is the directory itself.

use perilune_registry::quote;
use perilune_value::Failure;
use std::fmt;
use std::path::Path;

/// Longer paths are refused before a system sees them: PATH_MAX of Linux.
const MOST_BYTES: usize = 4096;
/// NAME_MAX of every common file system.
const MOST_NAME_BYTES: usize = 255;

/// A path inside of a directory, without `.`, `..` and empty parts. Whether anything is there is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualPath {
    /// Parts separated by `/`; empty for the directory itself.
    parts: String,
}

impl VirtualPath {
    /// A path that begins at the directory, with or without a leading `/`.
    ///
    /// # Errors
    ///
    /// `Invalid` for an empty path, for one with a NUL byte, for one that is too long, and where `..` leads out.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        Self::parse_from("/", text)
    }

    /// As [`VirtualPath::parse`], from a current directory where the path does not begin with `/`. `..` undoes the part before
    /// it, also where that is a symbolic link.
    ///
    /// # Errors
    ///
    /// As [`VirtualPath::parse`].
    pub fn parse_from(current: &str, text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(Failure::invalid("the path is empty; `/` is the directory itself"));
        }
        let current = if text.starts_with('/') { "" } else { current };
        if current.len() + text.len() > MOST_BYTES {
            let message = format!("the path {} is longer than {MOST_BYTES} bytes", quote(text));
            return Err(Failure::invalid(message));
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in current.split('/').chain(text.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return Err(Failure::invalid(format!("{} leads out of the directory", quote(text))));
                    }
                }
                name if name.contains('\0') => {
                    return Err(Failure::invalid(format!("the path {} has a NUL byte", quote(text))));
                }
                name if name.len() > MOST_NAME_BYTES => {
                    let message = format!("a name in {} is longer than {MOST_NAME_BYTES} bytes", quote(text));
                    return Err(Failure::invalid(message));
                }
                name => parts.push(name),
            }
        }
        Ok(VirtualPath { parts: parts.join("/") })
    }

    /// The last part; empty for the directory itself.
    pub fn name(&self) -> &str {
        self.parts.rsplit('/').next().unwrap_or_default()
    }

    /// Its parts with `/` between them; empty for the directory itself.
    pub(crate) fn as_text(&self) -> &str {
        &self.parts
    }

    /// Whether it is the directory itself.
    pub fn is_root(&self) -> bool {
        self.parts.is_empty()
    }

    /// What it is called for a capability of the directory.
    pub fn as_path(&self) -> &Path {
        Path::new(if self.parts.is_empty() { "." } else { &self.parts })
    }
}

impl fmt::Display for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.parts)
    }
}
