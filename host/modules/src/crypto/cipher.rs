//! Encryption that also proves that nothing was changed.
//!
//! | what | bytes |
//! |---|---|
//! | nonce, new for each message | 12 |
//! | encrypted data | as many as the data has |
//! | tag | 16 |

use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::aes::Aes192;
use aes_gcm::aes::cipher::consts::U12;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use chacha20poly1305::ChaCha20Poly1305;
use perilune_value::Failure;
use rand::CryptoRng;

type Aes192Gcm = AesGcm<Aes192, U12>;

const NONCE: usize = 12;
const TAG: usize = 16;

/// An algorithm of authenticated encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-GCM with a key of 16, 24 or 32 bytes (NIST SP 800-38D).
    Aes,
    /// ChaCha20-Poly1305 with a key of 32 bytes (RFC 8439).
    Chacha20,
}

impl Cipher {
    fn name(self) -> &'static str {
        match self {
            Cipher::Aes => "aes",
            Cipher::Chacha20 => "chacha20",
        }
    }
}

/// Encrypts data; `aad` is not part of the result, but must be the same to decrypt it.
///
/// # Errors
///
/// `Invalid` for a key of the wrong length.
pub fn encrypt(
    generator: &mut impl CryptoRng,
    cipher: Cipher,
    data: &[u8],
    key: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut nonce = [0; NONCE];
    generator.fill_bytes(&mut nonce);
    encrypt_with(cipher, nonce, data, key, aad)
}

/// As [`encrypt`], with a nonce that must never have been used with this key before.
///
/// # Errors
///
/// As [`encrypt`].
pub fn encrypt_with(
    cipher: Cipher,
    nonce: [u8; NONCE],
    data: &[u8],
    key: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut sealed = Vec::with_capacity(NONCE + data.len() + TAG);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(data);
    let body = &mut sealed[NONCE..];
    let tag = match (cipher, key.len()) {
        (Cipher::Aes, 16) => seal::<Aes128Gcm>(key, &nonce, aad, body),
        (Cipher::Aes, 24) => seal::<Aes192Gcm>(key, &nonce, aad, body),
        (Cipher::Aes, 32) => seal::<Aes256Gcm>(key, &nonce, aad, body),
        (Cipher::Chacha20, 32) => seal::<ChaCha20Poly1305>(key, &nonce, aad, body),
        _ => return Err(wrong_key("encrypt", cipher, key)),
    };
    let tag = tag.ok_or_else(|| Failure::invalid("crypto.encrypt: the data is too long"))?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// What was encrypted.
///
/// # Errors
///
/// `Invalid` for a key of the wrong length and for data too short to have been encrypted, `Internal` when key, data or `aad` are not
/// those of the encryption.
pub fn decrypt(cipher: Cipher, data: &[u8], key: &[u8], aad: &[u8]) -> Result<Vec<u8>, Failure> {
    let name = cipher.name();
    let parts = data.split_at_checked(NONCE).filter(|(_, rest)| rest.len() >= TAG);
    let Some((nonce, rest)) = parts else {
        let least = NONCE + TAG;
        return Err(Failure::invalid(format!("crypto.decrypt.{name}: encrypted data has at least {least} bytes")));
    };
    let (body, tag) = rest.split_at(rest.len() - TAG);
    let mut opened = body.to_vec();
    let fine = match (cipher, key.len()) {
        (Cipher::Aes, 16) => open::<Aes128Gcm>(key, nonce, aad, &mut opened, tag),
        (Cipher::Aes, 24) => open::<Aes192Gcm>(key, nonce, aad, &mut opened, tag),
        (Cipher::Aes, 32) => open::<Aes256Gcm>(key, nonce, aad, &mut opened, tag),
        (Cipher::Chacha20, 32) => open::<ChaCha20Poly1305>(key, nonce, aad, &mut opened, tag),
        _ => return Err(wrong_key("decrypt", cipher, key)),
    };
    if fine {
        return Ok(opened);
    }
    Err(Failure::internal(format!("crypto.decrypt.{name}: the key is another one, or the data was changed")))
}

fn seal<C: KeyInit + AeadInPlace>(key: &[u8], nonce: &[u8], aad: &[u8], body: &mut [u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    Some(cipher.encrypt_in_place_detached(GenericArray::from_slice(nonce), aad, body).ok()?.to_vec())
}

fn open<C: KeyInit + AeadInPlace>(key: &[u8], nonce: &[u8], aad: &[u8], body: &mut [u8], tag: &[u8]) -> bool {
    let (nonce, tag) = (GenericArray::from_slice(nonce), GenericArray::from_slice(tag));
    C::new_from_slice(key)
        .is_ok_and(|cipher| cipher.decrypt_in_place_detached(nonce, aad, body, tag).is_ok())
}

fn wrong_key(verb: &str, cipher: Cipher, key: &[u8]) -> Failure {
    let (name, size) = (cipher.name(), key.len());
    let allowed = match cipher {
        Cipher::Aes => "16, 24 or 32",
        Cipher::Chacha20 => "32",
    };
    Failure::invalid(format!("crypto.{verb}.{name}: the key must have {allowed} bytes, not {size}"))
}
