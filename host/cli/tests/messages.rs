//! Every message that a user can meet is pinned: what commands, starts of services and modules say stands in `tests/messages/`.
//!
//! `UPDATE_DOCS=1 cargo xtask test --test messages` records what is said now: look at the difference.

use std::path::Path;
use std::{env, fs};
use xtask::page;

/// Runs a page of messages, in a folder of its own.
fn holds(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages").join(name);
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_perilune"));
    let record = env::var_os("UPDATE_DOCS").is_some();
    let differences = page::check(&path, program, folder.path(), record).expect("the page is run");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn of_commands() {
    holds("commands.md");
}

#[test]
fn of_services_that_start() {
    holds("services.md");
}

#[test]
fn of_modules() {
    holds("modules.md");
}

#[test]
fn every_page_of_messages_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let mut pages: Vec<String> = fs::read_dir(folder)
        .expect("it is there")
        .map(|page| page.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    pages.sort();
    assert_eq!(pages, ["commands.md", "modules.md", "services.md"]);
}
