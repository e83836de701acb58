//! The results as JSON.

use super::coverage::{self, Covered};
use super::place;
use super::run::{Finished, Outcome};
use crate::output;
use perilune::Snapshot;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Prints one document: `tests` in the order in which they began, their counts, and with coverage `coverage`.
pub(crate) fn print(finished: &[Finished], snapshot: &Snapshot, took: Duration, covered: Option<&[Covered]>) {
    let mut document = Map::new();
    let tests: Vec<Value> = finished.iter().map(|one| test(one, snapshot)).collect();
    document.insert("tests".to_owned(), tests.into());
    for name in ["passed", "failed", "skipped", "unfinished"] {
        let count = finished.iter().filter(|one| one.outcome.name() == name).count();
        document.insert(name.to_owned(), count.into());
    }
    document.insert("milliseconds".to_owned(), milliseconds(took));
    if let Some(covered) = covered {
        document.insert("coverage".to_owned(), lines(covered));
    }
    output::line(Value::Object(document).to_string().as_bytes());
}

fn test(one: &Finished, snapshot: &Snapshot) -> Value {
    let mut test = json!({
        "id": one.test.id,
        "suite": one.test.suite,
        "outcome": one.outcome.name(),
        "milliseconds": milliseconds(one.took),
    });
    match &one.outcome {
        Outcome::Failed(failure) => {
            test["message"] = failure.message.as_str().into();
            test["kind"] = failure.kind.as_str().into();
            test["stack"] = place::frames(failure).collect();
            test["output"] = one.output.clone().into();
            if let Some(place) = place::of(failure, snapshot) {
                test["file"] = place.file.into();
                test["line"] = place.line.into();
            }
        }
        Outcome::Skipped(reason) => test["reason"] = reason.as_str().into(),
        Outcome::Passed | Outcome::Unfinished => {}
    }
    test
}

fn milliseconds(took: Duration) -> Value {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into()
}

fn lines(covered: &[Covered]) -> Value {
    let entries = covered.iter().map(|entry| {
        let missing: Vec<usize> = entry.missing().collect();
        json!({
            "id": entry.id,
            "file": entry.file,
            "lines": entry.lines.len(),
            "ran": entry.ran(),
            "missing": missing,
        })
    });
    json!({"percent": coverage::percent(covered), "entries": entries.collect::<Vec<_>>()})
}
