//! Versions: looking back, going back.

use crate::support::{data, id, registry, rules};
use perilune_registry::{Baseline, Limits, Operation, Registry, VersionId};
use perilune_value::{Kind, Value};
use std::sync::Arc;

fn set(registry: &Registry, value: i64) {
    registry.apply(&[Operation::Update(Arc::new(data("app:a", value)))], None).unwrap();
}

fn value(snapshot: &perilune_registry::Snapshot) -> i64 {
    snapshot.get(&id("app:a")).unwrap().data().get("value").and_then(Value::as_integer).unwrap()
}

fn version(number: i64) -> VersionId {
    VersionId::try_from(number).unwrap()
}

#[test]
fn every_version_can_be_looked_at_the_baseline_included() {
    let registry = registry([data("app:a", 0)]);
    (1..=3).for_each(|n| set(&registry, n));
    for n in 0..=3 {
        let snapshot = registry.snapshot_at(version(n)).unwrap();
        assert_eq!((value(&snapshot), snapshot.version().id), (n, version(n)));
    }
}

#[test]
fn an_unknown_version_is_not_found_and_a_negative_one_invalid() {
    let failure = registry([]).snapshot_at(version(7)).unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound);
    assert_eq!(failure.message, "version not found: v7; it was never made, or is no longer kept");
    let failure = VersionId::try_from(-1).unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Invalid, "invalid version -1; the first is 0")
    );
}

#[test]
fn a_version_knows_its_neighbours() {
    let registry = registry([data("app:a", 0)]);
    (1..=2).for_each(|n| set(&registry, n));
    let neighbours: Vec<_> = registry.versions().iter().map(|v| (v.previous, v.next)).collect();
    assert_eq!(
        neighbours,
        [(None, Some(version(1))), (Some(version(0)), Some(version(2))), (Some(version(1)), None)]
    );
}

#[test]
fn going_back_makes_no_new_version_and_the_next_change_continues_from_there() {
    let registry = registry([data("app:a", 0)]);
    (1..=2).for_each(|n| set(&registry, n));
    let applied = registry.apply_version(version(1)).unwrap();
    assert_eq!((applied.version.id, value(&applied.before), value(&applied.after)), (version(1), 2, 1));
    assert_eq!(applied.operations, [Operation::Update(Arc::new(data("app:a", 1)))]);
    set(&registry, 9);
    let head = registry.current_version();
    assert_eq!((head.id, head.previous), (version(3), Some(version(1))));
    assert_eq!(registry.apply_version(version(2)).unwrap().operations.len(), 1);
    assert_eq!(registry.apply_version(version(8)).unwrap_err().kind, Kind::NotFound);
}

#[test]
fn old_versions_are_forgotten_the_baseline_and_the_current_one_never() {
    let mut baseline = Baseline::new();
    baseline.add(data("app:a", 0));
    let limits = Limits { versions: 2, ..Limits::default() };
    let registry = Registry::new(baseline, rules().with_limits(limits)).unwrap();
    (1..=10).for_each(|n| set(&registry, n));
    let kept: Vec<u64> = registry.versions().iter().map(|version| version.id.number()).collect();
    assert_eq!(kept, [0, 8, 9, 10]);
}

#[test]
fn history_is_bounded_in_bytes_too() {
    let mut baseline = Baseline::new();
    baseline.add(data("app:a", 0));
    let limits = Limits { history_bytes: 5_000, ..Limits::default() };
    let registry = Registry::new(baseline, rules().with_limits(limits)).unwrap();
    for n in 0..20 {
        let large = data("app:a", n).with_field("text", "x".repeat(2_000));
        registry.apply(&[Operation::Update(Arc::new(large))], None).unwrap();
    }
    let kept: Vec<u64> = registry.versions().iter().map(|version| version.id.number()).collect();
    assert_eq!(kept, [0, 19, 20]);
}

#[test]
fn readers_see_whole_versions_while_a_writer_changes_them() {
    let registry = registry([data("app:a", 0), data("app:b", 0)]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..200 {
                let both = ["app:a", "app:b"].map(|name| Operation::Update(Arc::new(data(name, n))));
                registry.apply(&both, None).unwrap();
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let snapshot = registry.snapshot();
                    let values: Vec<_> =
                        snapshot.entries().map(|entry| entry.data().get("value").cloned()).collect();
                    assert_eq!(values[0], values[1]);
                    if values[0] == Some(Value::Integer(199)) {
                        break;
                    }
                }
            });
        }
    });
}
