//! Every message that a user can meet stands in a text that a test compares.
//!
//! What the program, the sandbox and the prelude say is collected from the sources ([`texts`]), and looked for in what tests compare with
//! what is really said ([`corpus`]): snapshots, the pages of messages, the blocks of `docs/` and the examples, the literals of tests.
//! Names, numbers and other messages within a text (`{}`, `%s`) may be anything.
//!
//! `nobody_meets.txt` beside this file holds the exceptions: what no test can bring about, each group below its reason. It cannot rot: a
//! text that has been pinned, or is gone, must leave it.

mod corpus;
mod literals;
mod texts;

use corpus::Corpus;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use texts::Text;

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What no test can bring about, and why.
const NOBODY_MEETS: &str = include_str!("nobody_meets.txt");

/// Its texts, without the reasons.
fn exceptions() -> BTreeSet<&'static str> {
    NOBODY_MEETS.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).collect()
}

/// What users can meet and no test compares, by its text.
fn unpinned() -> BTreeMap<String, Text> {
    let corpus = Corpus::read(root());
    let texts = texts::all(root()).into_iter().filter(|text| !corpus.holds(&text.text));
    texts.map(|text| (text.text.replace('\n', "\\n"), text)).collect()
}

#[test]
fn every_message_is_pinned() {
    let (unpinned, exceptions) = (unpinned(), exceptions());
    let mut mistakes: Vec<String> = unpinned
        .iter()
        .filter(|(shown, _)| !exceptions.contains(shown.as_str()))
        .map(|(shown, text)| format!("{}:{}: no test shows: {shown}", text.file, text.line))
        .collect();
    mistakes.extend(exceptions.iter().filter(|text| !unpinned.contains_key(**text)).map(|text| {
        format!("a test shows this, or nothing says it any more; take it out of `nobody_meets.txt`: {text}")
    }));
    assert!(
        mistakes.is_empty(),
        "{}\n\nA line in a page below `host/cli/tests/messages/` pins a message, or a snapshot, or a literal in a test.",
        mistakes.join("\n")
    );
}

#[test]
fn each_exception_has_its_reason() {
    for group in NOBODY_MEETS.split("\n\n").filter(|group| !group.trim().is_empty()) {
        assert!(group.trim_start().starts_with("# "), "a group begins with `# ` and its reason:\n{group}");
    }
}
