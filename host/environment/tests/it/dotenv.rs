//! Files of variables.

use perilune_environment::dotenv::{Document, Error};
use proptest::prelude::*;

fn read(text: &str) -> Vec<(String, String)> {
    let document = Document::parse(text.to_owned()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    document.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn values_are_bare_or_quoted() {
    for (text, expected) in [
        ("A=b", "b"),
        ("A =  b  ", "b"),
        ("export A=b", "b"),
        ("\tA=b\r", "b"),
        ("A=", ""),
        ("A= # nothing", ""),
        ("A=b c # comment", "b c"),
        ("A=#fff", "#fff"),
        ("A=b#c", "b#c"),
        ("A='b # c'", "b # c"),
        ("A='$HOME \\n' # comment", "$HOME \\n"),
        ("A=\"b\\n\\t\\\"\\\\\\$\\x\"", "b\n\t\"\\$\\x"),
        ("A=\"two\nlines\"", "two\nlines"),
        ("A='two\nlines'", "two\nlines"),
        ("A=$HOME", "$HOME"),
        ("A=${HOME}", "${HOME}"),
        ("A=\"${PATH}\"", "${PATH}"),
        ("A=b'c'", "b'c'"),
        ("A=é", "é"),
    ] {
        assert_eq!(read(text), [("A".to_owned(), expected.to_owned())], "{text:?}");
    }
}

#[test]
fn comments_and_empty_lines_mean_nothing_and_the_last_of_a_name_counts() {
    let document = Document::parse("# a\n\nA=1\n  # b=2\nA=3\nexport=4".to_owned()).expect("a file");
    assert_eq!((document.get("A"), document.get("export"), document.get("b")), (Some("3"), Some("4"), None));
    assert_eq!(read("\n\n# only\n"), []);
}

#[test]
fn the_first_wrong_line_is_named() {
    for (text, expected) in [
        ("A=1\nnothing", Error::NoAssignment(2)),
        ("=1", Error::NoAssignment(1)),
        ("1A=1", Error::NoAssignment(1)),
        ("A B=1", Error::NoAssignment(1)),
        ("A='1", Error::OpenQuote(1)),
        ("\nA=\"1\\\"", Error::OpenQuote(2)),
        ("A='1\n2'\nB='3' 4", Error::AfterQuote(3)),
        ("A='1'#2", Error::AfterQuote(1)),
    ] {
        assert_eq!(Document::parse(text.to_owned()).err(), Some(expected), "{text:?}");
    }
}

#[test]
fn a_value_is_written_in_its_place() {
    for (text, value, expected) in [
        ("", "1", "A=1\n"),
        ("B=2", "1", "B=2\nA=1\n"),
        ("# all\nA=1 # one\nB=2\n", "x y", "# all\nA='x y' # one\nB=2\n"),
        ("A='x'\n", "", "A=\n"),
        ("A= # empty\n", "b", "A=b # empty\n"),
        ("A=1\nA=2\n", "3", "A=1\nA=3\n"),
        ("A=1", "it's\n$1", "A=\"it's\\n\\$1\""),
        ("A=\"x\" # c", "#", "A='#' # c"),
    ] {
        let document = Document::parse(text.to_owned()).expect("a file");
        assert_eq!(document.with("A", value).as_deref(), Ok(expected), "{text:?}");
    }
    let document = Document::default();
    for name in ["", "1A", "A B", "A=B", "A\n", "é"] {
        assert_eq!(document.with(name, "1"), Err(Error::Name(name.to_owned())));
    }
    assert_eq!(document.with("A", "\0"), Err(Error::Nul));
}

proptest! {
    #[test]
    fn what_is_set_is_read_again_and_nothing_else_changes(
        text in "([AB]( ?= ?)(x|'y z'|\"\\\\n\"|)( #c)?\n|#.{0,5}\n|\n){0,5}([AB]=x)?",
        name in "[AB]|NEW",
        value in "[ab #'\"$\\\\\n\r\t={}é]{0,8}|\\PC{0,8}",
    ) {
        let Ok(before) = Document::parse(text) else { return Ok(()) };
        let after = Document::parse(before.with(&name, &value).expect("a name")).expect("what was written is read");
        prop_assert_eq!(after.get(&name), Some(value.as_str()));
        for other in ["A", "B"].into_iter().filter(|other| *other != name) {
            prop_assert_eq!(after.get(other), before.get(other));
        }
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[A='\"\\\\#\n\r é]{0,30}|\\PC{0,30}") {
        if let Ok(document) = Document::parse(text) {
            let written = document.with("Z", "z").expect("a name");
            let again = Document::parse(written).expect("what was written is read");
            prop_assert_eq!(again.get("Z"), Some("z"));
        }
    }
}
