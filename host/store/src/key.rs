//! Keys.

use perilune_registry::EntryId;
use perilune_value::Failure;
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The name of a value in a store: a text such as `user:17`. Cheap to clone; ordered by its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Bytes of a key: those of the longest entry id, which every database can have as a primary key.
    pub const MAX: usize = 2 * EntryId::MAX_PART + 1;

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is empty, too long, not UTF-8, or holds control characters, which not every database can keep.
    pub fn new(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Err(Failure::invalid("the key is empty"));
        }
        Ok(Key(text(bytes, "key")?.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key or a part of one.
pub(crate) fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, Failure> {
    if bytes.len() > Key::MAX {
        return Err(Failure::invalid(format!(
            "the {what} has {} bytes; keys have at most {}",
            bytes.len(),
            Key::MAX
        )));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Failure::invalid(format!("the {what} is not valid UTF-8")))?;
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(Failure::invalid(format!("the {what} holds {c:?}; keys hold no control characters"))),
        None => Ok(text),
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
