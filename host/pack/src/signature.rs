//! Signatures: ed25519 over the hash of all that a pack stores.

use crate::error::{PackError, quote};
use crate::header::array;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use rand::RngCore;
use std::fmt;
use std::str::FromStr;

/// Bytes of a public key and a signature, which follow the contents of a signed pack.
pub(crate) const LENGTH: usize = 32 + 64;

/// What a public key is written with in front.
const SCHEME: &str = "ed25519:";

/// What is signed begins with it, so that a signature of a pack is none of anything else that the same key signs.
const PURPOSE: &[u8] = b"perilune pack signature 1\0";

/// The secret half of a key, which signs packs.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The public half of a key. Its text is `ed25519:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl SigningKey {
    /// A new key, by the system's source of randomness.
    pub fn generate() -> Self {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        SigningKey(ed25519_dalek::SigningKey::from_bytes(&secret))
    }

    /// The key of these 32 secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Reads a key in PKCS#8 PEM, as [`SigningKey::to_pem`] and `openssl genpkey -algorithm ed25519` write it. `what` is how a message
    /// calls it.
    ///
    /// # Errors
    ///
    /// [`PackError::Key`] for anything else; the text is not shown.
    pub fn from_pem(text: &str, what: &str) -> Result<Self, PackError> {
        let wrong = |reason: &str| PackError::Key { what: what.to_owned(), reason: reason.to_owned() };
        if text.contains("ENCRYPTED PRIVATE KEY") {
            return Err(wrong("it is encrypted; decrypt it with `openssl pkey -in KEY`"));
        }
        if text.contains("PUBLIC KEY") {
            return Err(wrong("it is the public half; name the file with the secret one"));
        }
        ed25519_dalek::SigningKey::from_pkcs8_pem(text).map(SigningKey).map_err(|_| {
            wrong("an ed25519 key in PKCS#8 PEM is expected; make one with `perilune keygen FILE`")
        })
    }

    /// The key in PKCS#8 PEM.
    pub fn to_pem(&self) -> String {
        self.0.to_pkcs8_pem(LineEnding::LF).expect("invariant: 32 bytes have a form in PEM").to_string()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// What follows the contents of a pack with this hash.
    pub(crate) fn sign(&self, hash: &[u8; 32]) -> [u8; LENGTH] {
        let signature = self.0.sign(&message(hash));
        let mut bytes = [0; LENGTH];
        bytes[..32].copy_from_slice(self.0.verifying_key().as_bytes());
        bytes[32..].copy_from_slice(&signature.to_bytes());
        bytes
    }
}

/// Whose signature these bytes are of a pack with this hash.
pub(crate) fn verify(bytes: &[u8; LENGTH], hash: &[u8; 32]) -> Result<PublicKey, PackError> {
    let key = VerifyingKey::from_bytes(&array(&bytes[..32])).map_err(|_| PackError::Signature)?;
    let signature = Signature::from_bytes(&array(&bytes[32..]));
    // Strict: no weak keys, and one signature has one form.
    key.verify_strict(&message(hash), &signature).map_err(|_| PackError::Signature)?;
    Ok(PublicKey(key))
}

fn message(hash: &[u8; 32]) -> Vec<u8> {
    [PURPOSE, hash].concat()
}

impl FromStr for PublicKey {
    type Err = PackError;

    fn from_str(text: &str) -> Result<Self, PackError> {
        let wrong = |reason: &str| PackError::Key { what: quote(text), reason: reason.to_owned() };
        let digits = text.trim().strip_prefix(SCHEME);
        let digits = digits.ok_or_else(|| {
            wrong("a public key is `ed25519:` and 64 hexadecimal digits, as `perilune keygen` prints it")
        })?;
        let mut bytes = [0; 32];
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong("64 hexadecimal digits follow `ed25519:`"));
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        match VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(PublicKey(key)),
            _ => Err(wrong("these digits are no point of the curve that could be a key")),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Debug for SigningKey {
    /// Without its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}
