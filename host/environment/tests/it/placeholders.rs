//! `${env:NAME}` in the fields of entries.

use crate::support::{App, Definition, SET, some};
use perilune_value::{Kind, Value};
use std::sync::Arc;

const STORE: Definition<'_> = ("store", "env.storage.memory", "{}");
const DIR: Definition<'_> =
    ("dir", "env.variable", r#"{"variable": "DIR", "storage": "store", "default": "from-default"}"#);

#[test]
fn a_placeholder_is_a_variable_or_else_what_the_host_allows_of_its_environment() {
    let fixed = r#"{"values": {"A": "${env:DIR}/x", "B": "${env:app:dir}", "C": "${env:CARGO_PKG_NAME}", "D": "${env:PATH|none}"}}"#;
    let app = App::with(
        None,
        &[SET],
        &[
            STORE,
            DIR,
            ("fixed", "env.storage.static", fixed),
            ("a", "env.variable", r#"{"variable": "A", "storage": "fixed"}"#),
            ("b", "env.variable", r#"{"variable": "B", "storage": "fixed"}"#),
            ("c", "env.variable", r#"{"variable": "C", "storage": "fixed"}"#),
            ("d", "env.variable", r#"{"variable": "D", "storage": "fixed"}"#),
        ],
    );
    assert_eq!(app.get("A"), some("from-default/x"));
    assert_eq!(app.get("B"), some("from-default"));
    assert_eq!(app.get("C"), some("perilune-environment"));
    assert_eq!(app.get("D"), some("none"));
}

#[test]
fn what_is_not_set_or_not_allowed_fails_the_entry_by_name() {
    for (directory, kind, message) in [
        (
            "${env:UNSET}",
            Kind::PermissionDenied,
            "app:files: field `directory`: the host does not let entries read UNSET of its environment: start it with \
             `--allow-env UNSET` if it should",
        ),
        (
            "x/${env:app:unset}",
            Kind::Invalid,
            "app:files: field `directory`: the variable app:unset is not set; set it, or write what holds without it: \
             `${env:app:unset|…}`",
        ),
        ("${env:app:none}", Kind::NotFound, "app:files: field `directory`: there is no entry app:none"),
        ("${env:app:store}", Kind::Invalid, "app:files: field `directory`: app:store is no variable"),
    ] {
        let files = format!(r#"{{"directory": "{directory}"}}"#);
        let app = App::with(
            Some("/".as_ref()),
            &[],
            &[STORE, ("unset", "env.variable", r#"{"storage": "store"}"#), ("files", "fs.directory", &files)],
        );
        let failure = app.directory().map(drop).expect_err(directory);
        assert_eq!((failure.kind.clone(), failure.message.as_str()), (kind, message));
        let field = failure.details.as_ref().and_then(|details| details.get("field")).and_then(Value::as_str);
        assert_eq!(field, Some("directory"));
    }
}

#[test]
fn entries_that_need_each_other_through_variables_are_refused() {
    for (variable, fixed) in [
        (r#"{"variable": "A", "storage": "fixed", "default": "${env:A}"}"#, r#"{"values": {}}"#),
        (r#"{"variable": "A", "storage": "fixed"}"#, r#"{"values": {"A": "${env:A|x}"}}"#),
    ] {
        let app = App::new(&[("a", "env.variable", variable), ("fixed", "env.storage.static", fixed)]);
        let failure = app.get("A").expect_err("a circle");
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.contains("entries need each other: app:a"), "{failure}");
    }
}

#[test]
fn what_was_opened_with_a_variable_is_opened_anew_when_it_is_set() {
    let app = App::with(
        Some("/".as_ref()),
        &[],
        &[
            STORE,
            DIR,
            ("other", "env.variable", r#"{"variable": "OTHER", "storage": "store"}"#),
            ("router", "env.storage.router", r#"{"storages": ["store"]}"#),
            ("routed", "env.variable", r#"{"variable": "DIR2", "storage": "router"}"#),
            ("files", "fs.directory", r#"{"directory": "${env:DIR}${env:DIR2|}"}"#),
        ],
    );
    let changes = app.resources.changes();
    let first = app.directory().expect("opened");
    assert!(Arc::ptr_eq(&first, &app.directory().expect("opened")));
    assert_eq!(app.set("OTHER", "x"), Ok(false));
    assert!(Arc::ptr_eq(&first, &app.directory().expect("opened")));
    assert_eq!(app.set("DIR", "new"), Ok(true));
    let second = app.directory().expect("opened");
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(app.set("DIR", "new"), Ok(false));
    assert!(Arc::ptr_eq(&second, &app.directory().expect("opened")));
    assert_eq!(app.set("DIR2", "routed"), Ok(true));
    assert!(!Arc::ptr_eq(&second, &app.directory().expect("opened")));
    // Whoever sets a variable says so to the host.
    assert!(!changes.has_changed().expect("the resources live"));
    app.resources.touch();
    assert!(changes.has_changed().expect("the resources live"));
}
