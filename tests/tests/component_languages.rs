//! Components that the tools of other languages make, and not hands: Python, by types and as a process, and a program in Rust.
//!
//! Where the tools are not there, the tests say so and pass: `cargo xtask test` gets them.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use perilune::{Allowed, Kind, RuntimeBuilder, Value};
use perilune_tests::components::try_app_of;
use perilune_tests::{App, PATIENCE, limit, render};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

const APP: &str = include_str!("../guests/python/app.py");
const WORLD: &str = include_str!("../guests/python/words.wit");
const PACKAGE: &str = include_str!("../guests/python/componentize.txt");
const INTERFACES: &str = include_str!("../../host/component/wit/component.wit");
const PROGRAM: &str = include_str!("../guests/rust/words.rs");

const FUNCTIONS: [&str; 9] =
    ["same", "count", "surroundings", "load", "save", "reach", "ask", "grow", "spin"];

const HOST: &str = "{name: host, kind: process.host, lifecycle: {auto_start: true}}";
const DATA: &str = "{name: data, kind: fs.directory, directory: data}";

/// Asks the process in Python twice, and ends it.
const TALKING: &str = "return {main = function()
    local answers, events = process.listen('answer'), process.events()
    local pid = assert(process.spawn_monitored('app:answers', 'app:host', 'serve'))
    for _, word in ipairs({'ada', 'bob'}) do
        assert(process.send(pid, 'ask', word))
        assert(answers:receive() == word:upper())
    end
    assert(process.send(pid, 'stop'))
    return events:receive().result.value
end}";

/// `app.py` as a component. Making it takes ten seconds, and compiling it as many, so that it is kept for as long as its sources are
/// the same.
static PYTHON: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
    let Some(package) = env::var_os("PERILUNE_TEST_COMPONENTIZE_PY") else {
        println!("SKIPPED: no component in Python is made: PERILUNE_TEST_COMPONENTIZE_PY names no folder");
        return None;
    };
    let mut hasher = DefaultHasher::new();
    (APP, WORLD, PACKAGE, INTERFACES).hash(&mut hasher);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{:016x}.wasm", hasher.finish()));
    if let Ok(bytes) = fs::read(&kept) {
        return Some(bytes);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    perilune_tests::write(
        folder.path(),
        &[("app.py", APP), ("wit/words.wit", WORLD), ("wit/deps/component/component.wit", INTERFACES)],
    );
    let made = folder.path().join("made.wasm");
    let mut python = Command::new("python3");
    python.args(["-c", "from componentize_py import script; script()", "-d", "wit", "-w", "words"]);
    python.args(["componentize", "app", "-o"]).arg(&made);
    let output = python.current_dir(folder.path()).env("PYTHONPATH", package).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = fs::read(&made).expect("the component is there");
    // Whole or not at all: other tests may look for it.
    let beside = kept.with_extension(std::process::id().to_string());
    if fs::write(&beside, &bytes).is_ok() {
        let _ = fs::rename(&beside, &kept);
    }
    Some(bytes)
});

/// An application with a function for each export of `app.py`, with these further fields; nothing where it cannot be made.
fn python(
    fields: &str,
    entries: &[&str],
    settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Option<App> {
    let bytes = PYTHON.clone()?;
    let functions = FUNCTIONS.map(|name| {
        format!("{{name: {name}, kind: function.wasm, component: 'file://app.wasm', modules: [funcs], method: {name}{fields}}}")
    });
    let all: Vec<&str> = functions.iter().map(String::as_str).chain(entries.iter().copied()).collect();
    let files = [("data/note.txt", "a note"), ("secret.txt", "a secret"), ("main.lua", TALKING)];
    let app = try_app_of(&all, &[("app", bytes)], &files, settings);
    Some(app.unwrap_or_else(|error| panic!("the application loads: {}", render(&error))))
}

fn plain() -> Option<App> {
    python("", &[], |builder| builder)
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Map(pairs.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

#[tokio::test]
async fn values_of_all_types_pass_through_python() {
    let Some(app) = plain() else { return };
    let every = map([
        ("flag", Value::Bool(true)),
        ("small", Value::Integer(-128)),
        ("large", Value::Integer(i64::MAX)),
        ("ratio", Value::Float(0.1)),
        ("letter", Value::from("é")),
        ("text", Value::from("日本 \u{1f600}")),
        ("bytes", Value::String(vec![0, 255, 128])),
        ("maybe", Value::Integer(7)),
        ("pair", Value::Array(vec![Value::Integer(1), Value::from("one")])),
        ("mark", map([("by", Value::from("ada"))])),
        ("style", Value::Array(vec![Value::from("upper"), Value::from("reversed")])),
        ("order", Value::from("falling")),
    ]);
    assert_eq!(app.call("app:same", std::slice::from_ref(&every)).await.unwrap(), every);
}

#[tokio::test]
async fn what_python_raises_as_its_error_is_the_failure() {
    let Some(app) = plain() else { return };
    let args = [Value::from("b a b"), Value::Integer(1)];
    let counted = Value::Array(vec![map([("word", Value::from("b")), ("times", Value::Integer(2))])]);
    assert_eq!(app.call("app:count", &args).await.unwrap(), counted);
    assert_eq!(app.printed(), ["counting"]);

    let failure = app.call("app:count", &[Value::from("")]).await.unwrap_err();
    assert_eq!((&failure.kind, failure.message.as_str()), (&Kind::Internal, "there are no words"));
    let failure = app.call("app:count", &[Value::Integer(1)]).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
}

#[tokio::test]
async fn an_exception_that_python_does_not_catch_ends_the_call_and_nothing_else() {
    let entry = "{name: broken, kind: function.wasm, component: 'file://app.wasm', modules: [funcs], method: break-off}";
    let Some(app) = python("", &[entry], |builder| builder) else { return };
    let failure = app.call("app:broken", &[]).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Internal, "{}", failure.message);
    assert!(app.call("app:count", &[Value::from("a")]).await.is_ok());
}

#[tokio::test]
async fn python_finds_no_variables_files_or_network_unless_they_are_granted() {
    let Some(app) = plain() else { return };
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = server.local_addr().expect("it is bound");
    assert_eq!(app.call("app:surroundings", &[]).await.unwrap(), Value::Array(Vec::new()));
    for path in ["/data/note.txt", "note.txt", "/etc/passwd", "/proc/self/environ", "../secret.txt"] {
        let failure = app.call("app:load", &[Value::from(path)]).await.expect_err(path);
        assert_eq!(failure.kind, Kind::Internal, "{path}: {}", failure.message);
    }
    let target = [Value::from("127.0.0.1"), Value::Integer(address.port().into())];
    assert!(app.call("app:reach", &target).await.is_err());
    assert!(app.call("app:reach", &[Value::from("localhost"), target[1].clone()]).await.is_err());
}

#[tokio::test]
async fn python_uses_what_its_entry_grants() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = server.local_addr().expect("it is bound");
    let fields = format!(
        ", env: [key], mounts: [{{fs: data, path: /data, write: true}}], network: {{allow: ['{address}']}}"
    );
    let entries = [
        DATA,
        "{name: settings, kind: env.storage.static, values: {API_KEY: s3cret, OTHER: hidden}}",
        "{name: key, kind: env.variable, variable: API_KEY, storage: settings}",
    ];
    let allowed = Allowed { network: vec![address.to_string()], ..Allowed::default() };
    let Some(app) = python(&fields, &entries, |builder| builder.allow(allowed)) else { return };
    let variables = Value::Array(vec![Value::from("API_KEY=s3cret")]);
    assert_eq!(app.call("app:surroundings", &[]).await.unwrap(), variables);
    assert_eq!(app.call("app:load", &[Value::from("/data/note.txt")]).await.unwrap(), Value::from("a note"));
    assert!(app.call("app:load", &[Value::from("/data/../secret.txt")]).await.is_err());
    app.call("app:save", &[Value::from("/data/new.txt"), Value::from("text")]).await.unwrap();
    assert_eq!(fs::read_to_string(app.path().join("data/new.txt")).unwrap(), "text");
    let target = [Value::from("127.0.0.1"), Value::Integer(address.port().into())];
    app.call("app:reach", &target).await.unwrap();
}

#[tokio::test]
async fn python_meets_the_limits_of_memory_and_computing_time() {
    let Some(app) = python(", limits: {cpu: 300ms}", &[], |builder| builder) else { return };
    assert_eq!(app.call("app:grow", &[Value::Integer(16)]).await.unwrap(), Value::Integer(16 << 20));
    let failure = app.call("app:grow", &[Value::Integer(500)]).await.unwrap_err();
    assert_eq!((&failure.kind, limit(&failure)), (&Kind::RateLimited, Some("memory")), "{}", failure.message);
    let failure = app.call("app:spin", &[]).await.unwrap_err();
    assert_eq!((&failure.kind, limit(&failure)), (&Kind::Timeout, Some("cpu")), "{}", failure.message);
    assert!(app.call("app:count", &[Value::from("a")]).await.is_ok());
}

#[tokio::test]
async fn python_calls_lua() {
    let entry = "{name: join, kind: function.lua, method: main, source: \"return {main = function(a, b)
        if b then return {text = a .. ' and ' .. b} end error('there is no second word') end}\"}";
    let Some(app) = python("", &[entry], |builder| builder) else { return };
    let words = |words: &[&str]| Value::Array(words.iter().map(|word| Value::from(*word)).collect());
    let joined = app.call("app:ask", &[Value::from("app:join"), words(&["a", "b"])]).await.unwrap();
    assert_eq!(joined, Value::from("a and b"));
    let failure = app.call("app:ask", &[Value::from("app:join"), words(&["a"])]).await.unwrap_err();
    assert_eq!(failure.message, "app:join:1: there is no second word");
}

#[tokio::test]
async fn a_process_in_python_answers_messages() {
    let entries = [
        HOST,
        "{name: answers, kind: process.wasm, component: 'file://app.wasm', modules: [funcs]}",
        "{name: json, kind: function.wasm, component: 'file://app.wasm', modules: [funcs]}",
        "{name: main, kind: function.lua, source: 'file://main.lua', method: main}",
    ];
    let Some(app) = python("", &entries, |builder| builder) else { return };
    let given = map([("given", Value::Array(vec![Value::Integer(1), Value::from("two")]))]);
    assert_eq!(app.call("app:json", &[Value::Integer(1), Value::from("two")]).await.unwrap(), given);

    app.runtime.start().await.unwrap();
    let done = tokio::time::timeout(PATIENCE, app.call("app:main", &[])).await.expect("it is answered");
    assert_eq!(done.unwrap(), Value::Integer(2));
}

/// The program `words.rs` as a component, where this Rust has the target.
fn program() -> Option<Vec<u8>> {
    let rustc = || Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let found = rustc().args(["--print", "target-libdir", "--target", "wasm32-wasip2"]).output().ok()?;
    if !PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()).is_dir() {
        println!("SKIPPED: no program in Rust is made: `rustup target add wasm32-wasip2` has not been run");
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    perilune_tests::write(folder.path(), &[("words.rs", PROGRAM)]);
    let made = folder.path().join("words.wasm");
    let mut rustc = rustc();
    rustc.args(["--edition", "2024", "--target", "wasm32-wasip2", "words.rs", "-o"]).arg(&made);
    let output = rustc.current_dir(folder.path()).output().expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(fs::read(&made).expect("the component is there"))
}

#[tokio::test]
async fn a_program_in_rust_is_called_as_any_function() {
    let Some(bytes) = program() else { return };
    let entries = [
        DATA,
        "{name: alone, kind: function.wasm, component: 'file://words.wasm'}",
        "{name: reading, kind: function.wasm, component: 'file://words.wasm', mounts: [{fs: data, path: /data}]}",
    ];
    let files = [("data/note.txt", "four words in all")];
    let app = try_app_of(&entries, &[("words", bytes)], &files, |builder| builder);
    let app = app.unwrap_or_else(|error| panic!("the application loads: {}", render(&error)));
    let told = |words| {
        map([
            ("words", Value::Integer(words)),
            ("variables", Value::Integer(0)),
            ("arguments", Value::Integer(0)),
        ])
    };
    let args = [Value::from("/data/note.txt")];
    assert_eq!(app.call("app:alone", &args).await.unwrap(), told(-1));
    assert_eq!(app.call("app:reading", &args).await.unwrap(), told(4));
    let failure = app.call("app:alone", &[Value::from("")]).await.unwrap_err();
    assert_eq!(failure.message, "app:alone: ended with exit code 1: name a file");
}
