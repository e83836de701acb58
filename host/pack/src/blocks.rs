//! Contents in blocks: each is compressed by itself, so that the middle of a large file is read without what is before it, and no
//! claim makes a reader take more than one block's memory.

use std::borrow::Cow;

/// Bytes of a block before compression, the last one of a file excepted. With smaller ones zstd finds less to share, with larger
/// ones a reader of a few bytes unpacks more that it does not want.
pub const BLOCK: usize = 256 * 1024;

/// zstd's level. Above it a pack takes several times as long and gets a few per cent smaller.
const LEVEL: i32 = 9;

/// How many blocks a content of this size has.
pub(crate) fn count(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64)
}

/// Bytes of one block before compression, of a content of this size.
pub(crate) fn length(size: u64, block: usize) -> usize {
    let before = (block * BLOCK) as u64;
    usize::try_from(size.saturating_sub(before)).unwrap_or(BLOCK).min(BLOCK)
}

/// A block as it is stored: compressed where that makes it smaller, else as it is.
pub(crate) fn pack(block: &[u8]) -> Cow<'_, [u8]> {
    match zstd::bulk::compress(block, LEVEL) {
        Ok(smaller) if smaller.len() < block.len() => Cow::Owned(smaller),
        _ => Cow::Borrowed(block),
    }
}

/// Undoes [`pack`]; a block that is stored in as many bytes as it has was not compressed. What unpacks to more or to less is refused
/// without ever taking more memory than `length`.
pub(crate) fn unpack(stored: &[u8], length: usize) -> Result<Cow<'_, [u8]>, &'static str> {
    if stored.len() == length {
        return Ok(Cow::Borrowed(stored));
    }
    let mut block = vec![0; length];
    match zstd::bulk::decompress_to_buffer(stored, &mut block) {
        Ok(found) if found == length => Ok(Cow::Owned(block)),
        Ok(_) => Err("a block unpacks to less than the size says"),
        Err(_) => Err("a block is no zstd frame, or unpacks to more than the size says"),
    }
}
