//! Names of entries.

use std::fmt;
use std::str::FromStr;

/// The name of an entry: `namespace:name`.
///
/// The namespace is one level; dots in it are just characters. Ordered by namespace, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    namespace: Box<str>,
    name: Box<str>,
}

/// Why a text is no [`EntryId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// There is no `:`.
    #[error("an id is written `namespace:name`")]
    NoColon,
    /// One half is empty.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// One half is longer than [`EntryId::MAX_PART`].
    #[error("the {0} is longer than {max} bytes", max = EntryId::MAX_PART)]
    TooLong(&'static str),
    /// One half holds a character that has no place in a name.
    #[error("the {0} holds {1:?}; spaces and control characters are not allowed")]
    Character(&'static str, char),
    /// The namespace holds a `:`, which would move into the name when the id is read again.
    #[error("a namespace cannot hold `:`")]
    ColonInNamespace,
}

impl EntryId {
    /// Bytes in a namespace and in a name; ids travel through logs, messages and error texts.
    pub const MAX_PART: usize = 255;

    /// The id of `name` in `namespace`.
    ///
    /// # Errors
    /// [`IdError`] for an empty or overlong half, for white space and control characters, and for `:` in the namespace.
    pub fn new(namespace: &str, name: &str) -> Result<Self, IdError> {
        check_part("namespace", namespace)?;
        check_part("name", name)?;
        if namespace.contains(':') {
            return Err(IdError::ColonInNamespace);
        }
        Ok(EntryId { namespace: namespace.into(), name: name.into() })
    }

    /// Reads `namespace:name`, splitting at the first `:`.
    ///
    /// # Errors
    /// [`IdError::NoColon`], or what [`EntryId::new`] refuses.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (namespace, name) = text.split_once(':').ok_or(IdError::NoColon)?;
        Self::new(namespace, name)
    }

    /// Reads `namespace:name`, or `name` alone for an entry of a namespace.
    ///
    /// # Errors
    /// What [`EntryId::new`] refuses.
    pub fn relative(text: &str, namespace: &str) -> Result<Self, IdError> {
        match text.split_once(':') {
            Some((namespace, name)) => Self::new(namespace, name),
            None => Self::new(namespace, text),
        }
    }

    /// Splits a text at its first `:` without judging the halves; without one, all of it is the name.
    pub fn split(text: &str) -> (&str, &str) {
        text.split_once(':').unwrap_or(("", text))
    }

    /// The part before the `:`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The part after the `:`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn check_part(what: &'static str, part: &str) -> Result<(), IdError> {
    if part.is_empty() {
        return Err(IdError::Empty(what));
    }
    if part.len() > EntryId::MAX_PART {
        return Err(IdError::TooLong(what));
    }
    match part.chars().find(|c| c.is_whitespace() || c.is_control()) {
        Some(c) => Err(IdError::Character(what, c)),
        None => Ok(()),
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.name)
    }
}

impl FromStr for EntryId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}
