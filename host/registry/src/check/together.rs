//! What entries say together, as their kinds see it.

use super::Subject;
use crate::report::Report;
use crate::rules::Rules;
use crate::together::Everything;

/// Runs the checks that an entry which is new or changed may fail.
pub(super) fn check(subject: &Subject<'_>, rules: &Rules, report: &mut Report) {
    let concerns = |kinds: &[&str]| subject.changed.iter().any(|entry| kinds.contains(&entry.runs_as()));
    let everything = Everything::new(subject.entries);
    for together in rules.kinds.iter().filter_map(|kind| kind.together) {
        if concerns(together.kinds) {
            report.extend((together.check)(&everything));
        }
    }
    for state in &rules.state_checks {
        if concerns(state.kinds) {
            report.extend((state.check)(&everything));
        }
    }
}
