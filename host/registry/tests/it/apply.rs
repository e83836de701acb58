//! Changes at run time.

use crate::support::{App, data, id, library, map, registry};
use perilune_registry::{Entry, Operation, Registry, VersionId, build_delta};
use perilune_value::{Kind, Value};
use std::sync::Arc;

fn create(entry: Entry) -> Operation {
    Operation::Create(Arc::new(entry))
}

fn update(entry: Entry) -> Operation {
    Operation::Update(Arc::new(entry))
}

fn delete(name: &str) -> Operation {
    Operation::Delete(id(name))
}

/// Kind and message of a change that must fail, after which nothing has changed.
fn refused(registry: &Registry, operations: &[Operation]) -> (Kind, String) {
    let before = registry.snapshot();
    let failure = registry.apply(operations, None).unwrap_err();
    let after = registry.snapshot();
    assert_eq!(before.version(), after.version());
    assert!(before.entries().eq(after.entries()));
    (failure.kind, failure.message)
}

#[test]
fn a_change_becomes_a_version_that_readers_of_the_old_one_do_not_see() {
    let registry = registry([data("app:a", 1), data("app:b", 1)]);
    let old = registry.snapshot();
    let applied =
        registry.apply(&[create(data("app:c", 1)), update(data("app:a", 2)), delete("app:b")], None).unwrap();
    assert_eq!(applied.version.id.number(), 1);
    assert_eq!(applied.operations, [delete("app:b"), update(data("app:a", 2)), create(data("app:c", 1))]);
    let ids = |snapshot: &perilune_registry::Snapshot| {
        snapshot.entries().map(|e| e.id().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&old), ["app:a", "app:b"]);
    assert_eq!(ids(&registry.snapshot()), ["app:a", "app:c"]);
    assert_eq!(registry.snapshot().get(&id("app:a")).unwrap().data(), &map([("value", 2.into())]));
}

#[test]
fn an_empty_change_is_invalid() {
    assert_eq!(refused(&registry([]), &[]), (Kind::Invalid, "no changes to apply".to_owned()));
}

#[test]
fn preconditions_that_fail() {
    let registry = registry([data("app:a", 1)]);
    let cases = [
        (create(data("app:a", 2)), Kind::Conflict, "entry already exists: app:a"),
        (update(data("app:x", 2)), Kind::NotFound, "entry not found: app:x"),
        (delete("app:x"), Kind::NotFound, "entry not found: app:x"),
        (
            update(library("app:a", &[])),
            Kind::Invalid,
            "app:a: an update cannot change the kind from `registry.entry` to `library.lua`; delete the entry and create it anew",
        ),
    ];
    for (operation, kind, message) in cases {
        assert_eq!(refused(&registry, &[create(data("app:new", 1)), operation]), (kind, message.to_owned()));
    }
}

#[test]
fn a_change_based_on_an_old_version_is_a_conflict_that_can_be_repeated() {
    let registry = registry([data("app:a", 1)]);
    let base = registry.current_version().id;
    registry.apply(&[update(data("app:a", 2))], Some(base)).unwrap();
    let failure = registry.apply(&[update(data("app:a", 3))], Some(base)).unwrap_err();
    assert_eq!(failure.kind, Kind::Conflict);
    assert_eq!(failure.message, "the change is based on v0, but the registry is at v1 by now");
    assert_eq!(failure.retryable, Some(true));
}

#[test]
fn an_imported_entry_cannot_be_deleted_but_together_with_its_importers_it_can() {
    let registry = registry([
        library("app:a", &[("x", "app:lib")]),
        library("app:b", &[("x", "app:lib")]),
        library("app:lib", &[]),
    ]);
    let expected = "cannot delete app:lib: it is imported by `app:a`, `app:b`";
    assert_eq!(refused(&registry, &[delete("app:lib")]), (Kind::Conflict, expected.to_owned()));
    registry.apply(&[delete("app:lib"), delete("app:b"), delete("app:a")], None).unwrap();
    assert!(registry.snapshot().is_empty());
}

#[test]
fn the_rules_of_files_hold_for_changes() {
    let registry = registry([library("app:a", &[])]);
    let bad = |entry: Entry| refused(&registry, &[create(entry)]);
    let new = |kind: &str| Entry::new(id("app:n"), kind);
    let cases = [
        (new("functoin.lua"), "app:n: field `kind`: there is no kind `functoin.lua`"),
        (new("library.lua"), "app:n: field `source`: it is missing"),
        (library("app:n", &[("x", "app:gone")]), "app:n: field `imports.x`: there is no entry `app:gone`"),
        (library("app:n", &[("x", "app:n")]), "app:n: field `imports.x`: the entry imports itself"),
        (
            new("library.lua").with_field("source", "a syntax error"),
            "app:n: field `source`: syntax error near `error`",
        ),
        (
            new("library.lua").with_field("source", "file://x.lua"),
            "app:n: field `source`: the source refers to a file, which only the loader can read",
        ),
        (new("registry.entry").with_meta("x".into()), "app:n: field `meta`: expected a map, found a string"),
        (
            new("registry.entry").with_meta(Value::from_iter([(1, 2)])),
            "app:n: field `meta`: the keys of `meta` must be strings",
        ),
    ];
    for (entry, message) in cases {
        assert_eq!(bad(entry), (Kind::Invalid, message.to_owned()));
    }
}

#[test]
fn a_change_cannot_break_an_entry_that_it_does_not_touch() {
    let registry = registry([library("app:a", &[("x", "app:lib")]), library("app:lib", &[])]);
    let operations = [delete("app:lib"), create(data("app:lib", 1))];
    let expected =
        "app:a: field `imports.x`: `app:lib` is of kind `registry.entry`, which holds no code to import";
    assert_eq!(refused(&registry, &operations), (Kind::Invalid, expected.to_owned()));
}

#[test]
fn all_problems_of_a_change_are_in_the_details() {
    let registry = registry([]);
    let operations =
        [create(Entry::new(id("app:a"), "nothing")), create(library("app:b", &[("x", "app:gone")]))];
    let failure = registry.apply(&operations, None).unwrap_err();
    assert_eq!(failure.message, "app:a: field `kind`: there is no kind `nothing` (and 1 more)");
    let Some(Value::Array(problems)) = failure.details.as_ref().and_then(|details| details.get("problems"))
    else {
        panic!("no problems in {failure:?}");
    };
    assert_eq!(problems[1].get("code"), Some(&"E302".into()));
    assert_eq!(problems[1].get("entry"), Some(&"app:b".into()));
    assert_eq!(problems[1].get("field"), Some(&"imports.x".into()));
}

#[test]
fn an_entry_that_nests_too_deep_is_refused() {
    let deep = (0..125).fold(Value::from(1), |value, _| Value::Array(vec![value]));
    let message =
        refused(&registry([]), &[create(Entry::new(id("app:a"), "registry.entry").with_field("v", deep))]).1;
    assert_eq!(message, "app:a: field `data`: tables nest deeper than 120 levels");
}

#[test]
fn a_registry_cannot_grow_without_bound() {
    let limits = perilune_registry::Limits { entries: 2, bytes: 10_000, ..Default::default() };
    let rules = || crate::support::rules().with_limits(limits);
    let registry = Registry::new(Default::default(), rules()).unwrap();
    registry.apply(&[create(data("app:a", 1)), create(data("app:b", 1))], None).unwrap();
    let full = (Kind::RateLimited, "the registry holds at most 2 entries".to_owned());
    assert_eq!(refused(&registry, &[create(data("app:c", 1))]), full);
    let large = data("app:a", 1).with_field("text", "x".repeat(10_000));
    let full = (Kind::RateLimited, "the registry holds at most 10000 bytes of entries".to_owned());
    assert_eq!(refused(&registry, &[update(large)]), full);
}

#[test]
fn operations_survive_the_way_to_lua_and_back() {
    for operation in [create(data("app:a", 1)), update(library("app:b", &[])), delete("app:c")] {
        assert_eq!(Operation::from_value(&operation.to_value()).unwrap(), operation);
    }
    let failure =
        Operation::from_value(&map([("kind", "entry.move".into()), ("entry", map([]))])).unwrap_err();
    assert_eq!(
        failure.message,
        "`entry.move` is no kind of operation; known are `entry.create`, `entry.update` and `entry.delete`"
    );
}

#[test]
fn a_delta_turns_one_list_of_entries_into_another() {
    let list = |entries: Vec<Entry>| entries.into_iter().map(Arc::new).collect::<Vec<_>>();
    let from =
        list(vec![data("app:gone", 1), data("app:kept", 1), data("app:new_kind", 1), data("app:written", 1)]);
    let to = list(vec![
        data("app:kept", 1),
        library("app:new_kind", &[]),
        data("app:made", 1),
        data("app:written", 2),
    ]);
    let expected = [
        delete("app:gone"),
        delete("app:new_kind"),
        create(data("app:made", 1)),
        create(library("app:new_kind", &[])),
        update(data("app:written", 2)),
    ];
    assert_eq!(build_delta(&from, &to), expected);
}

#[test]
fn closures_come_dependencies_first() {
    let entries = [
        library("app:a", &[("b", "app:b"), ("c", "app:c")]),
        library("app:b", &[("d", "app:d")]),
        library("app:c", &[("d", "app:d")]),
        library("app:d", &[]),
        library("app:other", &[]),
    ];
    let snapshot = registry(entries).snapshot();
    let closure: Vec<String> = snapshot.closure(&id("app:a")).iter().map(ToString::to_string).collect();
    assert_eq!((closure.first().unwrap().as_str(), closure.last().unwrap().as_str()), ("app:d", "app:a"));
    assert_eq!(closure.len(), 4);
    assert_eq!(snapshot.closure(&id("app:gone")), []);
    assert_eq!(snapshot.dependents([&id("app:d")]), ["app:a", "app:b", "app:c", "app:d"].map(id));
}

#[test]
fn a_problem_of_a_file_entry_that_a_change_breaks_still_points_at_the_file() {
    let app = App::new(&[
        ("app.yaml", "namespace: app\nname: a\nkind: library.lua\nsource: return 1\nimports: {x: other:lib}"),
        ("lib.yaml", "namespace: other\nname: lib\nkind: library.lua\nsource: return 1"),
    ]);
    let registry = app.load();
    assert_eq!(registry.snapshot().get(&id("app:a")).unwrap().file(), Some("app.yaml"));
    assert_eq!(refused(&registry, &[delete("other:lib")]).0, Kind::Conflict);
    assert_eq!(registry.current_version().id, VersionId::BASELINE);
}
