//! Tokens.

use futures_util::future::BoxFuture;
use perilune_security::{Actor, Grant, Shelf, Tokens};
use perilune_value::{Failure, Kind, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A shelf that never forgets, so that what tests see is what tokens themselves keep of time.
#[derive(Default)]
struct Memory {
    kept: Mutex<HashMap<String, Value>>,
    asked: Mutex<u32>,
}

impl Shelf for Memory {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Value>, Failure>> {
        *self.asked.lock().expect("nobody panics") += 1;
        let found = self.kept.lock().expect("nobody panics").get(&key).cloned();
        Box::pin(async { Ok(found) })
    }

    fn set(&self, key: String, value: Value, _: Duration) -> BoxFuture<'static, Result<(), Failure>> {
        self.kept.lock().expect("nobody panics").insert(key, value);
        Box::pin(async { Ok(()) })
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<bool, Failure>> {
        let removed = self.kept.lock().expect("nobody panics").remove(&key).is_some();
        Box::pin(async move { Ok(removed) })
    }
}

fn tokens(shelf: &Arc<Memory>, secret: Option<&str>) -> Tokens {
    Tokens {
        id: "app:tokens".to_owned(),
        shelf: shelf.clone(),
        secret: secret.map(|secret| secret.as_bytes().to_vec()),
        length: 32,
        expiration: Duration::from_secs(3600),
    }
}

fn grant() -> Grant {
    Grant {
        actor: Actor { id: "user:ann".to_owned(), meta: Value::from_iter([("role", "clerk")]) },
        policies: vec!["app:read".to_owned()],
        meta: Value::from_iter([("device", "phone")]),
    }
}

const SECRET: Option<&str> = Some("a secret of the server");

#[tokio::test]
async fn a_token_stands_for_what_it_was_made_of_until_it_is_revoked() {
    for secret in [None, SECRET] {
        let tokens = tokens(&Arc::default(), secret);
        let token = tokens.create(&grant(), None).await.expect("it is made");
        assert_eq!(tokens.validate(&token).await, Ok(grant()));
        tokens.revoke(&token).await.expect("it was given out");
        assert_eq!(tokens.validate(&token).await.expect_err("it is revoked").kind, Kind::Invalid);
        tokens.revoke(&token).await.expect("revoking again changes nothing");
    }
}

#[tokio::test]
async fn two_tokens_differ() {
    let tokens = tokens(&Arc::default(), None);
    let (one, two) = (tokens.create(&grant(), None).await, tokens.create(&grant(), None).await);
    assert_ne!(one.expect("it is made"), two.expect("it is made"));
}

#[tokio::test]
async fn a_token_expires_even_where_the_store_is_late() {
    let tokens = tokens(&Arc::default(), SECRET);
    let token = tokens.create(&grant(), Some(Duration::from_nanos(1))).await.expect("it is made");
    assert!(tokens.validate(&token).await.is_err());
}

#[tokio::test]
async fn an_expiration_is_positive_and_bounded() {
    let tokens = tokens(&Arc::default(), None);
    for expiration in [Duration::ZERO, Duration::MAX] {
        let failure = tokens.create(&grant(), Some(expiration)).await.expect_err("it is refused");
        assert_eq!(failure.kind, Kind::Invalid);
        assert_eq!(failure.message, "a token expires after a positive time of at most ten years");
    }
}

#[tokio::test]
async fn forged_tokens_are_refused_without_asking_the_store() {
    let shelf = Arc::new(Memory::default());
    let ours = tokens(&shelf, SECRET);
    let token = ours.create(&grant(), None).await.expect("it is made");
    let (body, signature) = token.split_once('.').expect("it is signed");
    let others = tokens(&shelf, Some("another secret of some server"));
    let foreign = others.create(&grant(), None).await.expect("it is made");
    let elsewhere = Tokens { id: "app:other".to_owned(), ..tokens(&shelf, SECRET) };
    let of_another_store = elsewhere.create(&grant(), None).await.expect("it is made");
    let changed = format!("{}{}.{signature}", if body.starts_with('A') { "B" } else { "A" }, &body[1..]);
    let long = "A".repeat(1 << 20);
    for forged in [
        "",
        ".",
        body,
        &format!("{body}."),
        &format!("{token}A"),
        &changed,
        &foreign,
        &of_another_store,
        "é.é",
        &long,
    ] {
        let failure = ours.validate(forged).await.expect_err("it is refused");
        assert_eq!(failure.kind, Kind::Invalid, "{forged}");
        assert!(ours.revoke(forged).await.is_err(), "{forged}");
    }
    assert_eq!(*shelf.asked.lock().expect("nobody panics"), 0);
}

#[tokio::test]
async fn the_store_holds_nothing_that_could_be_used_as_a_token() {
    let shelf = Arc::new(Memory::default());
    let tokens = tokens(&shelf, None);
    let token = tokens.create(&grant(), None).await.expect("it is made");
    let kept = format!("{:?}", shelf.kept.lock().expect("nobody panics"));
    assert!(!kept.contains(&token));
    for key in shelf.kept.lock().expect("nobody panics").keys() {
        assert!(!key.contains(&token));
    }
}
