//! The record of what was refused.

use perilune_security::{Audit, Denial};
use perilune_test_log::Log;

/// What was logged while something ran.
fn logged(run: impl FnOnce()) -> Vec<String> {
    let log = Log::keep();
    run();
    log.records()
}

const DENIAL: Denial<'static> = Denial {
    actor: Some("user:ann"),
    action: "db.get",
    resource: "app:db",
    entry: "app:report",
    policy: Some("app:no_reports"),
};

#[test]
fn a_denial_is_one_record_with_everything_in_it() {
    let lines = logged(|| Audit::default().denied(&DENIAL));
    assert_eq!(lines.len(), 1);
    for part in
        ["WARN perilune::security: denied", "user:ann", "db.get", "app:db", "app:report", "app:no_reports"]
    {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
}

#[test]
fn a_script_that_tries_in_a_loop_does_not_fill_the_log() {
    let audit = Audit::default();
    let lines = logged(|| (0..10_000).for_each(|_| audit.denied(&DENIAL)));
    // Ten a second; the loop may have met the end of one.
    assert!((10..=100).contains(&lines.len()), "{}", lines.len());
}

#[test]
fn one_entrys_denials_do_not_hide_anothers() {
    let audit = Audit::default();
    let lines = logged(|| {
        (0..1_000).for_each(|_| audit.denied(&DENIAL));
        audit.denied(&Denial { entry: "app:other", ..DENIAL });
    });
    assert!(lines.last().is_some_and(|line| line.contains("app:other")));
}

#[test]
fn a_text_that_a_script_chose_is_cut() {
    let long = "é".repeat(100_000);
    let lines = logged(|| Audit::default().denied(&Denial { resource: &long, ..DENIAL }));
    assert!(lines[0].len() < 2_000, "{}", lines[0].len());
}
