//! The tree that a Lua value becomes on the host.

use crate::Failure;

/// A Lua value outside Lua.
///
/// Integers and floats stay apart, strings are bytes, a table whose keys are exactly `1..n` is an [`Array`](Value::Array),
/// every other table is a [`Map`](Value::Map). Functions, coroutines and userdata have no counterpart: they cannot cross.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `nil`.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An integer, 64 bits.
    Integer(i64),
    /// A float, NaN and infinities included.
    Float(f64),
    /// A string: any bytes.
    String(Vec<u8>),
    /// A table with the keys `1..n`.
    Array(Vec<Value>),
    /// Any other table, in no particular order.
    Map(Vec<(Value, Value)>),
    /// An error object.
    Error(Box<Failure>),
}

impl Value {
    /// Tables may nest this deep and no deeper, on both sides of the boundary: recursion over values is bounded by it.
    pub const MAX_DEPTH: usize = 128;

    /// The text of a string that is valid UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The integer, or the float that is one exactly.
    pub fn as_integer(&self) -> Option<i64> {
        match *self {
            Value::Integer(n) => Some(n),
            // -2^63 is a float exactly, 2^63 - 1 is not: the upper end of the range is open.
            Value::Float(n) if n.fract() == 0.0 && (i64::MIN as f64..-(i64::MIN as f64)).contains(&n) => {
                Some(n as i64)
            }
            _ => None,
        }
    }

    /// The number of an integer or a float.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Integer(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            _ => None,
        }
    }

    /// The value under a string key of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(fields) => {
                fields.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The word Lua's `type()` would use.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "boolean",
            Value::Integer(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) | Value::Map(_) => "table",
            Value::Error(_) => "error",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::String(value.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::String(value.into_bytes())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::String(value.to_vec())
    }
}

impl From<Failure> for Value {
    fn from(failure: Failure) -> Self {
        Value::Error(Box::new(failure))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(items)
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        Value::Map(fields.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
