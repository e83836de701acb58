//! Signed tokens: JSON Web Tokens (RFC 7519) with HS256, HS384, HS512 and RS256.
//!
//! What a token's time is compared with is the cell's time, not the machine's, so that a workflow finds the same when it is replayed.

use crate::stack::on_large_stack;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use perilune_value::{Failure, Value, json};

/// Bytes of a token, and of its claims. Headers of HTTP, where tokens travel, are a hundredth of it.
const MAX_TOKEN: usize = 256 << 10;
/// Bytes of a key. One of 8,192 bits takes 7 KiB as PEM.
const MAX_KEY: usize = 16 << 10;

fn algorithm(name: &[u8]) -> Result<Algorithm, Failure> {
    Ok(match name {
        b"HS256" => Algorithm::HS256,
        b"HS384" => Algorithm::HS384,
        b"HS512" => Algorithm::HS512,
        b"RS256" => Algorithm::RS256,
        other => {
            let name: String = String::from_utf8_lossy(other).chars().take(32).collect();
            return Err(Failure::invalid(format!(
                "crypto.jwt: there is no algorithm {name:?}; known are HS256, HS384, HS512 and RS256"
            )));
        }
    })
}

fn check_key(key: &[u8]) -> Result<(), Failure> {
    match key.len() {
        0 => Err(Failure::invalid("crypto.jwt: the key is empty")),
        size if size > MAX_KEY => {
            Err(Failure::invalid(format!("crypto.jwt: a key of {size} bytes; {MAX_KEY} are the most")))
        }
        _ => Ok(()),
    }
}

/// A token of claims, a map as MessagePack. The claim `_header`, a map, is not part of it but adds to its header.
///
/// # Errors
///
/// `Invalid` for an unknown algorithm, an empty or unusable key, claims that are no map or too large; `Internal` for what has no JSON
/// form.
pub fn encode(claims: &[u8], key: &[u8], algorithm_name: &[u8]) -> Result<Vec<u8>, Failure> {
    let algorithm = algorithm(algorithm_name)?;
    check_key(key)?;
    if claims.len() > MAX_TOKEN {
        return Err(Failure::invalid(format!("crypto.jwt: the claims take more than {MAX_TOKEN} bytes")));
    }
    let mut claims = match Value::from_msgpack(claims)? {
        Value::Map(claims) => claims,
        // An empty table.
        Value::Array(claims) if claims.is_empty() => Vec::new(),
        other => {
            let found = other.type_name();
            return Err(Failure::invalid(format!("crypto.jwt: claims must be a table of names, not a {found}")));
        }
    };
    let mut header = match position(&claims, "_header").map(|at| claims.remove(at).1) {
        None => Vec::new(),
        Some(Value::Map(header)) => header,
        Some(Value::Array(header)) if header.is_empty() => header.into_iter().map(|v| (v, Value::Nil)).collect(),
        Some(other) => {
            let found = other.type_name();
            return Err(Failure::invalid(format!("crypto.jwt: `_header` must be a table of names, not a {found}")));
        }
    };
    // What a token is signed with is not for its claims to say.
    header.retain(|(name, _)| name.as_str() != Some("alg"));
    header.push((Value::from("alg"), Value::from(algorithm_name)));
    if position(&header, "typ").is_none() {
        header.push((Value::from("typ"), Value::from("JWT")));
    }
    let part = |fields| Ok::<_, Failure>(URL_SAFE_NO_PAD.encode(json::encode(&Value::Map(fields))?));
    let message = format!("{}.{}", part(header)?, part(claims)?);
    let signature = with_key(algorithm, || {
        let key = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(key).map_err(|error| unusable("private", &error))?,
            _ => EncodingKey::from_secret(key),
        };
        crypto::sign(message.as_bytes(), &key, algorithm).map_err(|error| unusable("private", &error))
    })?;
    Ok(format!("{message}.{signature}").into_bytes())
}

/// The claims of a token as MessagePack. `now` is in seconds since 1970.
///
/// # Errors
///
/// `Invalid` for an unknown algorithm and an empty or unusable key; `Internal` for a token that is malformed, signed with another
/// algorithm or key, not valid yet or no longer, or without `exp` where it is required.
pub fn verify(
    token: &[u8],
    key: &[u8],
    algorithm_name: &[u8],
    require_exp: bool,
    now: i64,
) -> Result<Vec<u8>, Failure> {
    let algorithm = algorithm(algorithm_name)?;
    check_key(key)?;
    let malformed = || refused("it is malformed");
    if token.len() > MAX_TOKEN {
        return Err(refused(&format!("it has more than {MAX_TOKEN} bytes")));
    }
    let token = std::str::from_utf8(token).map_err(|_| malformed())?;
    let (message, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
    let part = |text: &str| {
        let text = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
        json::decode(&text).map_err(|_| malformed())
    };
    let header = part(header)?;
    if header.get("alg").and_then(Value::as_str) != std::str::from_utf8(algorithm_name).ok() {
        return Err(refused("it is signed with another algorithm"));
    }
    // What is critical to who signed it must be understood to be trusted (RFC 7515), and nothing is.
    if header.get("crit").is_some() {
        return Err(refused("its header asks for what is not supported"));
    }
    let fine = with_key(algorithm, || {
        let key = match algorithm {
            Algorithm::RS256 => DecodingKey::from_rsa_pem(key).map_err(|error| unusable("public", &error))?,
            _ => DecodingKey::from_secret(key),
        };
        crypto::verify(signature, message.as_bytes(), &key, algorithm).map_err(|_| malformed())
    })?;
    if !fine {
        return Err(refused("its signature is wrong"));
    }
    let claims = part(claims)?;
    if !matches!(claims, Value::Map(_)) {
        return Err(refused("its claims are no object"));
    }
    check_times(&claims, require_exp, now)?;
    Ok(claims.to_msgpack())
}

fn check_times(claims: &Value, require_exp: bool, now: i64) -> Result<(), Failure> {
    let now = now as f64;
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_float() {
            Some(time) if time.is_finite() => Ok(Some(time)),
            _ => Err(refused(&format!("`{name}` is no time"))),
        },
    };
    match time("exp")? {
        None if require_exp => return Err(refused("it has no `exp`")),
        Some(expires) if now >= expires => return Err(refused("it has expired")),
        _ => {}
    }
    match time("nbf")? {
        Some(begins) if now < begins => Err(refused("it is not valid yet")),
        _ => Ok(()),
    }
}

/// Reading PEM recurses over the structures in it.
fn with_key<T: Send>(
    algorithm: Algorithm,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    if algorithm == Algorithm::RS256 { on_large_stack(work) } else { work() }
}

fn position(fields: &[(Value, Value)], name: &str) -> Option<usize> {
    fields.iter().position(|(key, _)| key.as_str() == Some(name))
}

fn unusable(which: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::invalid(format!("crypto.jwt: RS256 takes a {which} RSA key of 2048 bits or more as PEM: {error}"))
}

fn refused(why: &str) -> Failure {
    Failure::internal(format!("crypto.jwt: the token is refused: {why}"))
}
