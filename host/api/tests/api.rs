//! Descriptions: what is read, what is refused, and what is made of them.

use perilune_api::{Api, luals, markdown};
use std::path::Path;
use std::{env, fs};

/// A description with these lines after its first two.
fn described(lines: &str) -> Result<Api, String> {
    let text = format!("module: moon\nsummary: The moon.\n{lines}");
    Api::read([("moon.yaml", text.as_str())]).map_err(|error| error.to_string())
}

const FULL: &str = "\
constants:
  phase.FULL: {value: full, doc: All of it.}
  COUNT: {value: 1}
fields:
  near: {type: moon.Crater, doc: The nearest.}
functions:
  craters.find:
    doc: Finds craters.
    params: [{name: name, type: string, doc: Its name.}, {name: end, type: integer, optional: true}, {name: '...', type: any}]
    returns: [{type: 'moon.Crater|string', name: crater, doc: The crater.}]
    fails: true
    yields: true
    permission: moon.find(name)
  rise: {doc: Rises., fails: true}
classes:
  moon.Crater:
    doc: A crater.
    methods:
      depth: {doc: How deep., returns: [{type: number}]}
    fields:
      name: {type: string?, doc: Its name.}
";

#[test]
fn what_is_described_can_be_asked_for() {
    let api = described(FULL).expect("it is read");
    let moon = api.module("moon").expect("it is there");
    let find = moon.function("craters.find").expect("it is there");
    assert!(find.fails && find.yields && find.params[1].optional);
    assert_eq!(
        find.permission.as_ref().map(|permission| permission.each().collect::<Vec<_>>()),
        Some(vec!["moon.find(name)"])
    );
    assert_eq!(
        moon.constant("phase.FULL").map(|constant| constant.value.to_string()),
        Some("\"full\"".to_owned())
    );
    assert!(api.class("moon.Crater").is_some() && api.class("Crater").is_none());
    assert!(api.module("sun").is_none() && api.global("moon").is_none() && moon.function("find").is_none());
}

#[test]
fn definitions_say_it_to_the_language_server() {
    let api = described(FULL).expect("it is read");
    let [(name, text)] = &luals::files(&api)[..] else { panic!("one file") };
    assert_eq!(name, "moon.lua");
    let expected = "\
---@meta moon
-- Written by `perilune editor`; it writes this file anew.

---A crater.
---@class moon.Crater
---@field name string? Its name.
local moon_Crater = {}

---How deep.
---@return number
function moon_Crater:depth() end

---The moon.
---@class module.moon
---@field near moon.Crater The nearest.
local moon = {}

moon.craters = {}

moon.phase = {}

moon.COUNT = 1

---All of it.
moon.phase.FULL = \"full\"

---Finds craters.
---
---Suspends its coroutine.
---
---Permission: `moon.find(name)`.
---@param name string Its name.
---@param end_? integer
---@param ... any
---@return (moon.Crater|string)? crater # The crater.
---@return Error? err
function moon.craters.find(name, end_, ...) end

---Rises.
---@return nil
---@return Error? err
function moon.rise() end

return moon
";
    assert_eq!(text, expected);
}

#[test]
fn what_is_wrong_is_named_with_its_file_and_place() {
    for (lines, says) in [
        ("colour: red", "unknown field `colour`"),
        ("functions:\n  f: {doc: x, params: [{name: a}]}", "functions.f.params[0]: missing field `type`"),
        ("functions:\n  f: {params: []}", "missing field `doc`"),
        ("functions:\n  f: {doc: ''}", "functions.f: `doc` is empty"),
        (
            "functions:\n  f: {doc: x, returns: [{type: Moon}]}",
            "functions.f.returns[0]: type `Moon`: no file describes class `Moon`",
        ),
        ("functions:\n  f: {doc: x, returns: [{type: 'table<string'}]}", "has a `<` that is not closed"),
        ("functions:\n  f: {doc: x, returns: [{type: 'string)'}]}", "has a `)` that closes nothing"),
        ("functions:\n  f: {doc: x, returns: [{type: '$'}]}", "has '$' in it"),
        (
            "functions:\n  f: {doc: x, params: [{name: '...', type: any}, {name: a, type: any}]}",
            "`...` is not the last",
        ),
        (
            "functions:\n  f: {doc: x, params: [{name: a, type: any}, {name: a, type: any}]}",
            "parameter `a` is there twice",
        ),
        ("functions:\n  1f: {doc: x}", "`1f` is not the name"),
        ("constants:\n  f: {value: 1}\nfunctions:\n  f: {doc: x}", "`f` is there twice"),
        ("constants:\n  f: {value: [1]}", "constants.f"),
        ("classes:\n  error: {doc: x, fields: {a: {type: Nope}}}", "classes.error.fields.a"),
        ("global: moon", "a file has one of"),
        ("functions: [", "expected a map"),
    ] {
        let error = described(lines).expect_err(lines);
        assert!(error.starts_with("api/moon.yaml: ") && error.contains(says), "{lines}: {error}");
    }
    let one = "objects: true\nsummary: x\nclasses: {A: {doc: x}}";
    let error = Api::read([("a.yaml", one), ("b.yaml", one)]).expect_err("refused").to_string();
    assert!(error.contains("api/b.yaml: classes.A: another file describes a class of this name"), "{error}");
    let module = "module: a\nsummary: x";
    let error = Api::read([("a.yaml", module), ("b.yaml", module)]).expect_err("refused").to_string();
    assert!(error.contains("described twice"), "{error}");
}

#[test]
fn types_are_those_of_the_language_server() {
    for ty in [
        "string",
        "integer?",
        "table<string, any>",
        "string[]",
        "(string|number)[]",
        "fun(a: string, b?: number): moon.Crater?",
        "{a: string, b: integer?}",
        "'r'|'w'",
        "1|2",
        "Error?",
        "any",
        "fun()",
        "moon.Crater[][]",
        "table<integer, {x: Error}>",
    ] {
        let lines = format!(
            "functions:\n  f: {{doc: x, returns: [{{type: {ty:?}}}]}}\nclasses: {{moon.Crater: {{doc: x}}, error: {{doc: x}}}}"
        );
        assert!(described(&lines).is_ok(), "{ty}: {:?}", described(&lines));
    }
}

/// The files in `api/` are right; otherwise this says what is wrong.
#[test]
fn the_built_in_descriptions_are_read() {
    let mut files = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api");
    for file in fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("a file").path();
        let text = fs::read_to_string(&path).expect("it is text");
        files.push((path.file_name().expect("a name").to_string_lossy().into_owned(), text));
    }
    let read = Api::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    assert_eq!(&read.unwrap_or_else(|error| panic!("{error}")), Api::built_in());
}

/// Every definition file is Lua, and no two define the same.
#[test]
fn definitions_are_lua() {
    let lua = mlua::Lua::new();
    for (name, text) in luals::files(Api::built_in()) {
        assert!(text.starts_with("---@meta "), "{name}");
        lua.load(&text).set_name(&name).exec().unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    }
}

/// `docs/modules/` is made from `api/`; `UPDATE_DOCS=1` makes it anew.
#[test]
fn the_pages_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/modules");
    let pages = markdown::pages(Api::built_in());
    if env::var_os("UPDATE_DOCS").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder is made");
        for (name, text) in &pages {
            fs::write(folder.join(name), text).expect("the page is written");
        }
    }
    let mut found: Vec<String> = fs::read_dir(&folder)
        .expect("docs/modules is there")
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    let mut expected: Vec<String> = pages.iter().map(|(name, _)| name.clone()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "run `UPDATE_DOCS=1 cargo test -p perilune-api`");
    for (name, text) in &pages {
        let page = fs::read_to_string(folder.join(name)).expect("it is text");
        assert_eq!(&page, text, "{name}: run `UPDATE_DOCS=1 cargo test -p perilune-api`");
    }
}
