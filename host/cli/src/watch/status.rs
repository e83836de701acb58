//! What is said about changes, a line each.

use crate::output;
use perilune::{Applied, Operation, Report};
use std::time::Duration;

/// Ids that a line names; of more it says how many.
const MOST_NAMED: usize = 5;

/// Says what has become of changes, and nothing twice.
#[derive(Default)]
pub(super) struct Status {
    /// What was wrong when it was last said.
    wrong: Option<String>,
}

impl Status {
    /// A version is live.
    pub(super) fn applied(&mut self, applied: &Applied, took: Duration) {
        self.wrong = None;
        output::status(&format!("{} in {} ms", summary(&applied.operations), took.as_millis().max(1)));
    }

    /// The files say what already runs.
    pub(super) fn unchanged(&mut self) {
        if self.wrong.take().is_some() {
            output::status("all is well again, and nothing has changed");
        }
    }

    /// The change is not put into effect.
    pub(super) fn refused(&mut self, report: &Report) {
        let rendered = report.render(output::color());
        if self.wrong.as_ref() == Some(&rendered) {
            return;
        }
        output::report(&rendered);
        output::status(&format!("{}, the previous version goes on", problems(report.len())));
        self.wrong = Some(rendered);
    }
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

/// Such as `reloaded app:hello, added app:new`.
fn summary(operations: &[Operation]) -> String {
    let named = |verb: &str, is_of: fn(&Operation) -> bool| {
        let ids: Vec<_> = operations.iter().filter(|operation| is_of(operation)).map(Operation::id).collect();
        let shown: Vec<String> = ids.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        let more = match ids.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!ids.is_empty()).then(|| format!("{verb} {}{more}", shown.join(", ")))
    };
    let parts = [
        named("reloaded", |operation| matches!(operation, Operation::Update(_))),
        named("added", |operation| matches!(operation, Operation::Create(_))),
        named("removed", |operation| matches!(operation, Operation::Delete(_))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "reloaded".to_owned() } else { parts.join(", ") }
}
