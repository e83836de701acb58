//! Lua values as the engine's.

use minijinja::Value as Rendered;
use perilune_value::Value;

/// What `.` of a Jet template is called in its translation.
pub(super) const DOT: &str = "_dot";

/// Recursion ends with the nesting of values, which is bounded where they come from.
pub(super) fn value(value: &Value) -> Rendered {
    match value {
        Value::Nil => Rendered::UNDEFINED,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(bytes) => text(bytes).into(),
        Value::Array(items) => Rendered::from_iter(items.iter().map(self::value)),
        Value::Map(fields) => {
            Rendered::from_pairs(fields.iter().map(|(key, field)| (self::key(key), self::value(field))))
        }
        Value::Error(failure) => failure.message.clone().into(),
    }
}

fn key(key: &Value) -> Rendered {
    match key {
        Value::Integer(_) | Value::Bool(_) | Value::String(_) => value(key),
        Value::Float(number) => number.to_string().into(),
        other => other.type_name().into(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a template finds: the fields of a map, and all of it as [`DOT`].
pub(super) fn context(data: &Value) -> Rendered {
    let dot = (Rendered::from(DOT), value(data));
    let fields: &[(Value, Value)] = match data {
        Value::Map(fields) => fields,
        _ => &[],
    };
    let fields =
        fields.iter().filter_map(|(name, field)| Some((Rendered::from(name.as_str()?), value(field))));
    Rendered::from_pairs(fields.chain([dot]))
}
