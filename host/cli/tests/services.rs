//! `perilune run` with services: when it ends, and with which exit code.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use support::App;

/// A server at an address, with more of its lifecycle.
fn server(address: &str, lifecycle: &str) -> App {
    let entry = format!(
        "{{name: web, kind: http.service, addr: '{address}', lifecycle: {{auto_start: true{lifecycle}}}}}"
    );
    App::new(&format!("namespace: app\nentries:\n  - {entry}\n"), &[])
}

/// Runs the application until its log holds a text, and asks it to end: its exit code, and what it wrote from then on.
fn terminated(app: &App, once: &str) -> (Option<i32>, String) {
    let mut child: Child = app.command(&["run"]).stderr(Stdio::piped()).spawn().expect("the program runs");
    let mut log = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains(once) {
        line.clear();
        assert!(log.read_line(&mut line).expect("it writes UTF-8") > 0, "it says {once:?} before it ends");
    }
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("it writes UTF-8");
    (child.wait().expect("it ends").code(), rest)
}

#[test]
fn a_required_service_that_is_given_up_ends_the_program_with_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let app = server(&address, ", restart: {max_attempts: 2, initial_delay: 1ms}");
    let ended = app.run(&["run"]);
    let error = ended.stderr.lines().last().unwrap_or_default();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        error.starts_with("error: app:web ended 2 times in a row: ") && error.contains(&address),
        "{error}"
    );
}

#[test]
fn an_application_whose_address_is_taken_says_so_and_ends() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let ended = server(&address, "").run(&["run"]);
    let error = ended.stderr.lines().last().unwrap_or_default();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        error.starts_with(&format!("error: cannot listen at `{address}` (app:web): "))
            && error.ends_with("another program listens there: stop it, or change `addr` [AlreadyExists]"),
        "{error}"
    );
}

#[test]
fn an_optional_service_whose_address_is_taken_waits_for_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let app = server(&address, ", startup: optional, restart: {initial_delay: 1ms}");
    // What it waits for stands in the same line.
    let (code, _) = terminated(&app, "listens there: stop it, or change `addr`");
    assert_eq!(code, Some(0));
    drop(taken);
}

#[test]
fn services_are_stopped_when_the_program_is_asked_to_end() {
    let (code, log) = terminated(&server("127.0.0.1:0", ""), "started");
    assert!(code == Some(0) && log.contains("stopped"), "{code:?} {log}");
}

#[test]
fn a_program_whose_services_still_start_can_be_asked_to_end() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let (code, _) = terminated(
        &server(&address, ", restart: {initial_delay: 1h, max_delay: 1h, max_attempts: 0}"),
        "starts again in",
    );
    assert_eq!(code, Some(130));
}

#[test]
fn a_service_that_nobody_starts_is_mentioned_beside_those_that_run() {
    let entries = "namespace: app
entries:
  - {name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}
  - {name: other, kind: http.service, addr: '127.0.0.1:0'}
";
    let app = App::new(entries, &[]);
    // The text is only found in a line about the other one.
    let (code, _) = terminated(&app, "not started: it has no `lifecycle: {auto_start: true}`");
    assert_eq!(code, Some(0));
}
