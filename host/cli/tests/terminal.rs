//! `perilune run COMMAND` on a `terminal.host`: stdin, stdout and stderr are its own.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use support::{App, ended};

const YAML: &str = "
namespace: app
entries:
  - {name: screen, kind: terminal.host, hide_logs: true}
  - {name: adds, kind: process.lua, source: 'file://adds.lua', method: main, modules: [io, logger], meta: {command: {name: adds}}}
  - {name: floods, kind: process.lua, source: 'return function() local io = require(\"io\") while true do io.print((\"y\"):rep(100)) end end', method: main, modules: [io], limits: {cpu: 20s}, meta: {command: {name: floods}}}
  - {name: waits, kind: process.lua, source: 'file://waits.lua', method: main, modules: [io], meta: {command: {name: waits}}}
";

/// Adds numbers, a line each; the sum is the exit code.
const ADDS: &str = "local io, logger = require('io'), require('logger')
return function(first)
  logger:warn('in the log')
  local sum = tonumber(io.args()[1])
  while true do
    io.write('> ')
    local line = io.readline()
    if not line then break end
    sum = sum + tonumber(line)
    io.eprint('sum', sum)
  end
  io.print('bye')
  return sum
end";

const WAITS: &str = "local io = require('io')
return function()
  io.print('ready')
  local event = process.events():receive()
  io.print(event.kind, event.reason)
end";

fn app() -> App {
    App::new(YAML, &[("adds.lua", ADDS), ("waits.lua", WAITS)])
}

fn started(app: &App, args: &[&str]) -> Child {
    let mut command = app.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program runs")
}

#[test]
fn the_terminal_is_the_commands() {
    let app = app();
    let mut child = started(&app, &["run", "adds", "5"]);
    child.stdin.take().expect("it is piped").write_all(b"10\r\n20\n7").expect("it reads");
    let ended = ended(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.code, ended.stdout.as_str()), (42, "> > > > bye\n"));
    assert_eq!(ended.stderr, "sum\t15\nsum\t35\nsum\t42\n", "logs are hidden");
}

#[test]
fn logs_that_somebody_asks_for_are_shown() {
    let app = app();
    let mut command = app.command(&["run", "adds", "0"]);
    let ended = ended(command.env("RUST_LOG", "warn").output().expect("the program runs"));
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "> bye\n"));
    assert!(ended.stderr.contains("in the log"), "{}", ended.stderr);
}

#[test]
fn a_reader_that_has_enough_ends_the_command() {
    let app = app();
    let mut child = started(&app, &["run", "floods"]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("it writes");
    assert_eq!(line, format!("{}\n", "y".repeat(100)));
    drop(lines);
    let ended = ended(child.wait_with_output().expect("it ends"));
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: process ended: it went on writing to a terminal that is closed [Canceled]\n")
    );
}

#[cfg(unix)]
#[test]
fn a_signal_asks_the_command_to_end() {
    let app = app();
    let mut child = started(&app, &["run", "waits"]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("it writes");
    assert_eq!(line, "ready\n");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("it is UTF-8");
    assert_eq!(
        (child.wait().expect("it ends").code(), rest.as_str()),
        (Some(130), "pid.cancel\tthe application is stopping\n")
    );
}

#[test]
fn a_host_that_is_none_is_an_error() {
    let ended = app().run(&["run", "--host", "app:adds", "adds", "1"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: app:adds is no terminal.host; the application has app:screen [NotFound]\n")
    );
}
