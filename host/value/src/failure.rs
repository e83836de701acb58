//! What goes wrong, as data that Lua and Rust share.

use crate::Value;
use std::fmt;

/// The stable classification of a [`Failure`]; Lua sees it as `err:kind()`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// No classification was given. Its text is the empty string.
    #[default]
    Unknown,
    /// What was asked for does not exist.
    NotFound,
    /// What was to be created exists.
    AlreadyExists,
    /// The request itself is wrong; repeating it cannot help.
    Invalid,
    /// The caller lacks the grant or the permission.
    PermissionDenied,
    /// Something needed is not there at the moment.
    Unavailable,
    /// A defect: an uncaught Lua error, a trap, a broken invariant.
    Internal,
    /// The caller gave up, or was stopped.
    Canceled,
    /// The state changed under the request.
    Conflict,
    /// A time or CPU limit was reached.
    Timeout,
    /// A quota was used up.
    RateLimited,
    /// A kind that the application made up itself.
    Other(String),
}

impl Kind {
    /// Every named kind with its text, [`Kind::Other`] excepted.
    const NAMES: [(Kind, &'static str); 11] = [
        (Kind::Unknown, ""),
        (Kind::NotFound, "NotFound"),
        (Kind::AlreadyExists, "AlreadyExists"),
        (Kind::Invalid, "Invalid"),
        (Kind::PermissionDenied, "PermissionDenied"),
        (Kind::Unavailable, "Unavailable"),
        (Kind::Internal, "Internal"),
        (Kind::Canceled, "Canceled"),
        (Kind::Conflict, "Conflict"),
        (Kind::Timeout, "Timeout"),
        (Kind::RateLimited, "RateLimited"),
    ];

    /// The text that Lua and the wire use; empty for [`Kind::Unknown`].
    pub fn as_str(&self) -> &str {
        match self {
            Kind::Other(name) => name,
            known => Self::NAMES.iter().find(|(kind, _)| kind == known).map_or("", |(_, name)| name),
        }
    }
}

impl From<&str> for Kind {
    fn from(text: &str) -> Self {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map_or_else(|| Kind::Other(text.to_owned()), |(kind, _)| kind.clone())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error as data: what a call returns instead of a result.
///
/// Lua sees it as an error object with `kind()`, `message()`, `retryable()`, `details()` and `stack()`.
#[derive(Clone, Debug, Default, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Classification.
    pub kind: Kind,
    /// For people; never parsed.
    pub message: String,
    /// Whether repeating the call may succeed; `None` where nobody said.
    pub retryable: Option<bool>,
    /// A map of further facts.
    pub details: Option<Value>,
    /// The Lua stack where it was raised, one frame a line.
    pub stack: Option<String>,
}

impl Failure {
    /// A failure that is not retryable and has no details.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), retryable: Some(false), ..Failure::default() }
    }

    /// [`Failure::new`] with [`Kind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// [`Failure::new`] with [`Kind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// [`Failure::new`] with [`Kind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Sets one detail, keeping the others.
    #[must_use]
    pub fn with_detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        let mut fields = match self.details.take() {
            Some(Value::Map(fields)) => fields,
            _ => Vec::new(),
        };
        fields.retain(|(existing, _)| existing.as_str() != Some(key));
        fields.push((Value::from(key), value.into()));
        self.details = Some(Value::Map(fields));
        self
    }

    /// Sets whether repeating the call may succeed.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.retryable = Some(retryable);
        self
    }
}
