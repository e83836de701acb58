//! Module `hash`: digests, keyed digests and FNV.

use crate::bindings::hash as wit;
use hmac::digest::{Digest, KeyInit};
use hmac::{Mac, SimpleHmac};
pub use md5::Md5;
use perilune_cell::{CellState, Class, Module};
pub use sha1::Sha1;
pub use sha2::{Sha256, Sha512};
use std::fmt::Write;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "hash",
    summary: "Digests, keyed digests and FNV hashes.",
    classes: &[Class::Deterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// The digest of data: its bytes when `raw`, lower-case hexadecimal otherwise.
pub fn digest<D: Digest>(data: &[u8], raw: bool) -> Vec<u8> {
    shown(&D::digest(data), raw)
}

/// HMAC (RFC 2104) of data under a secret of any length, shown as [`digest`] shows it.
pub fn hmac<D: Digest + hmac::digest::core_api::BlockSizeUser>(
    data: &[u8],
    secret: &[u8],
    raw: bool,
) -> Vec<u8> {
    let mac =
        <SimpleHmac<D> as KeyInit>::new_from_slice(secret).expect("invariant: HMAC takes keys of any length");
    shown(&mac.chain_update(data).finalize().into_bytes(), raw)
}

fn shown(digest: &[u8], raw: bool) -> Vec<u8> {
    if raw {
        return digest.to_vec();
    }
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        write!(text, "{byte:02x}").expect("invariant: writing to a string does not fail");
    }
    text.into_bytes()
}

/// FNV-1 in 32 bits.
pub fn fnv32(data: &[u8]) -> u32 {
    data.iter().fold(0x811c_9dc5, |hash: u32, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte))
}

/// FNV-1 in 64 bits.
pub fn fnv64(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte))
}

impl wit::Host for CellState {
    fn md5(&mut self, data: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(digest::<Md5>(&data, raw))
    }

    fn sha1(&mut self, data: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(digest::<Sha1>(&data, raw))
    }

    fn sha256(&mut self, data: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(digest::<Sha256>(&data, raw))
    }

    fn sha512(&mut self, data: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(digest::<Sha512>(&data, raw))
    }

    fn hmac_md5(&mut self, data: Vec<u8>, secret: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(hmac::<Md5>(&data, &secret, raw))
    }

    fn hmac_sha1(&mut self, data: Vec<u8>, secret: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(hmac::<Sha1>(&data, &secret, raw))
    }

    fn hmac_sha256(&mut self, data: Vec<u8>, secret: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(hmac::<Sha256>(&data, &secret, raw))
    }

    fn hmac_sha512(&mut self, data: Vec<u8>, secret: Vec<u8>, raw: bool) -> wasmtime::Result<Vec<u8>> {
        Ok(hmac::<Sha512>(&data, &secret, raw))
    }

    fn fnv32(&mut self, data: Vec<u8>) -> wasmtime::Result<u32> {
        Ok(fnv32(&data))
    }

    fn fnv64(&mut self, data: Vec<u8>) -> wasmtime::Result<i64> {
        Ok(fnv64(&data).cast_signed())
    }
}
