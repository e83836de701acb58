//! Module `ctx`: what the caller put into the call's context.

use perilune_value::{Failure, Value};

/// The value under a key of a context.
///
/// # Errors
///
/// Kind `Invalid` for an empty key, `NotFound` for one that nobody set.
pub fn get<'a>(context: &'a Value, key: &[u8]) -> Result<&'a Value, Failure> {
    if key.is_empty() {
        return Err(Failure::invalid("ctx.get: the key is empty"));
    }
    let fields: &[(Value, Value)] = match context {
        Value::Map(fields) => fields,
        _ => &[],
    };
    // Of equal keys the last was set last.
    let found = fields.iter().rev().find(|(name, _)| matches!(name, Value::String(name) if name == key));
    found.map(|(_, value)| value).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(key).chars().take(64).collect();
        Failure::not_found(format!("ctx.get: nothing is set under {shown:?}"))
    })
}
