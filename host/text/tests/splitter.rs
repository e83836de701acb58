//! Cutting text into chunks.

use perilune_text::splitter::{MAX_TEXT, Splitter};
use perilune_value::{Kind, Value, json};
use proptest::prelude::*;

fn options(text: &str) -> Value {
    json::decode(text.as_bytes()).expect("the options are JSON")
}

fn recursive(settings: &str, text: &str) -> Vec<String> {
    Splitter::recursive(options(settings))
        .expect("the options are right")
        .split(text.as_bytes())
        .expect("it is cut")
}

fn markdown(settings: &str, text: &str) -> Vec<String> {
    Splitter::markdown(options(settings))
        .expect("the options are right")
        .split(text.as_bytes())
        .expect("it is cut")
}

#[test]
fn text_is_cut_at_the_largest_separator_that_will_do() {
    let text = "one two\nthree\n\nfour five six\n\nseven";
    for (settings, expected) in [
        (r#"{"chunk_size": 100, "chunk_overlap": 0}"#, vec![text]),
        (r#"{"chunk_size": 14, "chunk_overlap": 0}"#, vec!["one two\nthree", "four five six", "seven"]),
        (r#"{"chunk_size": 8, "chunk_overlap": 0}"#, vec!["one two", "three", "four", "five six", "seven"]),
        (
            r#"{"chunk_size": 3, "chunk_overlap": 0}"#,
            vec!["one", "two", "thr", "ee", "fou", "r", "fiv", "e", "six", "sev", "en"],
        ),
    ] {
        assert_eq!(recursive(settings, text), expected, "{settings}");
    }
}

#[test]
fn the_overlap_repeats_whole_pieces() {
    assert_eq!(
        recursive(r#"{"chunk_size": 7, "chunk_overlap": 3}"#, "aa bb cc dd"),
        ["aa bb", "bb cc", "cc dd"].map(|c| c)
    );
    assert_eq!(
        recursive(r#"{"chunk_size": 4, "chunk_overlap": 2, "separators": []}"#, "abcdefgh"),
        ["abcd", "cdef", "efgh"]
    );
}

#[test]
fn separators_are_dropped_or_kept() {
    let cut = |keep: bool| {
        let settings = format!(
            r#"{{"chunk_size": 4, "chunk_overlap": 0, "separators": ["; "], "keep_separator": {keep}}}"#
        );
        recursive(&settings, "a; b; c")
    };
    assert_eq!(cut(false), ["a; b", "c"]);
    assert_eq!(cut(true), ["a; b", "; c"]);
}

#[test]
fn options_are_checked() {
    for (settings, says) in [
        (r#"{"chunk_size": 0}"#, "chunk_size"),
        (r#"{"chunk_size": -5}"#, "chunk_size"),
        (r#"{"chunk_size": 10, "chunk_overlap": 10}"#, "chunk_overlap"),
        (r#"{"chunk_overlap": -1}"#, "chunk_overlap"),
        (r#"{"chunk_size": "big"}"#, "big"),
        (r#"{"colour": 1}"#, "colour"),
        (r#"{"separators": [1]}"#, "separators"),
    ] {
        for made in [Splitter::recursive(options(settings)), Splitter::markdown(options(settings))] {
            let failure = made.expect_err(settings);
            assert_eq!(failure.kind, Kind::Invalid);
            assert!(failure.message.contains(says) || says == "separators", "{failure}");
        }
    }
    assert!(Splitter::recursive(Value::Nil).is_ok() && Splitter::markdown(Value::Array(Vec::new())).is_ok());
    assert!(Splitter::recursive(options(r#"{"code_blocks": true}"#)).is_err());
    assert!(Splitter::markdown(options(r#"{"keep_separator": true}"#)).is_err());
}

const DOCUMENT: &str = "\
# Guide

Welcome to [the moon][m].

## Install

Run this:

```sh
get moon
```

| name | size |
|------|------|
| a    | 1    |
| b    | 2    |

[m]: https://moon.example \"Moon\"
";

#[test]
fn markdown_is_cut_below_its_headings() {
    assert_eq!(
        markdown("{}", DOCUMENT),
        [
            "# Guide\nWelcome to [the moon][m].",
            "## Install\nRun this:",
            "## Install\n| name | size |\n|------|------|\n| a    | 1    |",
            "## Install\n| name | size |\n|------|------|\n| b    | 2    |",
        ]
    );
}

#[test]
fn markdown_options_do_what_they_say() {
    let settings = r#"{"code_blocks": true, "reference_links": true, "heading_hierarchy": true, "join_table_rows": true}"#;
    assert_eq!(
        markdown(settings, DOCUMENT),
        [
            "# Guide\nWelcome to [the moon](https://moon.example \"Moon\").",
            "# Guide\n## Install\nRun this:\n\n```sh\nget moon\n```\n\n| name | size |\n|------|------|\n| a    | 1    |\n| b    | 2    |",
        ]
    );
}

#[test]
fn headings_without_text_are_not_lost() {
    assert_eq!(markdown("{}", "# A\n## B\n### C\ntext\n# D"), ["# A", "## B", "### C\ntext", "# D"]);
    let hierarchy = r#"{"heading_hierarchy": true}"#;
    assert_eq!(markdown(hierarchy, "# A\n## B\ntext\n# D"), ["# A\n## B\ntext", "# D"]);
}

#[test]
fn hostile_text_is_cut_in_time_or_refused() {
    for text in [
        "a".repeat(MAX_TEXT),
        " ".repeat(MAX_TEXT),
        "\n\n".repeat(MAX_TEXT / 2),
        "> ".repeat(MAX_TEXT / 2),
        "- ".repeat(MAX_TEXT / 2),
        "[".repeat(MAX_TEXT),
        "[a](".repeat(MAX_TEXT / 4),
        "*a_".repeat(MAX_TEXT / 3),
        "`".repeat(MAX_TEXT),
        "#\n".repeat(MAX_TEXT / 2),
        "|a|\n|-|\n".to_owned() + &"|b|\n".repeat(MAX_TEXT / 8),
        "<".repeat(MAX_TEXT),
        "[a]: b\n".repeat(MAX_TEXT / 7),
        "[a]\n\n".repeat(MAX_TEXT / 5),
        "\t".repeat(MAX_TEXT),
    ] {
        let _ = Splitter::recursive(options(r#"{"chunk_size": 1000000000}"#))
            .expect("right")
            .split(text.as_bytes());
        for settings in
            ["{}", r#"{"chunk_size": 1000000000, "join_table_rows": true, "reference_links": true}"#]
        {
            let _ = Splitter::markdown(options(settings)).expect("right").split(text.as_bytes());
        }
    }
    let greedy =
        Splitter::recursive(options(r#"{"chunk_size": 4000, "chunk_overlap": 3999}"#)).expect("right");
    assert_eq!(
        greedy.split("a".repeat(MAX_TEXT).as_bytes()).expect_err("it grows too much").kind,
        Kind::RateLimited
    );
    let plain = Splitter::recursive(Value::Nil).expect("right");
    assert_eq!(plain.split(&vec![b'a'; MAX_TEXT + 1]).expect_err("too long").kind, Kind::RateLimited);
    assert_eq!(plain.split(b"\xff").expect_err("no text").kind, Kind::Invalid);
}

proptest! {
    #[test]
    fn no_chunk_is_too_long_and_nothing_is_lost(
        text in "[abé \n]{0,200}", size in 1i64..20, overlap in 0i64..10, keep in any::<bool>(),
    ) {
        let overlap = overlap.min(size - 1);
        let settings = format!(r#"{{"chunk_size": {size}, "chunk_overlap": {overlap}, "keep_separator": {keep}}}"#);
        let chunks = recursive(&settings, &text);
        for chunk in &chunks {
            prop_assert!(chunk.chars().count() as i64 <= size, "{chunk:?}");
            prop_assert!(text.contains(chunk.as_str()), "{chunk:?}");
        }
        if overlap == 0 {
            let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(words(&chunks.concat()), words(&text));
        }
    }

    #[test]
    fn markdown_chunks_are_never_too_long(text in "([#>|a*-] ?[ab\\[\\]`]{0,5}\n{1,2}){0,30}", size in 4i64..40) {
        let settings = format!(r#"{{"chunk_size": {size}, "code_blocks": true, "join_table_rows": true, "heading_hierarchy": true}}"#);
        for chunk in markdown(&settings, &text) {
            prop_assert!(chunk.chars().count() as i64 <= size, "{chunk:?}");
        }
    }
}
