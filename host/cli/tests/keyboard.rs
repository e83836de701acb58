//! The program on a terminal: questions, keys, Ctrl-C.

#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use support::{App, program};

/// What a program meets as its terminal, from the side of whoever types.
struct Keyboard {
    child: Child,
    typed: File,
    /// Kept open, to ask for its mode when the program has ended.
    terminal: OwnedFd,
    before: (u32, u32, u32),
    seen: String,
}

/// Flags that raw mode changes.
fn mode(terminal: &OwnedFd) -> (u32, u32, u32) {
    // SAFETY: all zeroes are a value of this plain struct.
    let mut mode: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `mode` outlives the call.
    assert_eq!(unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut mode) }, 0);
    (mode.c_iflag as u32, mode.c_oflag as u32, mode.c_lflag as u32)
}

impl Keyboard {
    /// Starts a command on a new terminal, which is the one that controls it.
    fn started(mut command: Command) -> Keyboard {
        let (mut master, mut slave) = (0, 0);
        let none = std::ptr::null_mut();
        // SAFETY: both descriptors are written to; the other arguments may be null.
        let opened =
            unsafe { libc::openpty(&raw mut master, &raw mut slave, none, none.cast(), none.cast()) };
        assert_eq!(opened, 0);
        // SAFETY: both have just been opened and belong to nobody else.
        let (typed, terminal) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        let end = || Stdio::from(terminal.try_clone().expect("another descriptor"));
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm");
        // SAFETY: between fork and exec only two system calls are made.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let before = mode(&terminal);
        let child = command.spawn().expect("the program runs");
        Keyboard { child, typed, terminal, before, seen: String::new() }
    }

    /// Waits until the terminal shows a text.
    fn sees(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let mut bytes = [0; 1024];
            let count = self.typed.read(&mut bytes).unwrap_or_else(|error| panic!("{error}: {}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn types(&mut self, keys: &str) {
        self.typed.write_all(keys.as_bytes()).expect("it is open");
    }

    /// The exit code. The terminal must be as it was, with its cursor shown.
    fn ends(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        assert_eq!(mode(&self.terminal), self.before, "the terminal is as it was");
        drop(self.terminal);
        let mut rest = Vec::new();
        // When all ends of the other side are closed, what is left is read, and then this is said.
        if let Err(error) = self.typed.read_to_end(&mut rest) {
            assert_eq!(error.raw_os_error(), Some(libc::EIO), "{error}");
        }
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        if let Some(hidden) = self.seen.rfind("\x1b[?25l") {
            assert!(self.seen[hidden..].contains("\x1b[?25h"), "the cursor is shown: {:?}", self.seen);
        }
        (status.code(), self.seen)
    }
}

fn init(folder: &std::path::Path) -> Keyboard {
    let mut command = program();
    command.arg("init").current_dir(folder);
    Keyboard::started(command)
}

#[test]
fn init_asks_for_what_was_not_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut keyboard = init(folder.path());
    keyboard.sees("What do you want to begin with?");
    // Down, to the second.
    keyboard.types("\x1b[B\r");
    keyboard.sees("Namespace of its entries");
    keyboard.types("shop\r");
    keyboard.sees("next:");
    let (code, seen) = keyboard.ends();
    assert_eq!(code, Some(0), "{seen}");
    assert!(folder.path().join("counter.lua").is_file(), "{seen}");
    let entries = std::fs::read_to_string(folder.path().join("_index.yaml")).expect("it is there");
    assert!(entries.contains("namespace: shop\n"));
}

#[test]
fn ctrl_c_and_escape_at_a_question_make_nothing() {
    for key in ["\x03", "\x1b"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut keyboard = init(folder.path());
        keyboard.sees("function");
        keyboard.types(key);
        let (code, seen) = keyboard.ends();
        assert_eq!(code, Some(130), "{key:?}: {seen}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{key:?}");
    }
}

#[test]
fn ctrl_c_at_a_line_makes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = program();
    command.args(["init", "--template", "web"]).current_dir(folder.path());
    let mut keyboard = Keyboard::started(command);
    keyboard.sees("Namespace of its entries");
    keyboard.types("sh\x03");
    let (code, seen) = keyboard.ends();
    assert_eq!(code, Some(130), "{seen}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn a_signal_ends_a_question() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut keyboard = init(folder.path());
    keyboard.sees("function");
    let id = keyboard.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().is_ok_and(|status| status.success()));
    assert_eq!(keyboard.ends().0, Some(130));
}

#[test]
fn a_command_in_raw_mode_leaves_the_terminal_as_it_was() {
    const YAML: &str = "
namespace: app
entries:
  - {name: screen, kind: terminal.host}
  - {name: keys, kind: process.lua, source: 'file://keys.lua', method: main, modules: [io], meta: {command: {name: keys}}}
";
    const KEYS: &str = "local io = require('io')
return function()
  assert(io.raw())
  io.print('ready')
  process.events():receive()
end";
    let app = App::new(YAML, &[("keys.lua", KEYS)]);
    let mut keyboard = Keyboard::started(app.command(&["run", "keys"]));
    keyboard.sees("ready");
    assert_ne!(mode(&keyboard.terminal), keyboard.before, "it is raw");
    keyboard.types("\x03");
    let (code, seen) = keyboard.ends();
    assert_eq!(code, Some(130), "{seen}");
}

#[test]
fn a_terminal_has_colours_unless_somebody_wants_none() {
    let app = App::new("namespace: app\nname: x\nkind: functoin.lua\n", &[]);
    for (variable, expected) in
        [(None, true), (Some(("NO_COLOR", "1")), false), (Some(("PERILUNE_COLOR", "never")), false)]
    {
        let mut command = app.command(&["registry", "list"]);
        command.envs(variable);
        let mut keyboard = Keyboard::started(command);
        keyboard.sees("1 problem found");
        let (code, seen) = keyboard.ends();
        assert_eq!((code, seen.contains("\x1b[")), (Some(1), expected), "{variable:?}: {seen:?}");
    }
}

/// What the line editor writes when it has a line.
const ENTERED: &str = "\x1b[?2004l";

/// `perilune repl` on a terminal, at its first prompt; what is typed is kept below this folder.
/// What is left on the screen of what a terminal was sent: lines, without colours.
fn screen(sent: &str) -> Vec<String> {
    let (mut lines, mut at) = (vec![Vec::new()], 0);
    let mut rest = sent.chars();
    while let Some(next) = rest.next() {
        let line = lines.last_mut().expect("there is one");
        match next {
            '\n' => lines.push(Vec::new()),
            '\r' => at = 0,
            '\x1b' => {
                let mut sequence = String::new();
                for part in rest.by_ref() {
                    sequence.push(part);
                    if part.is_ascii_alphabetic() {
                        break;
                    }
                }
                if sequence == "[2K" {
                    line.clear();
                }
            }
            shown => {
                line.resize(line.len().max(at + 1), ' ');
                line[at] = shown;
                at += 1;
            }
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

const NOISY: &str = "
namespace: app
entries:
  - {name: host, kind: process.host, lifecycle: {auto_start: true}}
  - {name: noise, kind: process.lua, method: main, modules: [time], source: 'return function() while true do print(\"noise\") require(\"time\").sleep(\"5ms\") end end'}
  - {name: service, kind: process.service, process: noise, host: host, lifecycle: {auto_start: true}}
  - {name: quick, kind: function.lua, method: main, meta: {type: test}, source: 'return function() end'}
  - {name: slow, kind: function.lua, method: main, meta: {type: test}, modules: [time], source: 'return function() require(\"time\").sleep(\"80ms\") end'}
  - {name: wrong, kind: function.lua, method: main, meta: {type: test}, source: 'return function() error(\"oh\") end'}
  - {name: endless, kind: function.lua, method: main, meta: {type: test}, modules: [time], source: 'return function() require(\"time\").sleep(\"1h\") end'}
";

/// Whatever happens, nothing of a bar is left, and what was written meanwhile stands in lines of its own.
#[test]
fn a_bar_stays_below_what_is_written_and_goes() {
    let app = App::new(NOISY, &[]);
    for (filters, interrupts, code) in [
        (&["quick", "slow"][..], false, 0),
        (&["slow", "wrong"], false, 1),
        (&["quick", "endless"], true, 130),
    ] {
        let mut keyboard = Keyboard::started(app.command(&[&["test"], filters].concat()));
        keyboard.sees("1/2");
        if interrupts {
            keyboard.sees("noise\r\n");
            keyboard.types("\x03");
        }
        // A terminal that nobody reads would hold it up.
        keyboard.sees("passed");
        let (ended, sent) = keyboard.ends();
        assert_eq!(ended, Some(code), "{sent}");
        let screen = screen(&sent);
        assert!(screen.iter().all(|line| !line.contains(['█', '░'])), "{screen:#?}");
        assert!(screen.iter().any(|line| line == "noise"), "{screen:#?}");
        let strange = |line: &&String| {
            line.ends_with("noise") && *line != "noise" && *line != "^Cnoise" && !line.contains("app:noise")
        };
        assert_eq!(screen.iter().find(strange), None);
    }
}

#[test]
fn a_bar_is_gone_once_a_pack_is_written() {
    let entry = |n: usize| format!("  - {{name: e{n}, kind: library.lua, source: 'return {{{n}}}'}}\n");
    let entries: String = (0..200).map(entry).collect();
    let app = App::new(&format!("namespace: app\nentries:\n{entries}"), &[]);
    let mut keyboard = Keyboard::started(app.command(&["pack", "-o", "app.pack", "--bytecode"]));
    keyboard.sees("sha256:");
    let (ended, sent) = keyboard.ends();
    assert_eq!(ended, Some(0), "{sent}");
    let screen = screen(&sent);
    assert!(screen[0].starts_with("app.pack: 202 files"), "{screen:#?}");
    assert_eq!(screen[1..], [""]);
}

#[test]
fn doctor_names_the_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = program();
    command.args(["doctor", "--color", "never"]).current_dir(folder.path());
    let mut keyboard = Keyboard::started(command);
    keyboard.sees("input, output, errors of type `xterm`; texts are without colours\r\n");
    assert!(keyboard.ends().0.is_some());
}

fn repl(state: &std::path::Path) -> Keyboard {
    let mut command = program();
    command.arg("repl").current_dir(state).env("XDG_STATE_HOME", state);
    let mut keyboard = Keyboard::started(command);
    let greeting = "Lua in the sandbox: .help explains, Ctrl-D leaves\r\n";
    keyboard.sees(greeting);
    keyboard.prompts(greeting);
    keyboard
}

impl Keyboard {
    /// Types keys, and waits for what they bring about and for the prompt behind it.
    fn brings(&mut self, keys: &str, text: &str) {
        self.seen.clear();
        self.types(keys);
        self.sees(text);
        self.prompts(text);
    }

    /// Waits for the prompt that follows a text which has been seen.
    fn prompts(&mut self, text: &str) {
        let end = self.seen.find(text).map_or(0, |at| at + text.len());
        self.seen.drain(..end);
        self.sees("> ");
    }
}

#[test]
fn typing_lua_goes_on_after_limits_and_interrupts() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut keyboard = repl(state.path());
    keyboard.brings("x = 41\r", ENTERED);
    keyboard.brings("x + 1\r", "\n42\r\n");
    keyboard.types("print('be' .. 'gun') time.sleep('25s')\r");
    keyboard.sees("begun\r\n");
    let goes_on = "\r\nthe session goes on with its globals as they were before this input";
    keyboard.brings("\x03", &format!("interrupted{goes_on}"));
    keyboard.brings("x + 2\r", "\n43\r\n");
    keyboard.brings("while true do end\r", &format!("than `limits.cpu` allows (1s) [Timeout]{goes_on}"));
    keyboard.brings("function f()\r", ENTERED);
    keyboard.brings("\x03", ENTERED);
    keyboard.brings("x + 3\r", "\n44\r\n");
    keyboard.types("\x04");
    let (code, seen) = keyboard.ends();
    assert_eq!(code, Some(0), "{seen}");
    let history = state.path().join("perilune/repl_history");
    let kept = std::fs::read_to_string(&history).expect("it is kept");
    assert!(kept.contains("x = 41\nx + 1\n") && !kept.contains("function f()"), "{kept}");
    let mode = std::fs::metadata(&history).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A file that is open cannot be kept with the globals, nor what is typed behind it.
#[test]
fn what_was_left_open_is_lost_with_what_came_after() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let yaml = "namespace: app\nname: here\nkind: fs.directory\ndirectory: .\n";
    std::fs::write(state.path().join("app.yaml"), yaml).expect("it is written");
    let mut keyboard = repl(state.path());
    keyboard.brings("x = 1\r", ENTERED);
    keyboard.brings("file = fs.get('app:here'):open('app.yaml')\r", ENTERED);
    keyboard.brings("x = 2\r", ENTERED);
    let goes_on = "the session goes on with its globals as they were before the last 3 inputs, which had left something open\r\n";
    keyboard.brings("while true do end\r", goes_on);
    keyboard.brings("x\r", "\n1\r\n");
    keyboard.types(".exit\r");
    assert_eq!(keyboard.ends().0, Some(0));
}

#[test]
fn names_are_completed() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut keyboard = repl(state.path());
    keyboard.brings("json.enc\t{7, 8})\r", "\n\"[7,8]\"\r\n");
    keyboard.brings("own = { field = 5 }\r", ENTERED);
    keyboard.brings("own.fi\t * 100\r", "\n500\r\n");
    keyboard.types(".exit\r");
    assert_eq!(keyboard.ends().0, Some(0));
}

#[test]
fn a_signal_ends_typing() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut keyboard = repl(state.path());
    keyboard.types("half a li");
    keyboard.sees("half a li");
    let id = keyboard.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().is_ok_and(|status| status.success()));
    assert_eq!(keyboard.ends().0, Some(130));
}
