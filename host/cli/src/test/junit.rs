//! The results as JUnit XML, which continuous integration reads.

use super::report::said;
use super::run::{Finished, Outcome};
use perilune::Failure;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// A document with a suite for each suite of the tests.
///
/// # Errors
///
/// When it cannot be written as XML.
pub(crate) fn render(finished: &[Finished], took: Duration) -> Result<String, String> {
    let mut report = Report::new("perilune");
    report.set_time(took);
    // Tests are in the order of their suites.
    for tests in finished.chunk_by(|a, b| a.test.suite == b.test.suite) {
        let mut suite = TestSuite::new(&tests[0].test.suite);
        suite.set_time(tests.iter().map(|one| one.took).sum());
        suite.add_test_cases(tests.iter().map(case));
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|error| format!("the results cannot be written as XML: {error}"))
}

fn case(one: &Finished) -> TestCase {
    let status = match &one.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed(failure) => failed(failure),
        Outcome::Skipped(reason) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(reason);
            skipped
        }
        Outcome::Unfinished => {
            let mut unfinished = TestCaseStatus::non_success(NonSuccessKind::Error);
            unfinished.set_type("Unfinished").set_message("the run ended before this test did");
            unfinished
        }
    };
    let (namespace, name) = one.test.id.split_once(':').unwrap_or_default();
    let mut case = TestCase::new(name, status);
    case.set_classname(namespace).set_time(one.took);
    if !one.output.is_empty() {
        case.set_system_out(one.output.join("\n"));
    }
    case
}

/// An error is what kept a test from coming to a result: a limit. The type is the failure's kind.
fn failed(failure: &Failure) -> TestCaseStatus {
    let is_limit = failure.details.as_ref().is_some_and(|details| details.get("limit").is_some());
    let kind = if is_limit { NonSuccessKind::Error } else { NonSuccessKind::Failure };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(&failure.message).set_type(match failure.kind.as_str() {
        "" => "Failure",
        kind => kind,
    });
    status.set_description(failure.stack.clone().unwrap_or_else(|| said(failure)));
    status
}
