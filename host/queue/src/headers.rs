//! Headers of messages.

use perilune_registry::quote;
use perilune_value::{Failure, Value};

/// Names with texts, numbers or booleans that go with a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Vec<(String, Value)>);

impl Headers {
    /// Headers are small facts; what is large belongs into the body.
    const MOST: usize = 64;
    const MOST_NAME: usize = 255;
    const MOST_BYTES: usize = 16 << 10;

    /// Reads the headers that a publisher gives: a map, or nothing.
    ///
    /// # Errors
    ///
    /// `Invalid` for anything else, for more than 64 headers or 16 KiB, and for the names that queues themselves use: `attempts`
    /// and whatever begins with `x_`.
    pub fn new(value: Value) -> Result<Self, Failure> {
        let fields = match value {
            Value::Nil => Vec::new(),
            Value::Map(fields) => fields,
            Value::Array(items) if items.is_empty() => Vec::new(),
            other => {
                let message = format!("headers are a table of names, not a {}", other.type_name());
                return Err(Failure::invalid(message));
            }
        };
        if fields.len() > Self::MOST {
            let message = format!("{} headers; a message has at most {}", fields.len(), Self::MOST);
            return Err(Failure::invalid(message));
        }
        let headers = Headers(fields.into_iter().map(header).collect::<Result<_, _>>()?);
        match headers.size() > Self::MOST_BYTES {
            true => Err(Failure::invalid(format!(
                "headers of {} bytes; they may take {}: put large data into the body",
                headers.size(),
                Self::MOST_BYTES
            ))),
            false => Ok(headers),
        }
    }

    /// The value of a header.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Sets one that queues themselves use.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Bytes that they take, roughly.
    pub(crate) fn size(&self) -> usize {
        let of_value = |value: &Value| match value {
            Value::String(bytes) => bytes.len(),
            _ => 8,
        };
        self.0.iter().map(|(name, value)| name.len() + of_value(value)).sum()
    }
}

fn header((name, value): (Value, Value)) -> Result<(String, Value), Failure> {
    let Some(name) = name.as_str().filter(|name| !name.is_empty() && name.len() <= Headers::MOST_NAME) else {
        return Err(Failure::invalid("the name of a header is a text of 1 to 255 bytes"));
    };
    if name == "attempts" || name.starts_with("x_") {
        let message =
            format!("header {}: `attempts` and names that begin with `x_` are set by queues", quote(name));
        return Err(Failure::invalid(message));
    }
    match value {
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => {
            Ok((name.to_owned(), value))
        }
        other => Err(Failure::invalid(format!(
            "header {} is a {}; headers are strings, numbers or booleans",
            quote(name),
            other.type_name()
        ))),
    }
}
