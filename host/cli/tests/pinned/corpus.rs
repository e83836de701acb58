//! What tests compare with what is really said.

use crate::texts;
use std::fs;
use std::path::Path;

/// How much may be filled into a hole.
const LONGEST: usize = 600;

/// All of it, one text after the other.
pub(crate) struct Corpus(String);

impl Corpus {
    pub(crate) fn read(root: &Path) -> Self {
        let mut corpus = String::new();
        for folder in ["host", "tests", "docs", "examples", "guest-lua", "xtask"] {
            for path in texts::files(&root.join(folder)) {
                let file = path.strip_prefix(root).expect("it lies there").to_string_lossy().into_owned();
                let read = || fs::read_to_string(&path).expect("it is a text");
                if file.ends_with(".snap") || file.contains("/tests/messages/") || is_readme(&file) {
                    corpus.push_str(&read());
                } else if file.ends_with(".md") && !file.starts_with("docs/decisions/") {
                    corpus.push_str(&compared(&read(), file.starts_with("docs/kinds/")));
                } else if file.ends_with(".rs") {
                    corpus.push_str(&literals(&file, &read()));
                }
                corpus.push('\n');
            }
        }
        Corpus(plain(&corpus))
    }

    /// Whether a text is in it, with anything on the same line in place of its holes.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = plain(text);
        let parts: Vec<&str> = text.split("{}").filter(|part| !part.is_empty()).collect();
        let Some(longest) = (0..parts.len()).max_by_key(|&part| parts[part].len()) else { return true };
        self.0.match_indices(parts[longest]).any(|(at, found)| {
            let (before, after) = (&self.0[..at], &self.0[at + found.len()..]);
            precede(before, &parts[..longest]) && follow(after, &parts[longest + 1..])
        })
    }
}

/// Without the backslashes before quotes, which pages and snapshots have where messages have none.
fn plain(text: &str) -> String {
    text.replace("\\\"", "\"")
}

/// Whether the parts stand at the end of a text, in their order.
fn precede(mut text: &str, parts: &[&str]) -> bool {
    parts.iter().rev().all(|part| {
        let hole = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
        match text.rfind(part) {
            Some(at) if text.len() - at - part.len() <= hole.min(LONGEST) => {
                text = &text[..at];
                true
            }
            _ => false,
        }
    })
}

/// Whether the parts stand at the beginning of a text, in their order.
fn follow(mut text: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| {
        let hole = text.find('\n').unwrap_or(text.len());
        match text.find(part) {
            Some(at) if at <= hole.min(LONGEST) => {
                text = &text[at + part.len()..];
                true
            }
            _ => false,
        }
    })
}

/// Examples' pages are transcripts that are run.
fn is_readme(file: &str) -> bool {
    file.starts_with("examples/") && file.ends_with("README.md")
}

/// What is compared of a page: the blocks that are run, and tables that are made from definitions.
fn compared(page: &str, has_made_tables: bool) -> String {
    let mut kept = String::new();
    let mut is_run = false;
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_run = ["console", "lua"].contains(&language);
        } else if is_run || has_made_tables && line.starts_with('|') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The literals of a test, and of the tests at the end of a source.
fn literals(file: &str, source: &str) -> String {
    let is_test = file.contains("/tests/") && !file.contains("/tests/pinned/");
    let tests = if is_test { Some(0) } else { source.find("#[cfg(test)]\nmod ") };
    let mut kept = String::new();
    for literal in tests.into_iter().flat_map(|at| texts::of_test(&source[at..])) {
        kept.push_str(&literal);
        kept.push('\n');
    }
    kept
}
