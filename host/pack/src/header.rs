//! The first 64 bytes. All numbers are little endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | [`MARK`] |
//! | 8–11 | version of the format |
//! | 12–15 | flags: bit 0 says that a signature follows the contents; the others are zero |
//! | 16–23 | length of the index, which begins at byte 64 |
//! | 24–31 | length of the contents, which follow the index |
//! | 32–63 | SHA-256 of the bytes 0–31, the index and the contents |
//!
//! The bytes 0–11 stay as they are in every version. There are no offsets: parts follow each other, so that none can overlap.

use crate::error::PackError;
use crate::signature;
use sha2::{Digest, Sha256};

/// What a pack begins with. The first byte is no text, the last ones change where a transfer takes the file for text.
pub const MARK: [u8; 8] = *b"\x89PLPK\r\n\x1a";

/// The version of the format that is written and read.
pub const FORMAT: u32 = 1;

/// Bytes of the header.
pub(crate) const LENGTH: usize = 64;

/// Of them, those that the hash covers.
const HASHED: usize = 32;

const SIGNED: u32 = 1;

/// The header of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) signed: bool,
    pub(crate) index: u64,
    pub(crate) contents: u64,
    pub(crate) hash: [u8; 32],
}

impl Header {
    /// A header with the hash of all that it describes.
    pub(crate) fn of(signed: bool, index: &[u8], contents: &[&[u8]]) -> Self {
        let length = contents.iter().map(|content| content.len() as u64).sum();
        let header = Header { signed, index: index.len() as u64, contents: length, hash: [0; 32] };
        Header { hash: header.digest(index, contents), ..header }
    }

    pub(crate) fn digest(&self, index: &[u8], contents: &[&[u8]]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(&self.to_bytes()[..HASHED]);
        hasher.update(index);
        contents.iter().for_each(|content| hasher.update(content));
        hasher.finalize().into()
    }

    pub(crate) fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MARK);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[12..16].copy_from_slice(&(if self.signed { SIGNED } else { 0 }).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.index.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.contents.to_le_bytes());
        bytes[32..].copy_from_slice(&self.hash);
        bytes
    }

    /// Reads the header of a pack, and compares its lengths with that of the pack.
    pub(crate) fn read(pack: &[u8]) -> Result<Self, PackError> {
        let have = pack.len() as u64;
        let shared = pack.len().min(MARK.len());
        if shared == 0 || pack[..shared] != MARK[..shared] {
            return Err(PackError::NotAPack);
        }
        if pack.len() >= 12 {
            match u32::from_le_bytes(array(&pack[8..12])) {
                FORMAT => {}
                0 => return Err(PackError::Header("there is no version 0 of the format".to_owned())),
                found => return Err(PackError::Newer { found }),
            }
        }
        if pack.len() < LENGTH {
            return Err(PackError::Truncated { have, want: LENGTH as u64 });
        }
        let flags = u32::from_le_bytes(array(&pack[12..16]));
        if flags & !SIGNED != 0 {
            return Err(PackError::Header(format!(
                "it has the flags {flags:#x}, of which only 0x1 means something"
            )));
        }
        let header = Header {
            signed: flags == SIGNED,
            index: u64::from_le_bytes(array(&pack[16..24])),
            contents: u64::from_le_bytes(array(&pack[24..32])),
            hash: array(&pack[32..64]),
        };
        let signature = if header.signed { signature::LENGTH as u64 } else { 0 };
        let parts = [header.index, header.contents, signature];
        let Some(want) = parts.into_iter().try_fold(LENGTH as u64, u64::checked_add) else {
            return Err(PackError::Header(format!(
                "an index of {} bytes and contents of {} are more than any file holds",
                header.index, header.contents
            )));
        };
        if have < want {
            return Err(PackError::Truncated { have, want });
        }
        if have > want {
            return Err(PackError::Trailing { extra: have - want });
        }
        Ok(header)
    }
}

/// The bytes of a slice that is as long.
pub(crate) fn array<const N: usize>(slice: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(slice);
    bytes
}
