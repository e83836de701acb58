//! Every message that a user can meet stands in a text that a test compares.
//!
//! What the program, the sandbox and the prelude say is collected from the sources ([`texts`]), and looked for in what tests compare with
//! what is really said ([`corpus`]): snapshots, the pages of messages, the blocks of `docs/` and the examples, the literals of tests.
//! Names, numbers and other messages within a text (`{}`, `%s`) may be anything.
//!
//! Two lists beside this file hold the exceptions: `nobody_meets.txt`, what no test can bring about, each group below its reason, and
//! `not_yet.txt`, what should be pinned and is not. Neither can rot: a text that has been pinned, or is gone, must leave its list
//! (`UPDATE_DOCS=1` takes such texts out of `not_yet.txt`; nothing is ever added to it by itself).

mod corpus;
mod literals;
mod texts;

use corpus::Corpus;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};
use texts::Text;

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The texts of a list; those that are comments give the reasons.
fn listed(name: &str) -> BTreeSet<String> {
    let lines = fs::read_to_string(list(name)).expect("the list is there");
    lines.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).map(str::to_owned).collect()
}

fn list(name: &str) -> std::path::PathBuf {
    root().join("host/cli/tests/pinned").join(name)
}

/// What users can meet and no test compares, by its text.
fn unpinned() -> BTreeMap<String, Text> {
    let corpus = Corpus::read(root());
    let texts = texts::all(root()).into_iter().filter(|text| !corpus.holds(&text.text));
    texts.map(|text| (text.text.replace('\n', "\\n"), text)).collect()
}

#[test]
fn every_message_is_pinned() {
    let unpinned = unpinned();
    let mut not_yet = listed("not_yet.txt");
    let nobody_meets = listed("nobody_meets.txt");
    if env::var_os("UPDATE_DOCS").is_some() {
        not_yet.retain(|text| unpinned.contains_key(text));
        let lines: String = not_yet.iter().map(|text| format!("{text}\n")).collect();
        fs::write(list("not_yet.txt"), lines).expect("it can be written");
    }

    let exceptions = || not_yet.iter().chain(&nobody_meets);
    let mut mistakes: Vec<String> = unpinned
        .iter()
        .filter(|(text, _)| !exceptions().any(|exception| exception == *text))
        .map(|(shown, text)| format!("{}:{}: no test shows: {shown}", text.file, text.line))
        .collect();
    mistakes.extend(exceptions().filter(|text| !unpinned.contains_key(*text)).map(|text| {
        format!("a test shows this, or nothing says it any more; take it out of its list: {text}")
    }));
    mistakes
        .extend(not_yet.intersection(&nobody_meets).map(|text| format!("this stands in both lists: {text}")));
    assert!(
        mistakes.is_empty(),
        "{}\n\nA line in a page below `host/cli/tests/messages/` pins a message, or a snapshot, or a literal in a test.",
        mistakes.join("\n")
    );
}

#[test]
fn each_exception_has_its_reason() {
    let lines = fs::read_to_string(list("nobody_meets.txt")).expect("the list is there");
    for group in lines.split("\n\n").filter(|group| !group.trim().is_empty()) {
        assert!(group.trim_start().starts_with("# "), "a group begins with `# ` and its reason:\n{group}");
    }
}
