//! `perilune completions`: what shells offer, from the program's own arguments and the application's files.

mod support;

use std::fs;
use std::process::Command;
use support::{App, Ended, ended};

const YAML: &str = "
namespace: app
entries:
  - {name: hello, kind: function.lua, method: main, meta: {comment: Greets}, source: 'print(\"it ran\") return {}'}
  - {name: help, kind: module.lua, methods: [ask, tell], source: 'return {}'}
  - {name: words, kind: library.lua, source: 'return {}'}
  - {name: give, kind: process.lua, method: main, meta: {command: {name: give, short: Gives back}}, source: 'return {}'}
  - {name: check, kind: function.lua, method: main, meta: {type: test, suite: sums, tags: [slow]}, source: 'return {}'}
  - {name: rule, kind: security.policy, policy: {actions: '*', resources: '*', effect: allow}}
  - {name: flow, kind: workflow.lua, source: 'return {}', meta: {temporal: {workflow: {worker: flows}}}}
  - {name: flows, kind: workflow.host}
";

fn app() -> App {
    App::new(YAML, &[])
}

fn complete(app: &App, words: &[&str]) -> Ended {
    app.run(&[&["complete", "--", "perilune"], words].concat())
}

/// What is offered, without what is said of it.
fn offered(app: &App, words: &[&str]) -> Vec<String> {
    let ended = complete(app, words);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}");
    let first = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    ended.stdout.lines().map(first).collect()
}

#[test]
fn entries_are_offered_where_they_fit() {
    let app = app();
    for (words, expected) in [
        (&["call", "app:h"][..], &["app:hello", "app:help.ask", "app:help.tell"][..]),
        (&["call", ""], &["app:check", "app:give", "app:hello", "app:help.ask", "app:help.tell"]),
        (&["run", ""], &["give"]),
        (&["test", "s"], &["slow", "sums"]),
        (&["test", "app:"], &["app:check"]),
        (&["lint", "app:w"], &["app:words"]),
        (&["repl", "--entry", "app:w"], &["app:words"]),
        (&["repl", "--entry=app:w"], &["--entry=app:words"]),
        (&["repl", "--modules", "js"], &["json"]),
        (&["registry", "show", "app:r"], &["app:rule"]),
        (&["registry", "list", "--kind", "lib"], &["library.lua"]),
        (&["call", "--actor", "ada", "--policy", ""], &["app:rule"]),
        (&["workflow", "start", ""], &["app:flow"]),
        (&["workflow", "show", "--host", ""], &["app:flows"]),
        (&["explain", "E20"], &["E201", "E202", "E203", "E204", "E205", "E206", "E208", "E209"]),
        (&["lint", "--explain", "L10"], &["L101", "L102", "L103"]),
        (&["init", "--template", "w"], &["web", "workflow"]),
        (&["call", "--strict", "al"], &["always"]),
        (&["reg"], &["registry"]),
        (&["call", "--str"], &["--strict"]),
        (&["inspect", ""], &[]),
        (&["call", "app:nothing"], &[]),
    ] {
        assert_eq!(offered(&app, words), expected, "{words:?}");
    }
}

#[test]
fn what_is_offered_is_explained() {
    assert_eq!(complete(&app(), &["call", "app:hel"]).stdout.lines().next(), Some("app:hello\tGreets"));
    assert_eq!(complete(&app(), &["run", ""]).stdout, "give\tGives back\n");
}

#[test]
fn the_application_is_the_one_that_was_named() {
    let (app, elsewhere) = (app(), App::new("{}", &[]));
    let place = app.path().to_string_lossy().into_owned();
    let joined = format!("--directory={place}");
    for words in [
        &["-C", &place, "call", "app:he"][..],
        &["call", "-C", &place, "app:he"],
        &[&joined, "call", "app:he"],
    ] {
        assert_eq!(offered(&elsewhere, words).len(), 3, "{words:?}");
    }
}

/// A key that is pressed gets an answer or none, and never a complaint.
#[test]
fn what_is_wrong_is_not_told() {
    let wrong = [
        App::new("{}", &[]),
        App::new("entries: [", &[]),
        App::new("{namespace: app, name: x, kind: library.lua, source: 'file://gone.lua'}", &[]),
        App::new(YAML, &[("perilune.yaml", "no: [")]),
    ];
    for app in &wrong {
        for words in [
            &["call", "x"][..],
            &["-C", "nowhere", "call", "x"],
            &["-C"],
            &["nothing", "x"],
            &["call", "--no", "x"],
        ] {
            assert_eq!(offered(app, words), [""; 0], "{words:?}");
        }
    }
    assert_eq!(wrong[0].run(&["complete"]).code, 0);
}

#[test]
fn shells_get_a_script() {
    let app = App::new("{}", &[]);
    for shell in ["bash", "zsh", "fish"] {
        let ended = app.run(&["completions", shell]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{shell}");
        assert!(ended.stdout.contains(" complete -- "), "{shell}");
    }
    for shell in ["elvish", "powershell"] {
        let script = app.run(&["completions", shell]).stdout;
        for word in ["registry", "limits-cpu", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(app.run(&["completions", "cmd"]).code, 2);
}

/// Bash takes `:` and `=` for ends of words, and wants what comes after the last of them.
#[test]
fn bash_completes_with_its_script() {
    let app = app();
    let script = app.run(&["completions", "bash"]).stdout;
    fs::write(app.path().join("script"), script).expect("it is written");
    let program = env!("CARGO_BIN_EXE_perilune");
    for (line, expected) in [
        ("perilune call --strict al", "always"),
        ("perilune call ", "app:check app:give app:hello app:help.ask app:help.tell"),
        ("perilune call app:hel", "hello help.ask help.tell"),
        ("perilune repl --entry=app:w", "words"),
    ] {
        let ask = format!(
            "source ./script; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; _perilune '{program}'; echo \"${{COMPREPLY[@]}}\""
        );
        let Ok(output) = Command::new("bash").args(["-c", &ask]).current_dir(app.path()).output() else {
            return;
        };
        assert_eq!(ended(output).stdout, format!("{expected}\n"), "{line}");
    }
}
