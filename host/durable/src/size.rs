//! How much values take.

use perilune_value::{Failure, Value};
use perilune_workflow::{CommandKind, Fields, Signal};

/// Bytes of a value as it is stored, within a few per cent, without storing it.
pub(crate) fn value(value: &Value) -> usize {
    match value {
        Value::Nil | Value::Bool(_) => 1,
        Value::Integer(_) | Value::Float(_) => 9,
        Value::String(bytes) => 5 + bytes.len(),
        Value::Array(items) => 5 + values(items),
        Value::Map(fields) => {
            5 + fields.iter().map(|(key, item)| self::value(key) + self::value(item)).sum::<usize>()
        }
        Value::Error(error) => 8 + failure(error),
    }
}

pub(crate) fn values(items: &[Value]) -> usize {
    items.iter().map(value).sum()
}

pub(crate) fn failure(failure: &Failure) -> usize {
    let stack = failure.stack.as_ref().map_or(0, String::len);
    64 + failure.message.len() + stack + failure.details.as_ref().map_or(0, value)
}

pub(crate) fn fields(fields: &Fields) -> usize {
    fields.iter().map(|(name, item)| name.len() + value(item)).sum()
}

pub(crate) fn signal(signal: &Signal) -> usize {
    signal.name.len() + values(&signal.args) + fields(&signal.headers)
}

fn outcome(outcome: &Result<Value, Failure>) -> usize {
    match outcome {
        Ok(result) => value(result),
        Err(error) => failure(error),
    }
}

/// Bytes of the values in a command.
pub(crate) fn command(command: &CommandKind) -> usize {
    match command {
        CommandKind::ScheduleActivity(activity) => values(&activity.args) + fields(&activity.headers),
        CommandKind::StartChild(child) => {
            let start = &child.options.start;
            values(&child.args)
                + fields(&start.headers)
                + fields(&start.memo)
                + fields(&start.search_attributes)
        }
        CommandKind::SignalExternal { signal, .. } => self::signal(signal),
        CommandKind::RecordSideEffect { value: recorded, .. } => value(recorded),
        CommandKind::UpsertSearchAttributes(upserted) | CommandKind::UpsertMemo(upserted) => fields(upserted),
        CommandKind::CompleteUpdate { outcome: end, .. } => outcome(end),
        CommandKind::Complete(result) => value(result),
        CommandKind::Fail(error) => failure(error),
        CommandKind::Cancelled(details) => details.as_ref().map_or(0, value),
        CommandKind::ContinueAsNew(next) => values(&next.args),
        CommandKind::AnswerQuery(_)
        | CommandKind::StartTimer { .. }
        | CommandKind::CancelTimer { .. }
        | CommandKind::CancelActivity { .. }
        | CommandKind::CancelChild { .. }
        | CommandKind::CancelExternal { .. }
        | CommandKind::RecordVersion { .. }
        | CommandKind::AcceptUpdate { .. }
        | CommandKind::RejectUpdate { .. } => 0,
    }
}
