//! Which keys a command line asks for.

use crate::{Group, Key};

/// Parts of names of keys; without any, all are meant.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    parts: Vec<String>,
}

/// A part that no key's name has.
#[derive(Debug, thiserror::Error)]
#[error("no key has `{part}` in its name; the keys are:\n  {}", .keys.join("\n  "))]
pub struct UnknownKey {
    part: String,
    keys: Vec<&'static str>,
}

impl Selection {
    /// Checks that each part means something.
    ///
    /// # Errors
    ///
    /// [`UnknownKey`], which lists all keys.
    pub fn new(parts: Vec<String>, groups: &[Group]) -> Result<Self, UnknownKey> {
        let keys = || groups.iter().flat_map(|group| group.keys.iter().map(|key| key.name));
        match parts.iter().find(|part| !keys().any(|name| name.contains(part.as_str()))) {
            Some(part) => Err(UnknownKey { part: part.clone(), keys: keys().collect() }),
            None => Ok(Selection { parts }),
        }
    }

    /// Whether the key is asked for.
    pub fn has(&self, key: &Key) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| key.name.contains(part.as_str()))
    }
}
