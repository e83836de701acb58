//! What a directory of files becomes.

use crate::support::{App, id, map};
use perilune_registry::Ignored;
use perilune_value::Value;

fn ids(app: &App) -> Vec<String> {
    app.load().snapshot().entries().map(|entry| entry.id().to_string()).collect()
}

#[test]
fn every_yaml_yml_and_json_file_is_read_at_any_depth() {
    let app = App::new(&[
        ("a.yaml", "namespace: a\nentries: [{name: x, kind: registry.entry}]"),
        ("deep/er/b.yml", "namespace: b\nentries: [{name: x, kind: registry.entry}]"),
        ("c.json", r#"{"namespace": "c", "entries": [{"name": "x", "kind": "registry.entry"}]}"#),
    ]);
    assert_eq!(ids(&app), ["a:x", "b:x", "c:x"]);
}

#[test]
fn hidden_directories_node_modules_and_target_are_not_entered() {
    let broken = "{";
    let app =
        App::new(&[(".git/x.yaml", broken), ("node_modules/x.json", broken), ("lib/target/x.yaml", broken)]);
    assert_eq!(ids(&app), Vec::<String>::new());
}

#[test]
fn files_of_other_programs_are_left_alone_and_listed_with_the_reason() {
    let app = App::new(&[
        ("docker-compose.yaml", "services: {web: &web {image: x}, other: {<<: *web}}"),
        ("k8s.yaml", "apiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Pod"),
        ("list.json", "[1, 2]"),
        ("package.json", r#"{"name": "app", "version": "1.2.3"}"#),
        ("template.yaml", "Value: !Ref Other"),
    ]);
    let reason = "it has neither `namespace` nor `entries`";
    let ignored = |path: &str, reason| Ignored { path: path.to_owned(), reason };
    assert_eq!(
        app.baseline().ignored(),
        [
            ignored("docker-compose.yaml", reason),
            ignored("k8s.yaml", reason),
            ignored("list.json", "its top level is no map"),
            ignored("package.json", reason),
            ignored("template.yaml", reason),
        ]
    );
    assert_eq!(ids(&app), Vec::<String>::new());
}

#[test]
fn the_file_of_settings_is_no_entry_file_and_only_in_the_applications_own_folder() {
    for settings in ["limits: {cpu: 200ms}", "", "{", "namespace: app\nentries: []"] {
        let app = App::new(&[("perilune.yaml", settings)]);
        assert_eq!((ids(&app), app.baseline().ignored()), (Vec::new(), &[][..]), "{settings}");
    }
    let below =
        App::new(&[("lib/perilune.yaml", "namespace: a\nentries: [{name: x, kind: registry.entry}]")]);
    assert_eq!(ids(&below), ["a:x"]);
}

#[test]
fn one_namespace_may_spread_over_files_and_a_file_may_have_no_entries() {
    let app = App::new(&[
        ("a.yaml", "namespace: app.lib\nentries: [{name: x, kind: registry.entry}]"),
        ("b.yaml", "version: \"1.0\"\nnamespace: app.lib\nname: y\nkind: registry.entry\nlimit: 3"),
        ("c.yaml", "namespace: app\nentries: []"),
    ]);
    assert_eq!(ids(&app), ["app.lib:x", "app.lib:y"]);
    let entry = app.load().snapshot().get(&id("app.lib:y")).unwrap().clone();
    assert_eq!(entry.data(), &map([("limit", Value::Integer(3))]));
}

#[test]
fn the_meta_of_a_file_is_the_default_of_each_key_of_its_entries() {
    let app = App::new(&[(
        "a.yaml",
        "namespace: a\nmeta: {team: core, nested: {x: 1}}\nentries:\n- {name: x, kind: registry.entry, meta: {nested: {y: 2}, own: true}}",
    )]);
    let entry = app.load().snapshot().get(&id("a:x")).unwrap().clone();
    let expected = map([
        ("team", Value::from("core")),
        ("nested", map([("y", Value::Integer(2))])),
        ("own", Value::Bool(true)),
    ]);
    assert_eq!(entry.meta(), &expected);
}

#[test]
fn a_data_key_holds_all_data() {
    let app = App::new(&[(
        "a.yaml",
        "namespace: a\nentries:\n- {name: x, kind: registry.entry, data: {name: inner, kind: inner}}\n- {name: y, kind: registry.entry, data: [1, two]}",
    )]);
    let snapshot = app.load().snapshot();
    assert_eq!(
        snapshot.get(&id("a:x")).unwrap().data(),
        &map([("name", "inner".into()), ("kind", "inner".into())])
    );
    assert_eq!(
        snapshot.get(&id("a:y")).unwrap().data(),
        &Value::Array(vec![Value::Integer(1), Value::from("two")])
    );
}

#[test]
fn yaml_scalars_follow_the_core_schema_of_yaml_1_2() {
    let cases = [
        ("yes", Value::from("yes")),
        ("off", Value::from("off")),
        ("True", Value::Bool(true)),
        ("~", Value::Nil),
        ("12", Value::Integer(12)),
        ("-7", Value::Integer(-7)),
        ("0x1F", Value::Integer(31)),
        ("0o17", Value::Integer(15)),
        ("010", Value::Integer(10)),
        ("1.0", Value::Float(1.0)),
        ("1e3", Value::Float(1000.0)),
        (".inf", Value::Float(f64::INFINITY)),
        ("inf", Value::from("inf")),
        ("1_000", Value::from("1_000")),
        ("12:30", Value::from("12:30")),
        ("\"12\"", Value::from("12")),
        ("!!str 12", Value::from("12")),
        ("9223372036854775807", Value::Integer(i64::MAX)),
    ];
    for (text, expected) in cases {
        let app =
            App::new(&[("a.yaml", &format!("namespace: a\nname: x\nkind: registry.entry\nvalue: {text}"))]);
        let snapshot = app.load().snapshot();
        assert_eq!(snapshot.get(&id("a:x")).unwrap().data().get("value"), Some(&expected), "{text}");
    }
}

#[test]
fn anchors_aliases_and_merge_keys_are_written_out() {
    let yaml = "
namespace: a
entries:
- {name: x, kind: registry.entry, pool: &pool {size: 1, type: lazy}}
- {name: y, kind: registry.entry, pool: {<<: *pool, size: 2}, again: *pool}
";
    let snapshot = App::new(&[("a.yaml", yaml)]).load().snapshot();
    let data = snapshot.get(&id("a:y")).unwrap().data().clone();
    assert_eq!(data.get("pool"), Some(&map([("size", 2.into()), ("type", "lazy".into())])));
    assert_eq!(data.get("again"), Some(&map([("size", 1.into()), ("type", "lazy".into())])));
}

#[test]
fn file_references_are_relative_to_the_file_or_to_the_root() {
    let yaml = "
namespace: a
entries:
- {name: beside, kind: library.lua, source: file://x.lua}
- {name: above, kind: library.lua, source: file://../shared/y.lua}
- {name: root, kind: library.lua, source: file:///shared/y.lua}
- {name: literal, kind: library.lua, source: return 3}
";
    let app = App::new(&[("sub/a.yaml", yaml), ("sub/x.lua", "return 1"), ("shared/y.lua", "return 2")]);
    let snapshot = app.load().snapshot();
    let source = |name: &str| snapshot.get(&id(name)).unwrap().source_text("source").unwrap();
    for (name, path, text) in [
        ("a:beside", "sub/x.lua", "return 1"),
        ("a:above", "shared/y.lua", "return 2"),
        ("a:root", "shared/y.lua", "return 2"),
        ("a:literal", "a:literal", "return 3"),
    ] {
        assert_eq!((source(name).path(), source(name).text()), (path, text));
    }
}

#[test]
fn a_string_that_begins_with_file_stays_one_outside_source_fields() {
    let app = App::new(&[("a.yaml", "namespace: a\nname: x\nkind: registry.entry\nurl: file:///etc/passwd")]);
    let snapshot = app.load().snapshot();
    assert_eq!(snapshot.get(&id("a:x")).unwrap().data().get("url"), Some(&"file:///etc/passwd".into()));
}

#[test]
fn a_byte_order_mark_before_utf_8_is_dropped() {
    let app = App::new(&[
        ("a.yaml", "\u{feff}namespace: a\nname: x\nkind: library.lua\nsource: file://x.lua"),
        ("x.lua", "\u{feff}return 1"),
        ("b.json", "\u{feff}{\"namespace\": \"b\", \"entries\": []}"),
    ]);
    assert_eq!(app.load().snapshot().get(&id("a:x")).unwrap().data().get("source"), Some(&"return 1".into()));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_to_a_file_inside_the_application_is_read() {
    let app = App::new(&[
        ("a.yaml", "namespace: a\nname: x\nkind: library.lua\nsource: file://x.lua"),
        ("y.lua", "return 1"),
    ]);
    std::os::unix::fs::symlink("y.lua", app.path().join("x.lua")).unwrap();
    assert_eq!(app.load().snapshot().len(), 1);
}
