//! Live things: each is opened once, and anew when what it was made from changes.

use crate::support::{App, Opens, Thing, Values, entry};
use perilune_registry::Operation;
use perilune_value::{Kind, Value};
use std::sync::{Arc, Barrier};

#[test]
fn a_thing_is_opened_once_when_somebody_first_asks() {
    let app = App::new(&[("a", "thing", "{}"), ("b", "thing", "{}")]);
    assert_eq!(app.opens(), 0);
    let first = app.thing("a").expect("opened");
    assert!(Arc::ptr_eq(&first, &app.thing("a").expect("opened")));
    assert_eq!(app.opens(), 1);
}

#[test]
fn a_change_of_the_entry_opens_it_anew_and_other_changes_do_not() {
    let app = App::new(&[("a", "thing", "{}"), ("b", "thing", "{}")]);
    let first = app.thing("a").expect("opened");
    app.update(("b", "thing", r#"{"text": "new"}"#));
    assert!(Arc::ptr_eq(&first, &app.thing("a").expect("opened")));
    app.update(("a", "thing", r#"{"text": "new"}"#));
    let second = app.thing("a").expect("opened");
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(second.data.get("text").and_then(Value::as_str), Some("new"));
    assert_eq!(app.opens(), 2);
}

#[test]
fn a_change_of_what_it_refers_to_opens_it_anew() {
    let app = App::new(&[
        ("a", "thing", r#"{"needs": ["b"]}"#),
        ("b", "thing", r#"{"needs": ["app:c"]}"#),
        ("c", "thing", "{}"),
    ]);
    let first = app.thing("a").expect("opened");
    assert!(Arc::ptr_eq(&first.needs[0], &app.thing("b").expect("opened")));
    app.update(("c", "thing", r#"{"text": "new"}"#));
    let second = app.thing("a").expect("opened");
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&second.needs[0].needs[0], &app.thing("c").expect("opened")));
    assert_eq!(app.opens(), 6);
}

#[test]
fn a_change_of_a_variable_opens_what_it_was_made_with_anew() {
    let app = App::new(&[
        ("a", "thing", r#"{"needs": ["b"]}"#),
        ("b", "thing", r#"{"text": "${env:X}"}"#),
        ("c", "thing", "{}"),
    ]);
    let values = app.shared::<Values>();
    values.set("X", "one");
    let (a, c) = (app.thing("a").expect("opened"), app.thing("c").expect("opened"));
    values.set("Y", "other");
    assert!(Arc::ptr_eq(&a, &app.thing("a").expect("opened")));
    values.set("X", "two");
    let again = app.thing("a").expect("opened");
    assert_eq!(again.needs[0].data.get("text").and_then(Value::as_str), Some("two"));
    assert!(Arc::ptr_eq(&c, &app.thing("c").expect("opened")));
}

#[test]
fn an_earlier_version_that_is_current_again_counts_as_a_change() {
    let app = App::new(&[("a", "thing", "{}")]);
    let first = app.thing("a").expect("opened");
    app.update(("a", "thing", r#"{"text": "new"}"#));
    assert!(app.thing("a").expect("opened").data.get("text").is_some());
    let registry = &app.resources.host().registry;
    let version = registry.versions()[0].id;
    registry.apply_version(version).expect("applied");
    let third = app.thing("a").expect("opened");
    assert!(third.data.get("text").is_none() && !Arc::ptr_eq(&first, &third));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let app = App::new(&[
        ("a", "thing", r#"{"needs": ["b"]}"#),
        ("b", "thing", r#"{"needs": ["c"]}"#),
        ("c", "thing", r#"{"needs": ["app:a"]}"#),
        ("self", "thing", r#"{"needs": ["self"]}"#),
        ("other", "other", "{}"),
        ("service", "service", "{}"),
        ("user", "thing", r#"{"needs": ["service"]}"#),
        ("broken", "thing", r#"{"panics": true}"#),
        ("above", "thing", r#"{"needs": ["broken"]}"#),
    ]);
    for (id, kind, message) in [
        ("app:none", Kind::NotFound, "there is no entry app:none"),
        ("", Kind::Invalid, "`` is no entry id"),
        ("a", Kind::Invalid, "`a` is no entry id"),
        ("app:other", Kind::Invalid, "app:other is a test.other, which nothing can open"),
        ("app:service", Kind::Invalid, "app:service is no thing"),
        ("app:user", Kind::Invalid, "app:user: app:service is no thing"),
        (
            "app:a",
            Kind::Invalid,
            "app:a: app:b: app:c: entries need each other: app:a → app:b → app:c → app:a",
        ),
        ("app:self", Kind::Invalid, "app:self: entries need each other: app:self → app:self"),
        ("app:broken", Kind::Internal, "app:broken: the host panicked while it opened it: the thing broke"),
        ("app:above", Kind::Internal, "app:above: app:broken: the host panicked"),
    ] {
        let failure = app.resources.get::<Thing>(id).map(drop).expect_err(id);
        assert_eq!(failure.kind, kind, "{id}: {failure}");
        assert!(failure.message.starts_with(message), "{id}: {failure}");
    }
}

#[test]
fn chains_are_bounded_and_diamonds_cost_no_more_than_their_entries() {
    let mut entries = vec![("n0".to_owned(), "{}".to_owned())];
    for number in 1..1_000 {
        let below = number - 1;
        entries.push((format!("n{number}"), format!(r#"{{"needs": ["n{below}", "n{below}"]}}"#)));
    }
    let entries: Vec<_> =
        entries.iter().map(|(name, data)| (name.as_str(), "thing", data.as_str())).collect();
    let app = App::new(&entries);
    let failure = app.thing("n999").map(drop).expect_err("too deep");
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.message.ends_with(": more than 32 entries need each other, one the next"), "{failure}");
    let before = app.opens();
    app.thing("n31").expect("opened");
    assert_eq!(app.opens() - before, 32);
    app.update(("n0", "thing", r#"{"text": "new"}"#));
    app.thing("n31").expect("opened");
    assert_eq!(app.opens() - before, 64);
}

#[test]
fn all_who_ask_at_once_get_the_same_thing() {
    let app = App::new(&[("a", "thing", r#"{"needs": ["b"]}"#), ("b", "thing", "{}")]);
    for round in 0..200 {
        app.update(("b", "thing", &format!(r#"{{"text": "{round}"}}"#)));
        let barrier = Barrier::new(8);
        let things: Vec<Arc<Thing>> = std::thread::scope(|scope| {
            let ask = |_| {
                scope.spawn(|| {
                    barrier.wait();
                    app.thing("a").expect("opened")
                })
            };
            let asked: Vec<_> = (0..8).map(ask).collect();
            asked.into_iter().map(|thread| thread.join().expect("it got one")).collect()
        });
        let now = app.thing("a").expect("opened");
        assert!(things.iter().all(|thing| Arc::ptr_eq(thing, &now)), "round {round}");
        assert!(Arc::ptr_eq(&now.needs[0], &app.thing("b").expect("opened")));
    }
}

#[test]
fn whoever_asks_while_entries_change_gets_what_was_current_then_or_later() {
    let app = App::new(&[("a", "thing", r#"{"number": 0}"#)]);
    let number = |thing: &Thing| thing.data.get("number").and_then(Value::as_integer).expect("a number");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = 0;
                while last < 10 {
                    let now = number(&app.thing("a").expect("opened"));
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                }
            });
        }
        for next in 1..=10 {
            app.update(("a", "thing", &format!(r#"{{"number": {next}}}"#)));
        }
    });
}

#[test]
fn what_entries_that_are_gone_were_opened_as_is_let_go() {
    let app = App::new(&[("keep", "thing", "{}")]);
    let kept = app.thing("keep").expect("opened");
    let mut held = Vec::new();
    for number in 0..1_000 {
        let name = format!("n{number}");
        app.apply(&[Operation::Create(entry((&name, "thing", "{}")))]);
        held.push(Arc::downgrade(&app.thing(&name).expect("opened")));
        app.delete(&name);
        assert_eq!(app.thing(&name).map(drop).expect_err("gone").kind, Kind::NotFound);
    }
    assert!(held.iter().filter(|thing| thing.upgrade().is_some()).count() <= 64);
    app.resources.forget_outdated();
    assert!(held.iter().all(|thing| thing.upgrade().is_none()));
    assert!(Arc::ptr_eq(&kept, &app.thing("keep").expect("opened")));
    assert_eq!(app.shared::<Opens>().0.load(std::sync::atomic::Ordering::SeqCst), 1_001);
}
