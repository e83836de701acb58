//! Random bytes and texts, from whatever generator the caller has.

use perilune_value::Failure;
use rand::{CryptoRng, Rng};

/// Bytes or characters of one answer.
const MOST: usize = 1 << 20;

/// Bytes of a set of characters: all letters of a language fit.
const MAX_CHARSET: usize = 64 << 10;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// So many bytes.
///
/// # Errors
///
/// `Invalid` for a number below 1 or above 1 MiB.
pub fn bytes(generator: &mut impl CryptoRng, count: i64) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; checked("bytes", count)?];
    generator.fill_bytes(&mut bytes);
    Ok(bytes)
}

/// So many characters of a set, each as likely as any other: characters of UTF-8, or bytes where the set is not UTF-8.
///
/// # Errors
///
/// `Invalid` for a number below 1 or above 1 Mi, and for a set that is empty or larger than 64 KiB.
pub fn string(
    generator: &mut impl CryptoRng,
    count: i64,
    charset: Option<&[u8]>,
) -> Result<Vec<u8>, Failure> {
    let count = checked("string", count)?;
    let charset = charset.unwrap_or(ALPHANUMERIC);
    if charset.is_empty() || charset.len() > MAX_CHARSET {
        let size = charset.len();
        return Err(Failure::invalid(format!(
            "crypto.random.string: the character set has {size} bytes; 1 to {MAX_CHARSET} are allowed"
        )));
    }
    let characters: Vec<&[u8]> = match std::str::from_utf8(charset) {
        Ok(text) => text.split("").filter(|part| !part.is_empty()).map(str::as_bytes).collect(),
        Err(_) => charset.chunks(1).collect(),
    };
    let mut chosen = Vec::with_capacity(count);
    for _ in 0..count {
        chosen.extend_from_slice(characters[generator.random_range(0..characters.len())]);
    }
    Ok(chosen)
}

fn checked(what: &str, count: i64) -> Result<usize, Failure> {
    usize::try_from(count).ok().filter(|count| (1..=MOST).contains(count)).ok_or_else(|| {
        Failure::invalid(format!("crypto.random.{what}: the length is 1 to {MOST}, not {count}"))
    })
}
