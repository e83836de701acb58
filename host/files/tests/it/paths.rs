//! Paths as entries write them.

use perilune_files::VirtualPath;
use perilune_value::Kind;
use proptest::prelude::*;

#[test]
fn paths_are_read_from_the_directory_or_from_a_current_one() {
    for (current, text, expected) in [
        ("/", "a", "/a"),
        ("/", "/a/b", "/a/b"),
        ("/", "/", "/"),
        ("/", ".", "/"),
        ("/", "a//b/./c/", "/a/b/c"),
        ("/", "a/../b", "/b"),
        ("/x/y", "a", "/x/y/a"),
        ("/x/y", "/a", "/a"),
        ("/x/y", "..", "/x"),
        ("/x/y", "../../z", "/z"),
        ("/", "...", "/..."),
        ("/", " ", "/ "),
        ("/", "a\\..\\b", "/a\\..\\b"),
        ("/", "~/%2e%2e", "/~/%2e%2e"),
    ] {
        let path = VirtualPath::parse_from(current, text).expect(text);
        assert_eq!(path.to_string(), expected, "{text} from {current}");
    }
}

#[test]
fn what_is_no_path_is_refused() {
    let long = "a/".repeat(2048) + "b";
    let name = "n".repeat(256);
    for (text, part) in [
        ("", "is empty"),
        ("..", "leads out"),
        ("/..", "leads out"),
        ("a/../..", "leads out"),
        ("a/b/../../../a", "leads out"),
        ("a\0b", "NUL"),
        ("\0", "NUL"),
        (&long, "longer than 4096"),
        (&name, "longer than 255"),
    ] {
        let failure = VirtualPath::parse(text).expect_err(text);
        assert_eq!(failure.kind, Kind::Invalid, "{text}");
        assert!(failure.message.contains(part), "{}", failure.message);
        assert!(!failure.message.contains('\0') && failure.message.len() < 400, "{}", failure.message);
    }
}

proptest! {
    #[test]
    fn a_path_never_leads_out(current in "[a./\0]{0,20}", text in "[ab./\\\\\0~é]{0,40}") {
        let Ok(path) = VirtualPath::parse_from(&current, &text) else { return Ok(()) };
        let shown = path.to_string();
        prop_assert!(shown.starts_with('/') && !shown.contains('\0'));
        prop_assert!(path.is_root() || shown[1..].split('/').all(|part| !matches!(part, "" | "." | "..")));
        prop_assert!(path.as_path().is_relative());
        prop_assert_eq!(VirtualPath::parse(&shown).expect("its own form"), path);
    }
}
