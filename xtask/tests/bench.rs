//! What `cargo xtask bench` hands to cargo.

use xtask::bench::{Options, arguments};

#[test]
fn the_whole_workspace_is_built_in_the_profile_of_the_tests() {
    let cases = [
        (Options::default(), "--out a --out b"),
        (Options { quick: true, ..Options::default() }, "--quick --out a --out b"),
        (Options { list: true, ..Options::default() }, "--list --out a --out b"),
        (
            Options { filters: vec!["lua".to_owned(), "call".to_owned()], ..Options::default() },
            "--out a --out b lua call",
        ),
    ];
    for (options, expected) in cases {
        let given = arguments(&options, &["a", "b"]).join(" ");
        assert_eq!(
            given,
            format!("bench --profile dev --workspace --bench perilune -- {expected}"),
            "{options:?}"
        );
    }
}
