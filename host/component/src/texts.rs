//! What crosses the interfaces of `perilune:component` as text: values as JSON, failures too.

use crate::state::State;
use crate::values::failure_to_json;
use perilune_value::{Failure, Kind, Value, json};

/// An answer whose failure is JSON.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, String>>;

pub(crate) fn answer<T>(outcome: Result<T, Failure>) -> Answer<T> {
    Ok(outcome.map_err(|failure| failure_to_json(&failure)))
}

impl State {
    /// JSON, an array of values, as MessagePack.
    pub(crate) fn values(&self, text: &str) -> Result<Vec<u8>, Failure> {
        match decode(text.as_bytes(), self.most_memory()) {
            Ok(values @ Value::Array(_)) => Ok(values.to_msgpack()),
            Ok(Value::Map(pairs)) if pairs.is_empty() && text.trim_start().starts_with('[') => {
                Ok(Value::Array(Vec::new()).to_msgpack())
            }
            Ok(_) => Err(Failure::invalid("values are passed as a JSON array, even a single one")),
            Err(failure) if failure.kind == Kind::RateLimited => Err(failure),
            Err(failure) => Err(Failure::invalid(failure.message)),
        }
    }
}

/// JSON as a value for which the instance itself would have room: a text of two bytes can be a value of many.
///
/// # Errors
///
/// `RateLimited` where it takes more than `most` bytes, as [`json::decode`] where it is no JSON.
pub(crate) fn decode(text: &[u8], most: u64) -> Result<Value, Failure> {
    let bytes = count(text).saturating_mul(size_of::<Value>());
    if bytes as u64 > most {
        let message = "JSON of so many values exceeds `limits.memory`";
        return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "memory"));
    }
    json::decode(text)
}

/// How many values a JSON text has at most; keys are values, too.
fn count(text: &[u8]) -> usize {
    let (mut count, mut is_quoted, mut is_escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_quoted,
            b'"' => is_quoted = !is_quoted,
            b',' | b':' | b'[' | b'{' if !is_quoted => count += 1,
            _ => {}
        }
    }
    count
}
