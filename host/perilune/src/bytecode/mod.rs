//! Bytecode: compiled ahead by the guest's own compiler, checked before it is loaded, and never trusted.
//!
//! Nothing can verify Lua's bytecode. Its checksum says that it is what somebody packed, its head which compiler made it; what a forged
//! one does all the same, it does inside of its cell.

mod artifact;
mod check;
mod compiler;
mod follow;
mod load;

pub(crate) use check::{KINDS, check};
pub use compiler::Compiler;
pub(crate) use follow::{Followed, places};
pub(crate) use load::read;

/// The field `hash` of bytecode in a file with these bytes.
pub fn checksum(file: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{:x}", Sha256::digest(file))
}
