//! JSON text.
//!
//! The rules live in the pair that works on the wire form without a tree in between; the pair on [`Value`] goes through it.
//!
//! | Lua | JSON |
//! |---|---|
//! | integer, float with an integral value | digits |
//! | other float | shortest decimal that reads back the same, never with an exponent; NaN and infinities are `null` |
//! | string | escaped; `<`, `>`, `&`, U+2028 and U+2029 too; bytes that are not UTF-8 become U+FFFD |
//! | keys `1..n` | array |
//! | string keys, or only boolean and float keys | object, keys in byte order |
//! | integer keys with a gap, keys of several kinds, nesting over 128 | refused, with the path |
//! | error object | its message |
//!
//! In the other direction integers that fit 64 bits stay integers and larger ones become floats, `null` is nil, of equal
//! keys the last wins, and nothing may follow the value.

mod decode;
mod encode;

pub use decode::decode_to_msgpack;
pub use encode::encode_from_msgpack;

use crate::{Failure, Value};
use std::collections::HashMap;

/// A value as JSON text.
///
/// # Errors
///
/// Kind `Internal`, with the path to what has no JSON form.
pub fn encode(value: &Value) -> Result<String, Failure> {
    encode_from_msgpack(&value.to_msgpack())
}

/// JSON text as a value; fields that are `null` are left out, as they are in Lua.
///
/// # Errors
///
/// Kind `Invalid` for empty text, `Internal` for malformed text with line and column.
pub fn decode(text: &[u8]) -> Result<Value, Failure> {
    let mut value = Value::from_msgpack(&decode_to_msgpack(text)?)?;
    settle(&mut value);
    Ok(value)
}

/// Does what assignment does in Lua: of equal keys the last stays, nil removes.
fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Map(fields) => {
            let last: HashMap<Vec<u8>, usize> = fields
                .iter()
                .enumerate()
                .filter_map(|(at, (key, _))| key.as_str().map(|key| (key.as_bytes().to_vec(), at)))
                .collect();
            let mut at = 0;
            fields.retain(|(key, value)| {
                let kept = *value != Value::Nil
                    && key.as_str().is_none_or(|key| last.get(key.as_bytes()) == Some(&at));
                at += 1;
                kept
            });
            fields.iter_mut().for_each(|(_, value)| settle(value));
        }
        _ => {}
    }
}
