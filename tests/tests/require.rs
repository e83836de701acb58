//! `modules`, `imports` and `require`: what an entry can reach, and nothing else.

use perilune::{Kind, Value};
use perilune_tests::{App, lua_tests, render};

/// The value that `app:main` returns, as text.
async fn main(app: &App) -> String {
    let value = app.main().await;
    value.as_str().unwrap_or_else(|| panic!("app:main returns a text, not {value:?}")).to_owned()
}

lua_tests! {
    what_is_listed_can_be_required("json, time") r#"
        assert(require("json").encode({ 1 }) == "[1]")
        assert(type(require("time").now) == "function")
    "#

    what_is_listed_is_a_global_too("json, time") r#"
        assert(rawequal(json, require("json")) and rawequal(time, require("time")))
    "#

    require_gives_the_same_value_each_time("json") r#"
        assert(rawequal(require("json"), require("json")))
    "#

    what_is_not_listed_raises("json") r#"
        for _, name in ipairs({ "time", "funcs", "registry", "nonsense", "", "app:main", "io", "debug", "_G" }) do
          local ok, problem = pcall(require, name)
          local expected = "module '" .. name .. "' not found: app:main lists it neither in modules nor in imports"
          assert(not ok and problem == expected, tostring(problem))
          assert(name == "_G" or _G[name] == nil)
        end
    "#

    the_error_of_require_has_a_position("") r#"
        local ok, problem = pcall(function() require("time") end)
        assert(not ok and problem:find("^app:main:3: module 'time' not found"), problem)
    "#

    require_of_something_other_than_a_text_raises("") r#"
        for _, name in ipairs({ 1, true, {}, print }) do assert(not pcall(require, name)) end
        assert(not pcall(require) and not pcall(require, nil))
    "#

    the_libraries_that_everyone_has_can_be_required("") r#"
        for _, name in ipairs({ "string", "table", "math", "coroutine", "os", "channel", "errors", "process", "payload", "package" }) do
          assert(rawequal(require(name), _G[name]), name)
        end
    "#

    globals_do_not_fool_require("json") r#"
        time, json = { fake = true }, { fake = true }
        rawset(_G, "funcs", { fake = true })
        setmetatable(_G, { __index = function() return { fake = true } end })
        assert(not pcall(require, "time") and not pcall(require, "funcs") and not pcall(require, "anything"))
        assert(require("json").fake == nil)
    "#

    package_does_not_fool_require("") r#"
        assert(not pcall(function() package.loaded = { time = {} } end))
        assert(not pcall(function() package.preload = {} end))
        package = { loaded = { time = {} }, preload = { time = function() return {} end } }
        assert(not pcall(require, "time"))
    "#

    metamethods_of_names_do_not_fool_require("") r#"
        local name = setmetatable({}, { __eq = function() return true end, __tostring = function() return "time" end })
        assert(not pcall(require, name))
    "#
}

#[tokio::test]
async fn a_module_that_does_not_exist_is_refused_at_once() {
    let error = App::try_entries(&[("main", "function", "modules: [tiem]", "return function() end")]);
    let error = render(&error.err().expect("it is refused"));
    assert!(error.contains("tiem") && error.contains("time"), "{error}");
}

#[tokio::test]
async fn a_library_is_required_by_its_alias() {
    let app = App::entries(&[
        ("lib", "library", "", "return { greet = function(name) return 'hello ' .. name end }"),
        (
            "main",
            "function",
            "imports: {helpers: 'app:lib'}",
            "return function() return require('helpers').greet('moon') end",
        ),
    ]);
    assert_eq!(main(&app).await, "hello moon");
}

#[tokio::test]
async fn a_library_is_a_global_under_its_alias_and_not_under_its_name() {
    let app = App::entries(&[
        ("lib", "library", "", "return { x = 'value' }"),
        (
            "main",
            "function",
            "imports: {helpers: 'app:lib'}",
            "return function() assert(lib == nil and not pcall(require, 'lib') and not pcall(require, 'app:lib')) return helpers.x end",
        ),
    ]);
    assert_eq!(main(&app).await, "value");
}

#[tokio::test]
async fn a_built_in_module_gets_another_name_by_an_import() {
    let app = App::entries(&[(
        "main",
        "function",
        "imports: {j: json}",
        "return function() assert(json == nil and not pcall(require, 'json') and j == require('j')) return j.encode({1}) end",
    )]);
    assert_eq!(main(&app).await, "[1]");
}

#[tokio::test]
async fn a_module_and_its_alias_are_one_value() {
    let app = App::entries(&[(
        "main",
        "function",
        "modules: [json], imports: {j: json}",
        "return function() return tostring(rawequal(j, json)) end",
    )]);
    assert_eq!(main(&app).await, "true");
}

#[tokio::test]
async fn every_chunk_has_its_own_globals() {
    let app = App::entries(&[
        (
            "lib",
            "library",
            "",
            "shared = 'of lib'\nprint = nil\nreturn { read = function() return shared end, sees = function() return fromMain end }",
        ),
        (
            "main",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function()\nassert(shared == nil and _G.shared == nil and print)\nshared, fromMain = 'of main', 1\n\
             assert(lib.sees() == nil)\nreturn lib.read() end",
        ),
    ]);
    assert_eq!(main(&app).await, "of lib");
}

#[tokio::test]
async fn a_librarys_modules_do_not_reach_its_importer() {
    let app = App::entries(&[
        ("lib", "library", "modules: [json]", "return { encode = function(v) return json.encode(v) end }"),
        (
            "main",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function() assert(json == nil and not pcall(require, 'json')) return lib.encode({1}) end",
        ),
    ]);
    assert_eq!(main(&app).await, "[1]");
}

#[tokio::test]
async fn an_importers_modules_do_not_reach_the_library() {
    let app = App::entries(&[
        (
            "lib",
            "library",
            "",
            "return { try = function() return json == nil and not pcall(require, 'json') end }",
        ),
        (
            "main",
            "function",
            "modules: [json], imports: {lib: 'app:lib'}",
            "return function() return tostring(lib.try() and json ~= nil) end",
        ),
    ]);
    assert_eq!(main(&app).await, "true");
}

#[tokio::test]
async fn a_librarys_imports_do_not_reach_its_importer() {
    let app = App::entries(&[
        ("deep", "library", "", "return { x = 'deep' }"),
        ("lib", "library", "imports: {deep: 'app:deep'}", "return { x = function() return deep.x end }"),
        (
            "main",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function() assert(deep == nil and not pcall(require, 'deep')) return lib.x() end",
        ),
    ]);
    assert_eq!(main(&app).await, "deep");
}

#[tokio::test]
async fn one_library_under_two_aliases_is_one_value() {
    let app = App::entries(&[
        ("lib", "library", "", "print('runs')\nreturn {}"),
        (
            "main",
            "function",
            "imports: {a: 'app:lib', b: 'app:lib'}",
            "return function() return tostring(rawequal(a, b) and rawequal(require('a'), require('b'))) end",
        ),
    ]);
    assert_eq!(main(&app).await, "true");
    assert_eq!(app.printed(), ["runs"]);
}

#[tokio::test]
async fn a_library_runs_once_per_cell_however_many_import_it() {
    let app = App::entries(&[
        ("base", "library", "", "print('base')\nreturn { n = 0 }"),
        ("left", "library", "imports: {base: 'app:base'}", "print('left')\nbase.n = base.n + 1\nreturn base"),
        ("right", "library", "imports: {b: 'app:base'}", "print('right')\nb.n = b.n + 1\nreturn b"),
        (
            "main",
            "function",
            "imports: {left: 'app:left', right: 'app:right'}",
            "print('main')\nreturn function() return tostring(rawequal(left, right)) .. left.n end",
        ),
    ]);
    assert_eq!(main(&app).await, "true2");
    let printed = app.printed();
    assert_eq!((printed.len(), printed[0].as_str(), printed[3].as_str()), (4, "base", "main"), "{printed:?}");
}

#[tokio::test]
async fn a_library_that_raises_fails_the_call_with_its_place() {
    let app = App::entries(&[
        ("lib", "library", "", "local x = 1\nerror('no good')"),
        ("main", "function", "imports: {lib: 'app:lib'}", "return function() end"),
    ]);
    let failure = app.main_fails().await;
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Internal, "app:lib:2: no good"));
}

#[tokio::test]
async fn a_library_that_raises_an_error_object_keeps_its_kind() {
    let app = App::entries(&[
        (
            "lib",
            "library",
            "",
            "error(errors.new({ kind = errors.UNAVAILABLE, message = 'later', retryable = true }))",
        ),
        ("main", "function", "imports: {lib: 'app:lib'}", "return function() end"),
    ]);
    let failure = app.main_fails().await;
    assert_eq!(
        (failure.kind, failure.message.as_str(), failure.retryable),
        (Kind::Unavailable, "later", Some(true))
    );
}

#[tokio::test]
async fn a_library_that_returns_nothing_is_there_all_the_same() {
    let app = App::entries(&[
        ("lib", "library", "", "print('runs')"),
        (
            "main",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function() return tostring(require('lib')) end",
        ),
    ]);
    assert_eq!(main(&app).await, "true");
    assert_eq!(app.printed(), ["runs"]);
}

#[tokio::test]
async fn a_library_may_return_any_value() {
    for (returned, expected) in
        [("false", "false"), ("42", "42"), ("'text'", "text"), ("function() end", "function")]
    {
        let app = App::entries(&[
            ("lib", "library", "", &format!("return {returned}")),
            (
                "main",
                "function",
                "imports: {lib: 'app:lib'}",
                "return function() local v = require('lib') return type(v) == 'function' and 'function' or tostring(v) end",
            ),
        ]);
        assert_eq!(main(&app).await, expected);
    }
}

#[tokio::test]
async fn a_library_gets_no_arguments() {
    let app = App::entries(&[
        ("lib", "library", "", "return { count = select('#', ...) }"),
        ("main", "function", "imports: {lib: 'app:lib'}", "return function() return tostring(lib.count) end"),
    ]);
    assert_eq!(main(&app).await, "0");
}

#[tokio::test]
async fn the_code_of_functions_processes_and_modules_can_be_imported() {
    for kind in ["function", "process", "module"] {
        let app = App::entries(&[
            ("other", kind, "", "return { main = function(x) return 'ran ' .. x end }"),
            (
                "main",
                "function",
                "imports: {other: 'app:other'}",
                "return function() return other.main('here') end",
            ),
        ]);
        assert_eq!(main(&app).await, "ran here", "{kind}");
    }
}

#[tokio::test]
async fn an_import_that_does_not_exist_is_refused_at_once() {
    let error = App::try_entries(&[
        ("helpers", "library", "", "return {}"),
        ("main", "function", "imports: {h: 'app:helper'}", "return function() end"),
    ]);
    let error = render(&error.err().expect("it is refused"));
    assert!(error.contains("app:helper") && error.contains("app:helpers"), "{error}");
}

#[tokio::test]
async fn imports_in_a_circle_are_refused_at_once() {
    let error = App::try_entries(&[
        ("a", "library", "imports: {b: 'app:b'}", "return {}"),
        ("b", "library", "imports: {a: 'app:a'}", "return {}"),
    ]);
    let error = render(&error.err().expect("it is refused"));
    assert!(error.contains("app:a") && error.contains("app:b"), "{error}");
}

#[tokio::test]
async fn an_alias_cannot_hide_what_every_chunk_has() {
    for alias in ["require", "print", "pcall", "string", "_G", "channel"] {
        let error = App::try_entries(&[
            ("lib", "library", "", "return {}"),
            ("main", "function", &format!("imports: {{{alias}: 'app:lib'}}"), "return function() end"),
        ]);
        let error = render(&error.err().unwrap_or_else(|| panic!("{alias} is refused")));
        assert!(error.contains(alias), "{error}");
    }
}

#[tokio::test]
async fn a_librarys_chunk_knows_its_own_id_in_messages() {
    let app = App::entries(&[
        ("lib", "library", "", "return { fail = function() error('here') end }"),
        ("main", "function", "imports: {lib: 'app:lib'}", "return function() lib.fail() end"),
    ]);
    assert_eq!(app.main_fails().await.message, "app:lib:1: here");
}

#[tokio::test]
async fn a_host_granted_module_is_reached_only_by_those_who_list_it() {
    let app = App::entries(&[
        ("lib", "library", "modules: [funcs]", "return { call = funcs.call }"),
        ("other", "function", "", "return function() return type(funcs) end"),
        (
            "main",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function() return lib.call('app:other') end",
        ),
    ]);
    assert_eq!(app.main().await, Value::from("nil"));
}
