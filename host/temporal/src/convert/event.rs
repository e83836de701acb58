//! A run's history as Temporal keeps it, as events.
//!
//! Events keep the numbers that the server's own pages show, so those that have no counterpart here leave gaps: workflow tasks that
//! are scheduled or begin, markers of other SDKs, Nexus operations. Activities and children of other SDKs, which have no number of
//! ours, are known by the event that began them.

use super::failure::{from_failure, from_optional, from_retry, timeout_type};
use super::fields::{from_header, from_memo, from_search_attributes, signal};
use super::payload::{first, from_fields, from_payload, from_payloads};
use super::{policy, time, version};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    ActivityOptions, Carried, ChildOptions, Code, ContinueAsNew, Event, EventKind, ExternalTarget, Marker,
    Parent, ReusePolicy, RunStarted, ScheduleActivity, Signal, StartChild, StartOptions, TaskCompleted,
    TimeoutType, Timestamp, UpdateAccepted,
};
use std::collections::HashMap;
use temporalio_common::protos::temporal::api::common::v1::{Payloads, WorkflowExecution};
use temporalio_common::protos::temporal::api::enums::v1 as enums;
use temporalio_common::protos::temporal::api::history::v1 as proto;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes as A;
use temporalio_common::protos::temporal::api::update::v1::{Outcome, outcome};

/// The marker under which core keeps patches.
const PATCH_MARKER: &str = "core_patch";

/// The events of one run.
pub(crate) fn events(run_id: &str, history: &[proto::HistoryEvent]) -> Vec<Event> {
    let mut reader = Reader { run_id, ..Reader::default() };
    let mut commands: HashMap<i64, u32> = HashMap::new();
    for event in history {
        if let Some(task) = event.attributes.as_ref().and_then(ordered_by) {
            *commands.entry(task).or_default() += 1;
        }
    }
    history
        .iter()
        .filter_map(|event| {
            let attributes = event.attributes.as_ref()?;
            let kind = reader.kind(event, attributes, commands.get(&event.event_id).copied().unwrap_or(0))?;
            let summary = event.user_metadata.as_ref().and_then(|metadata| metadata.summary.as_ref());
            Some(Event {
                id: id(event.event_id),
                at: time::moment_or_start(event.event_time.as_ref()),
                position: summary.and_then(|summary| from_payload(summary).as_str().map(str::to_owned)),
                kind,
            })
        })
        .collect()
}

#[derive(Default)]
struct Reader<'a> {
    run_id: &'a str,
    /// Activities by the event that scheduled them.
    activities: HashMap<i64, u32>,
    /// What the task that runs was given: time, suggestion, bytes, length.
    task: (Timestamp, bool, u64, u64),
    /// Updates by the event that accepted them.
    orders: u32,
}

impl Reader<'_> {
    #[allow(clippy::too_many_lines)]
    fn kind(&mut self, event: &proto::HistoryEvent, attributes: &A, commands: u32) -> Option<EventKind> {
        Some(match attributes {
            A::WorkflowExecutionStartedEventAttributes(a) => {
                EventKind::WorkflowExecutionStarted(Box::new(self.started(event, a)))
            }
            A::WorkflowExecutionCompletedEventAttributes(a) => EventKind::WorkflowExecutionCompleted {
                result: value(a.result.as_ref()),
                next_run_id: some(&a.new_execution_run_id),
            },
            A::WorkflowExecutionFailedEventAttributes(a) => EventKind::WorkflowExecutionFailed {
                failure: from_optional(a.failure.as_ref(), "workflow failed"),
                next_run_id: some(&a.new_execution_run_id),
            },
            A::WorkflowExecutionTimedOutEventAttributes(a) => {
                EventKind::WorkflowExecutionTimedOut { next_run_id: some(&a.new_execution_run_id) }
            }
            A::WorkflowExecutionCanceledEventAttributes(a) => {
                EventKind::WorkflowExecutionCanceled { details: first(a.details.as_ref()) }
            }
            A::WorkflowExecutionTerminatedEventAttributes(a) => {
                EventKind::WorkflowExecutionTerminated { reason: a.reason.clone() }
            }
            A::WorkflowExecutionContinuedAsNewEventAttributes(a) => {
                EventKind::WorkflowExecutionContinuedAsNew {
                    next_run_id: a.new_execution_run_id.clone(),
                    next: Box::new(ContinueAsNew {
                        workflow_type: a.workflow_type.as_ref().map(|kind| kind.name.clone()),
                        memo: a.memo.as_ref().map(|memo| from_memo(Some(memo))),
                        search_attributes: a
                            .search_attributes
                            .as_ref()
                            .map(|attributes| from_search_attributes(Some(attributes))),
                        headers: a.header.as_ref().map(|header| from_header(Some(header))),
                        run_timeout: time::limit(a.workflow_run_timeout.as_ref()),
                        ..ContinueAsNew::new(from_payloads(a.input.as_ref()))
                    }),
                }
            }
            A::WorkflowExecutionSignaledEventAttributes(a) => EventKind::WorkflowExecutionSignaled(signal(
                a.signal_name.clone(),
                from_payloads(a.input.as_ref()),
                &a.header.as_ref().map(|header| header.fields.clone()).unwrap_or_default(),
            )),
            A::WorkflowExecutionCancelRequestedEventAttributes(a) => {
                EventKind::WorkflowExecutionCancelRequested { reason: a.cause.clone() }
            }
            A::WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
                let request = a.accepted_request.as_ref();
                let input = request.and_then(|request| request.input.as_ref());
                self.orders += 1;
                EventKind::WorkflowExecutionUpdateAccepted(UpdateAccepted {
                    update_id: request
                        .and_then(|request| request.meta.as_ref())
                        .map_or_else(|| a.protocol_instance_id.clone(), |meta| meta.update_id.clone()),
                    name: input.map(|input| input.name.clone()).unwrap_or_default(),
                    args: input.map(|input| from_payloads(input.args.as_ref())).unwrap_or_default(),
                    headers: from_header(input.and_then(|input| input.header.as_ref())),
                    order: self.orders - 1,
                })
            }
            A::WorkflowExecutionUpdateCompletedEventAttributes(a) => {
                EventKind::WorkflowExecutionUpdateCompleted {
                    update_id: a.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default(),
                    outcome: update_outcome(a.outcome.as_ref()),
                }
            }
            A::WorkflowTaskStartedEventAttributes(a) => {
                let at = time::moment_or_start(event.event_time.as_ref());
                let bytes = u64::try_from(a.history_size_bytes).unwrap_or(0);
                self.task = (at, a.suggest_continue_as_new, bytes, id(event.event_id));
                self.orders = 0;
                return None;
            }
            A::WorkflowTaskCompletedEventAttributes(a) => {
                let (timestamp, continue_as_new_suggested, history_bytes, history_length) = self.task;
                EventKind::WorkflowTaskCompleted(TaskCompleted {
                    upto: id(a.started_event_id),
                    timestamp,
                    history_length,
                    history_bytes,
                    continue_as_new_suggested,
                    commands,
                })
            }
            A::WorkflowTaskFailedEventAttributes(a) => EventKind::WorkflowTaskFailed {
                code: task_code(a.cause, a.failure.as_ref().map(from_failure).as_ref()),
                failure: from_optional(a.failure.as_ref(), a.cause().as_str_name()),
            },
            A::WorkflowTaskTimedOutEventAttributes(_) => EventKind::WorkflowTaskFailed {
                code: Code::TaskTimeout.as_str().to_owned(),
                failure: Failure::new(Kind::Timeout, "the workflow task was not answered in time"),
            },
            A::TimerStartedEventAttributes(a) => EventKind::TimerStarted {
                seq: number(&a.timer_id, event.event_id),
                after: time::limit(a.start_to_fire_timeout.as_ref()).unwrap_or_default(),
            },
            A::TimerFiredEventAttributes(a) => {
                EventKind::TimerFired { seq: number(&a.timer_id, a.started_event_id) }
            }
            A::TimerCanceledEventAttributes(a) => {
                EventKind::TimerCanceled { seq: number(&a.timer_id, a.started_event_id) }
            }
            A::ActivityTaskScheduledEventAttributes(a) => {
                let seq = number(&a.activity_id, event.event_id);
                self.activities.insert(event.event_id, seq);
                EventKind::ActivityTaskScheduled(Box::new(ScheduleActivity {
                    seq,
                    activity_type: a.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
                    args: from_payloads(a.input.as_ref()),
                    headers: from_header(a.header.as_ref()),
                    activity_id: Some(a.activity_id.clone()),
                    options: ActivityOptions {
                        schedule_to_close: time::limit(a.schedule_to_close_timeout.as_ref()),
                        schedule_to_start: time::limit(a.schedule_to_start_timeout.as_ref()),
                        start_to_close: time::limit(a.start_to_close_timeout.as_ref()),
                        heartbeat: time::limit(a.heartbeat_timeout.as_ref()),
                        retry: a.retry_policy.as_ref().map(from_retry).unwrap_or_default(),
                        ..ActivityOptions::default()
                    },
                }))
            }
            A::ActivityTaskStartedEventAttributes(a) => EventKind::ActivityTaskStarted {
                seq: self.activity(a.scheduled_event_id),
                attempt: u32::try_from(a.attempt).unwrap_or(1),
                started_at: time::moment_or_start(event.event_time.as_ref()),
                last_failure: a.last_failure.as_ref().map(from_failure),
            },
            A::ActivityTaskCompletedEventAttributes(a) => EventKind::ActivityTaskCompleted {
                seq: self.activity(a.scheduled_event_id),
                result: value(a.result.as_ref()),
            },
            A::ActivityTaskFailedEventAttributes(a) => EventKind::ActivityTaskFailed {
                seq: self.activity(a.scheduled_event_id),
                failure: from_optional(a.failure.as_ref(), "activity failed"),
            },
            A::ActivityTaskTimedOutEventAttributes(a) => {
                let failure = from_optional(a.failure.as_ref(), "activity timed out");
                let timeout = a.failure.as_ref().and_then(|failure| match &failure.failure_info {
                    Some(
                        temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo::TimeoutFailureInfo(info),
                    ) => timeout_type(info.timeout_type),
                    _ => None,
                });
                EventKind::ActivityTaskTimedOut {
                    seq: self.activity(a.scheduled_event_id),
                    timeout: timeout.unwrap_or(TimeoutType::StartToClose),
                    failure,
                }
            }
            A::ActivityTaskCancelRequestedEventAttributes(a) => {
                EventKind::ActivityTaskCancelRequested { seq: self.activity(a.scheduled_event_id) }
            }
            A::ActivityTaskCanceledEventAttributes(a) => EventKind::ActivityTaskCanceled {
                seq: self.activity(a.scheduled_event_id),
                failure: cancelled("activity cancelled", a.details.as_ref()),
            },
            A::StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
                EventKind::StartChildWorkflowExecutionInitiated(Box::new(StartChild {
                    seq: event_number(event.event_id),
                    workflow_type: a.workflow_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
                    args: from_payloads(a.input.as_ref()),
                    options: ChildOptions {
                        start: StartOptions {
                            id: Some(a.workflow_id.clone()),
                            reuse: reuse(a.workflow_id_reuse_policy),
                            execution_timeout: time::limit(a.workflow_execution_timeout.as_ref()),
                            run_timeout: time::limit(a.workflow_run_timeout.as_ref()),
                            task_timeout: time::limit(a.workflow_task_timeout.as_ref()),
                            retry: a.retry_policy.as_ref().map(from_retry),
                            cron: some(&a.cron_schedule),
                            memo: from_memo(a.memo.as_ref()),
                            search_attributes: from_search_attributes(a.search_attributes.as_ref()),
                            headers: from_header(a.header.as_ref()),
                            ..StartOptions::default()
                        },
                        parent_close: policy::from_parent_close(a.parent_close_policy),
                        ..ChildOptions::default()
                    },
                }))
            }
            A::StartChildWorkflowExecutionFailedEventAttributes(a) => {
                EventKind::StartChildWorkflowExecutionFailed {
                    seq: event_number(a.initiated_event_id),
                    failure: Failure::new(Kind::AlreadyExists, a.cause().as_str_name()),
                }
            }
            A::ChildWorkflowExecutionStartedEventAttributes(a) => {
                let execution = a.workflow_execution.clone().unwrap_or_default();
                EventKind::ChildWorkflowExecutionStarted {
                    seq: event_number(a.initiated_event_id),
                    workflow_id: execution.workflow_id,
                    run_id: execution.run_id,
                }
            }
            A::ChildWorkflowExecutionCompletedEventAttributes(a) => {
                EventKind::ChildWorkflowExecutionCompleted {
                    seq: event_number(a.initiated_event_id),
                    result: value(a.result.as_ref()),
                }
            }
            A::ChildWorkflowExecutionFailedEventAttributes(a) => EventKind::ChildWorkflowExecutionFailed {
                seq: event_number(a.initiated_event_id),
                failure: from_optional(a.failure.as_ref(), "child workflow failed"),
            },
            A::ChildWorkflowExecutionCanceledEventAttributes(a) => {
                EventKind::ChildWorkflowExecutionCanceled {
                    seq: event_number(a.initiated_event_id),
                    failure: cancelled("child workflow cancelled", a.details.as_ref()),
                }
            }
            A::ChildWorkflowExecutionTimedOutEventAttributes(a) => {
                EventKind::ChildWorkflowExecutionTimedOut {
                    seq: event_number(a.initiated_event_id),
                    failure: Failure::new(Kind::Timeout, "child workflow timed out"),
                }
            }
            A::ChildWorkflowExecutionTerminatedEventAttributes(a) => {
                EventKind::ChildWorkflowExecutionTerminated {
                    seq: event_number(a.initiated_event_id),
                    failure: Failure::new(Kind::Canceled, "workflow terminated"),
                }
            }
            A::SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                EventKind::SignalExternalWorkflowExecutionInitiated {
                    seq: event_number(event.event_id),
                    target: target(a.workflow_execution.as_ref()),
                    signal: Signal {
                        name: a.signal_name.clone(),
                        args: from_payloads(a.input.as_ref()),
                        headers: from_header(a.header.as_ref()),
                        sender: None,
                    },
                }
            }
            A::ExternalWorkflowExecutionSignaledEventAttributes(a) => {
                EventKind::ExternalWorkflowExecutionSignaled { seq: event_number(a.initiated_event_id) }
            }
            A::SignalExternalWorkflowExecutionFailedEventAttributes(a) => {
                EventKind::SignalExternalWorkflowExecutionFailed {
                    seq: event_number(a.initiated_event_id),
                    failure: Failure::not_found(a.cause().as_str_name()),
                }
            }
            A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                    seq: event_number(event.event_id),
                    target: target(a.workflow_execution.as_ref()),
                    reason: a.reason.clone(),
                }
            }
            A::ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => {
                EventKind::ExternalWorkflowExecutionCancelRequested {
                    seq: event_number(a.initiated_event_id),
                }
            }
            A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
                EventKind::RequestCancelExternalWorkflowExecutionFailed {
                    seq: event_number(a.initiated_event_id),
                    failure: Failure::not_found(a.cause().as_str_name()),
                }
            }
            A::MarkerRecordedEventAttributes(a) if a.marker_name == PATCH_MARKER => {
                EventKind::MarkerRecorded(patch(a)?)
            }
            A::UpsertWorkflowSearchAttributesEventAttributes(a) => EventKind::UpsertWorkflowSearchAttributes(
                from_search_attributes(a.search_attributes.as_ref()),
            ),
            A::WorkflowPropertiesModifiedEventAttributes(a) => {
                EventKind::WorkflowPropertiesModified(from_memo(a.upserted_memo.as_ref()))
            }
            _ => return None,
        })
    }

    fn started(
        &self,
        event: &proto::HistoryEvent,
        a: &proto::WorkflowExecutionStartedEventAttributes,
    ) -> RunStarted {
        let at = time::moment_or_start(event.event_time.as_ref());
        RunStarted {
            workflow_type: a.workflow_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
            workflow_id: a.workflow_id.clone(),
            run_id: some(self.run_id).unwrap_or_else(|| a.original_execution_run_id.clone()),
            first_run_id: a.first_execution_run_id.clone(),
            continued_from: some(&a.continued_execution_run_id),
            args: from_payloads(a.input.as_ref()),
            headers: a.header.as_ref().map(|header| from_fields(&header.fields)).unwrap_or_default(),
            memo: from_memo(a.memo.as_ref()),
            search_attributes: from_search_attributes(a.search_attributes.as_ref()),
            // Core makes it from the run's id, and keeps the way to itself.
            seed: 0,
            attempt: u32::try_from(a.attempt).unwrap_or(1).max(1),
            parent: a.parent_workflow_execution.as_ref().map(|parent| Parent {
                workflow_id: parent.workflow_id.clone(),
                run_id: parent.run_id.clone(),
                seq: event_number(a.parent_initiated_event_id),
            }),
            parent_close: perilune_workflow::ParentClosePolicy::default(),
            execution_timeout: time::limit(a.workflow_execution_timeout.as_ref()),
            expires_at: a.workflow_execution_expiration_time.as_ref().map(time::moment),
            run_timeout: time::limit(a.workflow_run_timeout.as_ref()),
            task_timeout: time::limit(a.workflow_task_timeout.as_ref()),
            retry: a.retry_policy.as_ref().map(from_retry),
            cron: some(&a.cron_schedule),
            first_task_at: at.after(time::limit(a.first_workflow_task_backoff.as_ref()).unwrap_or_default()),
            last_result: first(a.last_completion_result.as_ref()),
            last_failure: a.continued_failure.as_ref().map(from_failure),
            carried: Vec::<Carried>::new(),
        }
    }

    fn activity(&self, scheduled: i64) -> u32 {
        self.activities.get(&scheduled).copied().unwrap_or_else(|| event_number(scheduled))
    }
}

/// Why a workflow task failed, as a stable code.
pub(crate) fn task_code(cause: i32, failure: Option<&Failure>) -> String {
    let coded =
        failure.and_then(|failure| failure.details.as_ref()?.get("code")?.as_str().map(str::to_owned));
    match (coded, enums::WorkflowTaskFailedCause::try_from(cause)) {
        (Some(code), _) => code,
        (None, Ok(enums::WorkflowTaskFailedCause::NonDeterministicError)) => {
            Code::Nondeterminism.as_str().to_owned()
        }
        (None, Ok(enums::WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure) | Err(_)) => {
            Code::TaskFailed.as_str().to_owned()
        }
        // The others say that a command was wrong.
        (None, Ok(_)) => Code::InvalidCommand.as_str().to_owned(),
    }
}

/// The task whose machine's command an event is.
fn ordered_by(attributes: &A) -> Option<i64> {
    Some(match attributes {
        A::WorkflowExecutionCompletedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::WorkflowExecutionFailedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::WorkflowExecutionCanceledEventAttributes(a) => a.workflow_task_completed_event_id,
        A::WorkflowExecutionContinuedAsNewEventAttributes(a) => a.workflow_task_completed_event_id,
        A::TimerStartedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::TimerCanceledEventAttributes(a) => a.workflow_task_completed_event_id,
        A::ActivityTaskScheduledEventAttributes(a) => a.workflow_task_completed_event_id,
        A::ActivityTaskCancelRequestedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::StartChildWorkflowExecutionInitiatedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
            a.workflow_task_completed_event_id
        }
        A::MarkerRecordedEventAttributes(a) => a.workflow_task_completed_event_id,
        A::UpsertWorkflowSearchAttributesEventAttributes(a) => a.workflow_task_completed_event_id,
        A::WorkflowPropertiesModifiedEventAttributes(a) => a.workflow_task_completed_event_id,
        _ => return None,
    })
}

pub(crate) fn update_outcome(outcome: Option<&Outcome>) -> Result<Value, Failure> {
    match outcome.and_then(|outcome| outcome.value.as_ref()) {
        Some(outcome::Value::Success(result)) => Ok(value(Some(result))),
        Some(outcome::Value::Failure(failure)) => Err(from_failure(failure)),
        None => Err(Failure::internal("the update has no outcome")),
    }
}

fn patch(marker: &proto::MarkerRecordedEventAttributes) -> Option<Marker> {
    // Core's details are `{"id": …, "deprecated": …}` under one name.
    let id = marker
        .details
        .values()
        .flat_map(|details| &details.payloads)
        .find_map(|details| from_payload(details).get("id").and_then(Value::as_str).map(str::to_owned))?;
    let (change_id, version) = version::from_patch(&id);
    Some(Marker::Version { change_id, version })
}

fn cancelled(message: &str, details: Option<&Payloads>) -> Failure {
    Failure { details: first(details), ..Failure::new(Kind::Canceled, message) }
}

fn target(execution: Option<&WorkflowExecution>) -> ExternalTarget {
    let execution = execution.cloned().unwrap_or_default();
    ExternalTarget { workflow_id: execution.workflow_id, run_id: some(&execution.run_id) }
}

fn reuse(of: i32) -> ReusePolicy {
    match enums::WorkflowIdReusePolicy::try_from(of) {
        Ok(enums::WorkflowIdReusePolicy::AllowDuplicateFailedOnly) => ReusePolicy::AllowDuplicateFailedOnly,
        Ok(enums::WorkflowIdReusePolicy::RejectDuplicate) => ReusePolicy::RejectDuplicate,
        _ => ReusePolicy::AllowDuplicate,
    }
}

fn value(payloads: Option<&Payloads>) -> Value {
    first(payloads).unwrap_or(Value::Nil)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn id(event: i64) -> u64 {
    u64::try_from(event).unwrap_or(0)
}

fn event_number(event: i64) -> u32 {
    u32::try_from(event).unwrap_or(0)
}

/// Our numbers are the names of timers and activities.
fn number(name: &str, event: i64) -> u32 {
    name.parse().unwrap_or_else(|_| event_number(event))
}
