//! Changes while calls run: what has begun finishes on the old code, what begins later sees the new.

use perilune::{Entry, EntryId, Failure, Kind, Operation, Value};
use perilune_tests::App;
use perilune_tests::gate::Gate;
use std::sync::Arc;

const YAML: &str = r#"
version: "1.0"
namespace: app
entries:
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [gate, registry], imports: {words: app:words}}
  - {name: words, kind: library.lua, source: "return {greeting = function() return 'old' end}"}
  - {name: greet, kind: function.lua, source: "return function() return 'old' end", method: main}
"#;

/// `app:main` with this body, `app:greet`, and a library that `app:main` imports.
fn app(body: &str) -> (App, Gate) {
    let gate = Gate::default();
    let main = format!(
        "local registry, gate, words = require('registry'), require('gate'), require('words')\nreturn function()\n{body}\nend"
    );
    let app = App::with(&[("app.yaml", YAML), ("main.lua", &main)], |builder| builder.module(gate.module()));
    (app, gate)
}

fn id(id: &str) -> EntryId {
    EntryId::parse(id).expect("a valid id")
}

fn greet(source: &str) -> Arc<Entry> {
    Arc::new(
        Entry::new(id("app:greet"), "function.lua").with_field("source", source).with_field("method", "main"),
    )
}

fn words(greeting: &str) -> Operation {
    let source = format!("return {{greeting = function() return '{greeting}' end}}");
    Operation::Update(Arc::new(Entry::new(id("app:words"), "library.lua").with_field("source", source)))
}

fn apply(app: &App, operations: &[Operation]) -> Result<(), Failure> {
    app.runtime.registry().apply(operations, None).map(drop)
}

#[tokio::test]
async fn later_calls_see_the_new_code() {
    let (app, _gate) = app("");
    assert_eq!(app.call("app:greet", &[]).await, Ok("old".into()));
    apply(&app, &[Operation::Update(greet("return function() return 'new' end"))]).expect("it is applied");
    assert_eq!(app.call("app:greet", &[]).await, Ok("new".into()));
}

#[tokio::test]
async fn a_running_call_finishes_on_the_old_code_and_its_libraries() {
    let (app, gate) = app("gate.wait() return 'old main, ' .. words.greeting() .. ' words'");
    let runtime = app.runtime.clone();
    let running = tokio::spawn(async move { runtime.call("app:main", []).await });
    gate.entered().await;
    let source = "return function() return 'new main, ' .. require('words').greeting() .. ' words' end";
    let main = Entry::new(id("app:main"), "function.lua")
        .with_field("source", source)
        .with_field("method", "main")
        .with_field("imports", Value::from_iter([("words", "app:words")]));
    apply(&app, &[Operation::Update(Arc::new(main)), words("new")]).expect("it is applied");
    assert_eq!(app.main().await, "new main, new words".into(), "while the old call is still open");
    gate.open();
    assert_eq!(running.await.expect("no panic"), Ok("old main, old words".into()));
}

#[tokio::test]
async fn an_update_of_a_library_reaches_its_importers() {
    let (app, _gate) = app("return words.greeting()");
    assert_eq!(app.main().await, "old".into());
    apply(&app, &[words("new")]).expect("it is applied");
    assert_eq!(app.main().await, "new".into());
}

#[tokio::test]
async fn created_entries_are_callable_and_deleted_ones_are_gone() {
    let (app, _gate) = app("");
    let entry = Entry::new(id("app:fresh"), "function.lua")
        .with_field("source", "return function() return 'fresh' end")
        .with_field("method", "main");
    apply(&app, &[Operation::Create(Arc::new(entry)), Operation::Delete(id("app:greet"))])
        .expect("it is applied");
    assert_eq!(app.call("app:fresh", &[]).await, Ok("fresh".into()));
    assert_eq!(app.call("app:greet", &[]).await.expect_err("it is gone").kind, Kind::NotFound);
}

#[tokio::test]
async fn broken_code_is_refused_and_the_old_goes_on() {
    let (app, _gate) = app("");
    let refused =
        apply(&app, &[Operation::Update(greet("return function( syntax"))]).expect_err("it is refused");
    assert_eq!(refused.kind, Kind::Invalid);
    assert!(
        refused.message.contains("app:greet") && refused.message.contains("Lua syntax"),
        "{}",
        refused.message
    );
    assert_eq!(app.call("app:greet", &[]).await, Ok("old".into()));
}

#[tokio::test]
async fn one_broken_entry_keeps_the_complete_change_out() {
    let (app, _gate) = app("return words.greeting()");
    apply(&app, &[words("new"), Operation::Update(greet("x ="))]).expect_err("it is refused");
    assert_eq!(app.main().await, "old".into());
}

#[tokio::test]
async fn an_imported_entry_cannot_be_deleted() {
    let (app, _gate) = app("");
    let refused = apply(&app, &[Operation::Delete(id("app:words"))]).expect_err("it is refused");
    assert_eq!(
        (refused.kind, refused.message.as_str()),
        (Kind::Conflict, "cannot delete app:words: it is imported by `app:main`")
    );
}

#[tokio::test]
async fn an_earlier_version_brings_the_earlier_code_back() {
    let (app, _gate) = app("");
    let registry = app.runtime.registry();
    let before = registry.current_version().id;
    apply(&app, &[Operation::Update(greet("return function() return 'new' end"))]).expect("it is applied");
    let after = registry.current_version().id;
    registry.apply_version(before).expect("it is kept");
    assert_eq!(app.call("app:greet", &[]).await, Ok("old".into()));
    registry.apply_version(after).expect("it is kept");
    assert_eq!(app.call("app:greet", &[]).await, Ok("new".into()));
}

#[tokio::test]
async fn of_two_changes_on_one_version_the_second_is_a_conflict() {
    let (app, _gate) = app("");
    let registry = app.runtime.registry();
    let base = Some(registry.current_version().id);
    registry.apply(&[words("first")], base).expect("the first is applied");
    let refused = registry.apply(&[words("second")], base).expect_err("the second is refused");
    assert_eq!((refused.kind, refused.retryable), (Kind::Conflict, Some(true)));
}

#[tokio::test]
async fn lua_swaps_code_too() {
    let (app, _gate) = app("local greet = registry.get('app:greet')
         greet.data.source = \"return function() return 'new' end\"
         local version = assert(registry.snapshot():changes():update(greet):apply())
         assert(registry.current_version() == version and version:previous())
         return version:id()");
    assert_eq!(app.main().await, 1.into());
    assert_eq!(app.call("app:greet", &[]).await, Ok("new".into()));
}

#[tokio::test]
async fn lua_creates_and_deletes_entries_in_one_version() {
    let (app, _gate) = app(
        "local fresh = {id = 'app:fresh', kind = 'function.lua', data = {source = 'return function() return 1 end', method = 'main'}}
         assert(registry.snapshot():changes():create(fresh):delete('app:greet'):apply())
         assert(registry.get('app:greet') == nil)",
    );
    app.main().await;
    assert_eq!(app.call("app:fresh", &[]).await, Ok(1.into()));
    assert_eq!(app.call("app:greet", &[]).await.expect_err("it is gone").kind, Kind::NotFound);
}

#[tokio::test]
async fn lua_is_told_why_a_change_is_refused() {
    let (app, _gate) = app("local function refused(kind, changes)
           local version, err = changes:apply()
           assert(version == nil and err:kind() == kind, tostring(err) .. ' ' .. err:kind())
         end
         local greet = registry.get('app:greet')
         greet.data.source = 'x ='
         refused('Invalid', registry.snapshot():changes():update(greet))
         refused('Conflict', registry.snapshot():changes():delete('app:words'))
         refused('Conflict', registry.snapshot():changes():create(registry.get('app:greet')))
         refused('NotFound', registry.snapshot():changes():delete('app:nothing'))
         local old = registry.snapshot()
         assert(registry.snapshot():changes():delete('app:greet'):apply())
         refused('Conflict', old:changes():delete('app:words'))");
    app.main().await;
}

#[tokio::test]
async fn a_read_only_host_refuses_changes_from_lua() {
    let body = "
        local version, err = registry.snapshot():changes():delete('app:greet'):apply()
        assert(version == nil and err:kind() == 'PermissionDenied')
        assert(err:message() == \"app:main may not change entries: this host's registry is read-only\", err:message())
        local done, err = registry.apply_version(registry.current_version())
        assert(not done and err:kind() == 'PermissionDenied')
        assert(registry.get('app:greet'))";
    let gate = Gate::default();
    let main = format!("local registry = require('registry')\nreturn function()\n{body}\nend");
    let files = [("app.yaml", YAML), ("main.lua", main.as_str())];
    App::with(&files, |builder| builder.module(gate.module()).registry_writable(false)).main().await;
}
