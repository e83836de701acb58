//! The event bus.

use crate::support::{App, entry};
use perilune_queue::{Bus, Event, Pattern, Subscription, announce_changes};
use perilune_registry::{EntryId, Operation};
use perilune_value::{Kind, Packed, Value};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

type Heard = Arc<Mutex<Vec<String>>>;

fn listen(bus: &Bus, system: &str, kind: Option<&str>) -> (Subscription, Heard) {
    let heard = Heard::default();
    let list = heard.clone();
    let system = Pattern::new(system, "system").expect("a pattern");
    let kind = kind.map(|kind| Pattern::new(kind, "kind").expect("a pattern"));
    let subscription = bus.subscribe(system, kind, move |event| {
        let Event { system, kind, path, data } = &**event;
        let version = data.to_value().ok().and_then(|data| data.get("version")?.as_integer());
        let version = version.map_or_else(String::new, |version| format!(" v{version}"));
        list.lock().expect("no test panics here").push(format!("{system} {kind} {path}{version}"));
    });
    (subscription, heard)
}

fn heard(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().expect("no test panics here"))
}

fn send(bus: &Bus, system: &str, kind: &str) {
    bus.send(Event::new(system, kind, "p", Packed::from(&Value::Nil)).expect("an event"));
}

#[test]
fn patterns_choose_systems_and_kinds() {
    for (system, kind, hears) in [
        ("shop", None, true),
        ("sho", None, false),
        ("sho*", None, true),
        ("*", None, true),
        ("shop*", Some("order.*"), true),
        ("shop", Some("order.paid"), true),
        ("shop", Some("order"), false),
        ("shops", None, false),
    ] {
        let bus = Bus::default();
        let (_subscription, list) = listen(&bus, system, kind);
        send(&bus, "shop", "order.paid");
        assert_eq!(heard(&list).len(), usize::from(hears), "{system} {kind:?}");
    }
}

#[test]
fn everybody_who_listens_hears_and_nobody_else() {
    let bus = Bus::default();
    send(&bus, "shop", "before");
    let (one, first) = listen(&bus, "shop", None);
    let (_two, second) = listen(&bus, "shop", None);
    send(&bus, "shop", "open");
    drop(one);
    send(&bus, "shop", "close");
    assert_eq!(
        (heard(&first), heard(&second)),
        (vec!["shop open p".into()], vec!["shop open p".into(), "shop close p".into()])
    );
    assert!(bus.has_listener("shop") && !bus.has_listener("other"));
}

#[test]
fn events_and_patterns_are_checked() {
    let nil = Packed::from(&Value::Nil);
    let long = "x".repeat(256);
    for (system, kind, path) in [
        ("", "k", "p"),
        ("s", "", "p"),
        ("s", "k", ""),
        (&long, "k", "p"),
        ("s*", "k", "p"),
        ("s", "k*", "p"),
    ] {
        assert_eq!(Event::new(system, kind, path, nil.clone()).expect_err("it is wrong").kind, Kind::Invalid);
    }
    let large = Packed::from(&Value::from("x".repeat(Event::MOST_DATA)));
    assert_eq!(Event::new("s", "k", "p", large).expect_err("it is large").kind, Kind::Invalid);
    for pattern in ["", "a*b", "**", &long] {
        assert_eq!(Pattern::new(pattern, "system").expect_err("it is wrong").kind, Kind::Invalid);
    }
}

#[tokio::test]
async fn changes_of_the_registry_are_events() {
    let app = App::queues(&[("jobs", r#"{"driver": "memory"}"#)]);
    let bus = Bus::default();
    announce_changes(&bus, &app.registry);
    let apply = |operations: &[Operation]| app.registry.apply(operations, None).expect("it is applied");
    let new = |name, fields| Arc::new(entry(name, "queue.queue", fields));
    apply(&[Operation::Create(new("unheard", r#"{"driver": "memory"}"#))]);
    let (_subscription, list) = listen(&bus, "registry", Some("entry.*"));
    apply(&[
        Operation::Create(new("new", r#"{"driver": "memory"}"#)),
        Operation::Update(new("jobs", r#"{"driver": "memory", "queue_name": "other"}"#)),
        Operation::Delete(EntryId::new("app", "unheard").expect("an id")),
    ]);
    assert_eq!(
        heard(&list),
        [
            "registry entry.delete app:unheard v2",
            "registry entry.update app:jobs v2",
            "registry entry.create app:new v2"
        ]
    );
    drop(bus);
}

proptest! {
    #[test]
    fn a_pattern_matches_what_begins_with_its_stem(stem in "[a-c]{1,3}", name in "[a-c]{1,4}") {
        let open = Pattern::new(&format!("{stem}*"), "system").expect("a pattern");
        prop_assert_eq!(open.matches(&name), name.starts_with(&stem));
        let exact = Pattern::new(&stem, "system").expect("a pattern");
        prop_assert_eq!(exact.matches(&name), name == stem);
    }
}
