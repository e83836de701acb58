//! What crosses the interfaces of `perilune:component` as text: values as JSON, failures too.

use crate::values::failure_to_json;
use perilune_value::{Failure, Value, json};

/// An answer whose failure is JSON.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, String>>;

pub(crate) fn answer<T>(outcome: Result<T, Failure>) -> Answer<T> {
    Ok(outcome.map_err(|failure| failure_to_json(&failure)))
}

/// JSON, an array of values, as MessagePack.
pub(crate) fn values(text: &str) -> Result<Vec<u8>, Failure> {
    match json::decode(text.as_bytes()) {
        Ok(values @ Value::Array(_)) => Ok(values.to_msgpack()),
        Ok(Value::Map(pairs)) if pairs.is_empty() && text.trim_start().starts_with('[') => {
            Ok(Value::Array(Vec::new()).to_msgpack())
        }
        Ok(_) => Err(Failure::invalid("values are passed as a JSON array, even a single one")),
        Err(failure) => Err(Failure::invalid(failure.message)),
    }
}
