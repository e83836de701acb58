//! Entries that are kept as bytecode.

use crate::support::{App, assert_same, listed, text, unpacked};
use insta::assert_snapshot;
use perilune_pack::Content;
use perilune_registry::EntryId;

/// A word that stands in every source and nowhere else.
const MARKER: &str = "quicksilver";

const APP: &[(&str, &str)] = &[
    (
        "app.yaml",
        "namespace: app\nmeta: {owner: me}\nentries:\n\n  # quicksilver\n  - name: hello\n    kind: function.lua\n    meta: {title: \"Grüße\\n\"}\n    source: file://src/hello.lua\n    method: main\n    modules: [json]\n    limits: {cpu: 1s}\n  - name: worker\n    kind: process.lua\n    source: |\n      -- quicksilver\n      return function() end\n  - {name: data, kind: registry.entry, list: [1, 2.5, .inf, null, true], text: \"say \\\"hi\\\" \\\\ \\u2028\"}\n",
    ),
    (
        "lib.yaml",
        "namespace: lib\nentries:\n  - {name: util, kind: library.lua, source: \"return 'quicksilver'\"}\n  - {name: run, kind: workflow.lua, source: \"return 'quicksilver'\"}\n  - {name: m, kind: module.lua, source: \"return {quicksilver = 1}\"}\n",
    ),
    ("src/hello.lua", "return { main = function() return 'quicksilver' end }"),
    ("data.yaml", "namespace: data\nentries:\n  # as it was\n  - {name: d, kind: registry.entry}\n"),
];

fn contains_marker(pack: &perilune_pack::Pack) -> bool {
    pack.all().any(|file| {
        let bytes = file.read().expect("it is read");
        bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes())
    })
}

#[test]
fn a_pack_with_everything_as_bytecode_holds_no_source() {
    let app = App::new(APP);
    assert!(contains_marker(&app.pack(None)), "the marker is found where there is one");
    let pack = app.pack(Some(&[]));
    assert!(!contains_marker(&pack));
    assert_snapshot!(listed(&pack).join("\n"), @r"
    document .perilune/bytecode.yaml
    document app.yaml
    document data.yaml
    document lib.yaml
    bytecode .perilune/bytecode/app/hello.luac
    bytecode .perilune/bytecode/app/worker.luac
    bytecode .perilune/bytecode/lib/m.luac
    bytecode .perilune/bytecode/lib/run.luac
    bytecode .perilune/bytecode/lib/util.luac
    ");
    assert_eq!(pack.descriptions().find(|(key, _)| *key == "compiler"), Some(("compiler", "test 1")));
}

#[test]
fn entries_have_another_kind_and_name_their_bytecode() {
    let pack = App::new(APP).pack(Some(&[]));
    assert_snapshot!(text(&pack, Content::Document, "app.yaml"));
    assert_snapshot!(text(&pack, Content::Document, ".perilune/bytecode.yaml"));
    assert_eq!(text(&pack, Content::Document, "data.yaml"), APP[3].1, "a file without Lua is as it was");
}

#[test]
fn everything_but_the_source_stays() {
    let app = App::new(APP);
    let (before, after) = (app.registry().snapshot(), unpacked(&app.pack(Some(&[]))).snapshot());
    for entry in before.entries() {
        let packed = after.get(entry.id()).expect("it is there");
        assert_eq!(packed.runs_as(), entry.kind());
        assert_eq!(packed.meta(), entry.meta());
        assert_eq!(
            packed.line(),
            entry.line(),
            "messages name the line that the author of {} knows",
            entry.id()
        );
        assert_eq!(packed.file(), entry.file());
        for field in ["method", "modules", "limits", "list", "text"] {
            assert_eq!(packed.data().get(field), entry.data().get(field), "{field} of {}", entry.id());
        }
    }
    assert_eq!(after.len(), before.len() + 1, "and the entry that shows the bytecode");
}

#[test]
fn patterns_choose_entries() {
    let app = App::new(APP);
    for (patterns, expected) in [
        (&["**"][..], "app:hello app:worker lib:m lib:run lib:util"),
        (&["**:**"], "app:hello app:worker lib:m lib:run lib:util"),
        (&["lib:**"], "lib:m lib:run lib:util"),
        (&["app:hello"], "app:hello"),
        (&["hello"], "app:hello"),
        (&["worker", "lib:m"], "app:worker lib:m"),
        (&["lib:*", "lib:m"], "lib:m lib:run lib:util"),
    ] {
        let after = unpacked(&app.pack(Some(patterns))).snapshot();
        let made = after.entries().filter(|entry| entry.kind().ends_with(".bc"));
        let made: Vec<String> = made.map(|entry| entry.id().to_string()).collect();
        assert_eq!(made.join(" "), expected, "{patterns:?}");
    }
}

#[test]
fn the_rest_of_a_file_keeps_its_sources() {
    let app = App::new(&[
        (
            "app.yaml",
            "namespace: app\nentries:\n  - {name: a, kind: library.lua, source: file://a.lua}\n  - {name: b, kind: library.lua, source: file://b.lua}\n",
        ),
        ("a.lua", "return 'a'"),
        ("b.lua", "return 'b'"),
    ]);
    let pack = app.pack(Some(&["a"]));
    assert_eq!(text(&pack, Content::Source, "b.lua"), "return 'b'");
    assert!(pack.get(Content::Source, "a.lua").is_none());
    let id = EntryId::parse("app:b").expect("an id");
    assert_eq!(unpacked(&pack).snapshot().get(&id), app.registry().snapshot().get(&id));
}

#[test]
fn a_pattern_that_means_nothing_is_refused_with_what_is_near() {
    let app = App::new(APP);
    let told = ["helo", "app:helo", "ap:**", "data:**", "data", "zzz", "zzz:**"].map(|pattern| {
        let Err(error) = app.try_pack(Some(&["lib:**", pattern])) else { panic!("{pattern} means nothing") };
        assert_eq!(error.code(), "P101");
        error.to_string()
    });
    assert_snapshot!(told.join("\n"));
}

#[test]
fn odd_names_become_names_of_files() {
    let names = ["..", ".hidden", "a/b", "a\\b", "A", "a", "CON:x", "ä", "%41"];
    let mut entries: Vec<String> = names
        .iter()
        .map(|name| format!("  - {{name: '{name}', kind: library.lua, source: 'return 1'}}\n"))
        .collect();
    entries.push(format!("  - {{name: {}, kind: library.lua, source: 'return 1'}}\n", "ö".repeat(120)));
    let app = App::new(&[("app.yaml", &format!("namespace: app\nentries:\n{}", entries.concat()))]);
    let pack = app.pack(Some(&[]));
    let files: Vec<String> = pack.files(Content::Bytecode).map(|file| file.path().to_owned()).collect();
    assert_snapshot!(files.join("\n"));
    assert_eq!(files.len(), names.len() + 1);
}

#[test]
fn yaml_of_every_kind_is_written_anew_as_what_it_means() {
    let yaml = "namespace: app\nentries:\n  - &base\n    name: a\n    kind: library.lua\n    source: &text 'return 1'\n    meta: {x: &m {deep: [[], {}, [1, [2]]]}}\n  - {<<: *base, name: b, kind: registry.entry}\n  - name: c\n    kind: registry.entry\n    data: [1, -1, 9223372036854775807, 1e300, -0.0, .nan, -.inf, ~, '', ' x ', 'null', '1', 'true', \"\\x7f\\u0085\\u2029\\ufeff\\t\\r\\n\"]\n  - {name: d, kind: registry.entry, 1: one, true: yes, '1': text, '': empty, meta: {*text : anchor}}\n";
    let app = App::new(&[("app.yaml", yaml)]);
    let before = app.registry();
    let after = unpacked(&app.pack(Some(&["a"])));
    for id in ["app:b", "app:c", "app:d"] {
        let id = EntryId::parse(id).expect("an id");
        assert_eq!(
            format!("{:?}", before.snapshot().get(&id).map(|e| e.data().clone())),
            format!("{:?}", after.snapshot().get(&id).map(|e| e.data().clone()))
        );
    }
}

#[test]
fn a_json_file_stays_one() {
    let json = "{\"namespace\": \"app\", \"entries\": [\n{\"name\": \"a\", \"kind\": \"library.lua\", \"source\": \"return 1\"},\n{\"name\": \"b\", \"kind\": \"registry.entry\", \"n\": [1, 1.5, null, \"\\u001f\"]}]}";
    let app = App::new(&[("app.json", json)]);
    let pack = app.pack(Some(&["a"]));
    assert_snapshot!(text(&pack, Content::Document, "app.json"));
    unpacked(&pack);
}

#[test]
fn what_is_no_lua_is_told() {
    let app = App::new(&[(
        "app.yaml",
        "namespace: app\nentries: [{name: a, kind: library.lua, source: 'no lua'}]\n",
    )]);
    let Err(error) = app.try_pack(Some(&[])) else { panic!("it is no Lua") };
    assert_snapshot!(error, @"app:a:1: no lua");
    assert_same(&app.registry(), &unpacked(&app.pack(None)));
}

#[test]
fn the_name_of_the_entry_that_is_added_must_be_free() {
    let app = App::new(&[
        ("app.yaml", "namespace: app\nentries: [{name: a, kind: library.lua, source: 'return 1'}]\n"),
        ("own.yaml", "namespace: perilune.pack\nentries: [{name: bytecode, kind: registry.entry}]\n"),
    ]);
    let Err(error) = app.try_pack(Some(&[])) else { panic!("the name is taken") };
    assert_snapshot!(error, @"perilune.pack:bytecode is the name of the entry that packing adds for bytecode: rename the application's own");
    assert!(app.try_pack(None).is_ok());
}
