//! The formats of bodies.

use perilune_value::{Failure, Kind, Packed, Value, json};

/// The format of a message's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// JSON text.
    #[default]
    Json,
    /// MessagePack, in which integers, floats and binary strings stay what they are.
    MessagePack,
}

impl Codec {
    /// As entries name them.
    pub(crate) const NAMES: &[&str] = &["json/plain", "application/msgpack"];

    /// The codec of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "json/plain" => Some(Codec::Json),
            "application/msgpack" => Some(Codec::MessagePack),
            _ => None,
        }
    }

    /// Writes a body. Takes time in proportion to the value.
    ///
    /// # Errors
    ///
    /// `Invalid` for a value that the format cannot hold, with the path to what it is.
    pub fn encode(self, value: &Packed) -> Result<Vec<u8>, Failure> {
        match self {
            Codec::Json => json::encode_from_msgpack(value.as_bytes())
                .map(String::into_bytes)
                .map_err(|failure| Failure { kind: Kind::Invalid, ..failure }),
            Codec::MessagePack => Ok(value.as_bytes().to_vec()),
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    ///
    /// When it is malformed; one that this codec wrote is not.
    pub fn decode(self, body: &[u8]) -> Result<Value, Failure> {
        match self {
            Codec::Json => json::decode(body),
            Codec::MessagePack => Ok(Value::from_msgpack(body)?),
        }
    }
}
