//! Tokens: texts that stand for an actor and a scope until they expire.
//!
//! A token is random bytes in base64, and where the store has a signing secret, a dot and their signature. What it stands for is
//! kept under the digest of the bytes: who reads the store learns no token. A token that was not signed here is refused
//! without asking the store.

use crate::Actor;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use hmac::{Hmac, Mac};
use perilune_value::{Failure, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where tokens are kept.
pub trait Shelf: Send + Sync {
    /// The value under a key, unless it has expired.
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Value>, Failure>>;

    /// Sets a value that expires after a time.
    fn set(&self, key: String, value: Value, ttl: Duration) -> BoxFuture<'static, Result<(), Failure>>;

    /// Removes a key. False when there was none.
    fn delete(&self, key: String) -> BoxFuture<'static, Result<bool, Failure>>;
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// On whose behalf.
    pub actor: Actor,
    /// Ids of the policies of its scope.
    pub policies: Vec<String>,
    /// What whoever made it wanted to remember: a map.
    pub meta: Value,
}

/// A store of tokens.
pub struct Tokens {
    /// Id of its entry.
    pub id: String,
    /// Where they are kept.
    pub shelf: Arc<dyn Shelf>,
    /// What they are signed with.
    pub secret: Option<Vec<u8>>,
    /// Random bytes of each.
    pub length: usize,
    /// How long they live when nobody says otherwise.
    pub expiration: Duration,
}

impl Tokens {
    /// Random bytes that cannot be guessed.
    pub const LEAST_LENGTH: usize = 16;
    /// More random bytes add nothing.
    pub const MOST_LENGTH: usize = 128;
    /// The longest that a token may live.
    pub const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

    /// A new token.
    ///
    /// # Errors
    ///
    /// `Invalid` for an expiration of zero or beyond [`Tokens::LONGEST`], and what the store fails with.
    pub async fn create(&self, grant: &Grant, expiration: Option<Duration>) -> Result<String, Failure> {
        let ttl = expiration.unwrap_or(self.expiration);
        if ttl.is_zero() || ttl > Self::LONGEST {
            return Err(Failure::invalid("a token expires after a positive time of at most ten years"));
        }
        let mut bytes = vec![0; self.length];
        rand::Rng::fill(&mut rand::rng(), bytes.as_mut_slice());
        let expires = i64::try_from((now() + ttl).as_millis()).unwrap_or(i64::MAX);
        let actor = Value::from_iter([
            ("id", Value::from(grant.actor.id.as_str())),
            ("meta", grant.actor.meta.clone()),
        ]);
        let policies = grant.policies.iter().map(|id| Value::from(id.as_str())).collect::<Vec<_>>();
        let value = Value::from_iter([
            ("actor", actor),
            ("policies", Value::Array(policies)),
            ("meta", grant.meta.clone()),
            ("expires", Value::Integer(expires)),
        ]);
        self.shelf.set(key(&bytes), value, ttl).await?;
        let mut token = URL_SAFE_NO_PAD.encode(&bytes);
        if let Some(signature) = self.signature(&bytes) {
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(signature.finalize().into_bytes(), &mut token);
        }
        Ok(token)
    }

    /// What a token stands for.
    ///
    /// # Errors
    ///
    /// `Invalid` for a token that was not made here, has expired or was revoked, which of them is not told; and what the store
    /// fails with.
    pub async fn validate(&self, token: &str) -> Result<Grant, Failure> {
        self.find(token).await?.ok_or_else(invalid)
    }

    /// Whom a token stands for; `None` for one that is not valid.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn find(&self, token: &str) -> Result<Option<Grant>, Failure> {
        let Ok(body) = self.read(token) else { return Ok(None) };
        Ok(self.shelf.get(key(&body)).await?.and_then(|kept| grant(&kept)))
    }

    /// Ends a token.
    ///
    /// # Errors
    ///
    /// `Invalid` for a token that was not made here, and what the store fails with.
    pub async fn revoke(&self, token: &str) -> Result<(), Failure> {
        let key = key(&self.read(token)?);
        self.shelf.delete(key).await.map(drop)
    }

    /// The bytes of a token whose form and signature are right.
    fn read(&self, token: &str) -> Result<Vec<u8>, Failure> {
        let (body, signature) = match (token.split_once('.'), &self.secret) {
            (Some((body, signature)), Some(_)) => (body, Some(signature)),
            (None, None) => (token, None),
            _ => return Err(invalid()),
        };
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid());
        // Whoever sends a long text must not make the host decode it.
        if token.len() > 4 * (Self::MOST_LENGTH + 32) {
            return Err(invalid());
        }
        let bytes = decode(body)?;
        if let (Some(written), Some(signature)) = (signature, self.signature(&bytes)) {
            // In constant time.
            signature.verify_slice(&decode(written)?).map_err(|_| invalid())?;
        }
        match bytes.len() == self.length {
            true => Ok(bytes),
            false => Err(invalid()),
        }
    }

    /// Of the bytes for this store: another one with the same secret makes other tokens.
    fn signature(&self, bytes: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_ref()?).ok()?;
        mac.update(self.id.as_bytes());
        mac.update(&[0]);
        mac.update(bytes);
        Some(mac)
    }
}

fn invalid() -> Failure {
    Failure::invalid("the token is not valid: it was never given out, has expired, or was revoked")
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn key(bytes: &[u8]) -> String {
    let mut key = "token:".to_owned();
    URL_SAFE_NO_PAD.encode_string(Sha256::digest(bytes), &mut key);
    key
}

/// What a store kept, unless it is late.
fn grant(kept: &Value) -> Option<Grant> {
    let expires = u64::try_from(kept.get("expires")?.as_integer()?).ok()?;
    if now() >= Duration::from_millis(expires) {
        return None;
    }
    let actor = kept.get("actor")?;
    let policies: &[Value] = match kept.get("policies")? {
        Value::Array(items) => items,
        // An empty table.
        Value::Map(fields) if fields.is_empty() => &[],
        _ => return None,
    };
    let map = |value: Option<&Value>| value.cloned().unwrap_or_else(|| Value::Map(Vec::new()));
    Some(Grant {
        actor: Actor { id: actor.get("id")?.as_str()?.to_owned(), meta: map(actor.get("meta")) },
        policies: policies.iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        meta: map(kept.get("meta")),
    })
}
