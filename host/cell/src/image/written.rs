//! Images as bytes, for a file that is read at the next start.
//!
//! | bytes | hold |
//! |---|---|
//! | 0–7 | size of the memory, in bytes |
//! | 8–11 | how many of the entry's chunks are not in the image |
//! | 12–15 | how many runs follow |
//! | 8 for each run | where it begins in memory, and its length |
//! | the rest | what the runs hold, one behind the other |
//!
//! All numbers are unsigned and little-endian. Such bytes may come from anybody: an image of them is laid over a cell's own memory, never beyond
//! its end, and can do what the cell's own code could do.

use super::difference::{PAGE, Run};
use super::{Base, Difference, Image};
use crate::Chunk;
use std::sync::Arc;

/// What wasm's memories grow by.
const WASM_PAGE: usize = 64 << 10;
const HEAD: usize = 16;
const RUN: usize = 8;

impl Image {
    /// The image without the chunks that it does not hold. Equal chunks leave equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Difference { runs, changed } = &self.difference;
        let mut out = Vec::with_capacity(HEAD + runs.len() * RUN + changed.len());
        out.extend((self.size as u64).to_le_bytes());
        // There are fewer of both than bytes in a memory of 4 GiB.
        out.extend((self.rest.len() as u32).to_le_bytes());
        out.extend((runs.len() as u32).to_le_bytes());
        for run in runs {
            out.extend(run.start.to_le_bytes());
            out.extend(run.length.to_le_bytes());
        }
        out.extend(&**changed);
        out
    }

    /// The image that these bytes stand for, with the last of these chunks, which it does not hold, behind it. `None` where they are
    /// not what [`Image::to_bytes`] wrote for this base, or for a memory of more than `most` bytes.
    pub(super) fn from_bytes(base: &Arc<Base>, bytes: &[u8], chunks: &[Chunk], most: u64) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(HEAD)?;
        let size = u64::from_le_bytes(*head.first_chunk()?);
        let missing = number(&head[8..])? as usize;
        let count = number(&head[12..])? as usize;
        let size = usize::try_from(size).ok().filter(|_| size <= most)?;
        if size < base.bytes.len() || size % WASM_PAGE != 0 || missing > chunks.len() {
            return None;
        }
        let mut runs = Vec::new();
        let (mut end, mut length) = (base.data, 0_usize);
        for _ in 0..count {
            let (bytes, behind) = rest.split_at_checked(RUN)?;
            let run = Run { start: number(bytes)?, length: number(&bytes[4..])? };
            if (run.start as usize) < end || run.length == 0 || run.end() > size {
                return None;
            }
            end = run.end();
            length += run.length as usize;
            runs.push(run);
            rest = behind;
        }
        if rest.len() != length {
            return None;
        }
        let difference = Difference { runs: runs.into(), changed: rest.into() };
        let touched = difference.pages().count() * PAGE;
        let rest = chunks[chunks.len() - missing..].into();
        Some(Image { base: base.clone(), size, difference, touched, rest })
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.first_chunk()?))
}
