//! Entries of Lua that was compiled ahead: they do what their text would do, and nothing else is loaded in their place.

use perilune::bytecode::{Compiler, checksum};
use perilune::{BuildError, Value};
use perilune_tests::compiled::Compiled;
use perilune_tests::render;
use std::fs;
use std::path::Path;

const MAIN: &str = "method: main";

fn compiler() -> Compiler {
    Compiler::new().expect("the sandbox starts")
}

fn refusal(application: &Compiled) -> String {
    match application.build(|builder| builder) {
        Ok(_) => panic!("the application is refused"),
        Err(error @ BuildError::Entries(_)) => render(&error),
        Err(error) => panic!("an entry is at fault: {error}"),
    }
}

/// Checksums differ with each change of the compiler.
fn without_checksums(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("sha256:") {
        let (before, hash) = rest.split_at(at + "sha256:".len());
        let digits = hash.bytes().take_while(u8::is_ascii_hexdigit).count();
        out += before;
        out += if digits > 8 { "…" } else { &hash[..digits] };
        rest = &hash[digits..];
    }
    out + rest
}

#[tokio::test]
async fn every_kind_runs_from_bytecode_as_from_text() {
    let compiler = compiler();
    let application = Compiled::default()
        .entry(&compiler, "words", "library", "", "return { join = function(a, b) return a .. ' ' .. b end }")
        .entry(
            &compiler,
            "surface",
            "module",
            "methods: [twice]",
            "return { twice = function(x) return 2 * x end, hidden = print }",
        )
        .entry(
            &compiler,
            "worker",
            "process",
            "modules: [process]",
            "return { main = function(name) return 'process ' .. name end }",
        )
        .entry(
            &compiler,
            "flow",
            "workflow",
            "meta: {temporal: {workflow: {worker: flows}}}",
            "return { main = function(name) return 'workflow ' .. name end }",
        )
        .entry(
            &compiler,
            "main",
            "function",
            "method: main, modules: [funcs], imports: {words: app:words}",
            "local words, funcs = require('words'), require('funcs')
            return { main = function(name)
                return words.join('hello', name) .. ' ' .. assert(funcs.call('app:surface.twice', 21))
            end }",
        )
        .line("{name: flows, kind: workflow.host, lifecycle: {auto_start: true}}");
    let runtime = application.build(|builder| builder).unwrap_or_else(|error| panic!("{}", render(&error)));
    let call = async |target: &str, argument: Value| runtime.call(target, [argument]).await;
    assert_eq!(call("app:main", "you".into()).await.expect("it runs"), Value::from("hello you 42"));
    assert_eq!(call("app:surface.twice", 4.into()).await.expect("it runs"), Value::from(8));
    assert!(call("app:surface.hidden", 4.into()).await.is_err(), "the surface holds for bytecode as well");
    assert_eq!(call("app:worker", "one".into()).await.expect("it runs"), Value::from("process one"));
    runtime.start().await.expect("services start");
    assert_eq!(call("app:flow", "two".into()).await.expect("it runs"), Value::from("workflow two"));
    runtime.stop().await;
}

#[tokio::test]
async fn entries_of_text_and_of_bytecode_import_each_other() {
    let compiler = compiler();
    let application = Compiled::default()
        .entry(&compiler, "base", "library", "", "return { one = 1 }")
        .line("{name: middle, kind: library.lua, imports: {base: app:base}, source: 'return { two = require(\"base\").one + 1 }'}")
        .entry(
            &compiler,
            "main",
            "function",
            "method: main, imports: {middle: app:middle}",
            "return { main = function() return require('middle').two end }",
        );
    let runtime = application.build(|builder| builder).unwrap_or_else(|error| panic!("{}", render(&error)));
    assert_eq!(runtime.call("app:main", []).await.expect("it runs"), Value::from(2));
}

#[tokio::test]
async fn an_error_in_bytecode_names_its_line() {
    let source = "local function deep(x)\n  return x.missing.field\nend\nreturn { main = function() return deep({}) end }";
    let application = Compiled::default().entry(&compiler(), "main", "function", MAIN, source);
    let runtime = application.build(|builder| builder).unwrap_or_else(|error| panic!("{}", render(&error)));
    let failure = runtime.call("app:main", []).await.expect_err("it fails");
    assert_eq!(failure.message, "app:main:2: attempt to index a nil value (field 'missing')");
}

#[tokio::test]
async fn bytecode_holds_nothing_of_its_text_but_names_and_strings() {
    let source = "-- a secret remark\nlocal total = 40 + 2 -- the answer\nreturn { main = function() return total end }";
    let file = compiler().compile("app:main", source).expect("the source is Lua");
    let text = String::from_utf8_lossy(&file);
    for gone in ["secret", "answer", "40 + 2", "local", "return"] {
        assert!(!text.contains(gone), "{gone} is still there");
    }
    assert!(text.contains("total"), "locals keep their names for messages");
}

#[test]
fn equal_sources_give_equal_bytecode() {
    let source = "local t = {} for i = 1, 10 do t[i] = function() return i end end return t";
    let file = || compiler().compile("app:main", source).expect("the source is Lua");
    assert_eq!(file(), file());
}

#[test]
fn a_source_that_is_no_lua_is_not_compiled() {
    let failure = compiler().compile("app:main", "local x =\n\nreturn x").expect_err("it is wrong");
    assert_eq!(failure.message, "app:main:3: unexpected symbol near 'return'");
}

#[test]
fn changed_bytecode_is_refused_before_anything_runs() {
    let application =
        Compiled::default().entry(&compiler(), "main", "function", MAIN, "return { main = print }");
    let path = application.path().join("bytecode/main.luac");
    let mut bytes = fs::read(&path).expect("it is there");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    fs::write(&path, bytes).expect("it is written");
    insta::assert_snapshot!(without_checksums(&refusal(&application)));
}

#[test]
fn missing_bytecode_is_refused_before_anything_runs() {
    let application =
        Compiled::default().entry(&compiler(), "main", "function", MAIN, "return { main = print }");
    fs::remove_file(application.path().join("bytecode/main.luac")).expect("it was there");
    insta::assert_snapshot!(without_checksums(&refusal(&application)));
}

#[test]
fn what_is_no_bytecode_is_refused_before_anything_runs() {
    let text = b"return { main = print }";
    let application = Compiled::default().file("main", "function", MAIN, text, &checksum(text));
    insta::assert_snapshot!(without_checksums(&refusal(&application)));
}

#[test]
fn bytecode_of_another_compiler_is_refused_before_anything_runs() {
    let mut file = compiler().compile("app:main", "return { main = print }").expect("it is Lua");
    // The compiler's name follows its length.
    file[7..][..3].copy_from_slice(b"old");
    let application = Compiled::default().file("main", "function", MAIN, &file, &checksum(&file));
    let text = without_checksums(&refusal(&application));
    insta::assert_snapshot!(
        text.replace(Compiler::version(), "COMPILER").replace(&Compiler::version()[3..], "COMPILER")
    );
}

#[test]
fn a_path_out_of_the_file_system_is_refused() {
    let file = compiler().compile("app:main", "return { main = print }").expect("it is Lua");
    let application = Compiled::default();
    fs::write(application.path().join("outside.luac"), &file).expect("it is written");
    let application = application.line(&format!(
        "{{name: main, kind: function.lua.bc, fs: bytecode, path: ../outside.luac, hash: '{}', method: main}}",
        checksum(&file)
    ));
    insta::assert_snapshot!(without_checksums(&refusal(&application)));
}

#[test]
fn wrong_fields_are_named() {
    let application = Compiled::default()
        .line("{name: bare, kind: function.lua.bc, method: main}")
        .line("{name: hash, kind: library.lua.bc, fs: bytecode, path: x.luac, hash: 'md5:1234'}")
        .line("{name: text, kind: library.lua.bc, source: 'return 1', fs: text, path: x, hash: 'sha256:'}");
    insta::assert_snapshot!(refusal(&application));
}

#[tokio::test]
async fn bytecode_that_changes_under_a_running_host_is_not_loaded() {
    let application =
        Compiled::default().entry(&compiler(), "main", "function", MAIN, "return { main = print }");
    let runtime = application.build(|builder| builder).unwrap_or_else(|error| panic!("{}", render(&error)));
    fs::write(application.path().join("bytecode/main.luac"), b"\x1bLua").expect("it is written");
    let failure = runtime.call("app:main", []).await.expect_err("it is not loaded");
    assert!(failure.message.contains("(E408)"), "{failure}");
}

#[tokio::test]
async fn bytecode_is_followed_while_its_application_is_edited() {
    let compiler = compiler();
    let compiled = |number| {
        let source = format!("return {{ main = function() return {number} end }}");
        compiler.compile("app:main", &source).expect("the source is Lua")
    };
    let application =
        Compiled::default().file("main", "function", MAIN, &compiled(1), &checksum(&compiled(1)));
    let runtime = application.build(|builder| builder).unwrap_or_else(|error| panic!("{}", render(&error)));
    let mut reloader = runtime.reloader().expect("it has a directory");
    assert!(reloader.reload().expect("all is well").is_none());
    let (yaml, file) = (application.path().join("app.yaml"), application.path().join("bytecode/main.luac"));
    let places = perilune::places(application.path());
    for places in [reloader.places(), &places] {
        assert!(places.files.contains(Path::new("bytecode/main.luac")), "{places:?}");
        assert!(places.directories.contains(Path::new("bytecode")), "{places:?}");
    }

    // The entry is written before its bytecode.
    let text = fs::read_to_string(&yaml).expect("it is there");
    fs::write(&yaml, text.replace(&checksum(&compiled(1)), &checksum(&compiled(2)))).expect("it is written");
    assert_eq!(
        reloader.reload().expect_err("it is not what was packed").problems()[0].code().as_str(),
        "E408"
    );
    fs::write(&file, compiled(2)).expect("it is written");
    assert!(reloader.reload().expect("all is well").is_some());
    assert_eq!(runtime.call("app:main", []).await.expect("it runs"), Value::from(2));

    // The bytecode alone is another one.
    fs::write(&file, compiled(3)).expect("it is written");
    for _ in 0..2 {
        let report = reloader.reload().expect_err("it is not what was packed");
        assert_eq!(report.problems()[0].code().as_str(), "E408");
    }
    fs::write(&file, compiled(2)).expect("it is written");
    assert!(reloader.reload().expect("all is well").is_none());
}
