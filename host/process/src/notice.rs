//! Events that runs get of each other: messages of the host under a topic that no script can send to.

use crate::Outcome;
use perilune_cell::{Event, Message};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind, Value, args_from_msgpack, args_to_msgpack};
use std::time::{SystemTime, UNIX_EPOCH};

/// The topic of `process.events()`.
const TOPIC: &str = "@pid/events";

const OUTDATED: &str = "pid.outdated";

/// Somebody asks the run to end by itself.
pub(crate) fn cancel(from: &str, reason: Option<&str>) -> Event {
    cancel_at(now(), from, reason)
}

/// Somebody asked the run to end by itself, at a time in seconds since 1970.
pub fn cancel_at(at: i64, from: &str, reason: Option<&str>) -> Event {
    notice(at, "pid.cancel", from, reason.map(|reason| ("reason", Value::from(reason))))
}

/// A run that is watched has ended.
pub(crate) fn exit(from: &str, outcome: &Outcome) -> Event {
    exit_at(now(), from, outcome)
}

/// A run that is watched ended at a time in seconds since 1970.
pub fn exit_at(at: i64, from: &str, outcome: &Outcome) -> Event {
    let result = match outcome {
        // The bytes come from a cell.
        Ok(bytes) => ("value", Value::from_msgpack(bytes).unwrap_or_default()),
        Err(failure) => ("error", Value::Error(Box::new(failure.clone()))),
    };
    notice(at, "pid.exit", from, Some(("result", Value::from_iter([result]))))
}

/// A run that is linked has failed.
pub(crate) fn link_down(from: &str, outcome: &Outcome) -> Event {
    let error = outcome
        .as_ref()
        .err()
        .map(|failure| ("result", Value::from_iter([("error", Value::Error(Box::new(failure.clone())))])));
    notice(now(), "pid.link.down", from, error)
}

/// The code of the run has changed: which entries.
pub(crate) fn outdated<'a>(sources: impl Iterator<Item = &'a EntryId>) -> Event {
    let sources = sources.map(|id| Value::from(id.to_string())).collect();
    notice(now(), OUTDATED, "", Some(("sources", Value::Array(sources))))
}

/// Whether a message is [`outdated`].
pub(crate) fn is_outdated(message: &Message) -> bool {
    message.topic == TOPIC
        && args_from_msgpack(&message.payloads).is_ok_and(|payloads| {
            let kind = payloads.first().and_then(|event| event.get("kind"));
            kind.and_then(Value::as_str) == Some(OUTDATED)
        })
}

/// What takes the place of an outcome that a mailbox has no room for.
pub(crate) fn without_outcome(from: &str) -> Outcome {
    let message = format!("how {from} ended does not fit into the mailbox");
    Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "mailbox"))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX)
}

fn notice(at: i64, kind: &str, from: &str, more: Option<(&str, Value)>) -> Event {
    let fields = [("kind", Value::from(kind)), ("at", Value::Integer(at)), ("from", Value::from(from))];
    let event: Value = fields.into_iter().chain(more).collect();
    Event::Message(Message {
        topic: TOPIC.to_owned(),
        sender: String::new(),
        payloads: args_to_msgpack(&[event]),
    })
}
