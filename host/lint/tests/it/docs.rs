//! The table of rules, and the page made from it.

use perilune_lint::{RULES, Rule, markdown};
use std::{env, fs, path::Path};

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, markdown()).expect("it is written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == markdown(),
        "docs/lint.md is not what the table says: UPDATE_DOCS=1 cargo test -p perilune-lint"
    );
}

#[test]
fn codes_ascend_and_texts_are_sentences() {
    for pair in RULES.windows(2) {
        assert!(pair[0].code < pair[1].code, "{} {}", pair[0].code, pair[1].code);
    }
    for rule in RULES {
        assert!(rule.code.len() == 4 && rule.code.starts_with('L'), "{}", rule.code);
        assert!(rule.doc.ends_with('.') && rule.help.ends_with('.'), "{}", rule.code);
        assert!(rule.explain().contains(rule.doc), "{}", rule.code);
    }
}

#[test]
fn a_rule_is_found_in_capitals_or_not() {
    assert_eq!(Rule::of("l101").map(|rule| rule.name), Some("syntax error"));
    assert!(Rule::of("L999").is_none() && Rule::of("").is_none());
}
