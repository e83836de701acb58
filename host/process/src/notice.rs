//! Events that runs get of each other: messages of the host under a topic that no script can send to.

use crate::Outcome;
use perilune_cell::{Event, Message};
use perilune_value::{Value, args_to_msgpack};
use std::time::{SystemTime, UNIX_EPOCH};

/// The topic of `process.events()`.
const TOPIC: &str = "@pid/events";

/// Somebody asks the run to end by itself.
pub(crate) fn cancel(from: &str, reason: Option<&str>) -> Event {
    notice("pid.cancel", from, reason.map(|reason| ("reason", Value::from(reason))))
}

/// A run that is watched has ended.
pub(crate) fn exit(from: &str, outcome: &Outcome) -> Event {
    let result = match outcome {
        // The bytes come from a cell.
        Ok(bytes) => ("value", Value::from_msgpack(bytes).unwrap_or_default()),
        Err(failure) => ("error", Value::Error(Box::new(failure.clone()))),
    };
    notice("pid.exit", from, Some(("result", Value::from_iter([result]))))
}

/// A run that is linked has failed.
pub(crate) fn link_down(from: &str, outcome: &Outcome) -> Event {
    let error = outcome
        .as_ref()
        .err()
        .map(|failure| ("result", Value::from_iter([("error", Value::Error(Box::new(failure.clone())))])));
    notice("pid.link.down", from, error)
}

fn notice(kind: &str, from: &str, more: Option<(&str, Value)>) -> Event {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = Value::Integer(i64::try_from(now).unwrap_or(i64::MAX));
    let fields = [("kind", Value::from(kind)), ("at", at), ("from", Value::from(from))];
    let event: Value = fields.into_iter().chain(more).collect();
    Event::Message(Message {
        topic: TOPIC.to_owned(),
        sender: String::new(),
        payloads: args_to_msgpack(&[event]),
    })
}
