//! Reading numbers and texts out of bytes that may be lies.

use crate::error::PackError;
use crate::header::array;

/// A position in the index. Each step is compared with what is left, before anything is taken.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where the bytes begin in the pack, for messages.
    base: u64,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], base: u64) -> Self {
        Cursor { bytes, position: 0, base }
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// What is wrong at this position.
    pub(crate) fn wrong(&self, reason: impl Into<String>) -> PackError {
        PackError::Index { offset: self.base + self.position as u64, reason: reason.into() }
    }

    pub(crate) fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], PackError> {
        if length > self.left() {
            return Err(self.wrong(format!("{what} takes {length} bytes, and {} are left", self.left())));
        }
        let taken = &self.bytes[self.position..self.position + length];
        self.position += length;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], PackError> {
        self.take(N, what).map(array)
    }

    pub(crate) fn u8(&mut self, what: &str) -> Result<u8, PackError> {
        self.array(what).map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self, what: &str) -> Result<u16, PackError> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, PackError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, PackError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A number of items, each of which takes at least so many bytes: more of them than there is room for are a lie.
    pub(crate) fn count(&mut self, least: usize, what: &str) -> Result<usize, PackError> {
        let count = self.u32(what)? as usize;
        if count > self.left() / least {
            return Err(self.wrong(format!("{what} is {count}, and {} bytes are left for them", self.left())));
        }
        Ok(count)
    }

    /// A text behind its length, two bytes.
    pub(crate) fn text(&mut self, what: &str) -> Result<&'a str, PackError> {
        let length = self.u16(what)?;
        let bytes = self.take(usize::from(length), what)?;
        std::str::from_utf8(bytes).map_err(|_| self.wrong(format!("{what} is not UTF-8")))
    }
}
