//! What the table of runs promises.

use perilune_cell::{Arrival, Event, Message, Pid};
use perilune_process::{Birth, Born, Nature, Relation, Table};
use perilune_value::{Failure, Kind, Value, args_from_msgpack, args_to_msgpack};
use std::sync::Arc;
use std::time::Instant;

fn begin(table: &Arc<Table>, messages: usize) -> Born {
    table.begin(Birth {
        nature: Nature::Process,
        host: &"app:host".into(),
        entry: &"app:worker".into(),
        code: None,
        actor: None,
        parent: None,
        began: Instant::now(),
        messages,
        bytes: 64 << 10,
    })
}

fn message(topic: &str) -> Message {
    let payloads = args_to_msgpack(&[Value::from(topic)]);
    Message { topic: topic.to_owned(), sender: String::new(), payloads }
}

/// The kinds of the events that are in a mailbox, and the topics of messages.
fn seen(born: &mut Born) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(Event::Message(message)) = born.mailbox.receive_now() {
        let payloads = args_from_msgpack(&message.payloads).expect("values");
        let kind = payloads[0].get("kind").and_then(Value::as_str).unwrap_or(&message.topic).to_owned();
        seen.push(kind);
    }
    seen
}

#[test]
fn a_pid_stands_for_its_run_in_one_way_of_writing() {
    let table = Arc::<Table>::default();
    let born = begin(&table, 4);
    let pid = born.run.pid.to_string();
    assert_eq!(pid, "{app:host|00001}");
    assert!(table.find(&pid).is_ok());
    for other in [
        "{app:host|1}",
        "{app:host|000001}",
        "{app:other|00001}",
        "{app:host|00002}",
        "app:host|00001",
        "",
        "{",
    ] {
        assert_eq!(
            table.find(other).map(drop).map_err(|failure| failure.kind),
            Err(Kind::NotFound),
            "{other:?}"
        );
    }
    drop(born);
    assert!(table.find(&pid).is_err() && table.count() == 0);
}

#[test]
fn a_pid_has_five_digits_or_as_many_as_it_needs() {
    for (number, text) in [
        (0, "{h|00000}"),
        (1, "{h|00001}"),
        (0xabcde, "{h|abcde}"),
        (0x10_0000, "{h|100000}"),
        (u64::MAX, "{h|ffffffffffffffff}"),
    ] {
        let pid = Pid::numbered("h".into(), number);
        assert_eq!((pid.text().as_str(), pid.to_string().as_str(), pid.is(text)), (text, text, true));
    }
    assert_eq!(Pid::named("h".into(), "order-7").text(), "{h|order-7}");
}

#[test]
fn who_watches_learns_of_any_end_and_who_is_linked_of_a_failure() {
    let table = Arc::<Table>::default();
    for (outcome, watcher_sees, linked_sees) in [
        (Ok(args_to_msgpack(&[])[..].into()), vec!["pid.exit"], vec![]),
        (Err(Failure::internal("gone wrong")), vec!["pid.exit"], vec!["pid.link.down"]),
    ] {
        let (ends, mut watcher, mut linked) = (begin(&table, 4), begin(&table, 4), begin(&table, 4));
        linked.run.trap_links(Some(true));
        table.relate(&watcher.run, &ends.run, Relation::Monitor).expect("both live");
        table.relate(&linked.run, &ends.run, Relation::Link).expect("both live");
        ends.end(&outcome);
        assert_eq!((seen(&mut watcher), seen(&mut linked)), (owned(&watcher_sees), owned(&linked_sees)));
        assert!(watcher.run.links().is_empty() && linked.run.links().is_empty());
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn a_failure_ends_who_does_not_trap_links() {
    let table = Arc::<Table>::default();
    let (ends, mut linked) = (begin(&table, 4), begin(&table, 4));
    table.relate(&ends.run, &linked.run, Relation::Link).expect("both live");
    ends.end(&Err(Failure::internal("gone wrong")));
    let Arrival::Killed(reason) = linked.mailbox.receive().await else { panic!("it is ended") };
    assert!(reason.message.starts_with("linked process failed"), "{}", reason.message);
}

#[test]
fn a_mailbox_is_bounded_but_for_events() {
    let table = Arc::<Table>::default();
    let (mut full, other) = (begin(&table, 2), begin(&table, 2));
    table.relate(&full.run, &other.run, Relation::Monitor).expect("both live");
    assert!(table.send(&full.run, message("one")).is_ok() && table.send(&full.run, message("two")).is_ok());
    let refused = table.send(&full.run, message("three")).expect_err("it is full");
    assert_eq!((refused.kind, refused.retryable), (Kind::RateLimited, Some(true)));
    drop(other);
    assert_eq!(seen(&mut full), ["one", "two", "pid.exit"]);
}

#[test]
fn what_nobody_read_is_a_dead_letter() {
    let table = Arc::<Table>::default();
    let born = begin(&table, 200);
    for _ in 0..150 {
        table.send(&born.run, message("lost")).expect("it has room");
    }
    let (run, pid) = (born.run.clone(), born.run.pid.to_string());
    drop(born);
    let (count, kept) = table.dead_letters();
    assert_eq!(
        (count, kept.len(), kept[0].to.as_str(), kept[0].topic.as_str()),
        (150, 100, pid.as_str(), "lost")
    );
    assert_eq!(table.send(&run, message("late")).map_err(|failure| failure.kind), Err(Kind::NotFound));
}

#[test]
fn a_name_belongs_to_one_run_until_that_ends() {
    let table = Arc::<Table>::default();
    let (one, two) = (begin(&table, 4), begin(&table, 4));
    table.register("name", &one.run).expect("it is free");
    table.register("name", &one.run).expect("it is its own");
    let taken = table.register("name", &two.run).expect_err("it is taken");
    assert_eq!(taken.kind, Kind::AlreadyExists);
    assert!(!table.unregister("name", &two.run));
    assert_eq!(table.find("name").map(|run| run.pid.number), Ok(one.run.pid.number));
    drop(one);
    table.register("name", &two.run).expect("it is free again");
}

#[test]
fn names_of_all_are_bounded() {
    let table = Arc::<Table>::default();
    let all: Vec<Born> = (0..1_001).map(|_| begin(&table, 4)).collect();
    let refused = all.iter().find_map(|born| {
        (0..1_000)
            .find_map(|number| table.register(&format!("{}-{number}", born.run.pid.number), &born.run).err())
    });
    assert_eq!(refused.expect("a bound").message, "all processes together have 1000000 names already");
}

#[test]
fn who_is_asked_to_end_too_often_is_not_flooded_and_one_that_is_full_is_reached() {
    let table = Arc::<Table>::default();
    let mut full = begin(&table, 2);
    assert!(table.send(&full.run, message("one")).is_ok() && table.send(&full.run, message("two")).is_ok());
    let asked = (0..1000).take_while(|_| table.cancel(&full.run, "{app:host|00009}", None).is_ok()).count();
    assert_eq!(asked, 64);
    table.cancel(&full.run, "", Some("the host itself is always heard")).expect("it lives");
    let long = table.cancel(&full.run, "", Some(&"x".repeat(1025))).expect_err("it is too long");
    assert_eq!(long.kind, Kind::Invalid);
    assert_eq!(seen(&mut full).len(), 2 + 64 + 1);
}

#[test]
fn an_end_whose_result_does_not_fit_is_told_without_it() {
    let table = Arc::<Table>::default();
    let mut watcher = begin(&table, 4);
    for _ in 0..2 {
        let ends = begin(&table, 4);
        table.relate(&watcher.run, &ends.run, Relation::Monitor).expect("both live");
        let result = Value::from("x".repeat(40 << 10)).to_msgpack();
        ends.end(&Ok(result[..].into()));
    }
    let mut results = Vec::new();
    while let Some(Event::Message(message)) = watcher.mailbox.receive_now() {
        let payloads = args_from_msgpack(&message.payloads).expect("values");
        results.push(payloads[0].get("result").expect("a result").clone());
    }
    assert!(results[0].get("value").is_some() && results[1].get("value").is_none(), "{results:?}");
    let Some(Value::Error(failure)) = results[1].get("error") else { panic!("{results:?}") };
    assert_eq!(failure.kind, Kind::RateLimited);
    assert_eq!(failure.message, "how {app:host|00003} ended does not fit into the mailbox");
}

#[test]
fn who_never_reads_of_ends_starts_no_more_than_there_is_room_for() {
    let table = Arc::<Table>::default();
    let watcher = begin(&table, 4);
    let mut refused = None;
    let told = (0..100_000)
        .take_while(|_| {
            let ends = begin(&table, 4);
            refused = table.relate(&watcher.run, &ends.run, Relation::Monitor).err();
            refused.is_none()
        })
        .count();
    assert_eq!(told, 10_004);
    assert_eq!(refused.expect("it is refused").message, "a process has at most 10000 relations of one kind");
}

/// Pairs of 1,500 are more than the host keeps; none has too many by itself.
#[test]
fn relations_of_all_are_bounded_and_an_end_makes_room() {
    let table = Arc::<Table>::default();
    let mut all: Vec<Born> = (0..1_500).map(|_| begin(&table, 4)).collect();
    let full = all.iter().find_map(|run| {
        let others = all.iter().filter(|other| other.run.pid != run.run.pid);
        let mut refused =
            others.map(|other| table.relate(&run.run, &other.run, Relation::Monitor)).filter_map(Result::err);
        refused.next()
    });
    let full: Failure = full.expect("a bound");
    assert_eq!(full.kind, Kind::RateLimited, "{full:?}");
    let limit = full.details.as_ref().and_then(|details| details.get("limit"));
    assert_eq!(limit.and_then(Value::as_str), Some("relations"));
    assert_eq!(full.message, "all processes together have 2000000 relations already");
    // The first has a relation with each other one, in both directions, and the second too.
    all.remove(0).end(&Ok([].into()));
    let (one, other) = (begin(&table, 4), begin(&table, 4));
    for relation in [Relation::Link, Relation::Monitor] {
        assert_eq!(table.relate(&one.run, &other.run, relation), Ok(()));
    }
}
