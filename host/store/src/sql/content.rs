//! Values as the JSON text that a row holds.

use crate::{Item, Key};
use perilune_resource::in_proportion;
use perilune_value::{Failure, Kind, Packed, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The largest text of a value: what is stored must also be read by cells, whose memory is 64 MiB as a rule.
pub(super) const LARGEST: usize = 64 << 20;

/// A value as it is written.
pub(super) struct Written {
    pub(super) text: String,
    /// Seconds since 1970.
    pub(super) expires: Option<i64>,
    pub(super) version: String,
}

/// Prepares a value for its row.
///
/// # Errors
///
/// `Invalid` for what JSON cannot hold, with the path to it, and for what is too large.
pub(super) async fn write(value: Packed, expires: Option<i64>) -> Result<Written, Failure> {
    in_proportion(value.as_bytes().len(), move || {
        let text = json::encode_from_msgpack(value.as_bytes())
            .map_err(|failure| Failure { kind: Kind::Invalid, ..failure })?;
        if text.len() > LARGEST {
            let message = format!("the value takes {} bytes as JSON; it may take {LARGEST}", text.len());
            return Err(Failure::invalid(message));
        }
        let version = version(&text, expires);
        Ok(Written { text, expires, version })
    })
    .await
}

/// The item of a row `{k, v, e}`.
///
/// # Errors
///
/// `Internal` when somebody else wrote what is no item.
pub(super) async fn read(row: Value) -> Result<Item, Failure> {
    let bytes = match row.get("v") {
        Some(Value::String(text)) => text.len(),
        _ => 0,
    };
    in_proportion(bytes, move || {
        let key = row.get("k").and_then(Value::as_str).unwrap_or_default();
        let broken = |why: &str| Failure::internal(format!("the row of key `{key}` holds no item: {why}"));
        let encoded = match row.get("v") {
            Some(Value::String(text)) => {
                json::decode_to_msgpack(text).map_err(|failure| broken(&failure.message))?
            }
            // A column for numbers makes numbers of their texts.
            Some(other) => other.to_msgpack(),
            None => Value::Nil.to_msgpack(),
        };
        // The database may have written the text anew, with its own order and spaces.
        let text = json::encode_from_msgpack(&encoded).map_err(|failure| broken(&failure.message))?;
        let version = version(&text, row.get("e").and_then(Value::as_integer));
        let key = Key::new(key.as_bytes()).map_err(|failure| broken(&failure.message))?;
        Ok(Item { key, value: Packed::new(encoded)?, version })
    })
    .await
}

/// Tells contents apart: the table has no column to count them in. Whoever puts back exactly what was there before has changed
/// nothing.
fn version(text: &str, expires: Option<i64>) -> String {
    /// Bytes of a hash, of which nobody finds two alike.
    const BYTES: usize = 16;
    let mut hash = Sha256::new();
    hash.update(expires.unwrap_or(0).to_le_bytes());
    hash.update(text);
    let mut hex = String::new();
    for byte in &hash.finalize()[..BYTES] {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
