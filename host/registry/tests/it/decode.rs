//! The typed form of Lua entries, and entries as Lua tables.

use crate::support::{App, id, map};
use perilune_registry::{Entry, Import, Kinds, LimitSpec, LuaCode, LuaEntry, PoolSpec, PoolType};
use perilune_value::Value;
use std::time::Duration;

fn decode(lines: &str) -> LuaEntry {
    let yaml = format!("namespace: app\nname: x\n{lines}");
    let app = App::new(&[("app.yaml", &yaml), ("main.lua", "return {}")]);
    LuaEntry::decode(app.load().snapshot().get(&id("app:x")).unwrap()).unwrap()
}

#[test]
fn a_function_with_every_field() {
    let entry = decode(
        "kind: function.lua
source: file://main.lua
method: main
modules: [json, time]
imports: {j: base64}
pool: {type: adaptive, workers: 4, buffer: 10, warm_start: true, max_size: 8, idle_timeout: 1m}
limits: {memory: 32MiB, cpu: 500ms, timeout: 1m30s}
network: {allow: [api.example.com]}",
    );
    let expected = LuaEntry {
        code: LuaCode::Text("return {}".to_owned()),
        method: Some("main".to_owned()),
        methods: None,
        modules: vec!["json".to_owned(), "time".to_owned()],
        imports: [("j".to_owned(), Import::Module("base64".to_owned()))].into(),
        pool: PoolSpec {
            kind: PoolType::Adaptive,
            size: Some(4),
            buffer: Some(10),
            warm_start: true,
            max_size: 8,
            idle_timeout: Some(Duration::from_secs(60)),
        },
        limits: LimitSpec {
            memory: Some(32 << 20),
            cpu: Some(Duration::from_millis(500)),
            timeout: Some(Duration::from_secs(90)),
        },
        network: Some(vec!["api.example.com".to_owned()]),
    };
    assert_eq!(entry, expected);
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let entry = decode("kind: function.lua\nsource: file://main.lua\nmethod: main");
    assert_eq!(
        entry.pool,
        PoolSpec {
            kind: PoolType::Adaptive,
            size: None,
            buffer: None,
            warm_start: false,
            max_size: 16,
            idle_timeout: None,
        }
    );
    assert_eq!(entry.limits, LimitSpec::default());
    assert_eq!((entry.modules.len(), entry.imports.len(), entry.network), (0, 0, None));
}

#[test]
fn an_empty_list_of_hosts_is_not_the_same_as_none() {
    let entry = decode("kind: process.lua\nsource: file://main.lua\nnetwork: {allow: []}");
    assert_eq!(entry.network, Some(Vec::new()));
}

#[test]
fn the_method_of_a_process_is_main_unless_it_says_so() {
    assert_eq!(decode("kind: process.lua\nsource: file://main.lua").method.as_deref(), Some("main"));
    assert_eq!(
        decode("kind: process.lua\nsource: file://main.lua\nmethod: run").method.as_deref(),
        Some("run")
    );
}

#[test]
fn a_library_has_no_method_and_a_module_may_list_some() {
    assert_eq!(decode("kind: library.lua\nsource: file://main.lua").method, None);
    let module = decode("kind: module.lua\nsource: file://main.lua\nmethods: [a, b]");
    assert_eq!((module.method, module.methods), (None, Some(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(decode("kind: module.lua\nsource: file://main.lua").methods, None);
}

#[test]
fn an_entry_is_the_same_after_the_way_to_lua_and_back() {
    let entry = Entry::new(id("app:x"), "registry.entry")
        .with_meta(map([("tags", Value::Array(vec!["a".into()]))]))
        .with_data(map([("n", Value::Integer(1)), ("f", Value::Float(1.5))]));
    assert_eq!(Entry::from_value(&entry.to_value()).unwrap(), entry);
}

#[test]
fn an_entry_table_may_leave_out_meta_and_data_and_write_its_id_as_a_table() {
    let table =
        map([("id", map([("ns", "app".into()), ("name", "x".into())])), ("kind", "registry.entry".into())]);
    assert_eq!(Entry::from_value(&table).unwrap(), Entry::new(id("app:x"), "registry.entry"));
}

#[test]
fn an_empty_table_is_a_map_where_one_is_meant() {
    let empty = || Value::Array(Vec::new());
    let entry = Entry::new(id("app:x"), "library.lua").with_meta(empty()).with_field("source", "return 1");
    crate::support::registry([entry
        .with_field("imports", empty())
        .with_field("modules", Value::Map(Vec::new()))]);
}

#[test]
fn tables_that_are_no_entries_are_refused_with_the_reason() {
    let cases = [
        (Value::from("app:x"), "an entry is a table {id, kind, meta, data}, found string"),
        (map([]), "entry: field `id`: expected `namespace:name`, found nothing"),
        (map([("id", "x".into())]), "no valid id `x`: an id is written `namespace:name`"),
        (map([("id", ":x".into())]), "no valid id `:x`: the namespace is empty"),
        (map([("id", 7.into())]), "expected an id, found number"),
        (map([("id", "a:x".into())]), "entry: field `kind`: expected a string, found nothing"),
        (
            map([("id", "a:x".into()), ("kind", 1.into())]),
            "entry: field `kind`: expected a string, found number",
        ),
        (map([("knd", 1.into())]), "entry: unknown field `knd`; known are id, kind, meta and data"),
    ];
    for (table, message) in cases {
        assert_eq!(Entry::from_value(&table).unwrap_err().message, message);
    }
}

#[test]
fn the_table_of_kinds_is_its_own_documentation() {
    let kinds = Kinds::standard();
    insta::assert_snapshot!(kinds.get("function.lua").unwrap().help());
    insta::assert_snapshot!(kinds.iter().map(|kind| kind.markdown()).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_precompiled_entry_says_where_its_bytecode_is() {
    let hash = format!("sha256:{}", "0".repeat(64));
    let data = map([("fs", "files".into()), ("path", "app/x.luac".into()), ("hash", hash.as_str().into())]);
    let entry = Entry::new(id("app:x"), "process.lua.bc").with_data(data);
    assert_eq!(entry.runs_as(), "process.lua");
    let lua = LuaEntry::decode(&entry).unwrap();
    let code = LuaCode::Bytecode { fs: id("app:files"), path: "app/x.luac".to_owned(), hash };
    assert_eq!((lua.code, lua.method.as_deref()), (code, Some("main")));
}
