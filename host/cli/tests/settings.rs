//! Settings as an operator meets them: flags, variables, `perilune.yaml`.

mod support;

use insta::assert_snapshot;
use std::fs;
use std::process::Stdio;
use support::{App, Ended, ended};

const YAML: &str = r#"
namespace: app
entries:
  - {name: spin, kind: function.lua, source: "return function() while true do end end", method: main}
  - {name: two, kind: function.lua, source: "return function() return 2 end", method: main}
  - {name: fill, kind: function.lua, source: "return function() local t = {} for i = 1, 1e8 do t[i] = ('x'):rep(1000) .. i end end", method: main}
  - {name: says, kind: function.lua, modules: [logger], source: "return function() require('logger'):info('hello', {order = 7, level = 'odd'}) end", method: main}
  - {name: secret, kind: function.lua, modules: [env], source: "return function() return (require('env').get('SETTINGS_TEST')) end", method: main}
  - {name: os, kind: env.storage.os}
  - {name: variable, kind: env.variable, variable: SETTINGS_TEST, storage: os}
  - {name: host, kind: process.host, lifecycle: {auto_start: true}}
  - {name: waits, kind: process.lua, source: "return function() process.events():receive() end", method: main}
  - name: crowd
    kind: process.lua
    method: main
    meta: {command: {name: crowd}}
    source: |
      return function()
        for _ = 1, 3 do
          local pid, problem = process.spawn("app:waits", "app:host")
          print(pid and "runs" or tostring(problem))
        end
      end
"#;

fn app(settings: &str) -> App {
    App::new(YAML, &[("perilune.yaml", settings)])
}

fn with(app: &App, args: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = app.command(args);
    ended(command.envs(variables.iter().copied()).output().expect("the program runs"))
}

#[test]
fn a_limit_is_the_same_by_flag_variable_and_file() {
    let expected = "error: app:spin: one turn used more CPU time than `limits.cpu` allows (50ms) [Timeout]\n";
    let plain = App::new(YAML, &[]);
    for ended in [
        plain.run(&["call", "app:spin", "--limits-cpu", "50ms"]),
        plain.run(&["--limits-cpu", "50ms", "call", "app:spin"]),
        with(&plain, &["call", "app:spin"], &[("PERILUNE_LIMITS_CPU", "50ms")]),
        app("limits: {cpu: 50ms}").run(&["call", "app:spin"]),
        // Each of them with the next weaker one.
        with(&app("limits: {cpu: 20s}"), &["call", "app:spin"], &[("PERILUNE_LIMITS_CPU", "50ms")]),
        with(&plain, &["call", "app:spin", "--limits-cpu", "50ms"], &[("PERILUNE_LIMITS_CPU", "20s")]),
    ] {
        assert_eq!((ended.code, ended.stderr.as_str()), (1, expected));
    }
}

#[test]
fn limits_of_memory_and_time_hold() {
    let full = app("limits: {memory: 8MiB, cpu: 20s}").run(&["call", "app:fill"]);
    assert!(full.stderr.contains("`limits.memory` allows (8 MiB)"), "{}", full.stderr);
    let late = app("limits: {timeout: 200ms, cpu: 20s}").run(&["call", "app:spin"]);
    assert!(late.stderr.contains("`limits.timeout` allows (200ms)"), "{}", late.stderr);
}

#[test]
fn a_ceiling_refuses_entries_that_ask_for_more() {
    let yaml = "namespace: app\nname: large\nkind: function.lua\nsource: return print\nmethod: main\nlimits: {memory: 64MiB}\n";
    let ended = App::new(yaml, &[]).run(&["registry", "list", "--ceiling-memory", "32MiB"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("this host allows 32 MiB at most"), "{}", ended.stderr);
}

#[test]
fn processes_of_all_hosts_are_counted_together() {
    let ended = app("processes: {max: 2}").run(&["run", "crowd"]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[..2], ["runs", "runs"], "{}{}", ended.stdout, ended.stderr);
    assert!(
        lines[2].contains("the application runs 2 processes, which is the host's `processes.max`"),
        "{}",
        lines[2]
    );
}

#[test]
fn variables_of_the_environment_are_granted_by_list() {
    let plain = App::new(YAML, &[]);
    let call = ["call", "app:secret"];
    let secret = ("SETTINGS_TEST", "seen");
    assert_ne!(with(&plain, &call, &[secret]).stdout, "\"seen\"\n");
    let granted = with(&plain, &call, &[secret, ("PERILUNE_ALLOW_ENV", "OTHER,SETTINGS_*")]);
    assert_eq!(granted.stdout, "\"seen\"\n");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let app = App::new(YAML, &[]);
    let mut command = app.command(&["call", "app:two"]);
    command.env("PERILUNE_COLOR", std::ffi::OsStr::from_bytes(b"\xff"));
    let ended = ended(command.output().expect("the program runs"));
    let refusal = "error[C105]: `color` must be `auto`, `always` or `never`, found bytes that are not UTF-8\n--> variable PERILUNE_COLOR\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (2, refusal));
}

#[test]
fn every_setting_is_shown_with_its_value_and_where_it_was_said() {
    let app = app("limits:\n  cpu: 300ms\nlog: {format: json}\n");
    let variables = [("PERILUNE_CELLS_MAX", "20"), ("RUST_LOG", "error"), ("XDG_RUNTIME_DIR", "/run/nobody")];
    let ended = with(&app, &["settings", "--allow-net", "a.example,b.example", "--color=never"], &variables);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_snapshot!(ended.stdout);
}

#[test]
fn settings_as_json_can_be_read_by_programs() {
    let ended = app("limits: {cpu: 300ms}").run(&["settings", "--json", "--cells-deterministic"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&ended.stdout).expect("it is JSON");
    let get =
        |key: &str| all.iter().find(|one| one["setting"] == key).expect("there is such a setting").clone();
    assert_eq!(
        get("limits.cpu"),
        serde_json::json!({
            "setting": "limits.cpu", "value": "300ms", "from": "perilune.yaml:1:15",
            "flag": "--limits-cpu", "variable": "PERILUNE_LIMITS_CPU",
        })
    );
    assert_eq!(
        (&get("cells.deterministic")["value"], &get("cells.max")["value"]),
        (&true.into(), &().into())
    );
}

#[test]
fn wrong_settings_end_every_command_that_heeds_them() {
    let app = app("limits: {cpu: 200}\nlimts: {}\n");
    for args in [&["call", "app:two"][..], &["run"], &["registry", "list"], &["settings"], &["ps"]] {
        let ended = app.run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ended.stderr.contains("perilune.yaml:1:15"), "{args:?}: {}", ended.stderr);
    }
    assert_snapshot!(app.run(&["call", "app:two"]).stderr);
    for args in [&["explain", "E203"][..], &["completions", "bash"], &["--help"]] {
        assert_eq!(app.run(args).code, 0, "{args:?}");
    }
}

#[test]
fn an_application_cannot_widen_what_it_may_do() {
    let app = app("allow: {env: ['SETTINGS_*']}\n");
    let ended = with(&app, &["call", "app:secret"], &[("SETTINGS_TEST", "seen")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_snapshot!(ended.stderr);
    let trusted =
        with(&app, &["call", "app:secret", "--config", "perilune.yaml"], &[("SETTINGS_TEST", "seen")]);
    assert_eq!(trusted.stdout, "\"seen\"\n", "{}", trusted.stderr);
}

#[test]
fn the_file_of_another_directory_is_found_there() {
    let app = app("limits: {cpu: 200}\n");
    let elsewhere = App::new("namespace: app\nentries: []\n", &[]);
    let path = app.path().to_str().expect("a UTF-8 path");
    let ended = elsewhere.run(&["-C", path, "call", "app:two"]);
    assert!(ended.stderr.contains(&format!("{path}/perilune.yaml:1:15")), "{}", ended.stderr);
}

#[test]
fn a_filter_of_log_records_that_is_none_is_refused() {
    let app = app("");
    for (args, variables, place) in [
        (&["call", "app:two", "--log-level", "a=b=c"][..], &[][..], "--log-level"),
        (&["call", "app:two"], &[("RUST_LOG", "a=b=c")], "variable RUST_LOG"),
    ] {
        let ended = with(&app, args, variables);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{place}");
        assert!(ended.stderr.contains("is no filter") && ended.stderr.contains(place), "{}", ended.stderr);
    }
}

#[test]
fn log_records_may_be_json() {
    let ended = app("").run(&["call", "app:says", "--log-format", "json"]);
    let record: serde_json::Value = serde_json::from_str(&ended.stderr).expect("a line of JSON");
    assert_eq!(
        (&record["level"], &record["target"]),
        (&"info".into(), &"perilune::logger".into()),
        "{record}"
    );
    assert!(record["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{record}");
    assert!(ended.stderr.contains("hello") && ended.stderr.contains("order"), "{record}");
}

#[test]
fn a_variable_that_is_nearly_one_is_mentioned() {
    let ended = with(&app(""), &["call", "app:two"], &[("PERILUNE_LIMIT_CPU", "1s")]);
    let warning =
        "warning: the variable PERILUNE_LIMIT_CPU is no setting: did you mean PERILUNE_LIMITS_CPU?\n";
    assert_eq!(ended, Ended { code: 0, stdout: "2\n".to_owned(), stderr: warning.to_owned() });
}

#[test]
fn colours_are_as_the_setting_and_the_usual_variables_say() {
    let app = App::new("namespace: app\nname: x\nkind: functoin.lua\n", &[]);
    for (args, variables, expected) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[], true),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "0")], false),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[], &[("PERILUNE_COLOR", "always")], true),
    ] {
        let ended = with(&app, &[&["registry", "list"], args].concat(), variables);
        assert_eq!(ended.stderr.contains('\x1b'), expected, "{args:?} {variables:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_control_socket_lies_where_the_setting_says_or_nowhere() {
    use std::io::{BufRead, BufReader};
    let yaml = "namespace: app\nname: main\nkind: process.lua\nmethod: main\nmeta: {command: {name: main, main: true}}\n\
                source: 'return function() print(\"ready\") process.inbox():receive() end'\n";
    let app = App::new(yaml, &[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let control = folder.path().join("control");
    let control = control.to_str().expect("a UTF-8 path");
    for (run, answers) in [
        (&["run", "--control-dir", control][..], true),
        (&["run", "--control-dir", control, "--control-socket=false"], false),
    ] {
        let mut child = app.command(run).stdout(Stdio::piped()).spawn().expect("the program runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it writes UTF-8");
        assert_eq!(line, "ready\n");
        assert_eq!(app.run(&["ps", "--control-dir", control]).code == 0, answers);
        assert_eq!(app.run(&["ps"]).code, 1, "the usual folder has no socket");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    let long = format!("/tmp/{}", "x".repeat(200));
    let refused = app.run(&["ps", "--control-dir", &long]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("too long"), "{}", refused.stderr);
}

#[test]
fn the_cache_lies_where_the_setting_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cache = folder.path().join("cache");
    let ended =
        App::new(YAML, &[]).run(&["call", "app:two", "--cache-dir", cache.to_str().expect("a UTF-8 path")]);
    assert_eq!(ended.stdout, "2\n", "{}", ended.stderr);
    assert_eq!(fs::read_dir(&cache).expect("it was made").count(), 1);
}
