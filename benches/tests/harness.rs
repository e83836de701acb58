//! What the figures and files promise, on made-up samples.

use perilune_benches::key::markdown;
use perilune_benches::select::Selection;
use perilune_benches::series::{geometric_mean, quantile};
use perilune_benches::{Effort, GROUPS, Group, Key, Ratio, Run, Series, Side, Unit, report};
use std::cell::RefCell;
use std::collections::HashSet;

const KEYS: &[Key] = &[
    Key::new("made.up_us", Unit::Micros, "made up"),
    Key::new("made.up_over_floor", Unit::Ratio, "made up").at_most(2.0),
];

fn run(parts: &[&str]) -> Run {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    Run::new(Effort::Least, Selection::new(parts, &[group(|_| Ok(()))]).expect("parts of made-up keys"))
}

fn group(measure: fn(&mut Run) -> anyhow::Result<()>) -> Group {
    Group { keys: KEYS, measure }
}

fn series(bursts: &[&[f64]]) -> Series {
    Series { name: "made/up".to_owned(), bursts: bursts.iter().map(|burst| burst.to_vec()).collect() }
}

#[test]
fn a_quantile_is_the_value_at_the_nearest_rank() {
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    for (values, part, expected) in
        [(&[3.0, 1.0, 2.0][..], 0.5, 2.0), (&hundred, 0.99, 99.0), (&hundred, 0.5, 50.0), (&[7.0], 0.99, 7.0)]
    {
        assert_eq!(quantile(values, part), expected, "{part} of {values:?}");
    }
}

#[test]
fn a_ratio_is_that_of_all_samples_and_its_spread_that_of_the_rounds() {
    let (ours, theirs) = (series(&[&[2.0], &[4.0], &[9.0]]), series(&[&[1.0], &[2.0], &[3.0]]));
    // The rounds' own ratios are 2, 2 and 3.
    assert_eq!(ours.over(&theirs, 0.5), Ratio { value: 2.0, spread: 0.25 });
}

#[test]
fn the_mean_of_ratios_is_geometric() {
    assert!((geometric_mean(&[0.5, 2.0, 8.0]) - 2.0).abs() < 1e-12);
}

#[test]
fn sides_take_turns_and_the_first_round_is_not_counted() {
    let turns = RefCell::new(String::new());
    let side = |name| {
        Side::new(name, || {
            turns.borrow_mut().push_str(name);
            Ok(vec![1.0])
        })
    };
    let [a, b] = run(&[]).interleave("turns", [side("a"), side("b")]).unwrap();
    assert_eq!(turns.into_inner(), "ab".repeat(a.bursts.len() + 1));
    assert_eq!((a.name.as_str(), b.name.as_str(), b.bursts.len()), ("turns/a", "turns/b", a.bursts.len()));
}

#[test]
fn a_filter_that_no_key_matches_is_refused_with_all_keys() {
    let refused =
        Selection::new(vec!["up_us".to_owned(), "flor".to_owned()], &[group(|_| Ok(()))]).unwrap_err();
    insta::assert_snapshot!(refused, @r"
    no key has `flor` in its name; the keys are:
      made.up_us
      made.up_over_floor
    ");
}

#[test]
fn a_group_must_measure_each_key_that_is_asked_for() {
    let half = group(|run| run.record("made.up_us", 1.0, None));
    assert!(run(&["up_us"]).group(&half).unwrap());
    let error = run(&[]).group(&half).unwrap_err();
    assert_eq!(error.to_string(), "`made.up_over_floor` was not measured");
}

#[test]
fn values_without_a_key_or_a_meaning_are_refused() {
    for (name, value, expected) in [
        ("made.down", 1.0, "no key `made.down` in the table of this group"),
        ("made.up_us", f64::NAN, "`made.up_us` is NaN"),
    ] {
        let mut run = run(&[]);
        run.group(&group(|run| {
            run.record("made.up_us", 1.0, None)?;
            run.record("made.up_over_floor", 1.0, None)
        }))
        .unwrap();
        assert_eq!(run.record(name, value, None).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_report_is_a_flat_object_and_the_table_says_what_was_reached() {
    let mut run = run(&[]);
    let measured = group(|run| {
        run.record("made.up_us", 1234.56, Some(0.05))?;
        run.record("made.up_over_floor", 2.5, None)
    });
    run.group(&measured).unwrap();
    run.series.push(series(&[&[1.0, 2.0], &[3.0, 4.0]]));
    insta::assert_snapshot!(report::report(&run), @r#"{"made.up_us":1235.0,"made.up_over_floor":2.5}"#);
    insta::assert_snapshot!(report::samples(&run), @r#"{"made/up":[[1.0,2.0],[3.0,4.0]]}"#);
    insta::assert_snapshot!(report::table(&run), @"
    key                                         value      spread  reach
    made.up_us                                   1235 µs    ±5.0%  –
    made.up_over_floor                           2.50 ×         –  ≤ 2  MISSED

    samples (µs unless named)               count         p50         p99  spread
    made/up                                     4        2.00        4.00  ±50.0%
    ");
}

#[test]
fn no_key_is_measured_twice() {
    let mut names = HashSet::new();
    for key in GROUPS.iter().flat_map(|group| group.keys) {
        assert!(names.insert(key.name), "{} stands in two tables", key.name);
    }
}

#[test]
fn the_documentation_has_the_table_of_all_keys() {
    let documented = include_str!("../../docs/benchmarks.md");
    let table = markdown(GROUPS);
    assert!(
        documented.contains(&table),
        "docs/benchmarks.md needs what `cargo xtask bench --list` prints:\n{table}"
    );
}
