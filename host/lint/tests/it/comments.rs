//! Comments that silence findings.

use crate::support::found;

#[test]
fn a_comment_behind_code_is_about_its_line() {
    let source = "local a -- lint: allow L114\nlocal b\nreturn function() end";
    assert_eq!(found("", source), ["L114:2 local `b` is never read"]);
}

#[test]
fn a_comment_alone_is_about_the_next_line_with_code() {
    let source =
        "-- lint: allow L114, L117 because of this\n\n-- more\nlocal a\nlocal b\nreturn function() end";
    assert_eq!(found("", source), ["L114:5 local `b` is never read"]);
}

#[test]
fn a_file_is_silenced_with_what_is_said_of_its_entry() {
    let source = "-- lint: allow-file L114 L123\nlocal a\nlocal b\nreturn function() end";
    assert_eq!(found("json", source), [""; 0]);
}

#[test]
fn other_codes_stay() {
    assert_eq!(
        found("", "local a -- lint: allow L117\nreturn function() end"),
        ["L114:1 local `a` is never read"]
    );
}

#[test]
fn a_comment_that_is_misspelt_is_a_finding() {
    for (comment, expected) in [
        ("-- lint: allow L999", "L103:1 there is no rule `L999`"),
        ("-- lint: allow E401", "L103:1 there is no rule `E401`"),
        ("-- lint: allow", "L103:1 no code is named"),
        ("-- lint: allow everything", "L103:1 no code is named"),
        ("-- lint: ignore L114", "L103:1 `ignore` is neither `allow` nor `allow-file`"),
        ("--- lint:", "L103:1 `` is neither `allow` nor `allow-file`"),
    ] {
        assert_eq!(found("", &format!("{comment}\nreturn function() end")), [expected]);
    }
    assert_eq!(found("", "-- we lint: it is good\nreturn function() end"), [""; 0]);
}
