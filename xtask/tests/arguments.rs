//! What `cargo xtask test ARGS` hands to cargo.

use xtask::checks::{Needs, test_arguments};

#[test]
fn the_whole_workspace_is_tested_unless_arguments_choose_packages() {
    let cases = [
        ("", "test --no-fail-fast --workspace"),
        ("mailbox", "test --no-fail-fast --workspace mailbox"),
        ("--test module_json", "test --no-fail-fast --workspace --test module_json"),
        ("-p perilune-value", "test --no-fail-fast -p perilune-value"),
        ("--package=perilune-value", "test --no-fail-fast --package=perilune-value"),
        ("--workspace --doc", "test --no-fail-fast --workspace --doc"),
        ("name -- -p", "test --no-fail-fast --workspace name -- -p"),
    ];
    for (given, expected) in cases {
        let args: Vec<String> = given.split_whitespace().map(str::to_owned).collect();
        assert_eq!(test_arguments(&args).join(" "), expected, "{given:?}");
    }
}

#[test]
fn all_that_tests_need_is_set_up_unless_arguments_choose_some() {
    let cases = [
        ("", (true, true, true)),
        ("mailbox", (false, false, false)),
        ("sqlite", (true, false, false)),
        ("-p perilune-temporal", (true, false, false)),
        ("--test language_server", (false, true, false)),
        ("component_languages", (false, false, true)),
    ];
    for (given, (servers, lua_checker, languages)) in cases {
        let args: Vec<String> = given.split_whitespace().map(str::to_owned).collect();
        assert_eq!(Needs::of(&args), Needs { servers, lua_checker, languages }, "{given:?}");
    }
}
