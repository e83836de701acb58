//! Sources made to break the checker: it answers. One that took the square of its length would keep these tests for hours.

use crate::support::{function, lines, lint};
use proptest::prelude::*;

fn found(source: &str) -> Vec<String> {
    lines(&lint(&[function("", source)]))
}

/// Why a source is not checked.
fn refusal(source: &str) -> Option<String> {
    found(source).into_iter().find(|line| line.starts_with("L102"))
}

fn is_refused(source: &str) -> bool {
    refusal(source).is_some()
}

/// Each bound has its own words.
#[test]
fn a_refusal_names_the_bound() {
    let chains = format!("x = a{}\n", ":a()".repeat(300)).repeat(300);
    for (source, reason) in [
        ("(".repeat(300), "blocks and brackets nest deeper than 200 levels"),
        (
            format!("return 1{}", " + 1".repeat(2_000)),
            "an expression is too long to check: more than 1000 operators and calls",
        ),
        (chains, "the source has too many long expressions to check"),
        ("a=1 ".repeat(300_000), "the source has more than 1000000 tokens"),
    ] {
        let refusal = refusal(&source).expect("it is refused");
        assert!(refusal.ends_with(reason), "{refusal}");
    }
}

#[test]
fn what_nests_too_deep_is_not_checked() {
    let deep = 100_000;
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("f(", ")"),
        ("a[", "]"),
        ("function() return ", " end"),
        ("if x then ", " end "),
        ("do ", " end "),
        ("while x do ", " end "),
        ("repeat ", " until x "),
    ] {
        assert!(is_refused(&format!("return {}1{}", open.repeat(deep), close.repeat(deep))), "{open}");
        // Nor are those that are never closed.
        assert!(is_refused(&format!("x = {}", open.repeat(deep))), "{open}");
    }
    assert!(found(&format!("return {}", ")".repeat(deep))).iter().any(|line| line.starts_with("L101")));
}

#[test]
fn what_lua_reads_is_checked() {
    let depth = 150;
    for (open, close) in [("(", ")"), ("{", "}"), ("function() return ", " end"), ("-", ""), ("not ", "")] {
        let source = format!("return {}print{}", open.repeat(depth), close.repeat(depth));
        assert!(!is_refused(&source), "{open}");
    }
    assert!(!is_refused(&format!("return 1{}", " + 1".repeat(900))));
    assert!(!is_refused(&format!("return print{}", ".a".repeat(900))));
}

/// Trees as high as they are let: the stack is large enough for all rules.
#[test]
fn the_highest_trees_fit_on_the_stack() {
    for link in [" + 1", ".a", "[1]", "()", ":a()", " .. 'x'", " == nil"] {
        assert!(!is_refused(&format!("return print{}", link.repeat(300))), "{link}");
    }
    // High ones inside of high ones.
    let inner = (0..100).fold("print".to_owned(), |inner, _| format!("({inner} + 1 + 1 + 1)"));
    assert!(!is_refused(&format!("return {inner}")));
}

#[test]
fn long_chains_are_not_checked() {
    for link in [" + 1", " .. a", ".a", ":a()", "()", "[1]", "'x'", "{}", " and x"] {
        assert!(is_refused(&format!("return a{}", link.repeat(20_000))), "{link}");
    }
    for prefix in ["not ", "- ", "#", "~ "] {
        assert!(is_refused(&format!("return {}a", prefix.repeat(20_000))), "{prefix}");
    }
    // As many as are checked.
    let chain = format!("x = channel.new(){}\n", ":case_receive()".repeat(300));
    assert!(!is_refused(&chain.repeat(30)));
    // Many that are just short enough.
    let chain = format!("x = a{}\n", ":a()".repeat(300));
    assert!(is_refused(&chain.repeat(300)));
}

#[test]
fn large_sources_are_checked_or_refused() {
    let (many, few) = (200_000, 20_000);
    assert!(is_refused(&"a=1 ".repeat(2 * 1024 * 1024)));
    assert!(!is_refused(&format!("return [[{}]]", "x".repeat(10 << 20))));
    assert!(!is_refused(&"-- comment\n".repeat(many)));
    assert!(!is_refused(&format!("return {{{}}}", "1,".repeat(many))));
    assert!(!is_refused(&format!("return {{{}}}", "a = 1,".repeat(few))));
    assert!(!is_refused(&"local a = 1\n".repeat(few)));
    assert!(!is_refused(&"do ::a:: goto a end\n".repeat(few)));
    assert!(!is_refused(&"-- lint: allow L114\n".repeat(few)));
    assert!(!is_refused(&"undefined()\n".repeat(few)));
    assert!(!is_refused(&format!("if a then {} end", "elseif b then c() ".repeat(few))));
}

#[test]
fn bytes_that_are_no_text_are_nobodys_panic() {
    for source in
        ["", "\0", "\u{feff}return 1", "#!/usr/bin/lua\nreturn 1", "return '\0'", "\u{1b}Lua", "\r\n\r"]
    {
        found(source);
    }
}

/// Pieces of Lua, whole and broken.
const PIECES: [&str; 48] = [
    "local ",
    "function ",
    "end ",
    "if ",
    "then ",
    "else ",
    "elseif ",
    "return ",
    "for ",
    "in ",
    "do ",
    "while ",
    "repeat ",
    "until ",
    "goto ",
    "::",
    "break ",
    "x",
    "y ",
    "_ENV",
    "_G",
    "require",
    "('json')",
    "=",
    "==",
    "~=",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ".",
    ":",
    ",",
    ";",
    "...",
    "..",
    "'",
    "\"",
    "[[",
    "]]",
    "--",
    "-- lint: allow L1",
    "0/0",
    "nil ",
    "<const>",
    "\n",
];

proptest! {
    #[test]
    fn no_text_panics(source in ".{0,200}") {
        found(&source);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let entry = function("", "").with_field("source", perilune_value::Value::String(bytes));
        lint(&[entry]);
    }

    #[test]
    fn no_pieces_panic(pieces in proptest::collection::vec(0..PIECES.len(), 0..80)) {
        found(&pieces.into_iter().map(|piece| PIECES[piece]).collect::<String>());
    }

    #[test]
    fn no_mutation_panics(at in 0usize..4000, bytes in 1usize..20, piece in 0..PIECES.len()) {
        let mut source = include_str!("../../../../examples/shop/orders.lua").to_owned();
        let start = source.floor_char_boundary(at.min(source.len()));
        let end = source.floor_char_boundary((start + bytes).min(source.len())).max(start);
        source.replace_range(start..end, PIECES[piece]);
        found(&source);
    }
}
