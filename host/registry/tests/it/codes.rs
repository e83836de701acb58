//! Every code of a problem is pinned: some snapshot, or page of messages, shows the exact text of a refusal with it.

use perilune_registry::Code;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder whose names end so.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn texts(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder), ending, &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// Codes of this crate, and those that checks of other crates make, each with its place.
fn codes() -> BTreeMap<String, PathBuf> {
    let mut codes: BTreeMap<String, PathBuf> =
        Code::ALL.iter().map(|(code, _)| (code.as_str().to_owned(), PathBuf::from("code.rs"))).collect();
    for (path, text) in
        texts("host", ".rs").into_iter().filter(|(path, _)| path.iter().any(|part| part == "src"))
    {
        for rest in text.split("Code::new(\"").skip(1) {
            let code = rest.split('"').next().unwrap_or_default().to_owned();
            if let Some(other) = codes.insert(code.clone(), path.clone()) {
                panic!("{code} means two things: {} and {}", other.display(), path.display());
            }
        }
    }
    codes
}

#[test]
fn every_code_is_pinned_by_a_snapshot() {
    let places = [("host", ".snap"), ("tests", ".snap"), ("host/cli/tests/messages", ".md")];
    let snapshots: String =
        places.iter().flat_map(|(folder, ending)| texts(folder, ending)).map(|(_, text)| text).collect();
    let codes = codes();
    assert!(codes.len() > 35 && codes.contains_key("E401"), "{codes:?}");
    let missing: Vec<String> = codes
        .iter()
        .filter(|(code, _)| !snapshots.contains(&format!("error[{code}]")))
        .map(|(code, path)| format!("{code} of {}", path.display()))
        .collect();
    assert!(
        missing.is_empty(),
        "no snapshot shows a refusal with {}: add a case to a table of refusals",
        missing.join(", ")
    );
}

#[test]
fn codes_are_grouped_and_none_is_given_twice() {
    let mut seen: Vec<&str> = Code::ALL.iter().map(|(code, _)| code.as_str()).collect();
    assert!(
        seen.iter().all(|code| code.len() == 4 && ["E1", "E2", "E3", "E4"].contains(&&code[..2])),
        "{seen:?}"
    );
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}
