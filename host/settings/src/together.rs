//! What settings say about each other.

use crate::Code;
use crate::problem::{Problem, Problems};
use crate::resolve::{From, Resolved};
use crate::value::Value;

/// A limit, and what it may not exceed.
const PAIRS: [(&str, &str); 3] = [
    ("limits.memory", "ceiling.memory"),
    ("limits.cpu", "ceiling.cpu"),
    ("limits.timeout", "ceiling.timeout"),
];

/// Finds contradictions. A default gives way without a word.
pub(crate) fn check(resolved: &Resolved, problems: &mut Problems) {
    for (limit, ceiling) in PAIRS {
        let (Some(limit), Some(ceiling)) = (resolved.get(limit), resolved.get(ceiling)) else { continue };
        let exceeds = match (&limit.value, &ceiling.value) {
            (Some(Value::Bytes(limit)), Some(Value::Bytes(ceiling))) => limit > ceiling,
            (Some(Value::Duration(limit)), Some(Value::Duration(ceiling))) => limit > ceiling,
            _ => false,
        };
        if !exceeds || limit.from == From::Default {
            continue;
        }
        let message = format!(
            "`{}` is {}, more than `{}`, which is {}",
            limit.definition.key,
            limit.shown(),
            ceiling.definition.key,
            ceiling.shown()
        );
        let problem = Problem::new(Code::CONFLICT, limit.place(), message);
        let problem = match &ceiling.from {
            From::Default => problem,
            _ => problem.related(ceiling.place(), "the ceiling"),
        };
        problems.push(problem.help(format!(
            "lower it, or raise the ceiling: `--{} {}`",
            ceiling.definition.flag(),
            limit.shown()
        )));
    }
}
