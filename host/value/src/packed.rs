//! Values as the host keeps them.

use crate::msgpack::{Reader, Token, deeper};
use crate::{DecodeError, Value};
use std::fmt;
use std::sync::Arc;

/// One value as MessagePack, known to be well-formed: what the host keeps of a value that a cell gave it for others to read. It
/// takes no more memory than the bytes, where a [`Value`] may take many times as much. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(Arc<[u8]>);

impl Packed {
    /// Checks bytes. Takes time in proportion to them, and no memory besides.
    ///
    /// # Errors
    ///
    /// As [`Value::from_msgpack`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        check(&bytes)?;
        Ok(Packed(bytes.into()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// For one that the host made, and that is larger or nests deeper than a cell's could.
    pub fn to_value(&self) -> Result<Value, DecodeError> {
        Value::from_msgpack(&self.0)
    }
}

impl From<&Value> for Packed {
    fn from(value: &Value) -> Self {
        Packed(value.to_msgpack().into())
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_value() {
            Ok(value) => value.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

/// Whether bytes are one value.
pub(crate) fn check(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.pass(0)?;
    reader.finish()
}

impl Reader<'_> {
    /// Passes one whole value that stands inside `depth` tables.
    fn pass(&mut self, depth: usize) -> Result<(), DecodeError> {
        let token = self.token()?;
        self.pass_rest(token, depth)
    }

    fn pass_rest(&mut self, token: Token<'_>, depth: usize) -> Result<(), DecodeError> {
        match token {
            Token::Array(len) => {
                let depth = deeper(depth)?;
                (0..len).try_for_each(|_| self.pass(depth))
            }
            Token::Map(len) => {
                let depth = deeper(depth)?;
                (0..len).try_for_each(|_| {
                    match self.token()? {
                        Token::Nil => return Err(DecodeError::Key { key: "nil" }),
                        Token::Float(key) if key.is_nan() => return Err(DecodeError::Key { key: "NaN" }),
                        key => self.pass_rest(key, depth)?,
                    }
                    self.pass(depth)
                })
            }
            Token::Error(body) => self.failure(body, depth).map(drop),
            Token::Nil | Token::Bool(_) | Token::Integer(_) | Token::Float(_) | Token::String(_) => Ok(()),
        }
    }
}
