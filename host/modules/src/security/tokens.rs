//! Kind `security.token_store`: tokens kept in a store.

use super::kinds::FIELD;
use futures_util::future::BoxFuture;
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind, kind};
use perilune_security::{Shelf, Tokens};
use perilune_store::{Condition, Key, Put, Store};
use perilune_value::{Failure, Kind, Packed, Value};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// A secret that is shorter can be tried out.
const LEAST_SECRET: usize = 16;

pub(super) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "security.token_store",
        doc: "Gives out tokens that stand for an actor and a scope",
        fields: Fields::Known(&[
            Field {
                name: "store",
                ty: Type::Entry(perilune_store::NAMES),
                required: true,
                doc: "where the tokens are kept",
                ..FIELD
            },
            Field {
                name: "token_length",
                ty: Type::Integer { min: Tokens::LEAST_LENGTH as i64, max: Tokens::MOST_LENGTH as i64 },
                default: "32",
                doc: "random bytes of a token",
                ..FIELD
            },
            Field {
                name: "default_expiration",
                ty: Type::Duration { max: Tokens::LONGEST },
                default: "24h",
                doc: "how long a token lives when nobody says otherwise",
                ..FIELD
            },
            Field {
                name: "token_key",
                ty: Type::String,
                default: "tokens are not signed",
                doc: "secret that tokens are signed with, such as `${env:TOKEN_KEY}`; forged ones then never reach the store",
                ..FIELD
            },
        ]),
        placeholders: true,
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

fn check(entry: &Entry) -> Vec<Problem> {
    let secret = entry.data().get("token_key").and_then(Value::as_str);
    let short = secret.filter(|secret| !secret.contains("${") && secret.len() < LEAST_SECRET);
    let message = format!("the secret is shorter than {LEAST_SECRET} bytes");
    let problem = |_| {
        Problem::in_field(entry, "token_key", Code::BAD_VALUE, message)
            .help("take random bytes: `openssl rand -base64 32`")
    };
    short.map(problem).into_iter().collect()
}

#[derive(Deserialize)]
#[serde(default)]
struct Config {
    store: String,
    token_length: usize,
    #[serde(deserialize_with = "kind::duration")]
    default_expiration: Duration,
    token_key: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            store: String::new(),
            token_length: 32,
            default_expiration: Duration::from_secs(24 * 3600),
            token_key: None,
        }
    }
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let store = opening.resource::<Store>(&config.store)?;
    Ok(Opened::resource(Arc::new(Tokens {
        id: opening.id().to_string(),
        shelf: Arc::new(Kept((*store).clone())),
        secret: config.token_key.map(String::into_bytes),
        length: config.token_length,
        expiration: config.default_expiration,
    })))
}

/// Tokens in a store.
struct Kept(Store);

impl Shelf for Kept {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Value>, Failure>> {
        let store = self.0.clone();
        Box::pin(async move {
            match store.get(&Key::new(key.as_bytes())?).await {
                Ok(item) => Ok(Some(item.value.to_value()?)),
                Err(failure) if failure.kind == Kind::NotFound => Ok(None),
                Err(failure) => Err(failure),
            }
        })
    }

    fn set(&self, key: String, value: Value, ttl: Duration) -> BoxFuture<'static, Result<(), Failure>> {
        let store = self.0.clone();
        Box::pin(async move {
            let put = Put { ttl: Some(ttl), condition: Condition::Absent, ..Put::new(Packed::from(&value)) };
            store.put(&Key::new(key.as_bytes())?, put).await.map(drop)
        })
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<bool, Failure>> {
        let store = self.0.clone();
        Box::pin(async move { store.delete(&Key::new(key.as_bytes())?).await })
    }
}
