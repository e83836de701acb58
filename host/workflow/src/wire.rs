//! How values and failures are stored inside of events: as byte strings of MessagePack, the form in which they cross to a cell. In
//! formats for people, values are JSON where JSON says all of them, and else `{"$msgpack": "hexadecimal", "shown": …}`.
//!
//! [`Value`] has no serde form of its own on purpose: it keeps integers apart from floats, and bytes apart from text. The modules
//! here are for `#[serde(with = …)]`.

#![allow(missing_docs)] // Each module is a pair of functions with the meaning that serde gives them.

use perilune_value::{Failure, Kind, Value};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A value as a byte string.
struct Bytes(Value);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        value::serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        value::deserialize(from).map(Bytes)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value as MessagePack")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Value::from_msgpack(bytes).map_err(E::custom)
    }
}

fn to_failure<E: Error>(value: Value) -> Result<Failure, E> {
    match value {
        Value::Error(failure) => Ok(*failure),
        other => Err(E::custom(format!("a failure is an error object, not a {}", other.type_name()))),
    }
}

pub mod value {
    use super::{BytesVisitor, Deserialize, Deserializer, Error, Serialize, Serializer, Value};

    pub fn serialize<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return super::readable::of(value).serialize(to);
        }
        to.serialize_bytes(&value.to_msgpack())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        if from.is_human_readable() {
            let json = serde_json::Value::deserialize(from)?;
            return super::readable::read(&json).map_err(D::Error::custom);
        }
        from.deserialize_bytes(BytesVisitor)
    }
}

/// Values for people.
mod readable {
    use perilune_value::{Value, json};
    use serde_json::{Value as Json, json};

    /// Holds what JSON cannot say.
    const EXACT: &str = "$msgpack";

    pub(super) fn of(value: &Value) -> Json {
        let text = json::encode(value).ok();
        let json = text.as_ref().and_then(|text| serde_json::from_str::<Json>(text).ok());
        let says_all = text.and_then(|text| json::decode(text.as_bytes()).ok()).as_ref() == Some(value);
        match json {
            Some(json) if says_all && json.get(EXACT).is_none() => json,
            shown => {
                let exact: String = value.to_msgpack().iter().map(|byte| format!("{byte:02x}")).collect();
                let shown = match value {
                    Value::Error(failure) => Some(Json::from(failure.to_string())),
                    _ => shown,
                };
                json!({ EXACT: exact, "shown": shown })
            }
        }
    }

    pub(super) fn read(json: &Json) -> Result<Value, String> {
        let Some(exact) = json.get(EXACT).and_then(Json::as_str) else {
            return json::decode(json.to_string().as_bytes()).map_err(|failure| failure.message);
        };
        let digit = |at: usize| exact.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes: Option<Vec<u8>> = (0..exact.len()).step_by(2).map(digit).collect();
        let bytes = bytes.ok_or_else(|| format!("`{EXACT}` is not hexadecimal"))?;
        Value::from_msgpack(&bytes).map_err(|error| error.to_string())
    }
}

pub mod optional_value {
    use super::{Bytes, Deserialize, Deserializer, Serialize, Serializer, Value};

    pub fn serialize<S: Serializer>(value: &Option<Value>, to: S) -> Result<S::Ok, S::Error> {
        value.clone().map(Bytes).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
        Ok(Option::<Bytes>::deserialize(from)?.map(|bytes| bytes.0))
    }
}

pub mod values {
    use super::{Bytes, Deserialize, Deserializer, Serializer, Value};

    struct Borrowed<'a>(&'a Value);

    impl super::Serialize for Borrowed<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            super::value::serialize(self.0, to)
        }
    }

    pub fn serialize<S: Serializer>(values: &[Value], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(Borrowed))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
        Ok(Vec::<Bytes>::deserialize(from)?.into_iter().map(|bytes| bytes.0).collect())
    }
}

pub mod fields {
    use super::{Bytes, Deserialize, Deserializer, Serializer};
    use crate::Fields;
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(fields: &Fields, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(fields.iter().map(|(name, value)| (name, Bytes(value.clone()))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
        let fields = BTreeMap::<String, Bytes>::deserialize(from)?;
        Ok(fields.into_iter().map(|(name, bytes)| (name, bytes.0)).collect())
    }
}

pub mod failure {
    use super::{Deserializer, Failure, Serializer, Value, to_failure};

    pub fn serialize<S: Serializer>(failure: &Failure, to: S) -> Result<S::Ok, S::Error> {
        super::value::serialize(&Value::Error(Box::new(failure.clone())), to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Failure, D::Error> {
        to_failure(super::value::deserialize(from)?)
    }
}

pub mod optional_failure {
    use super::{Deserializer, Error, Failure, Serializer, Value, to_failure};

    pub fn serialize<S: Serializer>(failure: &Option<Failure>, to: S) -> Result<S::Ok, S::Error> {
        let value = failure.clone().map(|failure| Value::Error(Box::new(failure)));
        super::optional_value::serialize(&value, to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Failure>, D::Error> {
        super::optional_value::deserialize(from)?
            .map(to_failure::<D::Error>)
            .transpose()
            .map_err(D::Error::custom)
    }
}

pub mod outcome {
    use super::{Deserialize, Deserializer, Failure, Serialize, Serializer, Value};

    #[derive(Serialize, Deserialize)]
    enum Stored {
        Ok(#[serde(with = "super::value")] Value),
        Err(#[serde(with = "super::failure")] Failure),
    }

    pub fn serialize<S: Serializer>(outcome: &Result<Value, Failure>, to: S) -> Result<S::Ok, S::Error> {
        match outcome.clone() {
            Ok(value) => Stored::Ok(value),
            Err(failure) => Stored::Err(failure),
        }
        .serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Result<Value, Failure>, D::Error> {
        Ok(match Stored::deserialize(from)? {
            Stored::Ok(value) => Ok(value),
            Stored::Err(failure) => Err(failure),
        })
    }
}

pub mod kinds {
    use super::{Deserialize, Deserializer, Kind, Serializer};

    pub fn serialize<S: Serializer>(kinds: &[Kind], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(kinds.iter().map(Kind::as_str))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Kind>, D::Error> {
        Ok(Vec::<String>::deserialize(from)?.iter().map(|kind| Kind::from(kind.as_str())).collect())
    }
}
