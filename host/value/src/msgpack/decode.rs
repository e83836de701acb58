//! Reading values.

use super::{Reader, Token, deeper};
use crate::{Failure, Kind, Value};

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a value, or a length reaches beyond them.
    #[error("the MessagePack data ends inside a value")]
    Truncated,
    /// Something follows the value.
    #[error("{bytes} bytes follow the MessagePack value")]
    Trailing {
        /// How much follows.
        bytes: usize,
    },
    /// The byte 0xc1, which MessagePack never uses.
    #[error("the MessagePack data holds the reserved marker 0xc1")]
    Reserved,
    /// An extension type other than the one of error objects.
    #[error("unknown MessagePack extension type {number}")]
    Extension {
        /// The type.
        number: i8,
    },
    /// An integer above `i64::MAX`.
    #[error("integer {value} is out of the range of a Lua integer")]
    IntegerRange {
        /// The integer.
        value: u64,
    },
    /// Tables nest deeper than [`Value::MAX_DEPTH`].
    #[error("tables nest deeper than {} levels", Value::MAX_DEPTH)]
    TooDeep,
    /// More values than one message may hold.
    #[error("more than {limit} values in one message")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// A table key that Lua does not allow.
    #[error("a table key cannot be {key}")]
    Key {
        /// `nil` or `NaN`.
        key: &'static str,
    },
    /// An error object whose body is not as it should be.
    #[error("malformed error object: {reason}")]
    ErrorObject {
        /// What is wrong.
        reason: &'static str,
    },
    /// Arguments that are not an array.
    #[error("arguments must be a MessagePack array")]
    Arguments,
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Failure::invalid(error.to_string())
    }
}

impl Value {
    /// Reads one value, and nothing behind it. Takes time and memory in proportion to the bytes, whatever they claim.
    ///
    /// A map keeps pairs with equal keys side by side; none that a cell writes has any.
    ///
    /// # Errors
    ///
    /// Bytes that are not exactly one value that Lua could hold.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = reader.value(0)?;
        reader.finish()?;
        Ok(value)
    }
}

/// Reads the arguments of a call: a MessagePack array, nil included.
///
/// # Errors
///
/// As [`Value::from_msgpack`], and for a value that is no array.
pub fn args_from_msgpack(bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let Token::Array(len) = reader.token()? else { return Err(DecodeError::Arguments) };
    let args = (0..len).map(|_| reader.value(0)).collect::<Result<_, _>>()?;
    reader.finish()?;
    Ok(args)
}

/// Whether these bytes are the arguments of a call, without making anything of them.
///
/// # Errors
///
/// As [`args_from_msgpack`].
pub fn check_args(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes);
    let Token::Array(len) = reader.token()? else { return Err(DecodeError::Arguments) };
    for _ in 0..len {
        reader.skip(0)?;
    }
    reader.finish()
}

impl Reader<'_> {
    /// Passes over one whole value that stands inside `depth` tables.
    fn skip(&mut self, depth: usize) -> Result<(), DecodeError> {
        match self.token()? {
            Token::Nil | Token::Bool(_) | Token::Integer(_) | Token::Float(_) | Token::String(_) => {}
            Token::Array(len) => {
                let depth = deeper(depth)?;
                for _ in 0..len {
                    self.skip(depth)?;
                }
            }
            Token::Map(len) => {
                let depth = deeper(depth)?;
                for _ in 0..len {
                    self.skip_key(depth)?;
                    self.skip(depth)?;
                }
            }
            // Its body has rules of its own, and errors are rare.
            Token::Error(body) => drop(self.failure(body, depth)?),
        }
        Ok(())
    }

    fn skip_key(&mut self, depth: usize) -> Result<(), DecodeError> {
        match self.rest.first().copied().map(rmp::Marker::from_u8) {
            Some(rmp::Marker::FixStr(_) | rmp::Marker::FixPos(_)) => self.skip(depth),
            _ => self.key(depth).map(drop),
        }
    }

    /// One whole value that stands inside `depth` tables.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value, DecodeError> {
        Ok(match self.token()? {
            Token::Nil => Value::Nil,
            Token::Bool(value) => Value::Bool(value),
            Token::Integer(value) => Value::Integer(value),
            Token::Float(value) => Value::Float(value),
            Token::String(bytes) => Value::String(bytes.to_vec()),
            // Collecting `Result`s grows the vector as values arrive: a claimed length reserves nothing.
            Token::Array(len) => {
                let depth = deeper(depth)?;
                Value::Array((0..len).map(|_| self.value(depth)).collect::<Result<_, _>>()?)
            }
            Token::Map(len) => {
                let depth = deeper(depth)?;
                let fields = (0..len).map(|_| Ok((self.key(depth)?, self.value(depth)?)));
                Value::Map(fields.collect::<Result<_, DecodeError>>()?)
            }
            Token::Error(body) => Value::Error(Box::new(self.failure(body, depth)?)),
        })
    }

    fn key(&mut self, depth: usize) -> Result<Value, DecodeError> {
        match self.value(depth)? {
            Value::Nil => Err(DecodeError::Key { key: "nil" }),
            Value::Float(key) if key.is_nan() => Err(DecodeError::Key { key: "NaN" }),
            key => Ok(key),
        }
    }

    /// The error object with this body.
    pub(crate) fn failure(&mut self, body: &[u8], depth: usize) -> Result<Failure, DecodeError> {
        let mut reader = Reader { rest: body, values_left: self.values_left };
        let fields = match reader.value(depth)? {
            Value::Map(fields) => fields,
            _ => return Err(DecodeError::ErrorObject { reason: "its body is not a map" }),
        };
        self.values_left = reader.values_left;
        reader.finish()?;

        let mut failure = Failure::default();
        for (name, value) in fields {
            match (name.as_str(), value) {
                (Some("kind"), Value::String(kind)) => {
                    failure.kind = Kind::from(&*String::from_utf8_lossy(&kind))
                }
                (Some("message"), Value::String(text)) => failure.message = lossy(text),
                (Some("stack"), Value::String(text)) => failure.stack = Some(lossy(text)),
                (Some("retryable"), Value::Bool(retryable)) => failure.retryable = Some(retryable),
                (Some("retryable" | "details" | "stack"), Value::Nil) => {}
                (Some("details"), details) => failure.details = Some(details),
                _ => {
                    return Err(DecodeError::ErrorObject {
                        reason: "a field is unknown or of the wrong type",
                    });
                }
            }
        }
        Ok(failure)
    }
}

/// Lua messages may quote any bytes, failures are text.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
