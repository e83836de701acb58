//! `module.lua`: a module surface, importable like a library and callable method by method.

use perilune::Kind;
use perilune_tests::{App, render};

const SURFACE: &str = "
local money = require('money')
local function rate(country) return country == 'DE' and 19 or 0 end
return {
  rate = rate,
  add = function(cents, country) return money.round(cents * (100 + rate(country)) / 100) end,
  private = function() return 'private' end,
  VERSION = 2,
}";

/// A module `app:tax` with these further fields, and a function that uses it.
fn app(fields: &str, surface: &str, body: &str) -> App {
    let yaml = format!(
        "
namespace: app
entries:
  - {{name: money, kind: library.lua, source: 'return {{round = math.floor}}'}}
  - name: tax
    kind: module.lua
    source: file://tax.lua
    imports: {{money: app:money}}
    modules: [json]
    meta: {{type: tax}}
{fields}
  - {{name: main, kind: function.lua, source: file://main.lua, method: main, modules: [funcs, registry], imports: {{tax: app:tax}}}}
"
    );
    App::new(&[
        ("app.yaml", &yaml),
        ("tax.lua", surface),
        ("main.lua", &format!("return function()\n{body}\nend")),
    ])
}

#[tokio::test]
async fn it_has_the_fields_of_a_library() {
    assert_eq!(app("", SURFACE, "").call("app:tax.add", &[100.into(), "DE".into()]).await, Ok(119.into()));
}

#[test]
fn a_method_field_is_refused() {
    let yaml = "{namespace: app, name: tax, kind: module.lua, source: \"return {}\", method: main}";
    let error = App::try_new(&[("app.yaml", yaml)]).err().expect("it is refused");
    insta::assert_snapshot!(render(&error));
}

#[tokio::test]
async fn its_source_must_return_a_table() {
    for (surface, found) in
        [("return function() end", "function"), ("local x = 1", "nil"), ("return 'text'", "string")]
    {
        let failure = app("", surface, "").call("app:tax.rate", &[]).await.expect_err("it does not load");
        assert_eq!(failure.kind, Kind::Invalid);
        let expected = format!("app:tax: a module's source must return a table of functions, not a {found}");
        assert_eq!(failure.message, expected);
    }
}

#[tokio::test]
async fn it_is_imported_like_a_library() {
    let body = "local tax = require('tax') assert(tax.rate('DE') == 19 and tax.VERSION == 2) return tax.add(200, 'DE')";
    assert_eq!(app("", SURFACE, body).main().await, 238.into());
}

#[tokio::test]
async fn each_function_is_callable_from_outside() {
    let body = "local funcs = require('funcs') return funcs.call('app:tax.rate', 'DE') + funcs.call('app:tax.add', 100, 'DE')";
    assert_eq!(app("", SURFACE, body).main().await, 138.into());
}

#[tokio::test]
async fn the_module_itself_is_not_callable() {
    let failure = app("", SURFACE, "").call("app:tax", &[]).await.expect_err("it is refused");
    let expected = "app:tax is a module.lua and has no method of its own: call `app:tax.<method>`";
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Invalid, expected));
}

#[tokio::test]
async fn what_is_no_function_is_not_callable() {
    let app = app("", SURFACE, "");
    for (method, expected) in [
        ("nothing", r#"app:tax: method "nothing" not found in module"#),
        ("VERSION", r#"app:tax: method "VERSION" is a number, not a function"#),
    ] {
        let failure = app.call(&format!("app:tax.{method}"), &[]).await.expect_err("it is refused");
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, expected));
    }
}

#[tokio::test]
async fn a_method_call_starts_from_fresh_memory() {
    let app = app("", "local calls = 0 return {count = function() calls = calls + 1 return calls end}", "");
    for _ in 0..2 {
        assert_eq!(app.call("app:tax.count", &[]).await, Ok(1.into()));
    }
}

#[tokio::test]
async fn methods_restrict_what_is_callable() {
    let app = app("    methods: [rate, add]", SURFACE, "");
    assert_eq!(app.call("app:tax.rate", &["DE".into()]).await, Ok(19.into()));
    let failure = app.call("app:tax.private", &[]).await.expect_err("it is refused");
    let expected = "app:tax has no method `private`; its `methods` are rate, add";
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, expected));
}

#[tokio::test]
async fn methods_that_the_source_lacks_keep_it_from_loading() {
    let app = app("    methods: [rate, nothing]", SURFACE, "return require('tax').rate('DE')");
    let expected = r#"app:tax: methods names "nothing", which its source does not return"#;
    for target in ["app:tax.rate", "app:main"] {
        let failure = app.call(target, &[]).await.expect_err("it does not load");
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Invalid, expected), "{target}");
    }
}

#[tokio::test]
async fn the_registry_shows_the_methods() {
    let body = "return table.concat(require('registry').get('app:tax').data.methods, ' ')";
    assert_eq!(app("    methods: [rate, add]", SURFACE, body).main().await, "rate add".into());
}
