//! Reading one token at a time from bytes that a hostile guest may have written.

use super::{DecodeError, ERROR_EXTENSION};
use crate::Value;
use rmp::Marker;

/// How many values one message may hold.
///
/// A value takes 24 bytes and more on the host but may take a single byte on the wire; the bound keeps a cell that fills its
/// memory with one-byte values from taking a multiple of it on the host. 4 Mi values take about 100 MiB.
const MAX_VALUES: usize = 4 << 20;

/// One value, or the head of a table whose contents follow.
pub(crate) enum Token<'a> {
    Nil,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(&'a [u8]),
    /// This many values follow.
    Array(usize),
    /// This many pairs of values follow.
    Map(usize),
    /// The body of an error object.
    Error(&'a [u8]),
}

/// What has not been read yet.
pub(crate) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    pub(super) values_left: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, values_left: MAX_VALUES }
    }

    /// Refuses bytes behind the value.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { bytes: self.rest.len() }) }
    }

    pub(crate) fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        self.values_left =
            self.values_left.checked_sub(1).ok_or(DecodeError::TooMany { limit: MAX_VALUES })?;
        let [marker] = self.bytes()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Token::Nil,
            Marker::False => Token::Bool(false),
            Marker::True => Token::Bool(true),
            Marker::FixPos(n) => Token::Integer(n.into()),
            Marker::FixNeg(n) => Token::Integer(n.into()),
            Marker::U8 => Token::Integer(u8::from_be_bytes(self.bytes()?).into()),
            Marker::U16 => Token::Integer(u16::from_be_bytes(self.bytes()?).into()),
            Marker::U32 => Token::Integer(u32::from_be_bytes(self.bytes()?).into()),
            Marker::U64 => {
                let n = u64::from_be_bytes(self.bytes()?);
                Token::Integer(n.try_into().map_err(|_| DecodeError::IntegerRange { value: n })?)
            }
            Marker::I8 => Token::Integer(i8::from_be_bytes(self.bytes()?).into()),
            Marker::I16 => Token::Integer(i16::from_be_bytes(self.bytes()?).into()),
            Marker::I32 => Token::Integer(i32::from_be_bytes(self.bytes()?).into()),
            Marker::I64 => Token::Integer(i64::from_be_bytes(self.bytes()?)),
            Marker::F32 => Token::Float(f32::from_be_bytes(self.bytes()?).into()),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.bytes()?)),
            Marker::FixStr(len) => self.string(len.into())?,
            Marker::Str8 | Marker::Bin8 => self.len8().and_then(|len| self.string(len))?,
            Marker::Str16 | Marker::Bin16 => self.len16().and_then(|len| self.string(len))?,
            Marker::Str32 | Marker::Bin32 => self.len32().and_then(|len| self.string(len))?,
            Marker::FixArray(len) => self.array(len.into())?,
            Marker::Array16 => self.len16().and_then(|len| self.array(len))?,
            Marker::Array32 => self.len32().and_then(|len| self.array(len))?,
            Marker::FixMap(len) => self.map(len.into())?,
            Marker::Map16 => self.len16().and_then(|len| self.map(len))?,
            Marker::Map32 => self.len32().and_then(|len| self.map(len))?,
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.len8().and_then(|len| self.extension(len))?,
            Marker::Ext16 => self.len16().and_then(|len| self.extension(len))?,
            Marker::Ext32 => self.len32().and_then(|len| self.extension(len))?,
            Marker::Reserved => return Err(DecodeError::Reserved),
        })
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn len8(&mut self) -> Result<usize, DecodeError> {
        Ok(u8::from_be_bytes(self.bytes()?).into())
    }

    fn len16(&mut self) -> Result<usize, DecodeError> {
        Ok(u16::from_be_bytes(self.bytes()?).into())
    }

    fn len32(&mut self) -> Result<usize, DecodeError> {
        Ok(u32::from_be_bytes(self.bytes()?) as usize)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn string(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        self.take(len).map(Token::String)
    }

    // A value takes at least one byte, so a table cannot hold more of them than bytes follow.
    fn array(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        if len <= self.rest.len() { Ok(Token::Array(len)) } else { Err(DecodeError::Truncated) }
    }

    fn map(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        if len <= self.rest.len() / 2 { Ok(Token::Map(len)) } else { Err(DecodeError::Truncated) }
    }

    fn extension(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        match i8::from_be_bytes(self.bytes()?) {
            ERROR_EXTENSION => self.take(len).map(Token::Error),
            other => Err(DecodeError::Extension { number: other }),
        }
    }
}

/// The depth inside a table that stands at `depth`.
pub(crate) fn deeper(depth: usize) -> Result<usize, DecodeError> {
    if depth < Value::MAX_DEPTH { Ok(depth + 1) } else { Err(DecodeError::TooDeep) }
}
