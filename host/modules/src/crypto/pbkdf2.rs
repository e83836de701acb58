//! Keys from passwords: PBKDF2 (RFC 8018).
//!
//! The loop is written out on crate `hmac`: ten million iterations take seconds, and no crate lets go of them half way.

use super::Digest;
use hmac::digest::{FixedOutput, KeyInit};
use hmac::{Hmac, Mac};
use perilune_value::Failure;
use sha2::{Sha256, Sha512};

/// Iterations that one may ask for; tens of thousands are common.
const MOST_ITERATIONS: i64 = 10_000_000;
/// Bytes of a key.
const MOST_BYTES: i64 = 1024;
/// Iterations between two questions whether the result is still wanted: a tenth of a millisecond.
const STEP: u32 = 256;

/// Derives a key of `length` bytes. `wanted` is asked again and again, and ends the work by failing.
///
/// # Errors
///
/// `Invalid` for numbers out of range; what `wanted` says.
pub fn derive(
    digest: Digest,
    password: &[u8],
    salt: &[u8],
    iterations: i64,
    length: i64,
    wanted: impl Fn() -> Result<(), Failure>,
) -> Result<Vec<u8>, Failure> {
    let in_range = |what: &str, value: i64, most: i64| {
        u32::try_from(value).ok().filter(|_| (1..=most).contains(&value)).ok_or_else(|| {
            Failure::invalid(format!("crypto.pbkdf2: {what} must be 1 to {most}, not {value}"))
        })
    };
    let iterations = in_range("the number of iterations", iterations, MOST_ITERATIONS)?;
    let length = in_range("the length", length, MOST_BYTES)? as usize;
    match digest {
        Digest::Sha256 => blocks::<Hmac<Sha256>>(password, salt, iterations, length, &wanted),
        Digest::Sha512 => blocks::<Hmac<Sha512>>(password, salt, iterations, length, &wanted),
    }
}

fn blocks<M: Mac + KeyInit + FixedOutput + Clone>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
    wanted: &dyn Fn() -> Result<(), Failure>,
) -> Result<Vec<u8>, Failure> {
    let keyed = <M as Mac>::new_from_slice(password).expect("invariant: HMAC takes keys of any length");
    let mut key = Vec::with_capacity(length);
    for number in 1_u32.. {
        let first = keyed.clone().chain_update(salt).chain_update(number.to_be_bytes());
        let mut last = first.finalize_fixed();
        let mut block = last.clone();
        for iteration in 1..iterations {
            if iteration % STEP == 0 {
                wanted()?;
            }
            last = keyed.clone().chain_update(&last).finalize_fixed();
            block.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        key.extend_from_slice(&block);
        if key.len() >= length {
            break;
        }
    }
    key.truncate(length);
    Ok(key)
}
