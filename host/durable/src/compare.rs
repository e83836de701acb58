//! Whether a command is the one that an event records.

use perilune_value::Value;
use perilune_workflow::{Command, CommandKind, Event, EventKind, Fields, Marker};

/// Whether the machine said again what it said before.
///
/// Compared are what is done, its number and name, and the values given along. Not compared: durations, policies and headers, which
/// may be tuned while runs are open, and results of the whole run.
pub(crate) fn same(command: &CommandKind, event: &EventKind) -> bool {
    use {CommandKind as C, EventKind as E};
    match (command, event) {
        (C::StartTimer { seq, .. }, E::TimerStarted { seq: was, .. })
        | (C::CancelTimer { seq }, E::TimerCanceled { seq: was })
        | (C::CancelActivity { seq }, E::ActivityTaskCancelRequested { seq: was })
        | (C::CancelChild { seq, .. }, E::ChildWorkflowExecutionCancelRequested { seq: was, .. }) => {
            seq == was
        }
        (C::ScheduleActivity(is), E::ActivityTaskScheduled(was)) => {
            is.seq == was.seq
                && is.activity_type == was.activity_type
                && is.activity_id == was.activity_id
                && same_values(&is.args, &was.args)
        }
        (C::StartChild(is), E::StartChildWorkflowExecutionInitiated(was)) => {
            is.seq == was.seq
                && is.workflow_type == was.workflow_type
                && is.options.start.id == was.options.start.id
                && same_values(&is.args, &was.args)
        }
        (
            C::SignalExternal { seq, target, signal },
            E::SignalExternalWorkflowExecutionInitiated { seq: was, target: whom, signal: what },
        ) => {
            seq == was && target == whom && signal.name == what.name && same_values(&signal.args, &what.args)
        }
        (
            C::CancelExternal { seq, target, .. },
            E::RequestCancelExternalWorkflowExecutionInitiated { seq: was, target: whom, .. },
        ) => seq == was && target == whom,
        (
            C::RecordSideEffect { seq, value },
            E::MarkerRecorded(Marker::SideEffect { seq: was, value: recorded }),
        ) => seq == was && same_value(value, recorded),
        (
            C::RecordVersion { change_id, version },
            E::MarkerRecorded(Marker::Version { change_id: of, version: was }),
        ) => change_id == of && version == was,
        (C::UpsertSearchAttributes(is), E::UpsertWorkflowSearchAttributes(was))
        | (C::UpsertMemo(is), E::WorkflowPropertiesModified(was)) => same_fields(is, was),
        (C::AcceptUpdate { id }, E::WorkflowExecutionUpdateAccepted(accepted)) => *id == accepted.update_id,
        (C::CompleteUpdate { id, .. }, E::WorkflowExecutionUpdateCompleted { update_id, .. }) => {
            id == update_id
        }
        (C::Complete(_), E::WorkflowExecutionCompleted { .. })
        | (C::Fail(_), E::WorkflowExecutionFailed { .. })
        | (C::Cancelled(_), E::WorkflowExecutionCanceled { .. })
        | (C::ContinueAsNew(_), E::WorkflowExecutionContinuedAsNew { .. }) => true,
        _ => false,
    }
}

/// Whether a command leaves an event.
pub(crate) fn is_recorded(command: &Command) -> bool {
    !matches!(command.kind, CommandKind::AnswerQuery(_) | CommandKind::RejectUpdate { .. })
}

fn same_values(is: &[Value], was: &[Value]) -> bool {
    is.len() == was.len() && is.iter().zip(was).all(|(is, was)| same_value(is, was))
}

fn same_fields(is: &Fields, was: &Fields) -> bool {
    is.len() == was.len() && is.iter().zip(was).all(|((a, is), (b, was))| a == b && same_value(is, was))
}

/// Equality as stored: NaN equals NaN, and the fields of a table have no order.
fn same_value(is: &Value, was: &Value) -> bool {
    match (is, was) {
        (Value::Float(is), Value::Float(was)) => is == was || (is.is_nan() && was.is_nan()),
        (Value::Array(is), Value::Array(was)) => same_values(is, was),
        (Value::Map(is), Value::Map(was)) if is.len() == was.len() => {
            let in_order =
                is.iter().zip(was).all(|((a, is), (b, was))| same_value(a, b) && same_value(is, was));
            in_order
                || is.iter().all(|(key, is)| {
                    was.iter().any(|(other, was)| same_value(key, other) && same_value(is, was))
                })
        }
        (Value::Error(is), Value::Error(was)) => is.kind == was.kind && is.message == was.message,
        (is, was) => is == was,
    }
}

/// A command for people.
pub(crate) fn command_text(command: &CommandKind) -> String {
    use CommandKind as C;
    match command {
        C::StartTimer { seq, .. } => format!("TimerStarted {seq}"),
        C::CancelTimer { seq } => format!("TimerCanceled {seq}"),
        C::ScheduleActivity(activity) => {
            format!("ActivityTaskScheduled {} `{}`", activity.seq, activity.activity_type)
        }
        C::CancelActivity { seq } => format!("ActivityTaskCancelRequested {seq}"),
        C::StartChild(child) => {
            format!("StartChildWorkflowExecutionInitiated {} `{}`", child.seq, child.workflow_type)
        }
        C::CancelChild { seq, .. } => format!("ChildWorkflowExecutionCancelRequested {seq}"),
        C::SignalExternal { seq, signal, .. } => {
            format!("SignalExternalWorkflowExecutionInitiated {seq} `{}`", signal.name)
        }
        C::CancelExternal { seq, .. } => format!("RequestCancelExternalWorkflowExecutionInitiated {seq}"),
        C::RecordSideEffect { seq, .. } => format!("MarkerRecorded: side effect {seq}"),
        C::RecordVersion { change_id, version } => {
            format!("MarkerRecorded: version {version} of `{change_id}`")
        }
        C::UpsertSearchAttributes(_) => "UpsertWorkflowSearchAttributes".to_owned(),
        C::UpsertMemo(_) => "WorkflowPropertiesModified".to_owned(),
        C::AcceptUpdate { id } => format!("WorkflowExecutionUpdateAccepted `{id}`"),
        C::CompleteUpdate { id, .. } => format!("WorkflowExecutionUpdateCompleted `{id}`"),
        // They leave no event to be compared with.
        C::RejectUpdate { .. } | C::AnswerQuery(_) => String::new(),
        C::Complete(_) => "WorkflowExecutionCompleted".to_owned(),
        C::Fail(failure) => format!("WorkflowExecutionFailed ({failure})"),
        C::Cancelled(_) => "WorkflowExecutionCanceled".to_owned(),
        C::ContinueAsNew(_) => "WorkflowExecutionContinuedAsNew".to_owned(),
    }
}

/// An event for people, in the same words.
pub(crate) fn event_text(event: &Event) -> String {
    use EventKind as E;
    let name = event.kind.name();
    match &event.kind {
        E::TimerStarted { seq, .. }
        | E::TimerCanceled { seq }
        | E::ActivityTaskCancelRequested { seq }
        | E::ChildWorkflowExecutionCancelRequested { seq, .. }
        | E::RequestCancelExternalWorkflowExecutionInitiated { seq, .. } => format!("{name} {seq}"),
        E::ActivityTaskScheduled(activity) => format!("{name} {} `{}`", activity.seq, activity.activity_type),
        E::StartChildWorkflowExecutionInitiated(child) => {
            format!("{name} {} `{}`", child.seq, child.workflow_type)
        }
        E::SignalExternalWorkflowExecutionInitiated { seq, signal, .. } => {
            format!("{name} {seq} `{}`", signal.name)
        }
        E::MarkerRecorded(Marker::SideEffect { seq, .. }) => format!("{name}: side effect {seq}"),
        E::MarkerRecorded(Marker::Version { change_id, version }) => {
            format!("{name}: version {version} of `{change_id}`")
        }
        E::WorkflowExecutionUpdateAccepted(accepted) => format!("{name} `{}`", accepted.update_id),
        E::WorkflowExecutionUpdateCompleted { update_id, .. } => format!("{name} `{update_id}`"),
        E::WorkflowExecutionFailed { failure, .. } => format!("{name} ({failure})"),
        _ => name.to_owned(),
    }
}
