//! `store.memory` on a clock that stands still unless it is moved.

use crate::support::{key, names, resources, within};
use perilune_registry::{Entry, EntryId};
use perilune_resource::Services;
use perilune_store::{Condition, Limits, Put, Query, Store, memory};
use perilune_value::{Kind, Packed, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::advance;

fn put(value: i64, millis: Option<u64>) -> Put {
    Put { ttl: millis.map(Duration::from_millis), ..Put::new(Packed::from(&Value::from(value))) }
}

async fn get(store: &Store, name: &str) -> Option<i64> {
    let item = store.get(&key(name)).await.ok()?;
    item.value.to_value().expect("it is well-formed").as_integer()
}

#[tokio::test(start_paused = true)]
async fn a_value_is_gone_at_the_moment_its_time_is_over() {
    let store = memory(Limits::default());
    store.put(&key("k"), put(1, Some(1_000))).await.expect("it is stored");
    advance(Duration::from_millis(999)).await;
    assert_eq!((get(&store, "k").await, store.has(&key("k")).await), (Some(1), Ok(true)));
    advance(Duration::from_millis(1)).await;
    assert_eq!(store.get(&key("k")).await.expect_err("it is gone").kind, Kind::NotFound);
    assert_eq!(store.has(&key("k")).await, Ok(false));
    assert_eq!(store.delete(&key("k")).await, Ok(false));
    assert!(names(&store).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_further_put_begins_its_time_anew() {
    let store = memory(Limits::default());
    for (value, millis) in [(1, Some(1_000)), (2, Some(1_000)), (3, None)] {
        store.put(&key("k"), put(value, millis)).await.expect("it is stored");
        advance(Duration::from_millis(900)).await;
        assert_eq!(get(&store, "k").await, Some(value));
    }
    advance(Duration::from_secs(1_000_000)).await;
    assert_eq!(get(&store, "k").await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_absent_for_conditions_too() {
    let store = memory(Limits::default());
    let version = store.put(&key("k"), put(1, Some(10))).await.expect("it is stored");
    advance(Duration::from_millis(10)).await;
    let by_version = Put { condition: Condition::Version(version), ..put(2, None) };
    assert_eq!(store.put(&key("k"), by_version).await.expect_err("it is gone").kind, Kind::Conflict);
    let if_absent = Put { condition: Condition::Absent, ..put(3, None) };
    store.put(&key("k"), if_absent).await.expect("nothing is there");
    assert_eq!(get(&store, "k").await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_makes_room() {
    for limits in [Limits { items: 3, bytes: 1 << 20 }, Limits { items: 100, bytes: 3 * 203 }] {
        let store = memory(limits);
        for (name, millis) in [("a", Some(10)), ("b", Some(20)), ("c", None)] {
            store.put(&key(name), put(1, millis)).await.expect("there is room");
        }
        assert_eq!(store.put(&key("d"), put(1, None)).await.expect_err("it is full").kind, Kind::RateLimited);
        advance(Duration::from_millis(10)).await;
        store.put(&key("d"), put(1, None)).await.expect("there is room");
        assert_eq!(store.put(&key("e"), put(1, None)).await.expect_err("it is full").kind, Kind::RateLimited);
        assert_eq!(names(&store).await, ["b", "c", "d"]);
    }
}

#[tokio::test]
async fn readers_get_what_they_have_room_for() {
    let store = memory(Limits::default());
    store.put(&key("k"), put(1, None)).await.expect("it is stored");
    let query = || Query::new(b"", None, None).expect("a query");
    for (bytes, fits) in [(5, false), (1_000, true)] {
        let reader = within(&store, bytes);
        assert_eq!(
            (reader.get(&key("k")).await.is_ok(), within(&store, bytes).list(query()).await.is_ok()),
            (fits, fits)
        );
        assert_eq!(reader.get(&key("none")).await.expect_err("nothing is there").kind, Kind::NotFound);
    }
    let failure = within(&store, 5).get(&key("k")).await.expect_err("there is no room");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::RateLimited, "what was read and not yet taken exceeds the caller's `limits.memory`")
    );
}

#[tokio::test(start_paused = true)]
async fn versions_of_two_stores_differ() {
    let (one, other) = (memory(Limits::default()), memory(Limits::default()));
    let version = one.put(&key("k"), put(1, None)).await.expect("it is stored");
    other.put(&key("k"), put(1, None)).await.expect("it is stored");
    let by_version = Put { condition: Condition::Version(version), ..put(2, None) };
    assert_eq!(other.put(&key("k"), by_version).await.expect_err("another store's").kind, Kind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_runs_gives_memory_back_by_itself() {
    let entry = Entry::new(EntryId::new("app", "kv").expect("an id"), "store.memory")
        .with_field("cleanup_interval", "1m")
        .with_field("lifecycle", Value::from_iter([("auto_start", true)]));
    let resources = resources([entry]);
    let services = Services::new(resources.clone());
    services.start().await.expect("all starts");
    let store = resources.get::<Store>("app:kv").expect("it opens");
    let bytes = || store.info().bytes.unwrap_or_default();
    store.put(&key("k"), put(1, Some(30_000))).await.expect("it is stored");
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert!(bytes() > 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bytes(), 0);
    services.stop().await;
    store.put(&key("k"), put(1, Some(30_000))).await.expect("a store works also while it does not run");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(bytes() > 0);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Option<u64>),
    IfAbsent(u8),
    Delete(u8),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0_u8..8;
    prop_oneof![
        3 => (name.clone(), prop::option::of(1_u64..100)).prop_map(|(name, millis)| Step::Put(name, millis)),
        1 => name.clone().prop_map(Step::IfAbsent),
        1 => name.prop_map(Step::Delete),
        2 => (1_u64..60).prop_map(Step::Pass),
    ]
}

/// A store of five items against a map with the moments at which they expire.
async fn run(steps: Vec<Step>) {
    const ITEMS: usize = 5;
    let store = memory(Limits { items: ITEMS, bytes: 1 << 20 });
    let mut model: BTreeMap<String, (i64, u64)> = BTreeMap::new();
    let mut now = 0;
    for (value, step) in (0..).zip(steps) {
        model.retain(|_, (_, expires)| now < *expires);
        let name = |name: u8| format!("k{name}");
        match step {
            Step::Put(n, millis) => {
                let fits = model.len() < ITEMS || model.contains_key(&name(n));
                let stored = store.put(&key(&name(n)), put(value, millis)).await;
                assert_eq!(stored.is_ok(), fits);
                if fits {
                    model.insert(name(n), (value, millis.map_or(u64::MAX, |millis| now + millis)));
                }
            }
            Step::IfAbsent(n) => {
                let expected = match (model.contains_key(&name(n)), model.len() < ITEMS) {
                    (true, _) => Some(Kind::AlreadyExists),
                    (false, false) => Some(Kind::RateLimited),
                    (false, true) => None,
                };
                let item = Put { condition: Condition::Absent, ..put(value, None) };
                let stored = store.put(&key(&name(n)), item).await;
                assert_eq!(stored.err().map(|failure| failure.kind), expected);
                model.entry(name(n)).or_insert_with(|| (value, u64::MAX));
                if expected == Some(Kind::RateLimited) {
                    model.remove(&name(n));
                }
            }
            Step::Delete(n) => {
                let deleted = store.delete(&key(&name(n))).await;
                assert_eq!(deleted, Ok(model.remove(&name(n)).is_some()));
            }
            Step::Pass(millis) => {
                advance(Duration::from_millis(millis)).await;
                now += millis;
            }
        }
        model.retain(|_, (_, expires)| now < *expires);
        assert_eq!(names(&store).await, model.keys().cloned().collect::<Vec<_>>());
        for (name, (value, _)) in &model {
            assert_eq!(get(&store, name).await, Some(*value));
        }
    }
}

proptest! {
    #[test]
    fn a_store_does_what_its_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime is made").block_on(run(steps));
    }
}
