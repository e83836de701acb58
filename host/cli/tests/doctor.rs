//! `perilune doctor` and `explain`: help for those who are stuck.

mod support;

use insta::assert_snapshot;
use perilune_settings::Code;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{App, ended};

const EMPTY: &str = "namespace: app\nentries: []\n";

/// The findings, by what was looked at.
fn findings(app: &App, args: &[&str]) -> (i32, BTreeMap<String, Value>) {
    let ended = app.run(&[&["doctor", "--json"], args].concat());
    let all: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    let named =
        all.into_iter().map(|finding| (finding["check"].as_str().unwrap_or_default().to_owned(), finding));
    (ended.code, named.collect())
}

#[test]
fn a_machine_on_which_cells_run_has_all_that_is_needed() {
    let (code, findings) = findings(&App::new(EMPTY, &[]), &[]);
    assert_eq!((code, &findings["sandbox"]["status"]), (0, &"ok".into()), "{findings:?}");
    for check in [
        "system",
        "PAGEMAP_SCAN",
        "cells",
        "memory",
        "cores",
        "cache",
        "control socket",
        "settings",
        "C compiler",
        "terminal",
    ] {
        assert!(findings.contains_key(check), "{check}");
    }
    for finding in findings.values() {
        let needs_help = finding["status"] == "warn" || finding["status"] == "fail";
        assert_eq!(finding["help"].is_string(), needs_help, "{finding}");
    }
}

#[test]
fn lines_say_the_same() {
    let app = App::new(EMPTY, &[]);
    let text = app.run(&["doctor"]).stdout;
    for check in ["sandbox", "cells", "cache", "terminal"] {
        assert!(text.lines().any(|line| line.contains(check)), "{check}: {text}");
    }
    assert!(text.contains("\nall "), "{text}");
}

#[test]
fn wrong_settings_are_a_failure_and_the_rest_is_still_looked_at() {
    let app = App::new(EMPTY, &[("perilune.yaml", "limits: {cpu: 200}")]);
    let (code, findings) = findings(&app, &[]);
    assert_eq!((code, &findings["settings"]["status"]), (1, &"fail".into()));
    assert_eq!(findings["sandbox"]["status"], "ok");
}

#[test]
fn more_cells_than_fit_are_a_warning() {
    let (_, findings) = findings(&App::new(EMPTY, &[]), &["--cells-max", "100000"]);
    assert_eq!(findings["cells"]["status"], "warn", "{findings:?}");
}

#[test]
fn an_application_with_mistakes_is_a_warning() {
    let (code, found) = findings(&App::new("namespace: app\nname: x\nkind: functoin.lua\n", &[]), &[]);
    assert_eq!((code, &found["application"]["status"]), (0, &"warn".into()));
    let (code, found) = findings(&App::new(EMPTY, &[]), &["-C", "nowhere"]);
    assert_eq!((code, &found["application"]["status"]), (1, &"fail".into()));
}

#[test]
fn servers_that_entries_name_are_tried() {
    let listens = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = |listener: &TcpListener| listener.local_addr().expect("it is bound").to_string();
    let (there, gone) = (address(&listens), address(&free));
    drop(free);
    for (address, expected) in [(there.as_str(), "ok"), (gone.as_str(), "warn"), ("${env:TEMPORAL}", "info")]
    {
        let yaml = format!("namespace: app\nname: client\nkind: temporal.client\naddress: '{address}'\n");
        let (code, findings) = findings(&App::new(&yaml, &[]), &[]);
        assert_eq!((code, &findings["Temporal"]["status"]), (0, &expected.into()), "{address}: {findings:?}");
    }
}

// What is said, where it depends on what is around the program. `messages/doctor.md` shows the rest.

/// What is found of one thing: how bad it is, what it is, and what to do about it.
fn found(command: &mut Command, check: &str) -> String {
    let ended = ended(command.args(["doctor", "--json"]).output().expect("the program runs"));
    let all: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    let finding = all.iter().find(|finding| finding["check"] == check).expect("it is looked at");
    let text = |key: &str| finding[key].as_str().map(str::to_owned);
    let parts = [text("status"), text("message"), text("help")];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The program in an application without entries, and without the settings of whoever runs the tests.
fn alone(app: &App) -> Command {
    let mut command = app.command(&[]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PERILUNE_")) {
        command.env_remove(name);
    }
    command
}

#[test]
fn defaults_are_told_from_what_flags_say() {
    let app = App::new(EMPTY, &[]);
    assert_eq!(found(&mut alone(&app), "settings"), "ok\nall defaults");
    let expected = "ok\n1 differ from the defaults, by the environment and flags";
    assert_eq!(found(alone(&app).args(["--cells-max", "20"]), "settings"), expected);
}

#[test]
fn a_compiler_is_named_by_a_variable_or_not_at_all() {
    let app = App::new(EMPTY, &[("zig", "")]);
    let compiler =
        |name: &str, path: &str| found(alone(&app).env_remove("WASI_SDK_PATH").env(name, path), "C compiler");
    assert_eq!(compiler("PERILUNE_ZIG", "zig"), "ok\nPERILUNE_ZIG names zig, for building Perilune");
    assert_eq!(
        compiler("PERILUNE_ZIG", "gone"),
        "warn\nPERILUNE_ZIG names gone, which is not there\nunset PERILUNE_ZIG, or name one that is; only building Perilune needs it"
    );
    assert_eq!(
        compiler("PERILUNE_ZIG", ""),
        "info\nnone is named, and only building Perilune needs one: `cargo xtask setup` fetches it"
    );
}

#[test]
fn colours_are_as_the_setting_says() {
    let app = App::new(EMPTY, &[]);
    assert_eq!(
        found(alone(&app).args(["--color", "always"]), "terminal"),
        "info\nnone; texts are with colours"
    );
}

#[test]
fn without_a_home_there_is_no_cache() {
    let app = App::new(EMPTY, &[]);
    let mut command = alone(&app);
    command.env_remove("HOME").env_remove("XDG_CACHE_HOME");
    assert_eq!(
        found(&mut command, "cache"),
        "warn\nno folder is known\nset `cache.dir`, or HOME: each start waits for the compiler without it"
    );
}

#[test]
fn two_things_that_are_missing_are_counted() {
    let app = App::new(EMPTY, &[("wrong.yaml", "cells: 1")]);
    let ended = app.run(&["doctor", "--config", "wrong.yaml", "-C", "nowhere"]);
    assert_eq!((ended.code, ended.stdout.lines().last()), (1, Some("2 things that are needed are missing")));
}

/// Its queue of connections is full, so that the system answers nobody.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("it is bound");
    let mut waiting = Vec::new();
    let patience = std::time::Duration::from_secs(2);
    while let Ok(Ok(stream)) = tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let yaml = format!("namespace: app\nname: far\nkind: temporal.client\naddress: '{address}'\n");
    let app = App::new(&yaml, &[]);
    assert_eq!(
        found(&mut alone(&app), "Temporal"),
        format!(
            "warn\napp:far: {address} does not answer within 3s\nstart the server, or look at `address`; workers go on trying"
        )
    );
}

#[cfg(unix)]
#[test]
fn folders_that_are_not_fit_are_named_with_the_way_out() {
    use std::os::unix::fs::PermissionsExt;
    let app = App::new(EMPTY, &[("file", "")]);
    let open = app.path().join("open");
    fs::create_dir(&open).expect("it is made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let folder = |flag: &str, folder: &str, check: &str| {
        let said = found(alone(&app).args([flag, folder]), check);
        said.replace(&format!("{}/", app.path().display()), "")
    };
    assert_eq!(
        folder("--cache-dir", "open", "cache"),
        "warn\nopen: others may write there, and what lies there is run as native code\n`chmod go-w open`"
    );
    assert_eq!(
        folder("--cache-dir", "file", "cache"),
        "warn\nfile cannot be used: Not a directory (os error 20)\nmake it, or set `cache.dir`: each start waits for the compiler without it"
    );
    assert_eq!(
        folder("--control-dir", "open", "control socket"),
        "warn\nopen is no safe place for a control socket: others may enter it; `chmod 700` it\n`perilune ps` will find nobody; `control.dir` names another folder"
    );
}

/// Nobody can make a file in `/proc`.
#[cfg(target_os = "linux")]
#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let app = App::new(EMPTY, &[]);
    assert_eq!(
        found(alone(&app).args(["--cache-dir", "/proc"]), "cache"),
        "warn\n/proc cannot be written\nlet this user write there, or set `cache.dir`"
    );
}

/// A program that may have little address space.
#[cfg(target_os = "linux")]
#[test]
fn without_room_for_cells_nothing_runs() {
    let app = App::new("namespace: app\nname: one\nkind: registry.entry\n", &[]);
    let within = |args: &str| {
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_perilune");
        command.args(["-c", &format!("ulimit -v 4000000; exec '{program}' --cells-max 100 {args}")]);
        ended(command.current_dir(app.path()).env("NO_COLOR", "1").output().expect("the program runs"))
    };
    let looked = within("doctor");
    assert_eq!(looked.code, 1, "{}", looked.stderr);
    for line in [
        "no cell runs: the sandbox engine cannot start with room for 100 cells: ",
        "→ look at the warnings above, and try `perilune doctor --cells-max 10`",
        "→ see `sandbox` above",
    ] {
        assert!(looked.stdout.contains(line), "{line}: {}", looked.stdout);
    }
    let listed = within("registry list");
    let help = "help: `perilune doctor` says what the machine grants; `--cells-max 100` asks for less\n";
    assert!(listed.stderr.ends_with(help), "{}", listed.stderr);
}

// perilune explain

/// Codes and titles of the page.
fn sections() -> BTreeMap<String, String> {
    let list = App::new(EMPTY, &[]).run(&["explain"]).stdout;
    let lines = list.lines().filter_map(|line| line.split_once("  "));
    lines.map(|(code, title)| (code.trim().to_owned(), title.trim().to_owned())).collect()
}

#[test]
fn every_code_is_explained_under_its_own_title() {
    let sections = sections();
    for (code, doc) in Code::ALL {
        assert_eq!(sections.get(code.as_str()).map(String::as_str), Some(*doc), "{code}");
    }
    for (code, doc) in perilune::codes() {
        assert_eq!(sections.get(code.as_str()).map(String::as_str), Some(*doc), "{code}");
    }
}

#[test]
fn every_code_in_the_sources_is_explained() {
    let sections = sections();
    let mut seen = 0;
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("tests") {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                for (at, _) in text.match_indices("Code::new(\"") {
                    let code = text[at + 11..].split('"').next().unwrap_or_default();
                    assert!(
                        sections.contains_key(code),
                        "{code} of {} is not in docs/errors.md",
                        path.display()
                    );
                    seen += 1;
                }
                let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
                for code in
                    words.filter(|word| word.starts_with("WF_") && text.contains(&format!("\"{word}\"")))
                {
                    assert!(
                        sections.contains_key(code),
                        "{code} of {} is not in docs/errors.md",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(seen > 5);
}

#[test]
fn a_code_is_found_however_it_is_copied() {
    let app = App::new(EMPTY, &[]);
    let expected = app.run(&["explain", "E203"]);
    assert_eq!(expected.code, 0);
    assert_snapshot!(expected.stdout);
    for code in ["e203", "[E203]", "error[E203]", "error[E203]:"] {
        assert_eq!(app.run(&["explain", code]), expected, "{code}");
    }
    let unknown = app.run(&["explain", "E999"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    assert_eq!(unknown.stderr, "error: there is no code `E999`\nhelp: `perilune explain` lists them all\n");
}

// A reader that goes away.

#[test]
fn a_closed_pipe_ends_every_command_quietly() {
    let app = App::new(EMPTY, &[]);
    for args in [
        &["settings"][..],
        &["doctor"],
        &["explain"],
        &["explain", "E203"],
        &["completions", "bash"],
        &["init", "x", "--template", "function"],
        &["registry", "list"],
        &["--help"],
        &["help", "run"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child =
            app.command(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("the program runs");
        let ended = ended(child.wait_with_output().expect("the program ends"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn a_closed_stderr_changes_no_exit_code() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let app = App::new(EMPTY, &[]);
    let status = app.command(&["call", "app:none"]).stderr(writer).status().expect("the program runs");
    assert_eq!(status.code(), Some(1));
}
