//! The failures that callers meet.

use crate::settings::Settings;
use perilune_value::{Failure, Kind};
use std::time::Duration;

fn failure(kind: Kind, settings: &Settings, message: &str) -> Failure {
    let name = settings.name.as_str();
    Failure::new(kind, format!("{name}: {message}")).with_retryable(true).with_detail("entry", name)
}

/// Of a pool that takes no more calls.
pub(crate) fn closed(settings: &Settings) -> Failure {
    failure(Kind::Unavailable, settings, "pool is closed")
}

/// Of a call that found the queue full. The kind is that of a host without room for a further cell: the same call may work a
/// moment later, and no quota of the caller's is used up.
pub(crate) fn full(settings: &Settings, workers: u32, queued: usize) -> Failure {
    let field = match settings.kind {
        crate::Kind::Static | crate::Kind::Adaptive => "`pool.buffer`",
        crate::Kind::Inline | crate::Kind::Lazy => "the queue",
    };
    let message = format!(
        "{} running and {queued} waiting, as many as {field} holds",
        plural(workers as usize, "call is", "calls are")
    );
    failure(Kind::Unavailable, settings, &message)
        .with_detail("limit", "queue")
        .with_detail("queued", queued as i64)
}

/// Of a call whose deadline came while it waited.
pub(crate) fn waited(settings: &Settings, wait: Duration, (ahead, more): (usize, bool)) -> Failure {
    let before = match (ahead, more) {
        (0, _) => "it was the next to run".to_owned(),
        (ahead, true) => format!("more than {ahead} calls stood before it"),
        (ahead, false) => format!("{} before it", plural(ahead, "call stood", "calls stood")),
    };
    failure(
        Kind::Timeout,
        settings,
        &format!("the call's time ran out after {wait:?} in the queue; {before}"),
    )
    .with_detail("limit", "timeout")
    .with_detail("waited_ms", i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    .with_detail("position", ahead as i64 + 1)
}

/// Of a call whose deadline came while its worker was made ready.
pub(crate) fn slow_worker(settings: &Settings) -> Failure {
    failure(Kind::Timeout, settings, "the call's time ran out before a worker was ready")
        .with_detail("limit", "timeout")
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
