//! Global `payload`: values in the formats that messages and queues carry.

use crate::bindings::{Answer, answer, payload as wit};
use crate::{compute, yaml};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
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
    Yaml,
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
            "yaml/plain" => Ok(Format::Yaml),
            "application/msgpack" => Ok(Format::MessagePack),
            "lua/any" | "golang/any" => Ok(Format::Plain),
            "text/plain" | "application/octet-stream" => Ok(Format::Text),
            "golang/error" => Ok(Format::Error),
            _ => Err(Failure::internal(format!(
                "no transcoding for format {name:?}; known are json/plain, yaml/plain, application/msgpack, \
                 text/plain, application/octet-stream, lua/any, golang/any and golang/error",
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
        Format::Yaml => yaml::encode_large(&value, &[]),
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
/// Kind `Internal` for an unknown format and malformed JSON or YAML, `Invalid` for malformed MessagePack and empty JSON or YAML.
pub fn decode(format: &str, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match Format::named(format)? {
        Format::Json => json::decode_to_msgpack(&data),
        Format::Yaml => yaml::decode_large(&data),
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

/// As [`encode`]; `None` where that takes long.
fn encode_small(format: &str, value: Vec<u8>) -> Result<Option<Vec<u8>>, Failure> {
    match Format::named(format)? {
        Format::Yaml => yaml::encode_small(&value, &[]),
        _ => encode(format, value).map(Some),
    }
}

fn decode_small(format: &str, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match Format::named(format)? {
        Format::Yaml => yaml::decode_small(&data),
        _ => decode(format, data),
    }
}

impl wit::Host for CellState {
    fn encode(&mut self, format: String, value: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        answer(encode_small(&format, value))
    }

    fn start_encode_large(&mut self, format: String, value: Vec<u8>) -> wasmtime::Result<Ticket> {
        compute::start_bytes(self, value.len(), move |_| encode(&format, value))
    }

    fn take_encode_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(compute::take_bytes(self, ticket)?.map_err(failure_to_wit))
    }

    fn decode(&mut self, format: String, data: Vec<u8>) -> Answer<Vec<u8>> {
        answer(decode_small(&format, data))
    }

    fn start_decode_large(&mut self, format: String, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        compute::start_bytes(self, data.len(), move |_| decode(&format, data))
    }

    fn take_decode_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(compute::take_bytes(self, ticket)?.map_err(failure_to_wit))
    }
}
