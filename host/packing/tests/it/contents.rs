//! What goes into a pack, and how it comes out.

use crate::support::{App, assert_same, compiler, listed, options, rules, text, unpacked};
use insta::assert_snapshot;
use perilune_pack::{Content, Pack, SigningKey};
use perilune_packing::{Application, Compiler, PackingError, pack};
use perilune_registry::{Baseline, Entry, EntryId, Registry};
use std::cell::RefCell;

const APP: &[(&str, &str)] = &[
    (
        "app.yaml",
        "# The shop.\nversion: \"1.0\"\nnamespace: app\nmeta: {owner: me}\nentries:\n  - name: hello\n    kind: function.lua\n    source: file://src/hello.lua\n    method: main\n  - {name: inline, kind: library.lua, source: 'return {}'}\n",
    ),
    ("src/hello.lua", "return { main = function() return 'hello' end }"),
    (
        "lib/lib.yaml",
        "namespace: app.lib\nname: util\nkind: library.lua\nsource: file://../shared/util.lua\n",
    ),
    (
        "lib/data.json",
        "{\"namespace\": \"app.data\", \"entries\": [{\"name\": \"d\", \"kind\": \"registry.entry\", \"n\": 1.5}]}",
    ),
    ("shared/util.lua", "return {}"),
    ("notes.txt", "not for others"),
    ("other.yaml", "settings: of another program\n"),
    ("unused.lua", "return 'nobody names me'"),
    (".env", "SECRET=1"),
];

#[test]
fn a_pack_is_the_application() {
    let app = App::new(APP);
    assert_same(&app.registry(), &unpacked(&app.pack(None)));
}

#[test]
fn only_what_the_application_reads_goes_in() {
    assert_snapshot!(listed(&App::new(APP).pack(None)).join("\n"), @r"
    document app.yaml
    document lib/data.json
    document lib/lib.yaml
    source shared/util.lua
    source src/hello.lua
    ");
}

#[test]
fn documents_are_as_their_author_wrote_them() {
    assert_eq!(text(&App::new(APP).pack(None), Content::Document, "app.yaml"), APP[0].1);
}

#[test]
fn the_same_application_in_another_folder_gives_the_same_bytes() {
    let (one, other) = (App::new(APP), App::new(APP));
    other.write("more notes.txt", "that nobody packs");
    for bytecode in [None, Some(&[][..])] {
        assert_eq!(one.bytes(bytecode), one.bytes(bytecode));
        assert_eq!(one.bytes(bytecode), other.bytes(bytecode));
    }
    other.write("src/hello.lua", "return { main = function() return 'bye' end }");
    assert_ne!(one.bytes(None), other.bytes(None));
    assert_ne!(one.bytes(Some(&[])), other.bytes(Some(&[])));
}

#[test]
fn a_pack_is_packed_again_as_it_is_to_be_signed_later() {
    let files = [
        APP,
        &[
            ("web.yaml", "namespace: web\nentries: [{name: files, kind: fs.embed, directory: web}]"),
            ("web/a.html", "a"),
        ],
    ];
    let app = App::new(&files.concat());
    for bytecode in [None, Some(&[][..])] {
        let first = app.pack(bytecode);
        let registry = unpacked(&first);
        let application = Application { registry: &registry, folder: None, pack: Some(&first) };
        // What is bytecode already has no text that could be compiled.
        let again = pack(application, &options(None), &compiler(), &mut |_| true).expect("it is packed");
        let key = SigningKey::generate();
        let signed = Pack::read(again.finish(Some(&key)).expect("right paths")).expect("an honest pack");
        assert_eq!(listed(&signed), listed(&first));
        for (a, b) in first.all().zip(signed.all()) {
            assert_eq!(a.hash(), b.hash(), "{}", a.path());
        }
        assert!(signed.require(&[key.public()]).is_ok());
    }
}

#[test]
fn a_byte_order_mark_and_windows_lines_make_no_difference() {
    let text = "\u{feff}namespace: app\r\nentries:\r\n  - {name: a, kind: registry.entry}\r\n";
    let app = App::new(&[("app.yaml", text)]);
    assert_same(&app.registry(), &unpacked(&app.pack(None)));
}

#[test]
fn an_application_without_entries_is_packed() {
    let app = App::new(&[("app.yaml", "namespace: app\nentries: []\n")]);
    assert_eq!(unpacked(&app.pack(None)).snapshot().len(), 0);
}

#[test]
fn an_entry_that_a_program_made_is_refused() {
    let app = App::new(APP);
    let id = EntryId::new("app", "made").expect("a right id");
    let mut baseline = Baseline::read_dir(app.path(), &rules());
    baseline.add(Entry::new(id, "library.lua").with_field("source", "return {}"));
    let registry = Registry::new(baseline, rules()).expect("it is right");
    let application = Application { registry: &registry, folder: Some(app.path()), pack: None };
    let Err(error) = pack(application, &options(None), &compiler(), &mut |_| true) else {
        panic!("it would be lost")
    };
    assert_snapshot!(error, @"app:made was made by a program and stands in no file, so that there is nothing to pack");
}

#[test]
fn packing_is_stopped_between_two_steps() {
    let app = App::new(APP);
    let registry = app.registry();
    let application = Application { registry: &registry, folder: Some(app.path()), pack: None };
    let mut steps = 0;
    let stopped = pack(application, &options(Some(&[])), &compiler(), &mut |progress| {
        assert_eq!((progress.done, progress.total), (steps, 3));
        steps += 1;
        steps < 2
    });
    assert!(matches!(stopped, Err(PackingError::Stopped)));
    assert_eq!(steps, 2);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_read_as_two_texts_is_refused() {
    let app = App::new(&[
        ("deep/inside/a.lua", "return 1"),
        ("b.lua", "return 2"),
        ("deep/b.lua", "return 3"),
        (
            "app.yaml",
            "namespace: app\nentries:\n  - {name: a, kind: library.lua, source: file://link/../b.lua}\n  - {name: b, kind: library.lua, source: file://b.lua}\n",
        ),
    ]);
    std::os::unix::fs::symlink("deep/inside", app.path().join(".link")).expect("linked");
    app.write("app.yaml", "namespace: app\nentries:\n  - {name: a, kind: library.lua, source: file://.link/../b.lua}\n  - {name: b, kind: library.lua, source: file://b.lua}\n");
    let Err(error) = app.try_pack(None) else { panic!("one of two texts would be lost") };
    assert_snapshot!(error, @"`b.lua` is read as two different texts, since a symbolic link lies on the way to it: name the file by one path");
}

#[test]
fn the_compiler_is_asked_for_selected_entries_alone() {
    let app = App::new(APP);
    let registry = app.registry();
    let application = Application { registry: &registry, folder: Some(app.path()), pack: None };
    let asked = RefCell::new(Vec::new());
    let compile = |id: &str, _: &str| {
        asked.borrow_mut().push(id.to_owned());
        Ok(Vec::new())
    };
    let compiler = Compiler { version: "test 1", compile: &compile };
    for (bytecode, expected) in [(None, ""), (Some(&["inline"][..]), "app:inline")] {
        pack(application, &options(bytecode), &compiler, &mut |_| true).expect("it is packed");
        assert_eq!(asked.take().join(" "), expected);
    }
}
