//! Questions about values that several parts of the registry ask.

use perilune_value::Value;
use std::cmp::Ordering;

/// Whether two values mean the same to Lua: `1 == 1.0`, and the order of a map's keys does not count.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Integer(_), Value::Float(_)) | (Value::Float(_), Value::Integer(_)) => {
            a.as_integer().is_some() && a.as_integer() == b.as_integer()
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        // An empty table is both.
        (Value::Array(a), Value::Map(b)) | (Value::Map(b), Value::Array(a)) => a.is_empty() && b.is_empty(),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && sorted(a)
                    .into_iter()
                    .zip(sorted(b))
                    .all(|((ak, av), (bk, bv))| same(ak, bk) && same(av, bv))
        }
        _ => a == b,
    }
}

/// The pairs of a map in an order of their own, so that two maps compare in n·log n.
fn sorted(pairs: &[(Value, Value)]) -> Vec<(&Value, &Value)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (key, value)).collect();
    pairs.sort_by(|(a, _), (b, _)| compare_keys(a, b));
    pairs
}

fn compare_keys(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Nil => 0,
        Value::Bool(_) => 1,
        Value::Integer(_) => 2,
        Value::Float(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Map(_) => 6,
        Value::Error(_) => 7,
    }
}

/// Bytes that a value takes, roughly. Recursion is bounded by [`deeper_than`], which every entry passes first.
pub(crate) fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(bytes) => bytes.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Map(pairs) => pairs.iter().map(|(key, value)| weight(key) + weight(value)).sum(),
            _ => 0,
        }
}

/// Whether tables nest deeper than `limit`.
pub(crate) fn deeper_than(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|item| deeper_than(item, limit - 1)),
        Value::Map(pairs) => {
            limit == 0
                || pairs
                    .iter()
                    .any(|(key, value)| deeper_than(key, limit - 1) || deeper_than(value, limit - 1))
        }
        _ => false,
    }
}

/// A map's key as text, for paths and messages.
pub(crate) fn key_text(key: &Value) -> String {
    match key {
        Value::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Integer(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        other => other.type_name().to_owned(),
    }
}
