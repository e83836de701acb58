//! The options of a middleware, as texts.

use super::MiddlewareKind;
use perilune_registry::{EntryId, parse_duration};
use perilune_value::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// One option of a middleware.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// What follows the middleware's name and a dot.
    pub name: &'static str,
    /// What an absent option means; empty where it is required or means nothing.
    pub default: &'static str,
    /// One line for help and documentation.
    pub doc: &'static str,
    /// The kinds of entries that it names one of; none where it names no entry. Such a one is checked like a field: whether the
    /// entry exists, whatever changes, and whether it fits.
    pub entry: &'static [&'static str],
}

/// A base for `..`.
pub const OPTION: OptionSpec = OptionSpec { name: "", default: "", doc: "", entry: &[] };

/// An option that is missing or wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{option}`: {message}")]
pub struct OptionError {
    /// Its name, without the middleware's.
    pub option: String,
    /// What is wrong.
    pub message: String,
}

impl OptionError {
    /// An option with what is wrong with it.
    pub fn new(option: &str, message: impl Into<String>) -> Self {
        OptionError { option: option.to_owned(), message: message.into() }
    }
}

/// The options that an entry gives to one middleware. Numbers and booleans were made texts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    values: BTreeMap<String, String>,
    namespace: String,
}

impl Options {
    /// Options made by hand.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Options { values, namespace: String::new() }
    }

    /// Those of a kind among the options of an entry.
    pub(super) fn of(kind: &MiddlewareKind, all: Option<&Value>, namespace: &str) -> Self {
        let mut values = BTreeMap::new();
        if let Some(Value::Map(all)) = all {
            for (key, value) in all {
                let name = key.as_str().and_then(|key| key.strip_prefix(kind.prefix)?.strip_prefix('.'));
                if let Some(name) = name {
                    values.insert(name.to_owned(), text(value));
                }
            }
        }
        Options { values, namespace: namespace.to_owned() }
    }

    pub(super) fn has_placeholder(&self) -> bool {
        self.values.values().any(|value| value.contains("${"))
    }

    /// A text, unless it is absent or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The items between commas.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        let items = self.text(name)?.split(',').map(str::trim);
        Some(items.filter(|item| !item.is_empty()).collect())
    }

    /// `true` or `false`; false when absent.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn bool(&self, name: &str) -> Result<bool, OptionError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(OptionError::new(name, format!("`{other}` is neither `true` nor `false`"))),
        }
    }

    /// A whole number within bounds, both included.
    ///
    /// # Errors
    ///
    /// When it is none, or out of bounds.
    pub fn number(&self, name: &str, default: u64, bounds: (u64, u64)) -> Result<u64, OptionError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let (least, most) = bounds;
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(OptionError::new(name, format!("`{text}` is no integer from {least} to {most}"))),
        }
    }

    /// A duration above zero, a day at most.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn duration(&self, name: &str, default: Duration) -> Result<Duration, OptionError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let Some(text) = self.text(name) else { return Ok(default) };
        match parse_duration(text) {
            Some(duration) if !duration.is_zero() && duration <= DAY => Ok(duration),
            _ => Err(OptionError::new(
                name,
                format!("`{text}` is no duration such as `30s`, `500ms` or `1m30s`, a day at most"),
            )),
        }
    }

    /// The id of an entry; `name` stands for one of the same namespace as the entry that has the options.
    ///
    /// # Errors
    ///
    /// When it is missing or no id.
    pub fn entry(&self, name: &str) -> Result<EntryId, OptionError> {
        let text = self.text(name).ok_or_else(|| OptionError::new(name, "it is missing"))?;
        EntryId::relative(text, &self.namespace)
            .map_err(|error| OptionError::new(name, format!("`{text}` is no entry id: {error}")))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}
