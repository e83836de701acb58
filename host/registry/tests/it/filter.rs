//! Queries, form by form.

use crate::support::{id, map, registry};
use perilune_registry::{Entry, Registry};
use perilune_value::{Kind, Value};

fn sample() -> Registry {
    let entry = |name: &str, meta| Entry::new(id(name), "registry.entry").with_meta(meta);
    let list = |items: &[&str]| Value::Array(items.iter().map(|item| (*item).into()).collect());
    registry([
        entry(
            "app:one",
            map([
                ("type", "handler".into()),
                ("tags", list(&["api", "users"])),
                ("n", 1.into()),
                ("on", true.into()),
            ]),
        ),
        entry("app:two", map([("type", "view".into()), ("tags", list(&["api"])), ("n", Value::Float(1.0))])),
        entry(
            "lib:one",
            map([("type", "handler".into()), ("deep", map([("er", map([("x", "y".into())]))]))]),
        ),
        Entry::new(id("lib:code"), "library.lua")
            .with_field("source", "return 1")
            .with_meta(map([("a.b", "dotted".into()), ("tags", "api".into())])),
    ])
}

fn found(filter: Value) -> Vec<String> {
    let found = sample().snapshot().find(&filter).unwrap_or_else(|failure| panic!("{filter:?}: {failure}"));
    found.iter().map(|entry| entry.id().to_string()).collect()
}

#[test]
fn every_form_of_a_criterion_selects_what_it_says_sorted_by_id() {
    let list = |items: &[&str]| Value::Array(items.iter().map(|item| (*item).into()).collect());
    let cases: &[(&str, Value, &[&str])] = &[
        // Fields of the entry, with and without the dot, with `*`.
        (".kind", "library.lua".into(), &["lib:code"]),
        ("kind", "library.lua".into(), &["lib:code"]),
        ("kind", "*.lua".into(), &["lib:code"]),
        (".ns", "app".into(), &["app:one", "app:two"]),
        ("name", "one".into(), &["app:one", "lib:one"]),
        (".name", "*o*e".into(), &["app:one", "lib:code", "lib:one"]),
        ("id", "app:*".into(), &["app:one", "app:two"]),
        ("id", "*".into(), &["app:one", "app:two", "lib:code", "lib:one"]),
        (".name", "on".into(), &[]),
        // Metadata: bare, dotted, nested.
        ("type", "handler".into(), &["app:one", "lib:one"]),
        ("meta.type", "handler".into(), &["app:one", "lib:one"]),
        ("meta", map([("type", "handler".into())]), &["app:one", "lib:one"]),
        ("meta.deep.er.x", "y".into(), &["lib:one"]),
        ("deep.er", map([("x", "y".into())]), &["lib:one"]),
        ("meta", map([("deep", map([("er.x", "y".into())]))]), &["lib:one"]),
        ("meta.a.b", "dotted".into(), &["lib:code"]),
        ("on", true.into(), &["app:one"]),
        ("absent", "x".into(), &[]),
        // Numbers.
        ("n", 1.into(), &["app:one", "app:two"]),
        ("n", Value::Float(1.0), &["app:one", "app:two"]),
        ("n", Value::Float(1.5), &[]),
        ("n", "1".into(), &[]),
        // Lists.
        ("tags", "api".into(), &["app:one", "app:two", "lib:code"]),
        ("tags", list(&["api", "users"]), &["app:one"]),
        ("tags", list(&["api"]), &["app:one", "app:two", "lib:code"]),
        // Operators.
        ("~meta.type", "^h.*r$".into(), &["app:one", "lib:one"]),
        ("~type", "iew".into(), &["app:two"]),
        ("*meta.type", "and".into(), &["app:one", "lib:one"]),
        ("*meta.tags", "use".into(), &["app:one"]),
        ("^meta.type", "v".into(), &["app:two"]),
        ("$meta.type", "ler".into(), &["app:one", "lib:one"]),
        ("^id", "lib:".into(), &["lib:code", "lib:one"]),
        ("*meta.n", "1".into(), &[]),
    ];
    for (key, value, expected) in cases {
        assert_eq!(found(map([(key, value.clone())])), *expected, "{key} = {value:?}");
    }
}

#[test]
fn an_empty_filter_selects_everything() {
    assert_eq!(found(map([])).len(), 4);
    assert_eq!(found(Value::Array(Vec::new())).len(), 4);
}

#[test]
fn all_criteria_must_hold() {
    assert_eq!(found(map([("type", "handler".into()), (".ns", "lib".into())])), ["lib:one"]);
}

#[test]
fn a_filter_that_is_not_understood_is_invalid_and_says_why() {
    let cases = [
        (Value::from("app"), "invalid filter: expected a table of criteria, found string"),
        (Value::Array(vec!["app".into()]), "invalid filter: expected a table of criteria, found a list"),
        (map([(".knd", "x".into())]), "invalid filter: `.knd` is no criterion; did you mean `kind`?"),
        (
            map([(".colour", "x".into())]),
            "invalid filter: `.colour` is no criterion; known are `.id`, `.kind`, `.name` and `.ns`",
        ),
        (
            map([("data.source", "x".into())]),
            "invalid filter: `data.source` is no criterion; only fields of the entry and its metadata can be searched",
        ),
        (
            map([("meta.", "x".into())]),
            "invalid filter: `meta.` is no criterion; a name is missing beside a dot",
        ),
        (map([("~", "x".into())]), "invalid filter: `~` is no criterion; a name is missing"),
        (map([("meta", "x".into())]), "invalid filter: `meta` must be a table, found string"),
        (map([("~type", 1.into())]), "invalid filter: the criterion `~type` takes a string, found number"),
        (map([("kind", true.into())]), "invalid filter: the criterion `kind` takes a string, found boolean"),
        (map([("type", Value::Nil)]), "invalid filter: nothing can equal a value of type nil"),
        (
            map([("~type", "(".into())]),
            "invalid filter: the regular expression `(` of `~type` is not valid: unclosed group",
        ),
        (
            map([("~type", "(x{1000}){1000}".into())]),
            "invalid filter: the regular expression `(x{1000}){1000}` of `~type` is not valid: it is too large",
        ),
    ];
    for (filter, message) in cases {
        let failure = sample().snapshot().find(&filter).unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Invalid, message));
    }
}

#[test]
fn a_filter_cannot_make_the_host_work_without_bound() {
    let many = Value::from_iter((0..1000).map(|n| (format!("k{n}"), Value::from("x"))));
    assert_eq!(
        sample().snapshot().find(&many).unwrap_err().message,
        "invalid filter: there are more than 64 criteria"
    );
    let deep = (0..1_000).fold(Value::from("x"), |value, _| Value::Array(vec![value]));
    let failure = sample().snapshot().find(&map([("type", deep)])).unwrap_err();
    assert_eq!(failure.message, "invalid filter: tables nest deeper than 128 levels");
}
