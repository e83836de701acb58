//! Variables and their names.

use crate::support::{App, entry, some};
use perilune_environment::{find, public};
use perilune_registry::Operation;
use perilune_value::Kind;

const STORE: (&str, &str, &str) = ("store", "env.storage.memory", "{}");

#[test]
fn a_variable_is_found_by_its_public_name_or_its_id() {
    let app = App::new(&[
        STORE,
        ("url", "env.variable", r#"{"variable": "DATABASE_URL", "storage": "store", "default": "none"}"#),
        ("secret", "env.variable", r#"{"storage": "store", "default": "hidden"}"#),
    ]);
    assert_eq!(app.get("DATABASE_URL"), some("none"));
    assert_eq!(app.get("app:url"), some("none"));
    assert_eq!(app.get("app:secret"), some("hidden"));
    for (name, kind) in [
        ("", Kind::Invalid),
        ("secret", Kind::NotFound),
        ("url", Kind::NotFound),
        ("NONE", Kind::NotFound),
        ("app:store", Kind::NotFound),
        ("app:none", Kind::NotFound),
        (":", Kind::NotFound),
        ("a:b:c", Kind::NotFound),
    ] {
        assert_eq!(find(&app.resources, name).expect_err(name).kind, kind, "{name}");
    }
    // One name for policies, whichever a script uses.
    assert_eq!(find(&app.resources, "app:url").expect("found").1, "DATABASE_URL");
    assert_eq!(find(&app.resources, "app:secret").expect("found").1, "app:secret");
    let names: Vec<String> = public(&app.resources).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["DATABASE_URL"]);
}

#[test]
fn a_name_that_two_claim_belongs_to_neither() {
    let variable = r#"{"variable": "A", "storage": "store"}"#;
    let app = App::new(&[STORE, ("x", "env.variable", variable), ("y", "env.variable", variable)]);
    let failure = find(&app.resources, "A").expect_err("two");
    assert_eq!(failure.kind, Kind::Invalid);
    assert_eq!(failure.message, "the variable `A` is claimed by app:x, app:y: rename all but one");
    assert!(public(&app.resources).is_empty());
}

#[test]
fn names_follow_the_registry() {
    let app = App::new(&[STORE]);
    assert!(find(&app.resources, "A").is_err());
    let new = entry(("a", "env.variable", r#"{"variable": "A", "storage": "store", "default": "1"}"#));
    app.resources.host().registry.apply(&[Operation::Create(new.into())], None).expect("created");
    assert_eq!(app.get("A"), some("1"));
}

#[test]
fn a_variable_may_be_read_only_and_values_are_bounded() {
    let app = App::new(&[
        STORE,
        ("a", "env.variable", r#"{"variable": "A", "storage": "store", "readonly": true, "default": ""}"#),
        ("b", "env.variable", r#"{"variable": "B", "storage": "store"}"#),
    ]);
    assert_eq!(app.get("A"), some(""));
    let failure = app.set("A", "x").expect_err("read-only");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::PermissionDenied, "app:a is `readonly`: it cannot be set")
    );
    for value in ["a\0b", &"x".repeat(200_000)] {
        assert_eq!(app.set("B", value).expect_err("no value").kind, Kind::Invalid);
    }
}

#[test]
fn wrong_entries_are_refused_when_they_are_loaded() {
    for (data, part) in [
        (r#"{"variable": "A-B", "storage": "store"}"#, "`A-B` is no name of a variable"),
        (r#"{"variable": "${env:X}", "storage": "store"}"#, "is no name of a variable"),
        (r#"{"variable": "A"}"#, "storage"),
        (r#"{"variable": "A", "storage": "none"}"#, "there is no entry `app:none`"),
        (r#"{"variable": "A", "storage": "a"}"#, "is of kind `env.variable`"),
        (r#"{"variable": "A", "storage": "store", "default": {"x": 1}}"#, "a string, a number or a boolean"),
    ] {
        let report = App::build(None, &[], &[STORE, ("a", "env.variable", data)]).err().expect(part);
        let text = report.render(false);
        assert!(text.contains(part), "{text}");
    }
    for (kind, data) in [
        ("env.storage.file", r#"{"file_path": "x", "file_mode": "rw"}"#),
        ("env.storage.router", r#"{"storages": []}"#),
        ("env.storage.router", "{}"),
        ("env.storage.static", r#"{"values": {"A": [1]}}"#),
        ("env.storage.memory", r#"{"x": 1}"#),
    ] {
        assert!(App::build(None, &[], &[("store", kind, data)]).is_err(), "{kind} {data}");
    }
}
