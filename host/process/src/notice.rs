//! Events that runs get of each other: messages of the host under a topic that no script can send to.

use crate::Outcome;
use perilune_cell::{Event, Message};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind, Value, Writer, args_from_msgpack};
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
    match reason {
        None => plain(at, "pid.cancel", from),
        Some(reason) => notice(at, "pid.cancel", from, |out| out.text("reason").text(reason)),
    }
}

/// A run that is watched has ended.
pub(crate) fn exit(from: &str, outcome: &Outcome) -> Event {
    exit_at(now(), from, outcome)
}

/// A run that is watched ended at a time in seconds since 1970.
pub fn exit_at(at: i64, from: &str, outcome: &Outcome) -> Event {
    notice(at, "pid.exit", from, |out| match outcome {
        // The bytes come from a cell.
        Ok(bytes) => out.text("result").map(1).text("value").packed(bytes),
        Err(failure) => error(out, failure),
    })
}

fn error<'w>(out: &'w mut Writer, failure: &Failure) -> &'w mut Writer {
    out.text("result").map(1).text("error").value(&Value::Error(Box::new(failure.clone())))
}

/// A run that is linked has failed.
pub(crate) fn link_down(from: &str, outcome: &Outcome) -> Event {
    match outcome {
        Ok(_) => plain(now(), "pid.link.down", from),
        Err(failure) => notice(now(), "pid.link.down", from, |out| error(out, failure)),
    }
}

/// The code of the run has changed: which entries.
pub(crate) fn outdated<'a>(sources: impl Iterator<Item = &'a EntryId>) -> Event {
    let sources = Value::Array(sources.map(|id| Value::from(id.to_string())).collect());
    notice(now(), OUTDATED, "", |out| out.text("sources").value(&sources))
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

/// An event with a fourth field.
fn notice(
    at: i64,
    kind: &str,
    from: &str,
    more: impl for<'w> FnOnce(&'w mut Writer) -> &'w mut Writer,
) -> Event {
    let mut out = head(at, kind, from, 4);
    more(&mut out);
    message(out)
}

fn plain(at: i64, kind: &str, from: &str) -> Event {
    message(head(at, kind, from, 3))
}

fn head(at: i64, kind: &str, from: &str, fields: usize) -> Writer {
    let mut out = Writer::default();
    out.array(1).map(fields).text("kind").text(kind).text("at").integer(at).text("from").text(from);
    out
}

fn message(out: Writer) -> Event {
    Event::Message(Message { topic: TOPIC.to_owned(), sender: String::new(), payloads: out.finish() })
}
