//! A file of bytecode: which compiler made it, then what it made.
//!
//! | bytes | hold |
//! |---|---|
//! | 0–5 | [`MAGIC`] |
//! | 6 | length of the next, in bytes |
//! | 7– | name of the compiler |
//! | the rest | what Lua's `string.dump` writes |

use perilune_guest_lua::COMPILER;

/// Differs from Lua's own in its second byte, so that neither is taken for the other.
const MAGIC: &[u8] = b"\x1bPeri\x01";

/// Why a file's bytecode cannot be loaded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is something else, or of a later format.
    NoBytecode,
    /// Another compiler made it.
    Foreign(String),
}

/// A file with what this compiler made.
pub(crate) fn wrap(bytecode: &[u8]) -> Vec<u8> {
    // The build makes the name, some 30 bytes.
    let length = u8::try_from(COMPILER.len()).unwrap_or(u8::MAX);
    let name = &COMPILER.as_bytes()[..usize::from(length)];
    [MAGIC, &[length], name, bytecode].concat()
}

/// What is in a file of this compiler.
pub(crate) fn unwrap(file: &[u8]) -> Result<&[u8], Unusable> {
    let rest = file.strip_prefix(MAGIC).ok_or(Unusable::NoBytecode)?;
    let (length, rest) = rest.split_first().ok_or(Unusable::NoBytecode)?;
    let (name, bytecode) = rest.split_at_checked(usize::from(*length)).ok_or(Unusable::NoBytecode)?;
    if name == COMPILER.as_bytes() {
        Ok(bytecode)
    } else {
        Err(Unusable::Foreign(String::from_utf8_lossy(name).into_owned()))
    }
}
