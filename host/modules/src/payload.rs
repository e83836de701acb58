//! Global `payload`: values in the formats that messages and queues carry.

use crate::bindings::{Answer, answer, payload as wit};
use perilune_cell::{CellState, Class, Module};
use perilune_value::{Failure, Value, json};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "payload",
    summary: "Values in the formats that messages carry.",
    classes: &[Class::Deterministic, Class::Encoding],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// A format by its name.
enum Format {
    Json,
    MessagePack,
    /// The tree itself; written as MessagePack.
    Plain,
    /// Text or bytes: strings as they are.
    Text,
    Error,
}

impl Format {
    fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "json/plain" => Ok(Format::Json),
            "application/msgpack" => Ok(Format::MessagePack),
            "lua/any" | "golang/any" => Ok(Format::Plain),
            "text/plain" | "application/octet-stream" => Ok(Format::Text),
            "golang/error" => Ok(Format::Error),
            _ => Err(Failure::internal(format!(
                "no transcoding for format {name:?}; known are json/plain, application/msgpack, text/plain, \
                 application/octet-stream, lua/any, golang/any and golang/error",
                name = name.chars().take(64).collect::<String>()
            ))),
        }
    }
}

/// Writes a value, given as MessagePack, in a format.
///
/// # Errors
///
/// Kind `Internal` for an unknown format and for a value that the format cannot hold, `Invalid` for bytes that are no value.
pub fn encode(format: &str, value: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match Format::named(format)? {
        Format::Json => json::encode_from_msgpack(&value).map(String::into_bytes),
        Format::MessagePack | Format::Plain => Ok(value),
        Format::Text => text(&value),
        Format::Error => match Value::from_msgpack(&value)? {
            Value::Error(failure) => Ok(failure.message.into_bytes()),
            other => Err(Failure::internal(format!("a {} is no error", other.type_name()))),
        },
    }
}

/// Reads bytes of a format; returns MessagePack.
///
/// # Errors
///
/// Kind `Internal` for an unknown format and malformed JSON, `Invalid` for malformed MessagePack and empty JSON.
pub fn decode(format: &str, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match Format::named(format)? {
        Format::Json => json::decode_to_msgpack(&data),
        Format::MessagePack | Format::Plain => {
            // The bytes may come from anywhere; cells read only what is known to be well-formed.
            Value::from_msgpack(&data)?;
            Ok(data)
        }
        Format::Text => Ok(Value::String(data).to_msgpack()),
        Format::Error => Ok(Value::from(Failure::internal(String::from_utf8_lossy(&data))).to_msgpack()),
    }
}

/// Strings as they are, nil as nothing, other scalars plainly, tables as JSON.
fn text(value: &[u8]) -> Result<Vec<u8>, Failure> {
    Ok(match Value::from_msgpack(value)? {
        Value::Nil => Vec::new(),
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Integer(value) => value.to_string().into_bytes(),
        Value::Float(value) => value.to_string().into_bytes(),
        Value::String(bytes) => bytes,
        Value::Error(failure) => failure.message.into_bytes(),
        Value::Array(_) | Value::Map(_) => json::encode_from_msgpack(value)?.into_bytes(),
    })
}

impl wit::Host for CellState {
    fn encode(&mut self, format: String, value: Vec<u8>) -> Answer<Vec<u8>> {
        answer(encode(&format, value))
    }

    fn decode(&mut self, format: String, data: Vec<u8>) -> Answer<Vec<u8>> {
        answer(decode(&format, data))
    }
}
