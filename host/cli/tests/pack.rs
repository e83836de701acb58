//! `perilune pack`, and packs wherever a directory is named: exit codes, stdout, stderr.

mod support;

use perilune_pack::{Content, Writer};
use std::fs;
use std::path::Path;
use support::{App, Ended, ended, program};

const YAML: &str = r#"
version: "1.0"
namespace: app
entries:
  - {name: double, kind: function.lua, source: "file://double.lua", method: main, imports: {util: app:util}}
  - {name: util, kind: library.lua, source: "return {twice = function(x) return 2 * x end} -- quicksilver"}
  - {name: files, kind: fs.embed, directory: web}
  - {name: read, kind: function.lua, method: main, modules: [fs], source: "return function(path) return require('fs').get('app:files'):readfile(path) end"}
  - {name: fails, kind: function.lua, method: main, source: "return function()\n  error('quicksilver')\nend"}
  - name: greet
    kind: process.lua
    meta: {command: {name: greet, main: true}}
    source: return function() print("hello") return 3 end
"#;

const DOUBLE: &str =
    "local util = require('util')\nreturn { main = function(x) return util.twice(x) end } -- quicksilver";

fn app() -> App {
    let app = App::new(YAML, &[("double.lua", DOUBLE), ("notes.txt", "not for others")]);
    fs::create_dir(app.path().join("web")).expect("made");
    fs::write(app.path().join("web/a.txt"), "embedded").expect("written");
    app
}

/// The program with a pack instead of a directory, in a folder without anything else.
fn with(pack: &Path, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = program();
    command.arg("-C").arg(pack).args(args).current_dir(folder.path());
    ended(command.output().expect("the program runs"))
}

fn packed(app: &App, args: &[&str]) -> std::path::PathBuf {
    let ended = app.run(&[&["pack", "-o", "app.pack"][..], args].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args:?}");
    assert!(ended.stdout.starts_with("app.pack: "), "{}", ended.stdout);
    app.path().join("app.pack")
}

fn out(text: &str) -> Ended {
    Ended { code: 0, stdout: text.to_owned(), stderr: String::new() }
}

#[test]
fn a_pack_does_what_its_directory_does() {
    let app = app();
    for args in
        [&[][..], &["--bytecode"], &["--bytecode", "app:util"], &["--images"], &["--bytecode", "--images"]]
    {
        let pack = packed(&app, args);
        assert_eq!(with(&pack, &["call", "app:double", "21"]), out("42\n"), "{args:?}");
        assert_eq!(with(&pack, &["call", "app:read", "\"/a.txt\""]), out("\"embedded\"\n"), "{args:?}");
        let ran = with(&pack, &["run"]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (3, "hello\n", ""), "{args:?}");
        assert!(with(&pack, &["registry", "list"]).stdout.contains("app:greet"), "{args:?}");
        assert!(with(&pack, &["call", "app:fails"]).stderr.contains("app:fails:2: quicksilver"), "{args:?}");
    }
}

#[test]
fn a_pack_of_bytecode_lists_its_kinds() {
    let listed = with(&packed(&app(), &["--bytecode"]), &["registry", "list"]).stdout;
    assert!(listed.contains("function.lua.bc") && listed.contains("process.lua.bc"), "{listed}");
    assert!(listed.contains("perilune.pack:bytecode"), "{listed}");
}

#[test]
fn the_same_application_in_another_folder_gives_the_same_pack() {
    for args in [&[][..], &["--bytecode"], &["--bytecode", "--images"]] {
        let (one, other) = (app(), app());
        let first = fs::read(packed(&one, args)).expect("read");
        assert_eq!(fs::read(packed(&one, args)).expect("read"), first, "{args:?} a second time");
        assert_eq!(fs::read(packed(&other, args)).expect("read"), first, "{args:?} elsewhere");
    }
}

#[test]
fn a_signature_is_required_and_checked() {
    let app = app();
    let key = app.run(&["keygen", "key.pem"]);
    assert_eq!(key.code, 0, "{}", key.stderr);
    assert_eq!(app.run(&["keygen", "--public", "key.pem"]), key);
    let other = app.run(&["keygen", "other.pem"]);
    let (key, other) = (key.stdout.trim(), other.stdout.trim());
    fs::write(app.path().join("key.pub"), key).expect("written");
    let signed = packed(&app, &["--sign", "key.pem"]);
    let ran = with(&signed, &["--require-signature", key, "call", "app:double", "1"]);
    assert_eq!(ran, out("2\n"));
    let file = app.path().join("key.pub");
    let file = file.to_str().expect("a path");
    assert_eq!(with(&signed, &["--require-signature", file, "call", "app:double", "1"]), out("2\n"));
    let bytes = app.path().join("no-text.key");
    fs::write(&bytes, b"\xff").expect("it is written");
    let bytes = bytes.to_str().expect("a UTF-8 path");
    let refused = with(&signed, &["--require-signature", bytes, "call", "app:double", "1"]);
    assert_eq!(
        (refused.code, refused.stderr.replace(bytes, "no-text.key").as_str()),
        (2, "error: --require-signature: cannot read `no-text.key`: stream did not contain valid UTF-8\n")
    );
    let foreign = with(&signed, &["--require-signature", other, "call", "app:double", "1"]);
    assert_eq!((foreign.code, foreign.stdout.as_str()), (1, ""));
    assert!(foreign.stderr.contains("is none of the required keys"), "{}", foreign.stderr);
    let unsigned = with(&packed(&app, &[]), &["--require-signature", key, "registry", "list"]);
    assert_eq!((unsigned.code, unsigned.stdout.as_str()), (1, ""));
    assert!(unsigned.stderr.contains("it is not signed"), "{}", unsigned.stderr);
    let directory = app.run(&["--require-signature", key, "run"]);
    assert_eq!((directory.code, directory.stdout.as_str()), (1, ""));
    assert!(directory.stderr.contains("is a directory, which nobody can sign"), "{}", directory.stderr);
    let wrong = with(&signed, &["--require-signature", "ed25519:12", "call", "app:double", "1"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
}

#[test]
fn a_key_is_never_replaced() {
    let app = app();
    assert_eq!(app.run(&["keygen", "key.pem"]).code, 0);
    let before = fs::read(app.path().join("key.pem")).expect("read");
    assert_eq!(app.run(&["keygen", "key.pem"]).code, 1);
    assert_eq!(fs::read(app.path().join("key.pem")).expect("read"), before);
}

#[test]
fn packs_that_are_cut_changed_or_newer_are_refused_before_anything_runs() {
    let app = app();
    let path = packed(&app, &[]);
    let good = fs::read(&path).expect("read");
    let mut changed = good.clone();
    changed[good.len() - 1] ^= 1;
    let mut newer = good.clone();
    newer[8] = 2;
    for (what, bytes, code, says) in [
        ("cut", good[..good.len() - 1].to_vec(), 1, "it is cut off"),
        ("changed", changed, 1, "its bytes do not match their hash"),
        ("newer", newer, 1, "its format is version 2"),
        ("longer", [&good[..], b"x"].concat(), 1, "it goes on behind its end"),
        ("no pack", b"something else".to_vec(), 2, "it is no pack"),
    ] {
        fs::write(&path, bytes).expect("written");
        let ended = with(&path, &["run"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{what}: {}", ended.stderr);
    }
    let nothing = app.run(&["-C", "none.pack", "run"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.stderr.contains("neither a directory nor a pack"), "{}", nothing.stderr);
}

#[test]
fn what_cannot_be_packed_leaves_what_was_there() {
    let app = app();
    let before = fs::read(packed(&app, &[])).expect("read");
    let nothing = app.run(&["pack", "-o", "app.pack", "--bytecode", "app:duoble"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.stderr.contains("did you mean `app:double`?"), "{}", nothing.stderr);
    let taken = app.run(&["pack", "-o", "notes.txt"]);
    assert_eq!(taken.code, 2);
    assert_eq!(fs::read_to_string(app.path().join("notes.txt")).expect("read"), "not for others");
    fs::write(app.path().join("double.lua"), "return {").expect("written");
    assert_eq!(app.run(&["pack", "-o", "app.pack"]).code, 1);
    assert_eq!(fs::read(app.path().join("app.pack")).expect("read"), before);
    let names = fs::read_dir(app.path()).expect("a folder").map(|item| item.expect("an item").file_name());
    assert!(
        names.into_iter().all(|name| !name.to_string_lossy().ends_with(".new")),
        "nothing half-written stays"
    );
}

#[test]
fn a_pack_of_something_else_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("texts.pack");
    let mut writer = Writer::new();
    writer.add(Content::Embedded, "a.txt", b"text").expect("it has a place");
    fs::write(&pack, writer.finish(None).expect("it is small")).expect("written");
    for args in [&["run"][..], &["call", "app:main"], &["registry", "list"], &["lint"]] {
        let refused = with(&pack, args);
        let said = format!("error: `{}` is a pack without entries\n", pack.display());
        assert_eq!((refused.code, refused.stderr), (1, said), "{args:?}");
    }
}
