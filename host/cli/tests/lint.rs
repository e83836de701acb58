//! `perilune lint`: what it prints, and how it ends.

mod support;

use insta::assert_snapshot;
use serde_json::Value;
use std::path::Path;
use support::{App, Ended, ended, program};

const CLEAN: &str = "
version: '1.0'
namespace: app
entries:
  - {name: greet, kind: function.lua, source: 'file://greet.lua', method: main}
";

const YAML: &str = "
version: '1.0'
namespace: app
entries:
  - {name: greet, kind: function.lua, source: 'file://greet.lua', method: mian, modules: [fs, json]}
  - {name: money, kind: library.lua, source: 'file://money.lua'}
  - {name: host, kind: process.host}
";

const GREET: &str = "local fs = require(\"fs\")
local time = require(\"time\")

local function main(id)
  local files = assert(fs.get(id))
  local text = files:raedfile(\"greeting.txt\")
  return txt .. os.getenv(\"USER\")
end

return { main = main }
";

const WARNING: &str = "local unused = 1\nreturn { main = function() end }\n";

fn app() -> App {
    App::new(YAML, &[("greet.lua", GREET), ("money.lua", "return {}\n")])
}

fn clean(source: &str) -> App {
    App::new(CLEAN, &[("greet.lua", source)])
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).expect("it is JSON")
}

#[test]
fn help() {
    assert_snapshot!(clean("return print\n").run(&["lint", "--help"]).stdout);
}

#[test]
fn nothing_to_find_is_exit_code_0() {
    let ended = clean("return { main = function() end }\n").run(&["lint"]);
    assert_eq!(
        ended,
        Ended { code: 0, stdout: "nothing found in 1 entry\n".to_owned(), stderr: String::new() }
    );
}

#[test]
fn findings_are_shown_with_their_places_and_what_to_do() {
    let ended = app().run(&["lint"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_snapshot!(ended.stdout);
}

#[test]
fn json_is_one_object() {
    let ended = app().run(&["lint", "--json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_snapshot!(serde_json::to_string_pretty(&json(&ended)).expect("it is written"));
    let clean = json(&clean("return print\n").run(&["lint", "--json"]));
    assert_eq!(clean["findings"], serde_json::json!([]));
    assert_eq!((&clean["version"], &clean["entries"]), (&Value::from(1), &Value::from(1)));
}

#[test]
fn warnings_are_an_error_only_on_request() {
    let app = clean(WARNING);
    assert_eq!(app.run(&["lint"]).code, 0);
    assert_eq!(app.run(&["lint", "--json"]).code, 0);
    assert_eq!(app.run(&["lint", "--deny", "warnings"]).code, 1);
    assert_eq!(app.run(&["lint", "--deny", "warnings", "--allow", "l114"]).code, 0);
    assert_eq!(clean("return print\n").run(&["lint", "--deny", "warnings"]).code, 0);
}

#[test]
fn only_the_entries_that_are_named_are_looked_at() {
    let app = app();
    let ended = app.run(&["lint", "app:money", "app:host"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("no entry imports this library"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("greet"), "{}", ended.stdout);
}

#[test]
fn an_application_that_does_not_load_is_looked_at_all_the_same() {
    let yaml = "
namespace: app
entries:
  - {name: a, kind: functoin.lua}
  - {name: b, kind: function.lua, source: file://b.lua, method: main, modules: [jsn]}
  - {name: c, kind: function.lua, source: file://c.lua, method: main}
";
    let files = [("b.lua", "return function(\n"), ("c.lua", "local x = 1\nreturn { main = print }\n")];
    let ended = App::new(yaml, &files).run(&["lint"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_snapshot!(ended.stdout);
}

#[test]
fn what_lua_refuses_is_an_error_even_where_the_parser_lets_it_pass() {
    let many = format!("{}return {{ main = print }}\n", "local _a = 1\n".repeat(201));
    let ended = clean(&many).run(&["lint"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("E401") && ended.stdout.contains("too many local variables"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_workflow_with_a_module_that_is_not_deterministic_is_an_error() {
    let yaml = "
namespace: app
entries:
  - {name: flow, kind: workflow.lua, source: file://flow.lua, modules: [fs, workflow]}
  - {name: store, kind: workflow.host}
";
    let source = "return { main = function() return fs.get('app:x'), workflow.info() end }\n";
    let ended = App::new(yaml, &[("flow.lua", source)]).run(&["lint"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("E406") && ended.stdout.contains("may not use module `fs`"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_rule_is_explained() {
    let app = clean("return print\n");
    let ended = app.run(&["lint", "--explain", "l134"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_snapshot!(ended.stdout);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let app = app();
    for (args, says) in [
        (&["lint", "app:nothing"][..], "there is no entry `app:nothing`"),
        (&["lint", "--allow", "L999"], "--allow L999: there is no such rule"),
        (&["lint", "--explain", "L999"], "--explain L999: there is no such rule"),
        (&["lint", "--deny", "everything"], "invalid value 'everything'"),
        (&["lint", "--explain", "L101", "--json"], "cannot be used with"),
        (&["-C", "nowhere", "lint"], "`nowhere` is neither a directory nor a pack"),
    ] {
        let ended = app.run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn what_is_no_terminal_gets_no_colours() {
    let app = app();
    for value in ["", "1"] {
        let mut command = app.command(&["lint"]);
        let ended = ended(command.env("NO_COLOR", value).output().expect("the program runs"));
        assert!(!ended.stdout.is_empty() && !ended.stdout.contains('\x1b'), "{}", ended.stdout);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let app = app();
    let child = app.command(&["lint"]).stdout(writer).stderr(std::process::Stdio::piped()).spawn();
    let ended = ended(child.expect("it runs").wait_with_output().expect("it ends"));
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn nothing_is_found_in_the_examples() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for folder in std::fs::read_dir(&examples).expect("it is there").flatten() {
        let name = folder.file_name();
        // They are there to show what is refused.
        if name == "mistakes" || name == "hostile" {
            continue;
        }
        let mut command = program();
        let output = command.args(["lint", "--deny", "warnings", "-C"]).arg(folder.path()).output();
        let ended = ended(output.expect("the program runs"));
        assert_eq!(ended.code, 0, "{name:?}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn nothing_is_found_in_what_init_makes() {
    for template in ["function", "service", "web", "workflow"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("made");
        let made = program().args(["init", "--template", template]).arg(&path).output();
        assert_eq!(ended(made.expect("the program runs")).code, 0, "{template}");
        let output = program().args(["lint", "--deny", "warnings", "-C"]).arg(&path).output();
        let ended = ended(output.expect("the program runs"));
        assert_eq!(ended.code, 0, "{template}: {}{}", ended.stdout, ended.stderr);
    }
}
