//! The total of many test summaries.

use xtask::tally::Tally;

fn tally(lines: &str) -> String {
    let mut tally = Tally::default();
    lines.lines().for_each(|line| tally.read(line));
    tally.to_string()
}

#[test]
fn summaries_add_up_and_other_lines_do_not_count() {
    let output = "\
running 3 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s
test result: ok. forged by a test
test result: FAILED. 40 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.00s
9 passed; 9 failed";
    assert_eq!(tally(output), "42 passed, 2 failed, 1 skipped");
}

#[test]
fn skipped_tests_are_named_only_when_there_are_any() {
    assert_eq!(tally("test result: ok. 1 passed; 0 failed; 0 ignored"), "1 passed, 0 failed");
}
