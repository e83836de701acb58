//! Patterns of names.

use perilune_value::Failure;

/// A name, or with `*` at its end all names that begin with what stands before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is empty, too long, or has a `*` elsewhere; `what` names it.
    pub fn new(text: &str, what: &str) -> Result<Self, Failure> {
        crate::events::name(text, what)?;
        let stem = text.strip_suffix('*').unwrap_or(text);
        if stem.contains('*') {
            let message =
                format!("the {what} `{text}` has a `*` before its end; only the last character may be one");
            return Err(Failure::invalid(message));
        }
        Ok(Pattern(text.to_owned()))
    }

    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(stem) => name.starts_with(stem),
            None => name == self.0,
        }
    }

    /// Whether it stands for several names.
    pub fn is_open(&self) -> bool {
        self.0.ends_with('*')
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
