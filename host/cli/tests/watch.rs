//! `perilune run --watch`: edited files are live, wrong ones are told of, and no call is lost.

#![cfg(unix)]

mod support;

use perilune::bytecode::{Compiler, checksum};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::App;

const YAML: &str = "
namespace: app
entries:
  - {name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}
  - {name: routes, kind: http.router, meta: {server: web}, prefix: /}
  - {name: answer, kind: http.endpoint, meta: {router: routes}, method: GET, path: /, func: hello}
  - {name: hello, kind: function.lua, source: 'file://hello.lua', method: main, modules: [http], imports: {words: 'app:words'}}
  - {name: words, kind: library.lua, source: 'file://words.lua'}
";

const HELLO: &str = "local http, words = require('http'), require('words')
return function()
  http.response():write(words.greeting .. ' 1')
end";

fn app() -> App {
    App::new(YAML, &[("hello.lua", HELLO), ("words.lua", "return { greeting = 'hello' }")])
}

/// How long something may take that happens by itself: who waits longer waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program while it watches an application.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    address: String,
}

impl Watching {
    /// Starts it, without waiting for anything.
    fn begin(app: &App) -> Self {
        Self::of(app.command(&["run", "--watch"]))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Watching { child, lines, address: String::new() }
    }

    /// Starts it, and waits until it serves and watches.
    fn start(app: &App) -> Self {
        let mut watching = Self::begin(app);
        watching.until("watching ");
        watching.serves();
        watching
    }

    fn serves(&mut self) {
        let line = self.until("at=");
        let address =
            line.split("at=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an address");
        self.address = address.trim_matches('"').trim_start_matches("http://").to_owned();
    }

    /// Reads what it says up to a line that holds this, and gives the line.
    fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!("it says {text:?}; it said:\n{seen}");
    }

    fn answer(&self) -> String {
        get(&self.address).expect("it answers")
    }

    fn end(mut self) -> Option<i32> {
        let sent =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of an answer whose status is 200.
fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

fn write(app: &App, file: &str, text: &str) {
    let path = app.path().join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

/// As editors do: a new file takes the place of the old one.
fn replace(app: &App, file: &str, text: &str) {
    let beside = app.path().join(format!(".{file}.tmp"));
    fs::write(&beside, text).expect("the file is written");
    fs::rename(beside, app.path().join(file)).expect("the file is renamed");
}

/// As other editors do: the old file goes away first.
fn set_aside(app: &App, file: &str, text: &str) {
    let path = app.path().join(file);
    fs::rename(&path, app.path().join(format!("{file}~"))).expect("the file is renamed");
    fs::write(&path, text).expect("the file is written");
}

#[test]
fn an_edited_file_is_live_however_it_is_saved() {
    let app = app();
    let mut watching = Watching::start(&app);
    assert_eq!(watching.answer(), "hello 1");
    for (number, save) in [write, replace, set_aside].into_iter().enumerate() {
        save(&app, "hello.lua", &HELLO.replace(" 1'", &format!(" {}'", number + 2)));
        watching.until("reloaded app:hello in ");
        assert_eq!(watching.answer(), format!("hello {}", number + 2));
    }
    assert_eq!(watching.end(), Some(0));
}

/// Waiting for a folder to be mended, it finds a pack in its place.
#[test]
fn a_pack_in_the_place_of_the_folder_is_not_watched() {
    let app = App::new("namespace: app\nentries: []\n", &[]);
    write(&app, "good/app.yaml", "namespace: app\nname: one\nkind: registry.entry\n");
    write(&app, "watched/app.yaml", "namespace: app\nname: one\nkind: nothing\n");
    let packed = app.run(&["pack", "-C", "good", "-o", "good.pack"]);
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    let mut watching = Watching::of(app.command(&["run", "--watch", "-C", "watched"]));
    watching.until("waiting for a change that mends it");
    let folder = app.path().join("watched");
    fs::rename(&folder, app.path().join("aside")).expect("it is moved");
    fs::rename(app.path().join("good.pack"), folder).expect("it is moved");
    let line = watching.until("error: ");
    let shown = app.path().canonicalize().expect("it is there").join("watched");
    assert_eq!(line, format!("error: `{}` is no directory, and does not change", shown.display()));
    assert_eq!(watching.child.wait().expect("it ends").code(), Some(2));
}

#[test]
fn a_library_is_live_in_those_that_import_it() {
    let app = app();
    let mut watching = Watching::start(&app);
    write(&app, "words.lua", "return { greeting = 'good day' }");
    watching.until("reloaded app:words in ");
    assert_eq!(watching.answer(), "good day 1");
}

/// Whether its entry or the file is written first.
#[test]
fn bytecode_is_live_once_both_it_and_its_entry_are_there() {
    let compiler = Compiler::new().expect("the sandbox starts");
    let compiled = |greeting: &str| {
        compiler.compile("app:words", &format!("return {{ greeting = '{greeting}' }}")).expect("it is Lua")
    };
    let yaml = |file: &[u8]| {
        let words = format!(
            "{{name: words, kind: library.lua.bc, fs: files, path: words.luac, hash: '{}'}}",
            checksum(file)
        );
        let files = "{name: files, kind: fs.directory, directory: compiled}";
        let text = "{name: words, kind: library.lua, source: 'file://words.lua'}";
        YAML.replace(text, &format!("{words}\n  - {files}"))
    };
    let app = App::new(&yaml(&compiled("hello")), &[("hello.lua", HELLO)]);
    let file = app.path().join("compiled/words.luac");
    fs::create_dir(app.path().join("compiled")).expect("the folder is made");
    fs::write(&file, compiled("hello")).expect("it is written");
    let mut watching = Watching::start(&app);
    assert_eq!(watching.answer(), "hello 1");
    write(&app, "app.yaml", &yaml(&compiled("good day")));
    watching.until("error[E408]: app:words: ");
    watching.until("1 problem, the previous version goes on");
    fs::write(&file, compiled("good day")).expect("it is written");
    watching.until("reloaded app:words in ");
    assert_eq!(watching.answer(), "good day 1");
    fs::write(&file, compiled("good night")).expect("it is written");
    watching.until("error[E408]: app:words: ");
    assert_eq!(watching.answer(), "good day 1");
    write(&app, "app.yaml", &yaml(&compiled("good night")));
    watching.until("reloaded app:words in ");
    assert_eq!(watching.answer(), "good night 1");
}

#[test]
fn entries_come_and_go_with_their_files_and_folders() {
    let app = app();
    let mut watching = Watching::start(&app);
    let entry = "{namespace: deep, name: new, kind: library.lua, source: 'file://new.lua'}";
    write(&app, "a/b/new.lua", "return 1");
    write(&app, "a/b/new.yaml", entry);
    watching.until("added deep:new in ");
    write(&app, "a/b/new.lua", "return 2");
    watching.until("reloaded deep:new in ");
    fs::rename(app.path().join("a"), app.path().join("c")).expect("the folder is renamed");
    write(&app, "c/b/new.lua", "return 3");
    watching.until("reloaded deep:new in ");
    fs::remove_dir_all(app.path().join("c")).expect("the folder is removed");
    watching.until("removed deep:new in ");
}

#[test]
fn a_wrong_edit_is_told_of_and_the_previous_version_goes_on() {
    let app = app();
    let mut watching = Watching::start(&app);
    write(&app, "hello.lua", "return function( oops");
    watching.until("app:hello: field `source`: Lua syntax");
    watching.until("1 problem, the previous version goes on");
    assert_eq!(watching.answer(), "hello 1");
    write(&app, "app.yaml", &YAML.replace("kind: library.lua", "kind: [library"));
    watching.until("the previous version goes on");
    assert_eq!(watching.answer(), "hello 1");
    write(&app, "hello.lua", &HELLO.replace(" 1'", " 2'"));
    write(&app, "app.yaml", YAML);
    watching.until("reloaded app:hello in ");
    assert_eq!(watching.answer(), "hello 2");
}

#[test]
fn a_mistake_that_is_taken_back_is_told_of() {
    let app = app();
    let mut watching = Watching::start(&app);
    write(&app, "words.lua", "return {");
    watching.until("the previous version goes on");
    write(&app, "words.lua", "return { greeting = 'hello' }");
    watching.until("all is well again, and nothing has changed");
}

#[test]
fn a_wrong_application_is_waited_for_to_be_mended() {
    let app = app();
    write(&app, "hello.lua", "return function( oops");
    let mut watching = Watching::begin(&app);
    watching.until("app:hello: field `source`: Lua syntax");
    watching.until("waiting for a change that mends it");
    write(&app, "hello.lua", "still wrong");
    watching.until("waiting for a change that mends it");
    write(&app, "hello.lua", HELLO);
    watching.until("watching ");
    watching.serves();
    assert_eq!(watching.answer(), "hello 1");
}

#[test]
fn a_required_service_that_cannot_run_is_waited_for_to_be_mended() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let app = app();
    write(&app, "app.yaml", &YAML.replace("127.0.0.1:0", &address));
    let mut watching = Watching::begin(&app);
    watching.until(&format!("error: cannot listen at `{address}`"));
    watching.until("waiting for a change that mends it");
    write(&app, "app.yaml", YAML);
    watching.serves();
    assert_eq!(watching.answer(), "hello 1");
}

#[test]
fn a_required_service_that_is_tried_again_and_again_is_mended() {
    let app = app();
    // No machine has this address.
    write(&app, "app.yaml", &YAML.replace("127.0.0.1:0", "192.0.2.1:1"));
    let mut watching = Watching::begin(&app);
    watching.until("cannot listen at `192.0.2.1:1`");
    write(&app, "app.yaml", YAML);
    watching.serves();
    assert_eq!(watching.answer(), "hello 1");
}

#[test]
fn nothing_to_run_is_waited_for_to_change() {
    let app = App::new("{namespace: app, name: x, kind: registry.entry}", &[]);
    let mut watching = Watching::begin(&app);
    watching.until("error: name a command to run");
    watching.until("waiting for a change that mends it");
    assert_eq!(watching.end(), Some(130));
}

#[test]
fn what_is_left_beside_the_application_changes_nothing() {
    let app = app();
    let watching = Watching::start(&app);
    for number in 0..2_000 {
        write(&app, &format!("data/{}.db", number % 50), &number.to_string());
        write(&app, &format!(".git/{}.yaml", number % 50), "namespace: [");
        write(&app, &format!("node_modules/{}.json", number % 50), "{");
    }
    symlink("somebody@somewhere", app.path().join(".#app.yaml")).expect("the link is made");
    write(&app, "hello.lua~", "oops");
    write(&app, "hello.lua", &HELLO.replace(" 1'", " 2'"));
    let said = watching.lines.recv_timeout(PATIENCE).expect("it says something");
    assert!(said.starts_with("reloaded app:hello in "), "{said}");
}

#[test]
fn a_folder_that_is_gone_is_waited_for_to_come_back() {
    let app = app();
    let mut watching = Watching::start(&app);
    let away = app.path().with_extension("away");
    fs::rename(app.path(), &away).expect("the folder is renamed");
    watching.until("cannot open the application directory");
    assert_eq!(watching.answer(), "hello 1");
    fs::write(away.join("hello.lua"), HELLO.replace(" 1'", " 2'")).expect("the file is written");
    fs::rename(&away, app.path()).expect("the folder is renamed");
    watching.until("reloaded app:hello in ");
    assert_eq!(watching.answer(), "hello 2");
    write(&app, "hello.lua", &HELLO.replace(" 1'", " 3'"));
    watching.until("reloaded app:hello in ");
    assert_eq!(watching.answer(), "hello 3");
}

#[test]
fn a_link_to_another_version_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (version, number) in [("one", " 1'"), ("two", " 2'")] {
        let app = folder.path().join(version);
        fs::create_dir(&app).expect("the folder is made");
        fs::write(app.join("app.yaml"), YAML).expect("the file is written");
        fs::write(app.join("hello.lua"), HELLO.replace(" 1'", number)).expect("the file is written");
        fs::write(app.join("words.lua"), "return { greeting = 'hello' }").expect("the file is written");
    }
    let current = folder.path().join("current");
    symlink("one", &current).expect("the link is made");
    let mut command = support::program();
    command.args(["run", "--watch", "-C"]).arg(&current);
    let mut watching = Watching::of(command);
    watching.until("watching ");
    watching.serves();
    symlink("two", folder.path().join("next")).expect("the link is made");
    fs::rename(folder.path().join("next"), &current).expect("the link is renamed");
    watching.until("reloaded app:hello in ");
    assert_eq!(watching.answer(), "hello 2");
}

#[test]
fn changed_settings_take_a_new_start() {
    let app = app();
    let mut watching = Watching::start(&app);
    write(&app, "perilune.yaml", "{}");
    watching.until("perilune.yaml has changed: start again for it to take effect");
}

#[test]
fn no_call_is_lost_while_files_are_edited() {
    let app = app();
    let mut watching = Watching::start(&app);
    let (is_over, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (is_over, answers, address) = (is_over.clone(), answers.clone(), watching.address.clone());
            std::thread::spawn(move || {
                let mut lost = 0;
                while !is_over.load(Ordering::Relaxed) {
                    match get(&address) {
                        Some(body) if body.starts_with("hello ") => {
                            answers.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => lost += 1,
                    }
                }
                lost
            })
        })
        .collect();
    for number in 2..22 {
        let saves = [write, replace, set_aside];
        saves[number % 3](&app, "hello.lua", &HELLO.replace(" 1'", &format!(" {number}'")));
        watching.until("reloaded app:hello in ");
        // A call that begins after the change sees it.
        assert_eq!(watching.answer(), format!("hello {number}"));
    }
    is_over.store(true, Ordering::Relaxed);
    let lost: i32 = callers.into_iter().map(|caller| caller.join().expect("no caller panics")).sum();
    assert_eq!(lost, 0, "of {} calls", answers.load(Ordering::Relaxed));
    assert!(answers.load(Ordering::Relaxed) > 0);
}

/// Prints how long it takes from the saving of a file to the first answer with it; run it with `--ignored --nocapture`.
#[test]
#[ignore = "it measures"]
fn how_long_an_edit_takes_to_be_live() {
    for more in [0, 1_000] {
        let app = app();
        for number in 0..more {
            let name = format!("more/{}/e{number}", number % 20);
            write(&app, &format!("{name}.lua"), "return {}");
            let place = Path::new(&name).file_name().expect("a name").to_string_lossy().into_owned();
            let entry = format!(
                "{{namespace: more, name: {place}, kind: library.lua, source: 'file://{place}.lua'}}"
            );
            write(&app, &format!("{name}.yaml"), &entry);
        }
        let mut watching = Watching::start(&app);
        let mut times = Vec::new();
        for number in 2..32 {
            let expected = format!("hello {number}");
            let began = Instant::now();
            write(&app, "hello.lua", &HELLO.replace(" 1'", &format!(" {number}'")));
            while watching.answer() != expected {}
            times.push(began.elapsed());
            watching.until("reloaded app:hello in ");
        }
        times.sort();
        println!(
            "{} entries: median {:?}, most {:?}",
            more + 5,
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
}
