//! An application that runs, with the folder of its socket, and an operator who asks it.

#![allow(dead_code, reason = "each program of tests uses a part of it")]

use crate::support::{App, Ended, ended};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const YAML: &str = "
version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host, lifecycle: {auto_start: true}}
  - {name: main, kind: process.lua, source: 'file://main.lua', method: main, meta: {command: {name: main}}}
  - {name: brief, kind: process.lua, source: 'return function() print(\"brief\") end', method: main, meta: {command: {name: brief}}}
  - {name: counter, kind: process.lua, source: 'file://counter.lua', method: main, modules: [json]}
  - {name: idle, kind: process.lua, source: 'return function() process.events():receive() end', method: main}
  - {name: spin, kind: process.lua, source: 'file://spin.lua', method: main, limits: {cpu: 10s}}
";

const MAIN: &str = "return function()
  assert(process.registry.register('main'))
  process.set_options({ trap_links = true })
  assert(process.spawn_linked('app:counter', 'app:host', process.pid()))
  assert(process.inbox():receive():topic() == 'ready')
  print('ready')
  local events, inbox = process.events(), process.inbox()
  while true do
    local picked = channel.select({ events:case_receive(), inbox:case_receive() })
    local value = picked.value
    if picked.channel == inbox then
      assert(process.spawn('app:spin', 'app:host'))
    else
      print(value.kind, value.reason or value.result.error:message())
      if value.kind == 'pid.cancel' then return end
    end
  end
end";

const COUNTER: &str = "local json = require('json')
return function(parent)
  assert(process.registry.register('counter'))
  assert(process.spawn_monitored('app:idle', 'app:host'))
  process.send(parent, 'ready')
  while true do
    local message = process.inbox():receive()
    local data = message:payload():data()
    if message:topic() == 'name' then
      assert(process.registry.register(data))
      print('named')
    else
      print(message:topic() .. ' ' .. json.encode(data))
    end
  end
end";

const SPIN: &str = "return function()
  assert(process.registry.register('spin'))
  print('spinning')
  while true do end
end";

/// How long something may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Operated {
    app: App,
    runtime: TempDir,
    running: Option<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl Operated {
    pub(crate) fn new() -> Self {
        Self::of(YAML, &[("main.lua", MAIN), ("counter.lua", COUNTER), ("spin.lua", SPIN)])
    }

    /// An application of one's own.
    pub(crate) fn of(yaml: &str, files: &[(&str, &str)]) -> Self {
        let app = App::new(yaml, files);
        Operated { app, runtime: tempfile::tempdir().expect("a temporary folder"), running: None }
    }

    /// Runs the command `main`, until it is ready.
    pub(crate) fn start(&mut self) {
        self.start_by(&["run", "main"]);
    }

    /// Runs it until something says `ready`.
    pub(crate) fn start_by(&mut self, args: &[&str]) {
        let mut command = self.command(args);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        self.running = Some((child, lines));
        self.wait_for("ready");
    }

    /// The next line that begins with a text, tabs as blanks.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let (_, lines) = self.running.as_mut().expect("it runs");
        let line = lines.map_while(Result::ok).find(|line| line.starts_with(text));
        line.unwrap_or_else(|| panic!("it says {text:?} before it ends")).replace('\t', " ")
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let (mut child, _) = self.running.take().expect("it runs");
        child.wait().expect("it ends").code()
    }

    pub(crate) fn kill(&mut self) {
        self.running.as_mut().expect("it runs").0.kill().expect("it is killed");
        self.end();
    }

    /// Has the system not run it any more.
    pub(crate) fn freeze(&self) {
        let pid = self.running.as_ref().expect("it runs").0.id().to_string();
        let done = Command::new("kill").args(["-STOP", &pid]).status().expect("`kill` runs");
        assert!(done.success());
    }

    /// Writes a file of the application, or one beside it; gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let folder = if name.ends_with(".json") { self.runtime.path() } else { self.app.path() };
        let path = folder.join(name);
        fs::write(&path, text).expect("the file is written");
        path.to_str().expect("paths are UTF-8").to_owned()
    }

    /// The application's folder.
    pub(crate) fn directory(&self) -> String {
        let path = self.app.path().canonicalize().expect("it exists");
        path.to_str().expect("paths are UTF-8").to_owned()
    }

    /// Waits until so many workflows have completed, as long as some do.
    pub(crate) fn until_done(&self, count: usize) {
        let (mut began, mut before) = (Instant::now(), 0);
        loop {
            let listed =
                self.json(&["workflow", "list", "--status", "completed", "--limit", "1000", "--json"]);
            let done = listed[0]["runs"].as_array().map_or(0, Vec::len);
            if done == count {
                return;
            }
            if std::mem::replace(&mut before, done) != done {
                began = Instant::now();
            }
            assert!(began.elapsed() < PATIENCE, "{done} of {count} workflows have completed");
        }
    }

    /// Where its socket is.
    pub(crate) fn folder(&self) -> PathBuf {
        self.runtime.path().join("perilune")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.app.command(args);
        command.env("XDG_RUNTIME_DIR", self.runtime.path()).env("TMPDIR", self.runtime.path());
        command
    }

    pub(crate) fn ask(&self, args: &[&str]) -> Ended {
        ended(self.command(args).output().expect("the program runs"))
    }

    /// With the log records that somebody wants to see of the socket.
    pub(crate) fn logged(&self, args: &[&str], level: &str) -> Ended {
        let mut command = self.command(args);
        command.env("RUST_LOG", format!("perilune::control={level}"));
        ended(command.output().expect("the program runs"))
    }

    /// What a program that goes on first warns of.
    pub(crate) fn first_warning(&self, args: &[&str]) -> String {
        let mut command = self.command(args);
        command.env("RUST_LOG", "perilune::control=warn").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let read = BufReader::new(child.stderr.take().expect("stderr is piped")).read_line(&mut line);
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        read.expect("it says something");
        line
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ended = self.ask(args);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        serde_json::from_str(&ended.stdout).expect("it is JSON")
    }

    pub(crate) fn listing(&self) -> Value {
        self.json(&["ps", "--json"])
    }

    /// Asks until the list is as it should be.
    pub(crate) fn until(&self, is_so: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        loop {
            let ended = self.ask(&["ps", "--json"]);
            if ended.code == 0 && is_so(&serde_json::from_str(&ended.stdout).expect("it is JSON")) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{ended:?}");
        }
    }

    /// `ps`, once every process waits.
    pub(crate) fn settled(&self) -> String {
        self.until(|listing| {
            let mut processes = listing["processes"].as_array().expect("a list").iter();
            processes.all(|process| process["kind"] == "call" || process["state"] == "waiting")
        });
        let ended = self.ask(&["ps"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        ended.stdout
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        let mut sockets = fs::read_dir(self.folder()).expect("the folder is there");
        sockets.next().expect("the socket is there").expect("it can be read").path()
    }

    pub(crate) fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).expect("somebody listens")
    }

    /// A line and its reply.
    pub(crate) fn exchange(&self, socket: &mut UnixStream, line: impl AsRef<[u8]>) -> Value {
        socket.write_all(line.as_ref()).expect("it is sent");
        let mut reply = String::new();
        BufReader::new(socket).read_line(&mut reply).expect("it is answered");
        serde_json::from_str(&reply).expect("a reply is JSON")
    }

    pub(crate) fn paths(&self) -> [(&Path, &'static str); 2] {
        [(self.app.path(), "[app]"), (self.runtime.path(), "[runtime]")]
    }
}

impl Drop for Operated {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A text without what differs from run to run: paths, times, sizes, numbers of processes, and the width of columns.
pub(crate) fn masked(text: &str, app: &Operated) -> String {
    let mut text = text.to_owned();
    for (path, name) in app.paths() {
        text = text.replace(&path.display().to_string(), name);
    }
    let mut masked = String::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.split("  ").map(str::trim).map(mask).collect();
        words.retain(|word| !word.is_empty());
        let indented = &line[..line.len() - line.trim_start().len()];
        masked.push_str(&format!("{indented}{}\n", words.join("  ")));
    }
    masked
}

/// A cell, or a text with single blanks.
fn mask(cell: &str) -> String {
    let words: Vec<&str> = cell.split(' ').collect();
    let mut masked = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (word, next) = (words[at], words.get(at + 1).copied().unwrap_or_default());
        let unit = next.trim_end_matches([',', ')']);
        if word.starts_with(|digit: char| digit.is_ascii_digit()) && ["KiB", "MiB"].contains(&unit) {
            masked.push(format!("[size]{}", &next[unit.len()..]));
            at += 1;
        } else if at > 0 && words[at - 1] == "process" {
            masked.push("[number],".to_owned());
        } else if is_moment(word.trim_end_matches(';')) {
            masked.push(format!("[time]{}", &word[word.trim_end_matches(';').len()..]));
        } else {
            masked.push(word.to_owned());
        }
        at += 1;
    }
    masked.join(" ")
}

/// Such as `340ms`, `5m12s`, or the time of a log record.
fn is_moment(word: &str) -> bool {
    let is_span = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.ends_with(['s', 'm', 'h'])
            && word.chars().all(|part| part.is_ascii_digit() || "mshd".contains(part))
    };
    is_span(word) || word.starts_with("20") && word.ends_with('Z')
}
