//! A running application and its operator: `perilune run` in one terminal, `ps`, `inspect`, `send`, `cancel` and `terminate` in
//! another; and what the socket between them does with those who speak nonsense.

#![cfg(unix)]

mod control_support;
mod support;

use control_support::{Operated, masked};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use support::Ended;

fn started() -> Operated {
    let mut operated = Operated::new();
    operated.start();
    operated
}

fn failed(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
    &ended.stderr
}

// What is shown.

#[test]
fn ps_shows_who_was_started_by_whom() {
    let app = started();
    let shown = app.settled();
    assert_snapshot!(masked(&shown, &app));
    assert!(!shown.contains('\x1b'), "what is no terminal gets no colours");
    let lines: Vec<Vec<char>> = shown.lines().skip(2).map(|line| line.chars().collect()).collect();
    let heading: String = lines[0].iter().collect();
    for column in ["ENTRY", "STATE", "UP", "MEMORY", "MAILBOX", "NAMES"] {
        let at = heading.find(column).expect("the column is there");
        let is_aligned = |line: &Vec<char>| line[at - 1] == ' ' && line[at] != ' ';
        assert!(lines.iter().all(is_aligned), "{column}\n{shown}");
    }
}

#[test]
fn ps_prints_json() {
    let app = started();
    app.settled();
    let listing = app.listing();
    assert_eq!(listing["application"]["command"], "main");
    let processes = listing["processes"].as_array().expect("processes are a list");
    let counter = processes.iter().find(|one| one["names"] == json!(["counter"])).expect("it is there");
    assert_eq!(
        (&counter["entry"], &counter["kind"], &counter["host"]),
        (&json!("app:counter"), &json!("process"), &json!("app:host"))
    );
    assert!(counter["memory"].as_u64().is_some_and(|bytes| bytes > 10_000), "{counter}");
    assert_eq!(listing["hosts"][0]["processes"], 2);
    assert_eq!(listing["services"][0]["id"], "app:host");
    assert_eq!(listing["dead_letters"]["total"], 0);
}

#[test]
fn inspect_shows_a_process_by_its_name_its_pid_and_its_number() {
    let app = started();
    app.settled();
    let by_name = app.ask(&["inspect", "counter"]);
    assert_eq!((by_name.code, by_name.stderr.as_str()), (0, ""));
    assert_snapshot!(masked(&by_name.stdout, &app));
    let details: Value = app.json(&["inspect", "counter", "--json"]);
    let pid = details["pid"].as_str().expect("a pid is a text");
    let number = pid.trim_end_matches('}').rsplit('|').next().expect("it has a number");
    for whom in [pid, number, number.trim_start_matches('0')] {
        assert_eq!(app.json(&["inspect", whom, "--json"])["pid"], pid);
    }
}

#[test]
fn names_cannot_write_to_the_operators_terminal() {
    let mut app = started();
    assert_eq!(app.ask(&["send", "counter", "name", r#""evil\u001b[2J\nname""#]).code, 0);
    app.wait_for("named");
    let shown = app.ask(&["ps"]).stdout;
    assert!(shown.contains(r"evil\u{1b}[2J\nname") && !shown.contains('\x1b'), "{shown}");
}

const SERVICES: &str = "
namespace: app
entries:
  - {name: host, kind: process.host, lifecycle: {auto_start: true}}
  - {name: tries, kind: store.memory}
  - {name: flaky, kind: process.lua, source: 'file://flaky.lua', method: main, modules: [store]}
  - {name: fails, kind: process.lua, source: 'return function() error(\"no luck\") end', method: main}
  - {name: keeper, kind: process.service, process: flaky, host: host, lifecycle: {auto_start: true, restart: {initial_delay: 1ms}}}
  - {name: waits, kind: process.service, process: fails, host: host, lifecycle: {auto_start: true, startup: optional, restart: {initial_delay: 1h, max_delay: 1h, jitter: 0}}}
";

/// Fails at its first two starts.
const FLAKY: &str = "local store = require('store')
return function()
  local tries = assert(store.get('app:tries'))
  local count = (tries:get('count') or 0) + 1
  tries:set('count', count)
  if count < 3 then error('not yet') end
  print('ready')
  process.inbox():receive()
end";

#[test]
fn services_that_are_processes_are_shown_with_their_restarts() {
    let mut app = Operated::of(SERVICES, &[("flaky.lua", FLAKY)]);
    app.start_by(&["run"]);
    app.until(|listing| {
        let services = listing["services"].as_array().expect("a list");
        services.iter().any(|service| service["id"] == "app:waits" && service["state"] == "waiting")
    });
    let shown = app.settled();
    assert_snapshot!(masked(&shown, &app));
    let listing = app.listing();
    let service = |id: &str| {
        let services = listing["services"].as_array().expect("a list");
        services.iter().find(|service| service["id"] == id).expect("it is there").clone()
    };
    let (keeper, waits) = (service("app:keeper"), service("app:waits"));
    assert_eq!((&keeper["state"], &keeper["restarts"]), (&json!("running"), &json!(2)));
    assert!(keeper["next_ms"].is_null());
    assert_eq!((&waits["restarts"], &waits["failures"]), (&json!(0), &json!(1)));
    assert!(waits["next_ms"].as_u64().is_some_and(|next| next > 3_500_000), "{waits}");
    let inspected = app.json(&["inspect", "app:keeper", "--json"]);
    assert_eq!((&inspected["pid"], &inspected["service"]["restarts"]), (&keeper["details"], &json!(2)));
    let text = app.ask(&["inspect", "app:keeper"]).stdout;
    assert!(text.contains("service       app:keeper, 2 restarts, 2 failures in a row"), "{text}");
    assert_snapshot!("service_waits", failed(&app.ask(&["inspect", "app:waits"])));
}

// What is done.

#[test]
fn a_message_reaches_its_process() {
    let mut app = started();
    let sent = app.ask(&["send", "counter", "show", r#"{"list": [1, 2.5, "three", null], "ü": true}"#]);
    assert_eq!((sent.code, sent.stdout.as_str(), sent.stderr.as_str()), (0, "", ""));
    assert_eq!(app.wait_for("show"), r#"show {"list":[1,2.5,"three"],"ü":true}"#);
    assert_eq!(app.ask(&["send", "counter", "show", "-7"]).code, 0);
    assert_eq!(app.wait_for("show"), "show -7");
}

#[test]
fn cancel_asks_and_terminate_does_not() {
    let mut app = started();
    assert_eq!(app.ask(&["terminate", "counter"]).code, 0);
    assert_eq!(app.wait_for("pid.link.down"), "pid.link.down process terminated by the operator");
    let asked = app.ask(&["cancel", "main", "time to go"]);
    assert_eq!((asked.code, asked.stderr.as_str()), (0, ""));
    assert_eq!(app.wait_for("pid.cancel"), "pid.cancel time to go");
    assert_eq!(app.end(), Some(0));
    assert_eq!(fs::read_dir(app.folder()).expect("the folder stays").count(), 0, "the socket is gone");
    assert_snapshot!("no_application", masked(failed(&app.ask(&["ps"])), &app));
}

#[test]
fn letters_to_the_dead_are_shown() {
    let mut app = started();
    assert_eq!(app.ask(&["send", "main", "spin"]).code, 0);
    app.wait_for("spinning");
    for count in 0..7 {
        assert_eq!(app.ask(&["send", "spin", "hello", &count.to_string()]).code, 0);
    }
    let spinning = app.json(&["inspect", "spin", "--json"]);
    assert_eq!((&spinning["state"], &spinning["mailbox"]["messages"]), (&json!("running"), &json!(7)));
    assert_eq!(app.ask(&["terminate", "spin"]).code, 0);
    app.until(|listing| listing["dead_letters"]["total"] == 7);
    let shown = app.ask(&["ps"]).stdout;
    assert_snapshot!(masked(shown.split_once("7 dead").expect("they are counted").1, &app));
}

// What is wrong.

#[test]
fn who_does_not_run_is_not_found() {
    let app = started();
    let commands: [&[&str]; 4] = [
        &["inspect", "nobody"],
        &["send", "nobody", "hello"],
        &["cancel", "nobody"],
        &["terminate", "nobody"],
    ];
    for command in commands {
        assert_snapshot!("nobody", failed(&app.ask(command)));
    }
    assert_snapshot!("gone", failed(&app.ask(&["inspect", "{app:host|fffff}"])));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let app = started();
    assert_snapshot!("topic", failed(&app.ask(&["send", "counter", "@pid/events"])));
    assert_eq!(app.ask(&["send", "counter", ""]).stderr, app.ask(&["send", "counter", "@x"]).stderr);
    let not_json = app.ask(&["send", "counter", "hello", "1", "Ada"]);
    assert_eq!((not_json.code, not_json.stdout.as_str()), (2, ""));
    assert_snapshot!("not_json", not_json.stderr);
}

#[test]
fn a_full_mailbox_is_an_error() {
    let mut app = started();
    assert_eq!(app.ask(&["send", "main", "spin"]).code, 0);
    app.wait_for("spinning");
    let mut socket = app.connect();
    let request = json!({"version": 1, "do": "send", "pid": "spin", "topic": "more"}).to_string() + "\n";
    for _ in 0..1024 {
        assert_eq!(app.exchange(&mut socket, &request), json!({"version": 1, "ok": null}));
    }
    assert_snapshot!(masked(failed(&app.ask(&["send", "spin", "more"])), &app));
}

#[test]
fn without_an_application_every_command_says_so() {
    let app = Operated::new();
    let commands: [&[&str]; 5] =
        [&["ps"], &["inspect", "1"], &["send", "1", "hello"], &["cancel", "1"], &["terminate", "1"]];
    for command in commands {
        assert_snapshot!("no_application", masked(failed(&app.ask(command)), &app));
    }
}

#[test]
fn an_application_that_does_not_answer_is_given_up() {
    let app = started();
    app.freeze();
    assert_snapshot!(masked(failed(&app.ask(&["ps"])), &app));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let app = Operated::new();
    let commands: [&[&str]; 7] = [
        &["ps", "all"],
        &["ps", "--jsn"],
        &["inspect"],
        &["send", "counter"],
        &["cancel"],
        &["terminate"],
        &["-C", "nothing", "ps"],
    ];
    for command in commands {
        let ended = app.ask(command);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{command:?}");
        assert!(!ended.stderr.is_empty(), "{command:?}");
    }
}

#[test]
fn help() {
    let app = Operated::new();
    for command in ["ps", "inspect", "send", "cancel", "terminate"] {
        let help = app.ask(&[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert_snapshot!(format!("{command} help"), help.stdout);
    }
}

// Whose socket it is.

#[test]
fn a_second_run_goes_on_without_a_socket_and_says_so() {
    let first = started();
    assert_snapshot!("second_run", masked(&first.first_warning(&["run"]), &first));
    // A command beside the services is nothing to be warned of.
    let command = first.logged(&["run", "brief"], "warn");
    assert_eq!((command.code, command.stdout.as_str(), command.stderr.as_str()), (0, "brief\n", ""));
    assert_eq!(first.listing()["application"]["command"], "main");
}

#[test]
fn the_socket_of_a_run_that_was_killed_is_replaced() {
    let mut app = started();
    app.kill();
    assert_eq!(fs::read_dir(app.folder()).expect("the folder stays").count(), 1, "nobody could remove it");
    assert_snapshot!("no_application", masked(failed(&app.ask(&["ps"])), &app));
    app.start();
    assert_eq!(app.listing()["application"]["command"], "main");
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    let app = started();
    fs::set_permissions(app.folder(), fs::Permissions::from_mode(0o750)).expect("the mode is set");
    assert_snapshot!("open_folder", masked(failed(&app.ask(&["ps"])), &app));
    let other = Operated::new();
    fs::create_dir(other.folder()).expect("the folder is made");
    fs::set_permissions(other.folder(), fs::Permissions::from_mode(0o770)).expect("the mode is set");
    let ran = other.logged(&["run", "brief"], "warn");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "brief\n"), "it runs without one");
    assert_snapshot!("run_with_an_open_folder", masked(&ran.stderr, &other));
}

#[test]
fn a_link_or_a_file_in_place_of_the_folder_is_not_used() {
    let app = Operated::new();
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    symlink(elsewhere.path(), app.folder()).expect("the link is made");
    assert_snapshot!("link", masked(failed(&app.ask(&["ps"])), &app));
    let ran = app.logged(&["run", "brief"], "warn");
    assert!(ran.code == 0 && ran.stderr.contains("it is a link"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("it is there").count(), 0);
    fs::remove_file(app.folder()).expect("the link is removed");
    fs::write(app.folder(), "").expect("a file is made");
    assert_snapshot!("no_folder", masked(failed(&app.ask(&["ps"])), &app));
}

// Nonsense on the socket.

#[test]
fn what_is_no_request_is_told_so() {
    let app = started();
    let lines: [&[u8]; 9] = [
        b"\n",
        b"hello\n",
        b"\xff\xfe\x00\n",
        b"{}\n",
        b"{\"version\":2,\"do\":\"list\"}\n",
        b"{\"version\":1}\n",
        b"{\"version\":1,\"do\":\"dance\"}\n",
        b"{\"version\":1,\"do\":\"inspect\",\"pid\":7}\n",
        b"{\"version\":1,\"do\":\"send\",\"pid\":\"counter\",\"topic\":\"x\",\"values\":1}\n",
    ];
    let mut socket = app.connect();
    let replies: Vec<String> = lines.iter().map(|line| app.exchange(&mut socket, line).to_string()).collect();
    assert_snapshot!(replies.join("\n"));
    let deep = format!("{{\"version\":1,\"do\":\"send\",\"x\":{}", "[".repeat(100_000));
    assert_eq!(app.exchange(&mut socket, &(deep + "\n"))["error"]["code"], "Invalid");
    assert!(app.exchange(&mut socket, "{\"version\":1,\"do\":\"list\"}\n")["ok"].is_object());
}

#[test]
fn what_is_no_answer_is_told_so() {
    let mut app = started();
    let socket = app.socket();
    app.kill();
    fs::remove_file(&socket).expect("who is killed leaves it");
    let other = UnixListener::bind(&socket).expect("its place is free");
    let told = |answer: &str, args: &[&str], said: &str| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut asked = BufReader::new(other.accept().expect("somebody asks").0);
                asked.read_line(&mut String::new()).expect("a request is a line");
                asked.get_mut().write_all(answer.as_bytes()).expect("it is sent");
            });
            let ended = app.ask(args);
            assert!(failed(&ended).contains(said), "{}", ended.stderr);
        });
    };
    told("{\"version\":2,\"ok\":null}\n", &["ps"], "it speaks version 2, this program 1");
    told("hello\n", &["ps"], "the answer of `perilune run` cannot be read: expected value");
    let odd = "the application answers something else than this program expects: invalid type";
    told("{\"version\":1,\"ok\":7}\n", &["workflow", "list"], odd);
}

#[test]
fn a_line_without_an_end_is_refused() {
    let app = started();
    let mut socket = app.connect();
    // The other side stops reading long before.
    let _ = socket.write_all(&vec![b'['; 10 << 20]);
    let mut reply = String::new();
    let _ = socket.read_to_string(&mut reply);
    assert_snapshot!("too_long", reply);
    let mut socket = app.connect();
    socket.write_all(b"{\"version\":1,\"do\":").expect("it is sent");
    socket.shutdown(Shutdown::Write).expect("it is ended");
    reply.clear();
    socket.read_to_string(&mut reply).expect("it is answered");
    assert_snapshot!("half_a_line", reply);
    assert!(app.listing()["processes"].is_array());
}

#[test]
fn who_says_nothing_is_let_go() {
    let app = started();
    let (mut silent, mut reply) = (app.connect(), String::new());
    silent.read_to_string(&mut reply).expect("it is told");
    assert_snapshot!(reply);
}

#[test]
fn a_thousand_connections_are_no_harm() {
    let app = started();
    for _ in 0..4 {
        let crowd: Vec<UnixStream> = (0..250).map(|_| app.connect()).collect();
        assert_snapshot!("crowd", failed(&app.ask(&["ps"])));
        drop(crowd);
        app.until(|listing| listing["processes"].is_array());
    }
}
