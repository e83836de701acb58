//! Tests that fail by chance: of a run of everything, the few that failed are run once more by themselves
//! (`docs/decisions/0054-few-failures-run-again.md`).

use std::fmt;

use crate::tally::Tally;

/// More than this many failures are a defect and not chance. What failed by chance so far was one test in a run of 2,900.
pub const MOST: usize = 3;

/// What is run once more, if the run was whole and few tests failed in it: `cargo`'s arguments.
#[must_use]
pub fn arguments(first: &Tally) -> Option<Vec<String>> {
    let names = &first.failures;
    let is_known = first.failed == names.len() as u64 && first.unfinished == 0;
    // Examples in documentation are named after their place, and depend on nothing that changes between runs.
    let are_programs = names.iter().all(|name| !name.contains(' '));
    // With other input a defect that was just found would be lost.
    if names.is_empty() || names.len() > MOST || !is_known || !are_programs || first.drawn {
        return None;
    }
    let fixed = ["test", "--no-fail-fast", "--workspace", "--tests", "--", "--exact"];
    Some(fixed.into_iter().map(str::to_owned).chain(names.iter().cloned()).collect())
}

/// What is told of both runs if all that failed in the first passed in the second.
#[must_use]
pub fn verdict<'a>(first: &'a Tally, second: &Tally) -> Option<Unsteady<'a>> {
    // Other programs may have a test of the same name.
    let have_all_run = second.passed >= first.failed;
    (have_all_run && second.failed == 0 && second.unfinished == 0).then_some(Unsteady(first))
}

/// The total, and the tests that passed only when run once more.
#[derive(Debug)]
pub struct Unsteady<'a>(&'a Tally);

impl fmt::Display for Unsteady<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0;
        let total = Tally { passed: first.passed + first.failed, failed: 0, ..first.clone() };
        writeln!(f, "{total}")?;
        for name in &first.failures {
            writeln!(
                f,
                "UNSTEADY: `{name}` failed, and passed when run once more: find out why, it stands above"
            )?;
        }
        Ok(())
    }
}
