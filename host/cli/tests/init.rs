//! `perilune init`: applications that run as they are.

#![cfg(unix)]

mod support;

use insta::assert_snapshot;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};
use support::{Ended, ended, program};
use tempfile::TempDir;

const TEMPLATES: [&str; 4] = ["function", "service", "web", "workflow"];

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn run(folder: &Path, args: &[&str]) -> Ended {
    ended(program().args(args).current_dir(folder).output().expect("the program runs"))
}

/// An application of a template.
fn made(template: &str) -> TempDir {
    let folder = folder();
    let ended = run(folder.path(), &["init", "--template", template, "--name", "shop"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{template}");
    folder
}

#[test]
fn every_template_loads_without_a_problem() {
    for template in TEMPLATES {
        let folder = made(template);
        let ended = run(folder.path(), &["registry", "list"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{template}");
        assert!(ended.stdout.lines().all(|line| line.starts_with("shop:")), "{template}: {}", ended.stdout);
        assert!(!ended.stdout.is_empty());
    }
}

#[test]
fn the_tests_of_every_template_pass_and_can_fail() {
    for (template, test, source) in [
        ("function", "shop:greet_test", "greet.lua"),
        ("service", "shop:total_test", "total.lua"),
        ("web", "shop:greeting_test", "greeting.lua"),
        ("workflow", "shop:charge_test", "charge.lua"),
    ] {
        let folder = made(template);
        let found = run(folder.path(), &["registry", "find", "type=test"]);
        assert_eq!(found.stdout, format!("{test}  function.lua\n"), "{template}");
        let passed = run(folder.path(), &["call", test]);
        assert_eq!((passed.code, passed.stderr.as_str()), (0, ""), "{template}");
        let path = folder.path().join(source);
        let text = fs::read_to_string(&path).expect("it is there");
        let broken = text.replace("Hello", "Bye").replace("+ number", "- number").replace("%s-%d", "%s/%d");
        assert_ne!(text, broken, "{template}");
        fs::write(&path, broken).expect("it is written");
        assert_eq!(run(folder.path(), &["call", test]).code, 1, "{template}");
    }
}

#[test]
fn the_function_greets() {
    let folder = made("function");
    let ended = run(folder.path(), &["call", "shop:greet", r#"{"name": "Ada"}"#]);
    assert_eq!(ended.stdout, "{\"text\":\"Hello, Ada!\"}\n", "{}", ended.stderr);
    assert_snapshot!("refusal", run(folder.path(), &["call", "shop:greet", "{}"]).stderr);
}

#[test]
fn what_was_made_and_what_comes_next_is_said() {
    for template in TEMPLATES {
        let folder = folder();
        let ended = run(folder.path(), &["init", "my shop", "--template", template, "--name", "shop"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_snapshot!(format!("made_{template}"), ended.stdout);
    }
}

#[test]
fn the_settings_of_a_new_application_are_right() {
    let folder = made("function");
    let ended = run(folder.path(), &["settings"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.contains("perilune.yaml:3:11"), "{}", ended.stdout);
}

#[test]
fn the_name_is_the_folders_unless_it_is_said() {
    for (folder_name, expected) in
        [("shop", "shop"), ("My-Shop 2", "my_shop_2"), ("2nd", "app"), ("größe", "gr__e"), ("_", "app")]
    {
        let folder = folder();
        let ended = run(folder.path(), &["init", folder_name, "--template", "function"]);
        assert_eq!(ended.code, 0, "{folder_name}: {}", ended.stderr);
        let list = run(&folder.path().join(folder_name), &["registry", "list"]);
        assert!(list.stdout.starts_with(&format!("{expected}:greet")), "{folder_name}: {}", list.stdout);
    }
}

#[test]
fn a_name_that_cannot_be_a_namespace_is_refused() {
    let folder = folder();
    for name in ["", "a:b", "a b", "a/b"] {
        let ended = run(folder.path(), &["init", "x", "--template", "function", "--name", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{name}");
        assert!(!folder.path().join("x").exists(), "{name}");
    }
}

#[test]
fn no_file_is_overwritten() {
    let folder = folder();
    fs::write(folder.path().join("greet.lua"), "mine").expect("it is written");
    let init = ["init", "--template", "function", "--name", "shop"];
    let refused = run(folder.path(), &init);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert_snapshot!("not_empty", refused.stderr);
    let forced = run(folder.path(), &[&init[..], &["--force"]].concat());
    assert_eq!(forced.code, 0, "{}", forced.stderr);
    assert!(
        forced.stdout.contains("left greet.lua as it is\n") && forced.stdout.contains("made _index.yaml\n")
    );
    assert_eq!(fs::read_to_string(folder.path().join("greet.lua")).expect("it is there"), "mine");
}

#[test]
fn hidden_files_are_no_hindrance() {
    let folder = folder();
    fs::create_dir(folder.path().join(".git")).expect("it is made");
    assert_eq!(run(folder.path(), &["init", "--template", "web", "--name", "shop"]).code, 0);
}

#[test]
fn a_file_is_no_folder() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").expect("it is written");
    let ended = run(folder.path(), &["init", "file", "--template", "web"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: `file` is a file: name a directory\n"));
    let below = run(folder.path(), &["init", "file/below", "--template", "web"]);
    assert_eq!(below.code, 1, "{}", below.stderr);
}

#[test]
fn without_a_terminal_the_template_must_be_named() {
    let folder = folder();
    let ended = run(folder.path(), &["init"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_snapshot!("no_template", ended.stderr);
    assert_snapshot!("unknown_template", run(folder.path(), &["init", "--template", "wbe"]).stderr);
}

// What runs until it is ended.

/// An application that runs, with a control socket of its own.
struct Running {
    folder: TempDir,
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn of(folder: TempDir) -> Running {
        let mut command = program();
        command.args(["run", "--control-dir", "control"]).current_dir(folder.path());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        Running { folder, child, log }
    }

    /// The next log record with this text.
    fn logs(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(
                self.log.read_line(&mut line).expect("it writes UTF-8") > 0,
                "it says {text:?} before it ends"
            );
        }
        line
    }

    fn ask(&self, args: &[&str]) -> Ended {
        run(self.folder.path(), &[args, &["--control-dir", "control"]].concat())
    }

    /// Asks until the answer is as it should be.
    fn until(&self, args: &[&str], is_so: impl Fn(&Ended) -> bool) {
        let began = Instant::now();
        loop {
            let ended = self.ask(args);
            if is_so(&ended) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{ended:?}");
        }
    }
}

#[test]
fn the_service_counts() {
    let mut service = Running::of(made("service"));
    service.logs("the counter is ready");
    service.until(&["send", "counter", "add", "2"], |ended| ended.code == 0);
    assert!(service.logs("counted").contains("sum=2"));
    assert_eq!(service.ask(&["send", "counter", "add", "3"]).code, 0);
    assert!(service.logs("counted").contains("sum=5"));
    assert_eq!(service.ask(&["send", "counter", "add", "\"much\""]).code, 0);
    assert!(service.logs("not counted").contains("not a number: much"));
    assert!(service.ask(&["ps"]).stdout.contains("shop:counter"));
}

#[test]
fn the_web_application_answers_and_shows_its_page() {
    let folder = made("web");
    let entries = folder.path().join("_index.yaml");
    let text = fs::read_to_string(&entries).expect("it is there");
    fs::write(&entries, text.replace("127.0.0.1:8080", "127.0.0.1:0")).expect("it is written");
    let mut web = Running::of(folder);
    let line = web.logs("at=");
    let address =
        line.split("http://").nth(1).expect("an address").trim_end_matches(['"', '\n', '/']).to_owned();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let hello = get("/api/hello?name=Ada");
    assert!(hello.starts_with("HTTP/1.1 200") && hello.ends_with(r#"{"text":"Hello, Ada!"}"#), "{hello}");
    assert!(get("/api/hello").ends_with(r#"{"text":"Hello, world!"}"#));
    let page = get("/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<title>shop</title>"), "{page}");
}

#[test]
fn the_workflow_goes_on_when_it_is_approved() {
    let workflow = Running::of(made("workflow"));
    workflow.until(&["ps"], |ended| ended.code == 0);
    let start = ["workflow", "start", "--id", "A-1", "shop:order", "\"A-1\"", "2500"];
    workflow.until(&start, |ended| ended.code == 0);
    let state = workflow.ask(&["workflow", "query", "A-1", "state"]);
    assert_eq!(state.stdout, "\"waits for approval\"\n", "{}", state.stderr);
    assert_eq!(workflow.ask(&["workflow", "signal", "A-1", "approve", "true"]).code, 0);
    workflow.until(&["workflow", "show", "A-1"], |shown| {
        shown.stdout.contains("A-1-2500") && shown.stdout.contains("completed")
    });
}
