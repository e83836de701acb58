//! Rust types as values and back, through serde.

mod de;
mod ser;

use crate::{Failure, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// Why a Rust value and a Lua value do not match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TypeError {
    message: String,
}

impl From<TypeError> for Failure {
    fn from(error: TypeError) -> Self {
        Failure::invalid(error.message)
    }
}

impl serde::ser::Error for TypeError {
    fn custom<T: Display>(message: T) -> Self {
        TypeError { message: message.to_string() }
    }
}

impl serde::de::Error for TypeError {
    fn custom<T: Display>(message: T) -> Self {
        TypeError { message: message.to_string() }
    }
}

/// A Rust value as a Lua value: structs and maps become tables, `None` and `()` nil, bytes strings, enums what serde makes of them.
///
/// ```
/// # use perilune_value::{Value, to_value};
/// assert_eq!(to_value(&("sum", 2, 0.5))?, Value::Array(vec!["sum".into(), 2.into(), 0.5.into()]));
/// # Ok::<(), perilune_value::TypeError>(())
/// ```
///
/// # Errors
///
/// Integers beyond 64 bits, nesting over [`Value::MAX_DEPTH`], and whatever the type's own `Serialize` refuses.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, TypeError> {
    value.serialize(ser::Serializer { depth: 0 })
}

/// A Lua value as a Rust value.
///
/// Floats with an integral value serve as integers, and since Lua has one empty table it serves as an empty list, map or struct.
///
/// # Errors
///
/// A value of another shape than `T`.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, TypeError> {
    T::deserialize(value)
}
