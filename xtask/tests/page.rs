//! Pages whose examples are run. A shell script stands in for the program; it is Unix's alone.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;
use xtask::page::check;

/// A folder with a page, a program, and room for a session.
struct Place(TempDir);

impl Place {
    fn new(script: &str, page: &str) -> Self {
        let place = Place(tempfile::tempdir().expect("a folder"));
        fs::write(place.path("program"), format!("#!/bin/sh\n{script}\n")).expect("it is written");
        fs::set_permissions(place.path("program"), fs::Permissions::from_mode(0o755))
            .expect("it is executable");
        fs::write(place.path("page.md"), page).expect("it is written");
        fs::create_dir(place.path("scratch")).expect("it is made");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().expect("it is there").join(name)
    }

    fn check(&self, record: bool) -> Vec<String> {
        let [page, program, scratch] = ["page.md", "program", "scratch"].map(|name| self.path(name));
        check(&page, &program, &scratch, record).expect("the page is run")
    }

    /// What differs, without where.
    fn differences(&self) -> Vec<String> {
        let named = |one: &String| one.replace(&format!("{}:", self.path("page.md").display()), "");
        self.check(false).iter().map(named).collect()
    }
}

fn console(lines: &str) -> String {
    format!("```console\n{lines}\n```\n")
}

#[test]
fn output_errors_and_the_exit_code_are_compared_in_their_order() {
    let script = "echo \"$2\"; echo to errors >&2; pwd -P; exit 7";
    let right = Place::new(script, &console("$ perilune call 'two words'\n? 7\ntwo words\nto errors\n..."));
    assert_eq!(right.differences(), [""; 0]);
    let wrong = Place::new(script, &console("$ perilune call 'two words'\ntwo words"));
    let here = wrong.path("");
    let expected = format!(
        "2: $ perilune call 'two words'\n--- recorded\ntwo words\n--- printed\n? 7\ntwo words\nto errors\n{}\n",
        here.display().to_string().trim_end_matches('/')
    );
    assert_eq!(wrong.differences(), [expected]);
}

#[test]
fn files_are_there_before_the_steps_after_them_and_in_a_folder_of_their_own() {
    let file = |text: &str| format!("```lua\n-- lib/a.lua\n{text}\n```\n");
    let page =
        [file("one"), console("$ perilune\n-- lib/a.lua\none"), file("two"), console("$ perilune\n...\ntwo")];
    let place = Place::new("cat lib/a.lua", &page.concat());
    assert_eq!(place.differences(), [""; 0]);
    assert!(place.path("scratch/lib/a.lua").exists() && !place.path("lib").exists());
}

#[test]
fn what_runs_in_the_background_is_waited_for_and_ended() {
    let script =
        "trap 'echo bye; exit 3' TERM; echo begins; echo ready on $1; while :; do read line; done <>pipe";
    let page = console("$ perilune 127.0.0.1:8080 &\n...\nready on [..]\n$ kill %1\n? 3\nbye");
    let place = Place::new(&format!("[ -p pipe ] || mkfifo pipe; {script}"), &page);
    assert_eq!(place.differences(), [""; 0]);
    let early = Place::new("echo fails; exit 2", &console("$ perilune run &\nready"));
    assert_eq!(early.differences().len(), 1);
}

#[test]
fn recording_writes_what_is_printed_and_leaves_the_rest() {
    let place = Place::new("echo new", &format!("prose\n\n{}more\n", console("$ perilune\nold")));
    assert_eq!(place.check(true), [""; 0]);
    let page = fs::read_to_string(place.path("page.md")).expect("it is there");
    assert_eq!(page, format!("prose\n\n{}more\n", console("$ perilune\nnew")));
}
