//! JSON text to the wire form, in one pass.

use crate::{Failure, Value};
use rmp::{Marker, encode};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// JSON text as MessagePack.
///
/// Pairs with equal keys and nil fields are kept in order: assigning them one after the other, as a cell does, gives Lua's result.
///
/// # Errors
///
/// Kind `Invalid` for empty text, `Internal` for malformed text with line and column.
pub fn decode_to_msgpack(text: &[u8]) -> Result<Vec<u8>, Failure> {
    if text.is_empty() {
        return Err(Failure::invalid("cannot decode JSON: the text is empty"));
    }
    let mut out = Vec::new();
    let mut source = serde_json::Deserializer::from_slice(text);
    // The visitor below counts depth itself: the limit built in is one level lower than ours.
    source.disable_recursion_limit();
    Transcode { out: &mut out, depth: 0 }
        .deserialize(&mut source)
        .and_then(|()| source.end())
        .map_err(|error| Failure::internal(format!("cannot decode JSON: {error}")))?;
    Ok(out)
}

/// Writes whatever comes next to `out`.
struct Transcode<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
}

impl Transcode<'_> {
    /// Starts a table whose length is not known yet; returns where the length goes.
    fn open<E: Error>(&mut self, marker: Marker) -> Result<usize, E> {
        if self.depth >= Value::MAX_DEPTH {
            return Err(E::custom(format_args!("nesting over {} levels", Value::MAX_DEPTH)));
        }
        self.depth += 1;
        self.out.push(marker.to_u8());
        self.out.extend([0; 4]);
        Ok(self.out.len() - 4)
    }

    fn close<E: Error>(&mut self, length_at: usize, len: usize) -> Result<(), E> {
        let len = u32::try_from(len).map_err(|_| E::custom("more than 2^32 elements"))?;
        self.out[length_at..length_at + 4].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }

    fn inner(&mut self) -> Transcode<'_> {
        Transcode { out: self.out, depth: self.depth }
    }
}

impl<'de> DeserializeSeed<'de> for Transcode<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Transcode<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        encode::write_nil(self.out).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        encode::write_bool(self.out, value).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        encode::write_sint(self.out, value).map(drop).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        encode::write_f64(self.out, value).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if u32::try_from(text.len()).is_err() {
            return Err(E::custom("a string of more than 4 GiB"));
        }
        encode::write_str(self.out, text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let length_at = self.open(Marker::Array32)?;
        let mut len = 0;
        while items.next_element_seed(self.inner())?.is_some() {
            len += 1;
        }
        self.close(length_at, len)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let length_at = self.open(Marker::Map32)?;
        let mut len = 0;
        while fields.next_key_seed(self.inner())?.is_some() {
            fields.next_value_seed(self.inner())?;
            len += 1;
        }
        self.close(length_at, len)
    }
}
