//! Values and the protocol's payloads.
//!
//! | value | encoding |
//! |---|---|
//! | `nil` | `binary/null` |
//! | what JSON holds without loss | `json/plain`: every other SDK and the server's pages read it |
//! | a string that is not UTF-8 | `binary/plain` |
//! | anything else: error objects, NaN and infinities, tables with keys that JSON has not, such strings inside of tables | `binary/msgpack` |
//!
//! A payload with another encoding, or whose data is not what its encoding says, becomes a table with the one key `$payload`, and
//! such a table becomes that payload again: what this host cannot read passes through it untouched.

use perilune_value::{Value, json};
use perilune_workflow::Fields;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::collections::HashMap;
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};

const ENCODING: &str = "encoding";
const NULL: &[u8] = b"binary/null";
const JSON: &[u8] = b"json/plain";
const BYTES: &[u8] = b"binary/plain";
const MSGPACK: &[u8] = b"binary/msgpack";
/// The key of a table that holds a payload as it came.
const FOREIGN: &str = "$payload";

/// A value as a payload.
pub fn to_payload(value: &Value) -> Payload {
    match value {
        Value::Nil => payload(NULL, Vec::new()),
        Value::String(bytes) if std::str::from_utf8(bytes).is_err() => payload(BYTES, bytes.clone()),
        value => {
            if let Some(foreign) = foreign(value) {
                return foreign;
            }
            match fits_json(value, 0).then(|| serde_json::to_vec(&AsJson(value))) {
                Some(Ok(text)) => payload(JSON, text),
                _ => payload(MSGPACK, value.to_msgpack()),
            }
        }
    }
}

/// A payload as a value.
pub fn from_payload(from: &Payload) -> Value {
    let encoding = from.metadata.get(ENCODING).map_or(&b""[..], Vec::as_slice);
    let known = match encoding {
        NULL => Some(Value::Nil),
        BYTES => Some(Value::String(from.data.clone())),
        JSON => json::decode(&from.data).ok(),
        MSGPACK => Value::from_msgpack(&from.data).ok(),
        // What carries nothing at all stands for nothing: the server's own empty payloads.
        b"" if from.data.is_empty() => Some(Value::Nil),
        _ => None,
    };
    known.unwrap_or_else(|| {
        let metadata: Value =
            from.metadata.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
        let raw: Value =
            [("metadata", metadata), ("data", Value::from(from.data.as_slice()))].into_iter().collect();
        [(FOREIGN, raw)].into_iter().collect()
    })
}

pub(crate) fn payload(encoding: &[u8], data: Vec<u8>) -> Payload {
    Payload {
        metadata: HashMap::from([(ENCODING.to_owned(), encoding.to_vec())]),
        data,
        ..Payload::default()
    }
}

/// The payload that such a table stands for.
fn foreign(value: &Value) -> Option<Payload> {
    let Value::Map(fields) = value else { return None };
    let [(key, raw)] = fields.as_slice() else { return None };
    let (Some(Value::Map(metadata)), Some(Value::String(data))) = (raw.get("metadata"), raw.get("data"))
    else {
        return None;
    };
    if key.as_str() != Some(FOREIGN) {
        return None;
    }
    let metadata = metadata
        .iter()
        .map(|(name, data)| match (name.as_str(), data) {
            (Some(name), Value::String(data)) => Some((name.to_owned(), data.clone())),
            _ => None,
        })
        .collect::<Option<_>>()?;
    Some(Payload { metadata, data: data.clone(), ..Payload::default() })
}

/// Whether JSON gives back the same value.
fn fits_json(value: &Value, depth: usize) -> bool {
    match value {
        Value::Nil | Value::Bool(_) | Value::Integer(_) => true,
        Value::Float(number) => number.is_finite(),
        Value::String(bytes) => std::str::from_utf8(bytes).is_ok(),
        Value::Error(_) => false,
        _ if depth >= Value::MAX_DEPTH => false,
        Value::Array(items) => items.iter().all(|item| fits_json(item, depth + 1)),
        Value::Map(fields) => {
            fields.iter().all(|(key, field)| key.as_str().is_some() && fits_json(field, depth + 1))
        }
    }
}

/// A value that [`fits_json`]. Unlike [`json::encode`] it keeps `2.0` apart from `2`, as Lua does.
struct AsJson<'a>(&'a Value);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Integer(value) => to.serialize_i64(*value),
            Value::Float(value) => to.serialize_f64(*value),
            Value::String(_) => to.serialize_str(self.0.as_str().unwrap_or_default()),
            Value::Array(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&AsJson(item))?;
                }
                list.end()
            }
            Value::Map(fields) => {
                // In the order of the names: the same table gives the same bytes on every machine.
                let mut sorted: Vec<(&str, &Value)> = fields
                    .iter()
                    .filter(|(_, field)| *field != Value::Nil)
                    .filter_map(|(key, field)| Some((key.as_str()?, field)))
                    .collect();
                sorted.sort_by_key(|(key, _)| *key);
                let mut map = to.serialize_map(Some(sorted.len()))?;
                for (key, field) in sorted {
                    map.serialize_entry(key, &AsJson(field))?;
                }
                map.end()
            }
            Value::Nil | Value::Error(_) => to.serialize_unit(),
        }
    }
}

pub(crate) fn to_payloads(values: &[Value]) -> Payloads {
    Payloads { payloads: values.iter().map(to_payload).collect() }
}

pub(crate) fn to_list(values: &[Value]) -> Vec<Payload> {
    values.iter().map(to_payload).collect()
}

pub(crate) fn from_list(payloads: &[Payload]) -> Vec<Value> {
    payloads.iter().map(from_payload).collect()
}

pub(crate) fn from_payloads(payloads: Option<&Payloads>) -> Vec<Value> {
    payloads.map_or_else(Vec::new, |payloads| from_list(&payloads.payloads))
}

/// The first of several: results have one.
pub(crate) fn first(payloads: Option<&Payloads>) -> Option<Value> {
    payloads.and_then(|payloads| payloads.payloads.first()).map(from_payload)
}

pub(crate) fn to_fields(fields: &Fields) -> HashMap<String, Payload> {
    fields.iter().map(|(name, value)| (name.clone(), to_payload(value))).collect()
}

pub(crate) fn from_fields(fields: &HashMap<String, Payload>) -> Fields {
    fields.iter().map(|(name, payload)| (name.clone(), from_payload(payload))).collect()
}
