//! Bad input gets a clear error that names entry and field; never a panic, a hang, or a half-started application.

use insta::assert_snapshot;
use perilune::{Kind, Runtime};
use perilune_tests::{App, render};
use proptest::prelude::*;
use std::fs;

const APP: &str = "version: '1.0'
namespace: app
entries:
  - name: main
    kind: function.lua
    source: file://main.lua
    method: main
";

const MAIN: (&str, &str) = ("main.lua", "return function() end\n");

/// What an application of these files is refused for.
fn refusal(files: &[(&str, &str)]) -> String {
    let error = App::try_new(files).err().expect("the application is refused");
    render(&error)
}

/// [`refusal`] of files that are not texts.
fn refusal_of_bytes(files: &[(&str, &[u8])]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, bytes) in files {
        fs::write(folder.path().join(path), bytes).expect("the file is written");
    }
    let error =
        Runtime::builder().directory(folder.path()).build().err().expect("the application is refused");
    render(&error)
}

/// A file that takes no room on disk, and whose reading would take 50 MB.
fn refusal_of_a_huge(path: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    perilune_tests::write(folder.path(), &[("app.yaml", APP), MAIN]);
    let file = fs::File::create(folder.path().join(path)).expect("the file is made");
    file.set_len(50_000_000).expect("the file grows");
    let error =
        Runtime::builder().directory(folder.path()).build().err().expect("the application is refused");
    render(&error)
}

macro_rules! refused {
    ($($name:ident: $refusal:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_snapshot!($refusal);
        })*
    };
}

refused! {
    malformed_yaml: refusal(&[("app.yaml", "namespace: app\nentries: [\n  - name: {\n")]);
    wrong_types: refusal(&[("app.yaml", &format!("{APP}    modules: json\n    imports: [a]\n    limits: 5\n    meta: text\n")), MAIN]);
    a_missing_source_file: refusal(&[("app.yaml", APP)]);
    a_source_file_outside_of_the_application: refusal(&[("app.yaml", &APP.replace("main.lua", "../../etc/passwd"))]);
    a_source_of_50_megabytes: refusal_of_a_huge("main.lua");
    a_yaml_file_of_50_megabytes: refusal_of_a_huge("more.yaml");
    a_syntax_error: refusal(&[("app.yaml", APP), ("main.lua", "local x = 1\nlocal function main(\n  return x +\nend\n")]);
    a_source_that_ends_too_early: refusal(&[("app.yaml", APP), ("main.lua", "return function()\n  if x then\n")]);
    a_string_that_is_not_closed: refusal(&[("app.yaml", APP), ("main.lua", "local s = 'never closed\nreturn {}\n")]);
    a_goto_without_a_label: refusal(&[("app.yaml", APP), ("main.lua", "goto nowhere\n")]);
    a_syntax_error_in_a_source_written_in_yaml: refusal(&[("app.yaml", &APP.replace("file://main.lua", "|\n      local x = 1\n      x ="))]);
    a_binary_source: refusal_of_bytes(&[("app.yaml", APP.as_bytes()), ("main.lua", b"\x1bLua\x54\0\x19\x93\r\n\x1a\n")]);
    a_source_that_is_not_utf_8: refusal_of_bytes(&[("app.yaml", APP.as_bytes()), ("main.lua", b"return '\xff'\n")]);
    yaml_that_is_not_utf_8: refusal_of_bytes(&[("app.yaml", b"namespace: caf\xe9\n")]);
    an_alias_bomb: {
        let levels: String = (1..20).map(|n| format!("  l{n}: &l{n} [{}]\n", format!("*l{}, ", n - 1).repeat(10))).collect();
        refusal(&[("app.yaml", &format!("namespace: app\nname: x\nkind: registry.entry\nvalue:\n  l0: &l0 x\n{levels}"))])
    };
    an_unknown_module: refusal(&[("app.yaml", &format!("{APP}    modules: [jsn]\n")), MAIN]);
    an_unknown_import: refusal(&[
        ("app.yaml", &format!("{APP}    imports: {{words: app:word}}\n  - {{name: words, kind: library.lua, source: 'return {{}}'}}\n")),
        MAIN,
    ]);
    a_misspelt_kind: refusal(&[("app.yaml", &APP.replace("function.lua", "functoin.lua")), MAIN]);
    a_duplicate_id: refusal(&[("app.yaml", APP), ("more.yaml", "{namespace: app, name: main, kind: registry.entry}"), MAIN]);
    an_unknown_field: refusal(&[("app.yaml", &format!("{APP}    modles: [json]\n")), MAIN]);
    several_errors_in_several_files: refusal(&[
        ("app.yaml", &format!("{APP}    modules: [jsn]\n    modles: []\n")),
        ("main.lua", "return function( end\n"),
        ("broken.yaml", "namespace: ["),
        ("sub/other.yaml", "{namespace: other, name: x, kind: functoin.lua}"),
    ]);
}

#[tokio::test]
async fn a_method_that_is_no_function() {
    let failure = App::new(&[("app.yaml", APP), ("main.lua", "return {main = {}}")]).main_fails().await;
    let expected = r#"app:main: method "main" is a table, not a function"#;
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, expected));
}

/// What a call with this value as result or argument says.
async fn crossing(body: &str) -> String {
    let failure = App::lua("funcs", body).main_fails().await;
    assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
    failure.message
}

#[tokio::test]
async fn values_that_cannot_cross() {
    let mut messages = Vec::new();
    for value in [
        "print",
        "coroutine.create(print)",
        "channel.new()",
        "{user = {name = 'ada', save = function() end}}",
        "{1, {2, print}}",
        "(function() local t = {} t.self = t return t end)()",
        "(function() local t = {} for _ = 1, 200 do t = {t} end return t end)()",
        "{[{}] = 1}",
    ] {
        messages.push(format!(
            "argument {value}\n  {}",
            crossing(&format!(
                "local value, err = require('funcs').call('app:main', {value}) return nil, err"
            ))
            .await
        ));
        messages.push(format!("result {value}\n  {}", crossing(&format!("return {value}")).await));
    }
    assert_snapshot!(messages.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_as_yaml_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        answered(&bytes, b"return {}");
    }

    #[test]
    fn any_text_after_a_sound_beginning_is_answered(text in "[-a-z:{}\\[\\]&*!|>'\"#%@, \n\t0-9]{0,60}") {
        answered(format!("{APP}{text}").as_bytes(), b"return {}");
    }

    #[test]
    fn any_bytes_as_source_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        answered(APP.as_bytes(), &bytes);
    }

    #[test]
    fn any_tokens_as_source_are_answered(
        tokens in proptest::collection::vec(
            prop::sample::select(&["local", "function", "end", "return", "(", ")", "{", "}", "=", "x", "'s'", "1", "if", "then", "[[", "]]", "--", "\n", "goto", "::", "<const>", "..."]),
            0..40,
        ),
    ) {
        answered(APP.as_bytes(), tokens.join(" ").as_bytes());
    }
}

/// Loads an application of these bytes, or is told why not, in words.
fn answered(yaml: &[u8], lua: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("app.yaml"), yaml).expect("the file is written");
    fs::write(folder.path().join("main.lua"), lua).expect("the file is written");
    let engine = perilune::EngineOptions { max_cells: 4, ..perilune::EngineOptions::default() };
    if let Err(error) = Runtime::builder().directory(folder.path()).engine(engine).build() {
        assert!(!render(&error).trim().is_empty());
    }
}

/// A server whose entries name others in options, and a folder to show.
const SITE: &str = "version: '1.0'
namespace: app
entries:
  - {name: web, kind: http.service, addr: '127.0.0.1:0'}
  - {name: files, kind: fs.directory, directory: ./files, auto_init: true}
  - {name: kept, kind: store.memory}
";

fn site(entries: &str) -> String {
    format!("{SITE}{entries}")
}

#[test]
fn options_that_name_entries() {
    let entries = site(
        "  - name: api
    kind: http.router
    server: web
    middleware: [token_auth, sendfile]
    options:
      token_auth.store: kept
      sendfile.fs: fles
  - name: pages
    kind: http.static
    server: web
    path: /
    fs: files
    middleware: [token_auth]
    options: {token_auth.store: 'other:tokens'}
",
    );
    assert_snapshot!(refusal(&[("app.yaml", &entries)]));
}

#[test]
fn a_folder_to_show_that_is_missing() {
    let entries = site(
        "  - {name: public, kind: fs.directory, directory: ./public}
  - {name: pages, kind: http.static, server: web, path: /, fs: public}
",
    );
    assert_snapshot!(refusal(&[("app.yaml", &entries)]));
}

#[test]
fn a_folder_to_show_that_lies_elsewhere() {
    let entries = site(
        "  - {name: public, kind: fs.directory, directory: /etc}
  - {name: pages, kind: http.static, server: web, path: /, fs: public}
",
    );
    assert_snapshot!(refusal(&[("app.yaml", &entries)]));
}

/// Others may be made by the time that somebody uses them.
#[tokio::test]
async fn a_folder_that_no_server_shows_may_be_missing() {
    let entries = site("  - {name: later, kind: fs.directory, directory: ./later}\n");
    let app = App::try_new(&[("app.yaml", &entries)]);
    assert!(app.is_ok());
}
