//! What is said, as it stands in the sources: each literal that is prose, unless it is plainly no message.

use crate::literals::{Language, Literal, all_literals, literals};
use std::fs;
use std::path::{Path, PathBuf};

/// Calls, macros and structures whose texts are no messages.
const NO_MESSAGES: [&str; 17] = [
    // Descriptions: pages of `docs/` that are made from them are compared as a whole.
    "Field",
    "KindSpec",
    "MiddlewareKind",
    "Module",
    "OptionSpec",
    "rules!",
    "settings!",
    // For whoever debugs the host.
    "assert!",
    "debug!",
    "debug_assert!",
    "expect",
    "panic!",
    "trace!",
    "trace_span!",
    "unreachable!",
    // Code in other languages.
    "bindgen!",
    "prepare_cached",
];

/// How SQL begins.
const SQL: [&str; 13] = [
    "AND", "BEGIN", "CAST", "CREATE", "DELETE", "INSERT", "ON", "ORDER", "PRAGMA", "SELECT", "SET", "UPDATE",
    "WHERE",
];

/// Sources without messages: they make documentation, or hold code in Lua.
const NO_SOURCES: [&str; 4] = [
    "host/api/src/",
    "host/lint/src/rule.rs",
    "host/perilune/src/session/session.lua",
    "host/settings/src/page.rs",
];

/// A literal.
pub(crate) struct Text {
    pub(crate) file: String,
    pub(crate) line: usize,
    /// With `{}` where something is filled in.
    pub(crate) text: String,
}

/// All of them.
pub(crate) fn all(root: &Path) -> Vec<Text> {
    let mut texts = Vec::new();
    for path in sources(root) {
        let file = path.strip_prefix(root).expect("it lies there").to_string_lossy().into_owned();
        let is_source = !file.contains("/tests/") && !NO_SOURCES.iter().any(|name| file.starts_with(name));
        let Some(language) = Language::of(&path).filter(|_| is_source) else { continue };
        let source = fs::read_to_string(&path).expect("sources are texts");
        let spoken = literals(&source, language).into_iter().filter(|literal| !is_no_message(literal));
        let spoken = spoken.map(|literal| (literal.line, language.with_holes(literal.text.trim())));
        let prose = spoken.filter(|(_, text)| is_prose(text));
        texts.extend(prose.map(|(line, text)| Text { file: file.clone(), line, text }));
    }
    texts
}

/// The files that messages may stand in.
fn sources(root: &Path) -> Vec<PathBuf> {
    let crates = fs::read_dir(root.join("host")).expect("the folder is there");
    let crates = crates.map(|entry| entry.expect("it can be listed").path().join("src"));
    let guest = ["guest-lua/lua", "guest-lua/c"].map(|folder| root.join(folder));
    crates.filter(|folder| folder.is_dir()).chain(guest).flat_map(|folder| files(&folder)).collect()
}

/// The literals of a test in Rust: what it compares, among other things.
pub(crate) fn of_test(source: &str) -> impl Iterator<Item = String> {
    all_literals(source, Language::Rust).into_iter().map(|literal| literal.text)
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Whether it has two words at least. What is written in capitals is SQL.
fn is_prose(text: &str) -> bool {
    let fixed = text.replace("{}", "\0");
    let words = fixed.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| word.len() > 1 && word.contains(char::is_lowercase));
    let is_sql = SQL.contains(&fixed.split_whitespace().next().unwrap_or_default());
    fixed.trim().contains(' ') && words.count() > 1 && !is_sql && !fixed.starts_with("invariant: ")
}

/// Whether a literal says nothing to users.
fn is_no_message(literal: &Literal) -> bool {
    let is_attribute = literal.within.iter().any(|name| name.starts_with('#'));
    if is_attribute && !literal.within.iter().any(|name| name == "error") {
        return true;
    }
    let passes_on = ["", "Some", "concat!", "vec!"];
    let nearest = literal.within.iter().rev().find(|name| !passes_on.contains(&name.as_str()));
    nearest.is_some_and(|name| name.split("::").any(|name| NO_MESSAGES.contains(&name)))
}
