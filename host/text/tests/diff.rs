//! Differences and patches.

use perilune_text::diff::{Differ, MAX_TEXT, Options};
use perilune_value::Kind;
use proptest::prelude::*;

fn differ() -> Differ {
    Differ::new(&Options::default()).expect("the defaults are right")
}

fn compared(old: &str, new: &str) -> Vec<(&'static str, String)> {
    let pieces = differ().compare(old.as_bytes(), new.as_bytes()).expect("they are compared");
    pieces.into_iter().map(|piece| (piece.operation, piece.text)).collect()
}

#[test]
fn a_comparison_names_what_stays_goes_and_comes() {
    assert_eq!(
        compared("the old house", "the new house"),
        [("equal", "the "), ("delete", "old"), ("insert", "new"), ("equal", " house")]
            .map(|(operation, text)| (operation, text.to_owned()))
    );
    assert_eq!(compared("", ""), []);
    assert_eq!(compared("", "a"), [("insert", "a".to_owned())]);
}

#[test]
fn characters_are_not_taken_apart() {
    assert_eq!(
        compared("né", "nè"),
        [("equal", "n"), ("delete", "é"), ("insert", "è")]
            .map(|(operation, text)| (operation, text.to_owned()))
    );
}

#[test]
fn a_patch_finds_its_place_in_a_text_that_has_changed() {
    let old = "The quick brown fox jumps over the lazy dog.\nIt sleeps.\n";
    let patches = differ().make(old.as_bytes(), old.replace("lazy", "sleeping").as_bytes()).expect("patches");
    let changed = format!("A title\n{old}");
    let (text, all) = differ().apply(&patches, changed.as_bytes()).expect("they are applied");
    assert_eq!((text, all), (changed.replace("lazy", "sleeping"), true));
    let (text, all) =
        differ().apply(&patches, b"nothing alike at all, in any place").expect("they are tried");
    assert_eq!((text.as_str(), all), ("nothing alike at all, in any place", false));
}

#[test]
fn options_out_of_range_are_invalid_by_name() {
    for (options, name) in [
        (Options { diff_timeout: -1.0, ..Options::default() }, "diff_timeout"),
        (Options { diff_timeout: f64::NAN, ..Options::default() }, "diff_timeout"),
        (Options { diff_edit_cost: -1, ..Options::default() }, "diff_edit_cost"),
        (Options { match_threshold: 1.5, ..Options::default() }, "match_threshold"),
        (Options { match_distance: i64::MAX, ..Options::default() }, "match_distance"),
        (Options { patch_delete_threshold: f64::INFINITY, ..Options::default() }, "patch_delete_threshold"),
        (Options { patch_margin: 5, ..Options::default() }, "patch_margin"),
    ] {
        let failure = Differ::new(&options).expect_err(name);
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.contains(name), "{failure}");
    }
}

#[test]
fn what_is_no_patch_is_invalid_and_named() {
    for patch in [
        "",
        "hello",
        "@@ -1 +1 @@\n*a\n",
        "@@ -0 +0 @@\n a\n",
        "@@ -1,5 +1,5 @@\n a\n",
        "@@ -1 +1 @@\n %zz\n",
        "@@ -1 +1 @@\n %ff\n",
        "@@ -99999999999999999999 +1 @@\n a\n",
        "@@ -+1 +1 @@\n a\n",
        "@@ -1 +1 @@\n a\n@@ -1 +1 @@\n a\n",
        &format!("@@ -1 +1 @@\n{}", "\n ".repeat(50_000)),
    ] {
        let failure =
            differ().apply(&["@@ -1 +1 @@\n-a\n+b\n".to_owned(), patch.to_owned()], b"a").expect_err(patch);
        assert_eq!(failure.kind, Kind::Invalid, "{failure}");
        assert!(failure.message.starts_with("patches[2] is no patch"), "{failure}");
    }
}

#[test]
fn texts_that_are_too_long_are_refused_and_bytes_invalid() {
    let long = "ab".repeat(MAX_TEXT / 2);
    assert_eq!(
        differ().compare(long.as_bytes(), long.as_bytes()).expect_err("too long").kind,
        Kind::RateLimited
    );
    let longer = "a".repeat(MAX_TEXT + 1);
    assert_eq!(differ().compare(longer.as_bytes(), b"a").expect_err("too long").kind, Kind::RateLimited);
    assert_eq!(differ().compare(b"\xff", b"a").expect_err("no text").kind, Kind::Invalid);
    let patches = vec!["@@ -1 +1 @@\n-a\n+b\n".to_owned(); 1001];
    assert_eq!(differ().apply(&patches, b"a").expect_err("too many").kind, Kind::RateLimited);
    let failure = differ().apply(&patches[..1000], long.as_bytes()).expect_err("too much");
    assert_eq!(failure.kind, Kind::RateLimited);
    assert_eq!(failure.message, "the patches are too long for a text of this length; apply them in parts");
}

#[test]
fn the_worst_texts_end_in_time() {
    // Nothing in common; one nearly inside of the other; half of each in common.
    let (a, b) = ("ab".repeat(30_000), "cd".repeat(30_000));
    let nearly = format!("{}b", "a".repeat(30_000));
    let half = format!("{}{}", "a".repeat(30_000), "b".repeat(30_000));
    for (old, new) in [(&a, &b), (&"a".repeat(60_000), &nearly), (&half, &half.chars().rev().collect())] {
        assert!(differ().compare(old.as_bytes(), new.as_bytes()).is_ok());
    }
}

proptest! {
    #[test]
    fn patches_lead_from_one_text_to_the_other(old in "[abc é\n%]{0,60}", new in "[abc é\n%]{0,60}") {
        let patches = differ().make(old.as_bytes(), new.as_bytes()).expect("patches");
        let (text, all) = differ().apply(&patches, old.as_bytes()).expect("they are applied");
        prop_assert_eq!((text, all), (new, true));
    }

    #[test]
    fn pieces_are_both_texts(old in "\\PC{0,40}", new in "\\PC{0,40}") {
        let pieces = differ().compare(old.as_bytes(), new.as_bytes()).expect("pieces");
        let side = |without: &str| -> String {
            pieces.iter().filter(|piece| piece.operation != without).map(|piece| piece.text.as_str()).collect()
        };
        prop_assert_eq!((side("insert"), side("delete")), (old, new));
    }

    #[test]
    fn no_patch_panics(
        (a, b, c, d) in (0usize..40, 0usize..40, 0usize..40, 0usize..40),
        lines in "([ +-][a-c%]{0,6}\n){0,6}",
        text in "[a-c\n]{0,60}",
    ) {
        let _ = differ().apply(&[format!("@@ -{a},{b} +{c},{d} @@\n{lines}")], text.as_bytes());
    }

    #[test]
    fn true_headers_do_not_panic_either(
        (start, other) in (1usize..200, 1usize..200),
        lines in prop::collection::vec(("[ +-]", "[a-c]{1,80}"), 1..6),
        text in "[a-c]{0,100}",
    ) {
        let count = |sign: &str| -> usize {
            lines.iter().filter(|(mark, _)| mark == " " || mark == sign).map(|(_, text)| text.len()).sum()
        };
        let body: String = lines.iter().map(|(mark, text)| format!("{mark}{text}\n")).collect();
        let patch = format!("@@ -{start},{} +{other},{} @@\n{body}", count("-"), count("+"));
        let _ = differ().apply(&[patch], text.as_bytes());
    }
}
