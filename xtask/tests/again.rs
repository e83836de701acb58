//! Which failures of a run of everything are run once more, and what is told of them.

use xtask::again::{MOST, arguments, verdict};
use xtask::tally::Tally;

const ONE: &str = "\
running 3 tests
test a_seed_repeats_numbers ... ok
test b::c ... FAILED
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";

fn tally(lines: &str) -> Tally {
    let mut tally = Tally::default();
    lines.lines().for_each(|line| tally.read(line));
    tally
}

fn failing(count: usize) -> String {
    let tests: String = (0..count).map(|number| format!("test t{number} ... FAILED\n")).collect();
    format!(
        "running {count} tests\n{tests}test result: FAILED. 0 passed; {count} failed; 0 ignored; 0 measured"
    )
}

#[test]
fn few_failures_are_run_once_more_by_their_whole_names() {
    let again = arguments(&tally(ONE)).expect("one failure is few");
    assert_eq!(again.join(" "), "test --no-fail-fast --workspace --tests -- --exact b::c");
    assert!(arguments(&tally(&failing(MOST))).is_some());
}

#[test]
fn what_is_no_chance_is_not_run_once_more() {
    let cases = [
        ("nothing failed", "running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored".to_owned()),
        ("many failed", failing(MOST + 1)),
        ("a program died", format!("{ONE}\nrunning 1 test\n")),
        (
            "one was not named",
            format!("{ONE}\nrunning 1 test\ntest result: FAILED. 0 passed; 1 failed; 0 ignored"),
        ),
        ("an example in documentation", ONE.replace("b::c", "src/lib.rs - two (line 12)")),
        ("a property does not hold", format!("{ONE}\nminimal failing input: text = \"\"")),
        ("a model differs", format!("step 12 differs; PERILUNE_SEED=17\n{ONE}")),
    ];
    for (what, output) in cases {
        assert_eq!(arguments(&tally(&output)), None, "{what}");
    }
}

#[test]
fn what_passes_the_second_time_is_told_with_the_total() {
    let first = tally(ONE);
    let second = tally("running 1 test\ntest b::c ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored");
    let told = verdict(&first, &second).expect("it passed").to_string();
    assert_eq!(
        told,
        "3 passed, 0 failed\nUNSTEADY: `b::c` failed, and passed when run once more: find out why, it stands above\n"
    );
}

#[test]
fn what_fails_twice_or_does_not_run_has_failed() {
    let first = tally(ONE);
    let cases = [
        ("it fails again", ONE),
        ("nothing ran", "running 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored"),
        ("it died", "running 1 test\n"),
    ];
    for (what, output) in cases {
        assert!(verdict(&first, &tally(output)).is_none(), "{what}");
    }
}
