//! What entries say together, as their kinds see it.

use super::Subject;
use crate::report::Report;
use crate::rules::Rules;
use crate::together::Everything;

/// Runs the checks that an entry which is new or changed may fail.
pub(super) fn check(subject: &Subject<'_>, rules: &Rules, report: &mut Report) {
    for together in rules.kinds.iter().filter_map(|kind| kind.together) {
        if subject.changed.iter().any(|entry| together.kinds.contains(&entry.kind())) {
            report.extend((together.check)(&Everything::new(subject.entries)));
        }
    }
}
