//! `perilune doctor` and `explain`: help for those who are stuck.

mod support;

use insta::assert_snapshot;
use perilune_settings::Code;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
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

#[cfg(unix)]
#[test]
fn a_cache_that_others_may_write_to_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    let cache = folder.path().to_str().expect("a UTF-8 path");
    let (code, findings) = findings(&App::new(EMPTY, &[]), &["--cache-dir", cache]);
    assert_eq!((code, &findings["cache"]["status"]), (0, &"warn".into()), "{findings:?}");
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
