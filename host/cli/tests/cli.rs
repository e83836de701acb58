//! The `perilune` program as its users meet it: exit codes, stdout, stderr.

mod support;

use insta::assert_snapshot;
use std::process::Stdio;
use support::{App, Ended, ended};

const YAML: &str = r##"
version: "1.0"
namespace: app
entries:
  - name: echo
    kind: function.lua
    method: main
    meta: {type: handler, version: "2.0"}
    source: return function(...) return {count = select("#", ...), ...} end
  - {name: same, kind: function.lua, source: "return function(x) return x end", method: main}
  - {name: fails, kind: function.lua, source: "return function() error(errors.new({message = 'no such order', kind = 'NotFound'})) end", method: main}
  - {name: tax, kind: module.lua, source: "return {rate = function() return 19 end}", meta: {type: rates}}
  - name: speak
    kind: function.lua
    method: main
    modules: [logger]
    source: |
      return function()
        print("printed", 1)
        require("logger"):info("logged", {order = 7})
        require("logger"):debug("hidden")
        return "result"
      end
  - name: wait
    kind: function.lua
    method: main
    modules: [time]
    source: return function() require("time").sleep("1h") end
  - name: give
    kind: process.lua
    method: main
    meta: {command: {name: give, short: Ends as its argument says}}
    source: |
      local results = {
        text = "a text", number = 3, float = 4.0, ["true"] = true, ["false"] = false, big = 256, negative = -1, half = 0.5, table = {1},
      }
      return function(what, ...)
        if what == "error" then return nil, errors.new({message = "it failed", kind = "Conflict"}) end
        if what == "raise" then error("it raised") end
        if what == "args" then print(select("#", ...), ...) end
        return results[what]
      end
  - name: chat
    kind: process.lua
    method: main
    meta: {command: {name: chat, short: Prints without end}}
    source: return function() while true do print(("x"):rep(1000)) coroutine.yield() end end
"##;

fn app() -> App {
    App::new(YAML, &[])
}

fn run(args: &[&str]) -> Ended {
    app().run(args)
}

fn stdout(text: &str) -> Ended {
    Ended { code: 0, stdout: text.to_owned(), stderr: String::new() }
}

#[test]
fn version() {
    assert_eq!(run(&["--version"]), stdout(concat!("perilune ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn help() {
    for args in [
        &["--help"][..],
        &["run", "--help"],
        &["call", "--help"],
        &["registry", "--help"],
        &["registry", "find", "--help"],
    ] {
        let help = run(args);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert_snapshot!(args.join(" ").replace("--", ""), help.stdout);
    }
}

#[test]
fn without_arguments_it_helps_and_says_that_this_was_wrong() {
    let ended = run(&[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("Usage: perilune"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["cal"][..],
        &["call"],
        &["call", "--timout", "1s", "app:same"],
        &["registry"],
        &["registry", "find"],
    ] {
        let ended = run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!ended.stderr.is_empty(), "{args:?}");
    }
}

// perilune run

#[test]
fn what_a_command_returns_is_the_exit_code() {
    for (what, code, out) in [
        ("text", 0, "a text\n"),
        ("number", 3, ""),
        ("float", 4, ""),
        ("true", 0, ""),
        ("false", 1, ""),
        ("nil", 0, ""),
        ("table", 0, ""),
    ] {
        let expected = Ended { code, stdout: out.to_owned(), stderr: String::new() };
        assert_eq!(run(&["run", "give", what]), expected, "{what}");
    }
}

#[test]
fn a_number_that_is_no_exit_code_is_an_error() {
    for what in ["big", "negative", "half"] {
        let ended = run(&["run", "give", what]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{what}");
        assert_eq!(
            ended.stderr, "error: the command returned a number that is no exit code (0 to 255)\n",
            "{what}"
        );
    }
}

#[test]
fn a_command_that_fails_says_why() {
    let failed = run(&["run", "give", "error"]);
    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
    assert!(failed.stderr.starts_with("error: it failed [Conflict]\n  app:give:5"), "{}", failed.stderr);
    let raised = run(&["run", "give", "raise"]);
    assert_eq!(raised.code, 1);
    assert!(
        raised.stderr.starts_with("error: app:give:6: it raised [Internal]\n  app:give:6"),
        "{}",
        raised.stderr
    );
}

#[test]
fn arguments_reach_the_command_as_they_are() {
    assert_eq!(
        run(&["run", "give", "args", "--flag", "-x", "two words", ""]),
        stdout("4 --flag -x two words \n")
    );
}

#[test]
fn an_unknown_command_lists_those_there_are() {
    let ended = run(&["run", "giv"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_snapshot!(ended.stderr);
}

#[test]
fn an_application_without_commands_says_how_to_make_one() {
    let ended = App::new("{namespace: app, name: data, kind: registry.entry}", &[]).run(&["run", "give"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_snapshot!(ended.stderr);
}

// perilune call

#[test]
fn arguments_and_result_are_json() {
    let value = r#"{"list":[1,2.5,"three",true],"text":"ü"}"#;
    assert_eq!(run(&["call", "app:same", value]), stdout(&format!("{value}\n")));
    assert_eq!(run(&["call", "app:same", "-7"]), stdout("-7\n"));
    assert_eq!(run(&["call", "app:same"]), stdout("null\n"));
    assert_eq!(run(&["call", "app:tax.rate"]), stdout("19\n"));
    assert_eq!(run(&["call", "app:give", r#""text""#]), stdout("\"a text\"\n"));
}

#[test]
fn integers_stay_exact() {
    assert_eq!(run(&["call", "app:same", "9007199254740993"]), stdout("9007199254740993\n"));
    assert_eq!(run(&["call", "app:same", "0.5"]), stdout("0.5\n"));
}

#[test]
fn an_argument_that_is_not_json_is_shown() {
    let ended = run(&["call", "app:same", "1", "Ada"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_snapshot!(ended.stderr);
}

#[test]
fn a_call_that_fails_says_why() {
    let ended = run(&["call", "app:fails"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.starts_with("error: no such order [NotFound]\n"), "{}", ended.stderr);
    let ended = run(&["call", "app:nothing"]);
    let expected = Ended {
        code: 1,
        stdout: String::new(),
        stderr: "error: no entry app:nothing [NotFound]\n".to_owned(),
    };
    assert_eq!(ended, expected);
}

#[test]
fn a_timeout_ends_the_call() {
    let ended = run(&["call", "--timeout", "500ms", "app:wait"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert_snapshot!(ended.stderr);
}

#[test]
fn a_timeout_that_is_no_time_is_wrong_usage() {
    for time in ["soon", "0s", "-1s", "5"] {
        let ended = run(&["call", &format!("--timeout={time}"), "app:wait"]);
        let expected = format!("error: --timeout {time}: not a positive time such as 500ms or 1m30s\n");
        assert_eq!((ended.code, ended.stderr), (2, expected));
    }
}

// stdout, stderr, logs

#[test]
fn print_goes_to_stdout_and_logs_go_to_stderr_with_the_entry() {
    let ended = run(&["call", "app:speak"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "printed 1\n\"result\"\n"));
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for part in ["INFO", "logged", "app:speak"] {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
}

#[test]
fn rust_log_chooses_the_records() {
    let app = app();
    let logged = |filter: &str| {
        let mut command = app.command(&["call", "app:speak"]);
        ended(command.env("RUST_LOG", filter).output().expect("the program runs"))
    };
    assert_eq!(logged("off").stderr, "");
    let all = logged("debug");
    assert!(all.stderr.contains("hidden") && all.stderr.contains("logged"), "{}", all.stderr);
    assert_eq!(all.stdout, "printed 1\n\"result\"\n");
}

#[test]
fn what_is_no_terminal_gets_no_colours() {
    for (variable, value) in [("NO_COLOR", "1"), ("UNRELATED", "1")] {
        let app = App::new("namespace: app\nname: x\nkind: functoin.lua\n", &[]);
        let mut command = app.command(&["registry", "list"]);
        let ended = ended(command.env(variable, value).output().expect("the program runs"));
        assert!(!ended.stderr.is_empty() && !ended.stderr.contains('\x1b'), "{}", ended.stderr);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for args in [&["registry", "list"][..], &["--help"], &["call", "app:speak"]] {
        let app = app();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child =
            app.command(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("the program runs");
        let ended = ended(child.wait_with_output().expect("the program ends"));
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {}", ended.stderr);
    }
}

// perilune registry

#[test]
fn registry_list() {
    assert_snapshot!(run(&["registry", "list"]).stdout);
    assert_eq!(run(&["registry", "list", "--kind", "module.lua"]), stdout("app:tax  module.lua\n"));
    assert_eq!(run(&["registry", "list", "--namespace", "other"]), stdout(""));
}

#[test]
fn registry_show() {
    let expected = r#"{"data":{"source":"return {rate = function() return 19 end}"},"id":"app:tax","kind":"module.lua","meta":{"type":"rates"}}"#;
    assert_eq!(run(&["registry", "show", "app:tax"]), stdout(&format!("{expected}\n")));
    let missing = run(&["registry", "show", "app:nothing"]);
    assert_eq!(
        (missing.code, missing.stderr.as_str()),
        (1, "error: entry not found: app:nothing [NotFound]\n")
    );
}

#[test]
fn registry_find() {
    assert_eq!(run(&["registry", "find", "type=handler"]), stdout("app:echo  function.lua\n"));
    assert_eq!(
        run(&["registry", "find", "~meta.version=^2", ".kind=function.*"]),
        stdout("app:echo  function.lua\n")
    );
    assert_eq!(run(&["registry", "find", "type=nothing"]), stdout(""));
    let wrong = run(&["registry", "find", "handler"]);
    assert_eq!(
        (wrong.code, wrong.stderr.as_str()),
        (2, "error: `handler` is no criterion: write KEY=VALUE\n")
    );
}

// Applications that do not load

#[test]
fn an_application_with_errors_shows_them_all_and_starts_nothing() {
    let yaml = "
namespace: app
entries:
  - {name: a, kind: functoin.lua}
  - {name: b, kind: function.lua, source: file://b.lua, method: main, modules: [jsn]}
";
    let app = App::new(yaml, &[("b.lua", "return function(\n")]);
    for args in [&["registry", "list"][..], &["call", "app:b"], &["run", "b"]] {
        let ended = app.run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{args:?}");
        assert_snapshot!("an_application_with_errors", ended.stderr);
    }
}

#[test]
fn what_is_no_directory_is_wrong_usage() {
    let ended = run(&["-C", "nothing", "registry", "list"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_eq!(
        ended.stderr,
        "error: `nothing` is neither a directory nor a pack: name the application with -C\n"
    );
    assert_eq!(run(&["-C", "app.yaml", "registry", "list"]).code, 2);
}

#[test]
fn another_directory_is_named_with_c() {
    let (app, other) = (app(), App::new("namespace: other\nentries: []\n", &[]));
    let path = app.path().to_str().expect("a UTF-8 path");
    assert_eq!(other.run(&["-C", path, "call", "app:same", "1"]), stdout("1\n"));
    assert_eq!(other.run(&["call", "app:same", "1", "-C", path]), stdout("1\n"));
}

// On somebody's behalf.

const GUARDED: &str = r#"
version: "1.0"
namespace: app
entries:
  - {name: reads, kind: security.policy, groups: [staff], policy: {actions: registry.get, resources: "*", effect: allow}}
  - {name: ends, kind: security.policy, policy: {actions: system.exit, resources: "*", effect: allow}}
  - name: kind
    kind: function.lua
    method: main
    modules: [registry]
    source: |
      return function(id)
        local entry, err = registry.get(id)
        return entry and entry.kind, err
      end
  - name: quits
    kind: process.lua
    method: main
    modules: [system]
    meta: {command: {name: quits}}
    source: |
      return function(code)
        assert(system.exit(tonumber(code)))
        process.inbox():receive()
      end
"#;

#[test]
fn a_call_that_is_refused_without_an_actor_says_how_to_name_one() {
    let ended = App::new(GUARDED, &[]).run(&["call", "app:kind", r#""app:quits""#]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    for part in [
        "a call without an actor may not registry.get `app:quits`",
        "[PermissionDenied]",
        "help: ",
        "--actor ID",
        "--strict never",
    ] {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
}

#[test]
fn an_operator_may_call_as_somebody_or_without_policies() {
    let app = App::new(GUARDED, &[]);
    for options in [
        &["--actor", "op", "--policy", "app:reads"][..],
        &["--actor", "op", "--group", "app:staff"],
        &["--strict", "never"],
    ] {
        let ended = app.run(&[&["call"], options, &["app:kind", r#""app:quits""#]].concat());
        assert_eq!(ended, stdout("\"process.lua\"\n"), "{options:?}");
    }
}

#[test]
fn who_acts_is_told_why_it_may_not() {
    let ended = App::new(GUARDED, &[]).run(&[
        "call",
        "--actor",
        "op",
        "--policy",
        "app:ends",
        "app:kind",
        r#""app:quits""#,
    ]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .contains("actor `op` may not registry.get `app:quits`: no policy of its scope allows it"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("help:"), "{}", ended.stderr);
}

#[test]
fn policies_are_named_rightly_and_with_an_actor() {
    let app = App::new(GUARDED, &[]);
    for (options, expected) in [
        (&["--actor", "op", "--policy", "app:raeds"][..], "there is no policy `app:raeds`"),
        (&["--actor", "op", "--group", "staff"], "there is no group of policies `staff`"),
        (&["--policy", "app:reads"], "--actor"),
        (&["--strict", "sometimes"], "sometimes"),
    ] {
        let ended = app.run(&[&["call"], options, &["app:kind", "1"]].concat());
        assert_eq!(ended.code, 2, "{options:?}");
        assert!(ended.stderr.contains(expected), "{options:?}: {}", ended.stderr);
    }
}

#[test]
fn an_entry_may_end_the_program_with_a_code() {
    let app = App::new(GUARDED, &[]);
    for (code, expected) in [("0", 0), ("7", 7), ("300", 1)] {
        let ended = app.run(&["run", "--actor", "op", "--policy", "app:ends", "quits", code]);
        assert_eq!(ended.code, expected, "{}", ended.stderr);
    }
}
